"""Where the table of a CSV file starts: separator, comments, titles, header, second header.

All of it is told by the first rows; what was not as usual is said in notes.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from fabula.errors import SourceError
from fabula.io.claimed_sizes import check_columns

_DELIMITERS = ",;\t|"
_HEAD_BYTES = 1 << 18
_MOST_TITLES = 20
_ROWS = 200
_FEWEST = 10
"""Rows that a guess about the header needs."""

_NUMBER = re.compile(r"[-+]?(\d+([.,]\d+)*|\.\d+)([eE][-+]?\d+)?%?|\d{4}-\d\d-\d\d.*")
_SHOWN = 40


@dataclass(frozen=True)
class Layout:
    """How a file lays out its table.

    Attributes:
        delimiter: The sign between values.
        skipped: Lines before the header, or before the first row.
        header: Whether a line names the columns.
        second: Whether a second line of names or units follows.
        notes: What was not as usual.
    """

    delimiter: str
    skipped: int = 0
    header: bool = True
    second: bool = False
    notes: tuple[str, ...] = ()

    def end_of_head(self, content: bytes) -> int:
        """Where the first row starts, below titles, comments, header and units."""
        end = 0
        for _ in range(self.skipped + self.header + self.second):
            end = content.find(b"\n", end) + 1 or len(content)
        return end


def layout_of(path: Path, encoding: str) -> Layout:
    """Look at the first rows of a file, gzipped or not."""
    with pa.input_stream(str(path), compression="detect") as stream:
        content = stream.read(_HEAD_BYTES)
    whole = len(content) < _HEAD_BYTES
    lines = content.decode(encoding, errors="ignore").lstrip("\ufeff").splitlines()
    return layout_of_lines(lines if whole or len(lines) < 2 else lines[:-1], path)


def layout_of_lines(lines: Sequence[str], path: Path, *, delimiter: str = "") -> Layout:
    """Look at the first lines of a table; `delimiter` is empty if it is not known."""
    skipped = _before(lines)
    notes = []
    if any(line.strip() for line in lines[:skipped]):
        shown = next(line.strip() for line in lines[:skipped] if line.strip())[:_SHOWN]
        many = "line 1 is" if skipped == 1 else f"lines 1 to {skipped} are"
        notes.append(f"{many} left out, before the header: `{shown}`")
    header = lines[skipped] if skipped < len(lines) else ""
    bare = _bare(header)
    if not delimiter and any(map(bare.count, _DELIMITERS)):
        delimiter = max(_DELIMITERS, key=bare.count)
    elif not delimiter and _blanks_separate(lines[skipped:], path):
        delimiter = " "
        notes.append("values are separated by blanks")
    delimiter = delimiter or _DELIMITERS[0]
    check_columns(bare.count(delimiter) + 1, path)
    rows = _rows(lines[skipped:], delimiter)
    if _is_data(rows):
        notes.append(
            "the first row contains values, not names: columns are called `column_1`, `column_2` …"
        )
        return Layout(delimiter, skipped, header=False, notes=tuple(notes))
    second = _is_second_header(rows)
    if second:
        shown = delimiter.join(rows[1])[:_SHOWN]
        notes.append(f"the row below the header is left out, a second header: `{shown}`")
    return Layout(delimiter, skipped, second=second, notes=tuple(notes))


def end_of_rows(content: bytes) -> int:
    """Where the last whole row ends; 0 if none does."""
    end = content.rfind(b"\n") + 1
    odd = content.count(b'"', 0, end) % 2
    while end and odd:
        before = content.rfind(b"\n", 0, end - 1) + 1
        odd ^= content.count(b'"', before, end) % 2
        end = before
    return end


def unique_names(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Names of columns, each once, and what is said about the changed ones.

    Repeated names are numbered (`value`, `value_2`); a column without a name is called by its
    place.
    """
    stripped = [name.strip() for name in names]
    notes: list[str] = []
    if all(re.fullmatch("'[^']+'", name) for name in stripped):
        stripped = [name[1:-1] for name in stripped]
        notes.append("names of columns lose their single quotes")
    taken, made = set(stripped), dict[str, None]()
    numbers: dict[str, Iterator[int]] = {}
    for at, name in enumerate(stripped, 1):
        new = name or f"column_{at}"
        if new in made:
            later = numbers.setdefault(name, itertools.count(2))
            while (new := f"{name}_{next(later)}") in taken or new in made:
                pass
            notes.append(f"column {at} is called `{new}`: the name `{name}` stands for another")
        made[new] = None
    return list(made), notes


