"""`fabula scan`: do files contain values of real people, in any spelling or encoding?"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

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
from fabula.privacy.notes.details import TAIL
from fabula.privacy.notes.needles import Mention
from fabula.privacy.scan.aligned import own_parts, unchanged, without_spans
from fabula.privacy.scan.card import PLACES, Card
from fabula.privacy.scan.chance import UNCODED, is_chance
from fabula.privacy.scan.encodings import decoded, hash_words
from fabula.privacy.scan.leaks import Leak, ScanReport, hidden
from fabula.privacy.scan.real_values import SHARED, RealValues, Sought, texts_of
from fabula.privacy.scan.searching import Seen, search, squeezed_lines
from fabula.privacy.scan.views import Chunk, chunks_of, readings
from fabula.privacy.squeezed import Squeezed
from fabula.render import amounts
from fabula.types import Path as PathLike
from fabula.types import TableLike

_TABLES = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet", ".arrow", ".feather", ".xlsx")
_NEWLINE = ord("\n")
_REAL_PLACES, _BY_CHANCE = ("city", "state", "postcode"), 0.05
"""New towns are real ones, of which some share is by chance the person's own."""
_BORDER, _INSIDE = re.compile(r"[\t,;\"]"), re.compile(r"[_.@-]\w|\d")
_MOST_ENDS = 1000
_PAIR = Sought("", "first and last name", "name", "near to each other")
_SINGLE = Sought("", "first or last name", "name", "by itself")


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


class _Source(NamedTuple):
    """Where a text is from.

    Attributes:
        file: The file.
        part: The part of the file.
        how: How the text was written there.
        table: Whether the file contains tables.
    """

    file: str
    part: str
    how: str
    table: bool


@dataclass
class _Tally:
    """Leaks of one sort in one file.

    Attributes:
        place: Where the first is.
        example: The first, hidden.
        counts: How many there are, by part of the file.
        ends: Their last signs: numbers that differ in the area code alone are one draw of chance.
    """

    place: str
    example: str
    counts: dict[str, int] = field(default_factory=dict)
    ends: set[str] = field(default_factory=set)


