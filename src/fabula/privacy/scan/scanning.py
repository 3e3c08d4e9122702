"""`fabula scan`: do files contain values of real people, in any spelling or encoding?"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from fabula.errors import SourceError
from fabula.io.arrays import is_text
from fabula.io.names import file_stem
from fabula.io.sources import read_tables
from fabula.io.tables import named_tables
from fabula.privacy.masked import CARD, written_folder
from fabula.privacy.notes.masking import BLOCK
from fabula.privacy.notes.needles import Mention
from fabula.privacy.scan.aligned import own_parts, unchanged, without_spans
from fabula.privacy.scan.card import PLACES, Card
from fabula.privacy.scan.chance import UNCODED
from fabula.privacy.scan.encodings import Decoded, decoded, hash_words
from fabula.privacy.scan.leaks import ScanReport
from fabula.privacy.scan.real_values import SHARED, RealValues, Sought, texts_of
from fabula.privacy.scan.searching import Seen, search, squeezed_lines
from fabula.privacy.scan.tallies import PARTS, Source, Tallies
from fabula.privacy.scan.towns import are_towns_by_chance
from fabula.privacy.scan.views import Chunk, chunks_of, readings
from fabula.privacy.squeezed import Squeezed
from fabula.render import amounts
from fabula.types import Path as PathLike
from fabula.types import TableLike

_TABLES = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet", ".arrow", ".feather", ".xlsx")
_REAL_PLACES = ("city", "state", "postcode")
"""New towns are real ones, of which some share is by chance the person's own."""
_BORDER, _INSIDE = re.compile(r"[\t,;\"]"), re.compile(r"[_.@-]\w|\d")


def scan(
    output: PathLike,
    *,
    against: TableLike,
    sensitive: Sequence[str] = (),
    every_name: bool = False,
) -> ScanReport:
    """Search files for the values of real people.

    Every byte of every file is read: text in any encoding, unpacked archives, the rows,
    dictionaries and statistics of Parquet. Whole values count everywhere; names, dates and
    other parts count in the row of their own person, or next to another part of the same person.

    Args:
        output: A file or folder to be shared.
        against: The real tables.
        sensitive: Further columns of the real tables to search, `column` or `table.column`. Columns
            that the finder recognises are searched anyway.
        every_name: Count each single first or last name as well, as fits files in which no name
            may recur.

    Raises:
        SourceError: There are no such files.
        UsageError: There is no such column, or nothing in the real tables is sensitive.

    Examples:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "log.txt").write_text("sent to a%6En@shop.example")
        >>> real = {"id": [7, 8, 9], "mail": [f"{n}@shop.example" for n in ("ann", "bea", "cyd")]}
        >>> report = scan(folder, against=real, sensitive=["mail"])
        >>> [(leak.place, leak.how) for leak in report.leaks]
        [('line 1', 'URL-encoded')]
    """
    root = Path(output)
    files = _files(root)
    real = RealValues(named_tables(against), sensitive)
    found = _Found(real, Card.read(root), every_name=every_name)
    for file in files:
        found.file(file, str(file.relative_to(root)) if root.is_dir() else file.name)
    if root.is_dir():
        names = "\n".join(str(file.relative_to(root)) for file in files)
        found.chunk("(names of files)", Chunk("", names.encode()), table=False)
    found.tables(root)
    return found.report(len(files), sum(file.stat().st_size for file in files))


def _files(root: Path) -> list[Path]:
    if not root.exists():
        raise SourceError(f"there is no `{root}`", code="scan.missing", where=str(root),
                          hint="give a file or folder")  # fmt: skip
    if root.is_file():
        return [root]
    return sorted(
        Path(folder) / name for folder, _, names in os.walk(root) for name in names
    )  # fmt: skip