def _before(lines: Sequence[str]) -> int:
    """How many lines precede the header: comments, blank lines, titles."""
    at = 0
    while at < len(lines) and (not lines[at].strip() or lines[at].startswith("#")):
        at += 1
    if at == len(lines):
        return 0
    if at and _fields(lines[at - 1]) == _fields(lines[at]) != (0,) * len(_DELIMITERS):
        return at - 1  # a header such as `#chrom,start,end`
    for title in range(at, min(at + _MOST_TITLES, len(lines) - 3)):
        following = {_fields(line) for line in lines[title + 1 : title + 4]}
        if lines[title].strip() and any(_fields(lines[title])):
            return at
        if len(following) == 1 and any(following.pop()):
            return title + 1
    return at


def _fields(line: str) -> tuple[int, ...]:
    bare = _bare(line)
    return tuple(bare.count(sign) for sign in _DELIMITERS)


def _bare(line: str) -> str:
    """A line without what is in quotes."""
    return "".join(line.split('"')[::2])


def _blanks_separate(lines: Sequence[str], path: Path) -> bool:
    """Whether blanks stand between values: all lines have as many words, and a column is numeric.

    Raises:
        SourceError: They do, some of them several at once.
    """
    rows = _rows([line.rstrip(" ") for line in lines], " ")
    words = [[cell for cell in row if cell] for row in rows]
    if len(words) < _FEWEST or len(words[0]) < 2 or len(set(map(len, words))) > 1:
        return False
    if not _numeric(words):
        return False
    if several := [row for row in rows if "" in row]:
        raise SourceError(
            f"the values of `{path}` are separated by several blanks:"
            f" `{' '.join(several[0])[:_SHOWN]}`",
            code="source.separator",
            file=str(path),
            hint="put one comma between them: sed 's/^ *//; s/ *$//; s/  */,/g'"
            f" {path.name} > {path.stem}-commas.csv",
        )
    return True


def _rows(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    try:
        return [
            row for row in itertools.islice(csv.reader(lines, delimiter=delimiter), _ROWS) if row
        ]
    except csv.Error:  # what is wrong is told when the file is read
        return []


def _is_data(rows: list[list[str]]) -> bool:
    """Whether the first row holds numbers wherever the others do."""
    if len(rows) < _FEWEST or not all(cell.strip() for cell in rows[0]):
        return False
    numeric = _numeric(rows)
    if not numeric or not all(_NUMBER.fullmatch(rows[0][at].strip()) for at in numeric):
        return False
    names = [rows[0][at].strip() for at in numeric]
    rising = all(name.isdigit() for name in names) and [int(name) for name in names] == sorted(
        {int(name) for name in names}
    )
    return len(names) == 1 or not rising  # years are names of columns


def _is_second_header(rows: list[list[str]]) -> bool:
    """Whether the row below the header holds words where all others hold numbers."""
    if len(rows) < _FEWEST + 1:
        return False
    numeric = _numeric([rows[0], *rows[2:]])
    cells = [rows[1][at].strip() for at in range(min(map(len, rows)))]
    words = [at for at in numeric if re.search(r"[^\W\d_]", cells[at])]
    return bool(words) and not any(_NUMBER.fullmatch(cell) for cell in cells)


def _numeric(rows: list[list[str]]) -> list[int]:
    """Columns whose rows below the first hold numbers, but for gaps."""
    found = []
    for at in range(min(map(len, rows))):
        cells = [row[at].strip() for row in rows[1:] if row[at].strip()]
        if len(cells) >= len(rows) / 2 and all(map(_NUMBER.fullmatch, cells)):
            found.append(at)
    return found