class _Found:
    """What was found so far."""

    def __init__(self, real: RealValues, card: Card | None, *, every_name: bool) -> None:
        self._real, self._every_name = real, every_name
        self._card = card or Card(one_off=False, files={}, actions={})
        self._kept = frozenset(
            key for key in real.columns if self._card.action(*key).startswith("keep")
        )
        self._as_places: dict[tuple[str, Sought], int] = {}
        self._real_rows = set(real.rows.values())
        self._tallies: dict[tuple[str, Sought, str], _Tally] = {}
        self._unread: dict[str, str] = {}
        self._notes: list[str] = []
        self._expected: dict[tuple[str, str, str], NDArray[np.float64]] = {}

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
        names = self._every_name or (self._card.one_off and not table)
        for data in readings(chunk.data):
            text, lines = squeezed_lines(data)
            newlines, source = None, _Source(file, chunk.place, "as it is", table)
            given = text, lines, self._real, self._chance(source)
            for seen in search(*given, names=names, tails=not chunk.is_repeated):
                if newlines is None:
                    newlines = np.flatnonzero(lines.raw == _NEWLINE)
                numbers = np.searchsorted(newlines, seen.begins).tolist()
                places = (
                    _place(chunk, text, number, begin)
                    for number, begin in zip(numbers, seen.begins.tolist(), strict=True)
                )
                self._add(source, text, seen, places)
        for hid in decoded(chunk.data):
            text, lines = squeezed_lines("\n".join(" ".join(t.split()) for t in hid.texts))
            source = _Source(file, chunk.place, hid.how, table)
            newlines = np.flatnonzero(lines.raw == _NEWLINE)
            for seen in search(text, lines, self._real, self._chance(source), names=names):
                origins = [
                    hid.origins[at] for at in np.searchsorted(newlines, seen.begins).tolist()
                ]
                places = (
                    _place(chunk, "", chunk.data.count(b"\n", 0, origin), 0) for origin in origins
                )
                self._add(source, text, seen, places)
        self._hashes(file, chunk, table=table)

    def _hashes(self, file: str, chunk: Chunk, *, table: bool) -> None:
        """Search a chunk for hashes of real values."""
        if chunk.is_repeated:
            return
        found = ((chunk.data[begin:end], begin) for begin, end in hash_words(chunk.data))
        words = [word for word in found if word[0].decode() not in self._card.fingerprints]
        tokens = [token for token, _ in words]
        for at, sort in self._real.unkeyed.find(tokens):
            sought = self._real.hashable[sort]
            if (sought.table, sought.column) not in self._kept:
                place = _place(chunk, "", chunk.data.count(b"\n", 0, words[at][1]), 0)
                source = _Source(file, chunk.place, "hashed without a key", table)
                self._count(source, sought, place, tokens[at].decode())

    def _add(self, source: _Source, text: str, seen: Seen, places: Iterator[str]) -> None:
        columns = (seen.sought.tolist(), seen.begins.tolist(), seen.ends.tolist())
        for number, begin, end in zip(*columns, strict=True):
            place = next(places)
            sought = self._sought(number)
            if (sought.table, sought.column) in self._kept:
                continue
            if source.table and sought.kind in ("birth_date", "date"):
                continue  # other rows hold it by chance
            if source.table and sought.kind == "name" and _ends_inside(text, begin, end):
                continue
            if source.file in self._card.files and _is_part(number, sought):
                continue  # the masker wrote most of this file: columns are searched one by one
            rows = self._card.files.get(source.file, ("", -1))[1]
            if sought.kind in PLACES and rows in self._real_rows:
                continue  # likewise: by chance a new street is another person's old one
            self._count(source, sought, place, text[begin:end])

    def _count(self, source: _Source, sought: Sought, place: str, value: str) -> None:
        key = (source.file, sought, source.how)
        tally = self._tallies.setdefault(key, _Tally(place, hidden(value)))
        tally.counts[source.part] = tally.counts.get(source.part, 0) + 1
        if len(tally.ends) < _MOST_ENDS:
            tally.ends.add("".join(filter(str.isalnum, value))[-TAIL:])

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
            if not real or table.num_rows != self._real.rows[real] or real not in self._real.own:
                alone += 1
                continue
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
                texts = table.column(each.name).to_pylist()
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
        count, row = unchanged(texts_of(values), old.to_pylist())
        if count:
            sought = Sought(real, column, kind, "the old value of its own row")
            place = f"row {row + 1}, column `{column}`"
            tally = _Tally(place, hidden(old[row].as_py()), {"": count})
            self._tallies[table, sought, "as it is"] = tally

    def _column(
        self,
        table: str,
        column: str,
        texts: Sequence[str | None],
        own: Sequence[Mention],
        real: str,
        *,
        known: bool,
    ) -> None:
        """Search a column for parts, as far as the masker did not write it."""
        copied = self._card.copied(table, column)
        is_place = (table, column) in self._card.places  # new towns are called like people
        drawn = not (copied or self._card.one_off)
        mine = own if copied else [each for each in own if is_place and each.kind in PLACES]
        for kind, count, row, value in own_parts(texts, mine, drawn=drawn):
            if not copied and kind in _REAL_PLACES and count <= _BY_CHANCE * len(texts):
                continue
            sought = Sought(real, column, kind, "part of its own person's row")
            tally = _Tally(f"row {row + 1}, column `{column}`", hidden(value), {"": count})
            self._tallies[table, sought, "as it is"] = tally
        action, one_off = self._card.action(table, column), self._card.one_off
        if not action or not (one_off or copied or is_place):
            return
        parts = action != "keep" and (one_off or known)
        plain = [" ".join((text or "").split()) for text in texts]
        joined, stream = "\n".join(plain), Squeezed.of(plain)
        source = _Source(table, f"column `{column}`", "as it is", table=True)
        names = one_off and parts and not is_place
        for seen in search(joined, stream, self._real, self._chance(source), names=names):
            rows = np.searchsorted(stream.row_places, seen.begins, side="right").tolist()
            found = zip(seen.sought.tolist(), rows, seen.begins.tolist(), seen.ends.tolist(),
                        strict=True)  # fmt: skip
            for number, row, begin, end in found:
                sought = self._sought(number)
                part = parts and _is_part(number, sought) and not (is_place and number < 0)
                if is_place and sought.kind == "name" and not part:
                    key = (table, sought)
                    self._as_places[key] = self._as_places.get(key, 0) + 1
                elif part or (sought.kind in PLACES and not is_place):
                    place = f"row {row}, column `{column}`"
                    self._count(source, sought, place, joined[begin:end])

    def _chance(self, source: _Source) -> NDArray[np.float64]:
        """How many values of each sort chance brings where a text is from."""
        key = source.file, source.part, source.how
        return self._expected.setdefault(key, np.zeros(len(self._real.sought)))

    def _sought(self, number: int) -> Sought:
        return self._real.sought[number] if number >= 0 else (_SINGLE, _PAIR)[number + 2]

    def report(self, files: int, size: int) -> ScanReport:
        """Everything that was found, without what chance explains."""
        numbers = {sought: at for at, sought in enumerate(self._real.sought)}
        leaks = []
        for (file, sought, how), tally in self._tallies.items():
            column = ".".join(part for part in (sought.table, sought.column) if part)
            chances = {
                part: float(self._expected[file, part, how][numbers[sought]])
                if sought in numbers and (file, part, how) in self._expected
                else 0.0
                for part in tally.counts
            }
            known = 0 < len(tally.ends) < _MOST_ENDS
            few = len(tally.ends) if known else sum(tally.counts.values())
            if all(is_chance(min(n, few), chances[part]) for part, n in tally.counts.items()):
                part = max(tally.counts, key=tally.counts.__getitem__)
                self._notes.append(
                    f"{file}: {amounts.count(tally.counts[part], 'number')} equal real ones of"
                    f" `{column}` ({sought.form or how}); chance brings about {chances[part]:.2g}"
                )
                continue
            count = max(tally.counts.values())
            if how == "as it is":  # a new street may be called like someone
                count -= self._as_places.get((self._card.files.get(file, ("",))[0], sought), 0)
            if count <= 0:
                continue
            told = ", ".join(part for part in (sought.form, how) if part and part != "as it is")
            leaks.append(Leak(file, tally.place, sought.kind, column, told or how,
                              count, tally.example))  # fmt: skip
        self._notes += [
            f"`{table}.{column}` was kept by choice and was not searched"
            for table, column in sorted(self._kept)
        ]
        searched = {".".join(key): kind for key, kind in self._real.columns.items()}
        return ScanReport(tuple(leaks), files, size, searched, self._unread,
                          tuple(dict.fromkeys(self._notes)))  # fmt: skip


def _ends_inside(text: str, begin: int, end: int) -> bool:
    """Whether a name continues from one cell into the e-mail of the next one."""
    return bool(_BORDER.search(text, begin, end) and _INSIDE.match(text, end))


def _is_part(number: int, sought: Sought) -> bool:
    """Whether a value is a part of another, or names that two people may share."""
    return number < 0 or sought.form in ("local part", "last digits")


def _place(chunk: Chunk, text: str, line: int, begin: int) -> str:
    """A line, or a row with its column."""
    if not chunk.columns:
        place = f"line {chunk.first_line + line}" if chunk.first_line else ""
        return ", ".join(part for part in (chunk.place, place) if part)
    at = text.count("\t", text.rfind("\n", 0, begin) + 1, begin)
    column = chunk.columns[min(at, len(chunk.columns) - 1)]
    row = f"row {chunk.first_line + line}" if chunk.first_line else chunk.place
    return f"{row}, column `{column}`"
