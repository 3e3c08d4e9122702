"""`fabula scan`: do files hold values of real people, in any spelling or encoding?"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fabula.errors import SourceError
from fabula.io.names import file_stem
from fabula.io.sources import read_tables
from fabula.io.tables import named_tables
from fabula.privacy.scan.aligned import own_parts, without_spans
from fabula.privacy.scan.encodings import decoded
from fabula.privacy.scan.leaks import Leak, ScanReport, hidden
from fabula.privacy.scan.real_values import RealValues, Sought
from fabula.privacy.scan.searching import NumberCount, Seen, search, squeezed_lines
from fabula.privacy.scan.views import Chunk, chunks_of
from fabula.privacy.squeezed import Squeezed
from fabula.render import amounts
from fabula.types import Path as PathLike
from fabula.types import TableLike

CARD, WRITTEN = "card.json", ".written"
"""What a masker leaves: what was done with each column, and which places of notes it wrote."""

_TABLES = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet", ".arrow", ".feather", ".xlsx")
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
    dictionaries and statistics of Parquet. Whole values count wherever they stand; names, dates and
    other parts count in the row of their own person, or next to another part of the same person.

    Args:
        output: A file or folder that is to be given away.
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
    card = _card(root)
    found = _Found(real, _kept(card, real), every_name=every_name, card=card)
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


def _card(root: Path) -> Mapping[str, Any]:
    try:
        card = json.loads((root / CARD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return card if isinstance(card, dict) and isinstance(card.get("tables"), dict) else {}


def _actions(card: Mapping[str, Any], table: str) -> dict[str, str]:
    """What a masker did with each column of a table."""
    columns = card.get("tables", {}).get(table, {}).get("columns", {})
    return {name: str(entry.get("action", "")) for name, entry in columns.items()}


def _kept(card: Mapping[str, Any], real: RealValues) -> frozenset[tuple[str, str]]:
    """Sensitive columns that were kept by choice."""
    return frozenset(
        (table, column) for table, column in real.columns
        if _actions(card, table).get(column, "").startswith("keep")
    )  # fmt: skip


class _Source(NamedTuple):
    """Where a text is from.

    Attributes:
        file: The file.
        part: The part of the file.
        how: How the text was written there.
        table: Whether the file holds tables.
    """

    file: str
    part: str
    how: str
    table: bool


@dataclass
class _Tally:
    """Leaks of one sort in one file."""

    place: str
    example: str
    counts: dict[str, int] = field(default_factory=dict)


class _Found:
    """What was found so far."""

    def __init__(
        self,
        real: RealValues,
        kept: frozenset[tuple[str, str]],
        *,
        every_name: bool,
        card: Mapping[str, Any],
    ) -> None:
        self._real, self._kept, self._card = real, kept, card
        self._every_name, self._one_off = every_name, card.get("promise") == "one-off"
        self._tallies: dict[tuple[str, Sought, str], _Tally] = {}
        self._unread: dict[str, str] = {}
        self._notes: list[str] = []
        self._numbers = NumberCount()

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
        names = self._every_name or (self._one_off and not table)
        for data in _readings(chunk.data):
            text, lines = squeezed_lines(data)
            newlines = None
            for seen in search(text, lines, self._real, self._numbers, names=names):
                if newlines is None:
                    newlines = np.flatnonzero(_codes(text) == 10)
                numbers = np.searchsorted(newlines, seen.begins).tolist()
                places = (
                    _place(chunk, text, number, begin)
                    for number, begin in zip(numbers, seen.begins.tolist(), strict=True)
                )
                self._add(_Source(file, chunk.place, "as it is", table), text, seen, places)
        for hid in decoded(chunk.data):
            text, lines = squeezed_lines("\n".join(" ".join(t.split()) for t in hid.texts))
            newlines = np.flatnonzero(_codes(text) == 10)
            for seen in search(text, lines, self._real, NumberCount(), names=names):
                origins = [
                    hid.origins[at] for at in np.searchsorted(newlines, seen.begins).tolist()
                ]
                places = (
                    _place(chunk, "", chunk.data.count(b"\n", 0, origin), 0) for origin in origins
                )
                self._add(_Source(file, chunk.place, hid.how, table), text, seen, places)

    def _add(self, source: _Source, text: str, seen: Seen, places: Iterator[str]) -> None:
        columns = (seen.sought.tolist(), seen.begins.tolist(), seen.ends.tolist())
        for number, begin, end in zip(*columns, strict=True):
            place = next(places)
            sought = self._real.sought[number] if number >= 0 else (_SINGLE, _PAIR)[number + 2]
            if (sought.table, sought.column) in self._kept:
                continue
            if source.table and sought.kind in ("birth_date", "date"):
                continue  # other rows hold it by chance
            self._count(source, sought, place, text[begin:end])

    def _count(self, source: _Source, sought: Sought, place: str, value: str) -> None:
        key = (source.file, sought, source.how)
        tally = self._tallies.setdefault(key, _Tally(place, hidden(value)))
        tally.counts[source.part] = tally.counts.get(source.part, 0) + 1

    def tables(self, root: Path) -> None:
        """Search the rows of tables for parts of their own person."""
        try:
            tables = dict(read_tables(root))
        except SourceError:
            return  # no tables: everything was searched as bytes
        names, alone = list(self._real.rows), 0
        for name, rows in tables.items():
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
        actions = _actions(self._card, name)
        own = [
            mention
            for (where, column), mention in zip(
                self._own_keys(real), self._real.own[real], strict=True
            )
            if (where, column) not in self._kept
        ]
        for column in table.column_names:
            if not pa.types.is_string(
                table.schema.field(column).type
            ) and not pa.types.is_large_string(table.schema.field(column).type):
                continue
            texts = table.column(column).to_pylist()
            spans = root / WRITTEN / f"{file_stem(f'{name}.{column}')}.parquet"
            if spans.is_file():
                texts = without_spans(texts, pq.read_table(spans))
            if (real, column) not in self._kept:
                for kind, count, row, value in own_parts(texts, own):
                    sought = Sought(real, column, kind, "part of its own person's row")
                    tally = _Tally(f"row {row + 1}, column `{column}`", hidden(value), {"": count})
                    self._tallies[name, sought, "as it is"] = tally
            if self._one_off and actions.get(column) not in (None, "keep", "drop"):
                self._single_names(name, column, texts)

    def _own_keys(self, real: str) -> list[tuple[str, str]]:
        return [key for key in self._real.columns if key[0] == real]

    def _single_names(self, table: str, column: str, texts: Sequence[str | None]) -> None:
        stream = Squeezed.of([(text or "").replace("\n", " ") for text in texts])
        joined = "\n".join((text or "").replace("\n", " ") for text in texts)
        for seen in search(joined, stream, self._real, NumberCount(), names=True):
            keep = seen.sought == -2
            rows = np.searchsorted(stream.row_places, seen.begins[keep], side="right")
            for row, begin, end in zip(rows.tolist(), seen.begins[keep].tolist(),
                                       seen.ends[keep].tolist(), strict=True):  # fmt: skip
                place = f"row {row}, column `{column}`"
                source = _Source(table, "rows", "as it is", table=True)
                self._count(source, _SINGLE, place, joined[begin:end])

    def report(self, files: int, size: int) -> ScanReport:
        """Everything that was found, without what chance explains."""
        expected = self._numbers.seen * len(self._real.tailed) / 1e7
        bound = 0.0 if expected < 0.02 else expected + 4 * expected**0.5 + 1
        tails = sum(max(tally.counts.values()) for (_, sought, how), tally in self._tallies.items()
                    if sought.form == "last digits" and how == "as it is")  # fmt: skip
        leaks = []
        for (file, sought, how), tally in self._tallies.items():
            if sought.form == "last digits" and how == "as it is" and tails <= bound:
                continue
            column = ".".join(part for part in (sought.table, sought.column) if part)
            told = ", ".join(part for part in (sought.form, how) if part and part != "as it is")
            leaks.append(Leak(file, tally.place, sought.kind, column, told or how,
                              max(tally.counts.values()), tally.example))  # fmt: skip
        if 0 < tails <= bound:
            self._notes.append(
                f"{tails} numbers of seven digits equal the end of a real one; chance brings"
                f" about {expected:.1f}"
            )
        self._notes += [
            f"`{table}.{column}` was kept by choice and was not searched"
            for table, column in sorted(self._kept)
        ]
        searched = {".".join(key): kind for key, kind in self._real.columns.items()}
        return ScanReport(tuple(leaks), files, size, searched, self._unread,
                          tuple(dict.fromkeys(self._notes)))  # fmt: skip


def _readings(data: bytes) -> Iterator[str]:
    """Bytes as text: as UTF-8, and in Western European letters where they are none."""
    try:
        yield data.decode()
    except UnicodeDecodeError:
        yield data.decode("utf-8", "replace")
        yield data.decode("cp1252", "replace")


def _codes(text: str) -> Any:
    if text.isascii():
        return np.frombuffer(text.encode(), dtype=np.uint8)
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def _place(chunk: Chunk, text: str, line: int, begin: int) -> str:
    """A line, or a row with its column."""
    if not chunk.columns:
        place = f"line {chunk.first_line + line}" if chunk.first_line else ""
        return ", ".join(part for part in (chunk.place, place) if part)
    at = text.count("\t", text.rfind("\n", 0, begin) + 1, begin)
    column = chunk.columns[min(at, len(chunk.columns) - 1)]
    row = f"row {chunk.first_line + line}" if chunk.first_line else chunk.place
    return f"{row}, column `{column}`"