class _Found:
    """What was found so far."""

    def __init__(self, real: RealValues, card: Card | None, *, every_name: bool) -> None:
        self._real, self._every_name = real, every_name
        self._card = card or Card(one_off=False, files={}, actions={})
        self._kept = frozenset(
            key for key in real.columns if self._card.action(*key).startswith("keep")
        )
        self._real_rows = set(real.rows.values())
        self._over: dict[tuple[str, bool], NDArray[np.bool_]] = {}
        self._tallies = Tallies(real.sought)
        self._unread: dict[str, str] = {}
        self._notes: list[str] = []

    def file(self, path: Path, name: str) -> None:
        """Search a file."""
        table = any(ending in path.suffixes for ending in _TABLES) and path.name != CARD
        try:
            for chunk in chunks_of(path):
                self.chunk(name, chunk, table=table)
        except SourceError as error:
            self._unread[name] = error.message

    def chunk(self, file: str, chunk: Chunk, *, table: bool) -> None:
        """Search a chunk as it is, and all that it holds in an encoding."""
        parts = file not in self._card.files  # else columns are searched for them one by one
        names = parts and (self._every_name or (self._card.one_off and not table))
        for data in readings(chunk.data):
            text, lines = squeezed_lines(data)
            source = Source(file, chunk.place, "as it is", table)
            tails = parts and not chunk.is_repeated
            for seen in search(text, lines, self._real, self._tallies.chance(source),
                               names=names, pairs=parts, tails=tails):  # fmt: skip
                self._add(source, text, seen, partial(_place, chunk, text))
        for hid in decoded(chunk.data):
            text, lines = squeezed_lines("\n".join(" ".join(t.split()) for t in hid.texts))
            source = Source(file, chunk.place, hid.how, table)
            for seen in search(text, lines, self._real, self._tallies.chance(source),
                               names=names, pairs=parts, tails=parts):  # fmt: skip
                self._add(source, text, seen, partial(_source_of, chunk, hid, text))
        self._hashes(file, chunk, table=table)

    def _hashes(self, file: str, chunk: Chunk, *, table: bool) -> None:
        """Search a chunk for hashes of real values."""
        if chunk.is_repeated:
            return
        found = ((chunk.data[begin:end], begin) for begin, end in hash_words(chunk.data))
        words = [word for word in found if word[0].decode() not in self._card.fingerprints]
        tokens = [token for token, _ in words]
        source = Source(file, chunk.place, "hashed without a key", table)
        for at, sort in self._real.unkeyed.find(tokens):
            sought = self._real.hashable[sort]
            if (sought.table, sought.column) not in self._kept:
                place = partial(_origin, chunk, words[at][1])
                self._tallies.add(source, sought, place, tokens[at].decode())

    def _add(self, source: Source, text: str, seen: Seen, place: Callable[[int], str]) -> None:
        """Count what was seen; `place` tells where a character of the text is."""
        kept = ~self._passed_over(source)[seen.sought]
        columns = (each[kept].tolist() for each in (seen.sought, seen.begins, seen.ends))
        for number, begin, end in zip(*columns, strict=True):
            sought = self._tallies.sorts[number]
            if source.table and sought.kind == "name" and _ends_inside(text, begin, end):
                continue
            self._tallies.add(source, sought, partial(place, begin), text[begin:end])

    def _passed_over(self, source: Source) -> NDArray[np.bool_]:
        """Which sorts of real values do not count where a text is from."""
        known = self._over.get((source.file, source.table))
        if known is None:
            rows = self._card.files.get(source.file, ("", -1))[1]
            known = self._over[source.file, source.table] = np.array([
                (sought.table, sought.column) in self._kept
                # other rows hold it by chance
                or (source.table and sought.kind in ("birth_date", "date"))
                # the masker wrote most of this file: columns are searched one by one
                or (source.file in self._card.files and sought.form in PARTS)
                # likewise: by chance a new street is another person's old one
                or (sought.kind in PLACES and rows in self._real_rows)
                for sought in self._tallies.sorts
            ])  # fmt: skip
        return known

    def tables(self, root: Path) -> None:
        """Search the rows of tables for parts of their own person."""
        try:
            tables = dict(read_tables(root))
        except SourceError:
            return  # no tables: everything was searched as bytes
        names, alone = list(self._real.rows), 0
        for name, rows in tables.items():
            if self._card.actions and name not in self._card.actions:
                continue  # the card itself, and the places that were written
            real = name if name in names else names[0] if len(names) == len(tables) == 1 else ""
            table = rows if isinstance(rows, pa.Table) else rows.to_table()
            if not real or table.num_rows != self._real.rows[real]:
                alone += 1
            elif real in self._real.own:  # else its rows are about nobody
                self._table(root, name, table, real)
        if alone:
            self._notes.append(
                f"{amounts.count(alone, 'table')} of the output without a real table of as many"
                " rows: parts of values, such as single names, were not searched row by row there"
            )

    def _table(self, root: Path, name: str, table: pa.Table, real: str) -> None:
        mentions = self._real.mentions(real)
        own = [mention for column, mention in mentions if (real, column) not in self._kept]
        for each in table.schema:
            self._unchanged(name, each.name, table.column(each.name), real)
            if is_text(each.type) and (real, each.name) not in self._kept:
                texts = texts_of(table.column(each.name))
                masked = self._card.written.get(name, name)
                spans = written_folder(root) / f"{file_stem(f'{masked}.{each.name}')}.parquet"
                known = spans.is_file()
                if known:
                    texts = without_spans(texts, pq.read_table(spans))
                elif self._card.action(name, each.name).startswith("notes"):
                    self._notes.append(
                        f"which places of `{each.name}` the masker wrote is not known, so parts of"
                        " other people's values were not searched there"
                    )
                self._column(name, each.name, texts, own, real, known=known)

    def _unchanged(self, table: str, column: str, values: pa.ChunkedArray, real: str) -> None:
        """Search a column of new numbers for rows that have their old one."""
        kind = self._real.columns.get((real, column), UNCODED[0])
        if (real, column) in self._kept or kind in (*UNCODED, *SHARED):
            return
        old = next(own.original for key, own in self._real.mentions(real) if key == column)
        count, row = unchanged(texts_of(values), old)
        if count:
            sought = Sought(real, column, kind, "the old value of its own row")
            place = f"row {row + 1}, column `{column}`"
            self._tallies.put(table, sought, place, old[row].as_py(), count)

    def _column(
        self,
        table: str,
        column: str,
        texts: pa.Array,
        own: Sequence[Mention],
        real: str,
        *,
        known: bool,
    ) -> None:
        """Search a column for parts, as far as the masker did not write it."""
        copied = self._card.copied(table, column)
        is_place = (table, column) in self._card.places  # new towns are called like people
        drawn = not (copied or self._card.one_off)
        is_account = drawn and self._real.columns.get((real, column)) in ("username", "email")
        mine = own if copied else [
            each for each in own
            if (is_place and each.kind in PLACES) or (is_account and each.kind == "username")
        ]  # fmt: skip
        for kind, rows, value, chance in own_parts(texts, mine, drawn=drawn):
            is_town = not copied and kind in _REAL_PLACES
            if is_town and are_towns_by_chance(kind, rows, chance, texts, own):
                continue
            sought = Sought(real, column, kind, "part of its own person's row")
            place = f"row {rows[0] + 1}, column `{column}`"
            self._tallies.put(table, sought, place, value, len(rows))
        action, one_off = self._card.action(table, column), self._card.one_off
        if not action or not (one_off or copied or is_place):
            return
        parts = action != "keep" and (one_off or known)
        source = Source(table, column, "as it is", table=True)
        names = one_off and parts and not is_place
        for first in range(0, len(texts), BLOCK):
            stream = Squeezed.of(texts.slice(first, BLOCK))
            for seen in search(
                stream.text, stream, self._real, self._tallies.chance(source), names=names
            ):
                self._in_rows(source, stream, seen, first, parts=parts)

    def _in_rows(
        self, source: Source, stream: Squeezed, seen: Seen, first: int, *, parts: bool
    ) -> None:
        """Count what was seen in the rows of a column from some row on."""
        is_place = (source.file, source.part) in self._card.places
        rows = np.searchsorted(stream.row_places, seen.begins, side="right") + first
        columns = (each.tolist() for each in (seen.sought, rows, seen.begins, seen.ends))
        for number, row, begin, end in zip(*columns, strict=True):
            sought = self._tallies.sorts[number]
            part = parts and sought.form in PARTS and not (is_place and number < 0)
            if is_place and sought.kind == "name" and not part:
                self._tallies.as_places[source.file, sought] += 1
            elif part or (sought.kind in PLACES and not is_place):
                place = partial("row {}, column `{}`".format, row, source.part)
                self._tallies.add(source, sought, place, stream.text[begin:end])

    def report(self, files: int, size: int) -> ScanReport:
        """Everything that was found, without what chance explains."""
        leaks = list(
            self._tallies.leaks({name: table for name, (table, _) in self._card.files.items()})
        )
        notes = [*self._notes, *self._tallies.notes]
        notes += [
            f"`{table}.{column}` was kept by choice and was not searched"
            for table, column in sorted(self._kept)
        ]
        searched = {".".join(key): kind for key, kind in self._real.columns.items()}
        return ScanReport(tuple(leaks), files, size, searched, self._unread,
                          tuple(dict.fromkeys(notes)))  # fmt: skip


def _ends_inside(text: str, begin: int, end: int) -> bool:
    """Whether a name continues from one cell into the e-mail of the next one."""
    return bool(_BORDER.search(text, begin, end) and _INSIDE.match(text, end))


def _place(chunk: Chunk, text: str, begin: int) -> str:
    """The place of a character of a chunk: a line, or a row with its column."""
    number = chunk.first_line + text.count("\n", 0, begin)
    if not chunk.columns:
        line = f"line {number}" if chunk.first_line else ""
        return ", ".join(part for part in (chunk.place, line) if part)
    at = text.count("\t", text.rfind("\n", 0, begin) + 1, begin)
    column = chunk.columns[min(at, len(chunk.columns) - 1)]
    return f"{f'row {number}' if chunk.first_line else chunk.place}, column `{column}`"


def _origin(chunk: Chunk, origin: int) -> str:
    """The place of a byte of a chunk."""
    return _place(chunk, chunk.data[:origin].decode("latin-1"), origin)


def _source_of(chunk: Chunk, hid: Decoded, text: str, begin: int) -> str:
    """The place of what a character of decoded texts was decoded from."""
    return _origin(chunk, hid.origins[text.count("\n", 0, begin)])
