"""Reads the CSV and Markdown tables that models actually send, and rejects row by row.

Fences and prose around the table are skipped, the header may be anywhere and may repeat, and
separators are detected. A row with more or fewer values than the header is never shifted into
place: it is rejected with its line number and text. Cells stay text; their field's schema converts
them later.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from fabula.llm.rows.names import match_names

NO_HEADER = "the reply has no header with the requested columns"
_FENCED = re.compile(r"^[ \t]*```[^\n]*\n(.*?)(?:^[ \t]*```|\Z)", re.S | re.M)
_PROSE = re.compile(r"[A-Z][^\"|]*\s\S+\s[^\"|]*[.!?:]")
_RULE = re.compile(r"[\s|:+-]*-[\s|:+-]*")
_EMPHASIS = re.compile(r"\A(\*\*|__|`)([^*_`]+)\1\Z")
_SEPARATORS = (",", ";", "\t", "|")


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that is not a row."""

    line: int
    text: str
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"


@dataclass
class CsvReply:
    """The CSV content of a reply.

    Args:
        rows: Cells by requested name, as text; None for an empty cell.
        bad: Rejected lines.
        missing: Requested columns that the header lacks.
        extra: Columns that were not requested; they are left out.
        problem: Why nothing can be read, or empty.
        restart: Number of rows before the last repetition of the header.
    """

    rows: list[dict[str, str | None]] = field(default_factory=list)
    bad: list[BadLine] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)
    problem: str = ""
    restart: int = 0


@dataclass(frozen=True, slots=True)
class _Record:
    """One record of the text, or a line that could not be split."""

    line: int
    text: str
    cells: tuple[str, ...]
    reason: str = ""
    after_blank: bool = False


def read_tables(text: str, names: Sequence[str], *, cut: bool = False) -> list[CsvReply]:
    """Each table of a reply with several fenced tables; else the single table, or none."""
    fences = list(_FENCED.finditer(text))
    if len(fences) > 1:
        apart = ["\n" * text.count("\n", 0, each.start(1)) + each[1] for each in fences]
        read = [read_csv(each, names, cut=cut and each is apart[-1]) for each in apart]
        tables = [table for table in read if table.problem != NO_HEADER]
        if len(tables) > 1:
            return tables
    table = read_csv(text, names, cut=cut)
    return [] if table.problem == NO_HEADER else [table]


def other_header(text: str) -> tuple[str, ...]:
    """The column names of an unrequested table; empty if there is none."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("```")]
    for separator in _SEPARATORS:
        widths = [
            len(_header_cells(line, separator)) for line in lines if not _RULE.fullmatch(line)
        ]
        if len(widths) > 1 and widths[0] > 1 and set(widths) == {widths[0]}:
            return _header_cells(lines[0], separator)
    return ()


def read_csv(text: str, names: Sequence[str], *, cut: bool = False) -> CsvReply:
    """Read a reply as CSV or as a Markdown table; if it was cut, the last row is dropped."""
    text = text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    header = _find_header(text, names)
    if header is None:
        return CsvReply(problem=NO_HEADER)
    start, separator, cells = header
    matched = match_names(cells, names)
    targets = [matched.get(cell) for cell in cells]
    known = [target for target in targets if target]
    reply = CsvReply(
        missing=[name for name in names if name not in known],
        extra=[cell for cell, target in zip(cells, targets, strict=True) if not target],
    )
    twice = sorted({target for target in known if known.count(target) > 1})
    if twice:
        reply.problem = f"the header names `{twice[0]}` twice"
        return reply
    records = list(_records(text, start, separator))
    if cut and records and not text.endswith("\n"):
        records.pop()
    for record in records:
        _read_record(record, cells, targets, reply)
    if not reply.rows and not reply.bad:
        reply.problem = "the reply has a header and no rows"
    return reply


def _read_record(
    record: _Record, header: Sequence[str], targets: Sequence[str | None], reply: CsvReply
) -> None:
    cells = list(record.cells)
    while len(cells) > len(header) and not cells[-1]:
        cells.pop()  # a separator at the end of the line
    if cells == list(header):
        reply.restart = len(reply.rows)
        return
    if record.after_blank and _PROSE.fullmatch(record.text.strip()):
        return
    reason = record.reason
    if not reason and len(cells) != len(header):
        reason = f"{len(cells)} values for {len(header)} columns"
    if reason:
        reply.bad.append(BadLine(record.line, record.text, reason))
        return
    pairs = zip(targets, cells, strict=True)
    reply.rows.append({target: cell or None for target, cell in pairs if target})


def _find_header(text: str, names: Sequence[str]) -> tuple[int, str, tuple[str, ...]] | None:
    """Where the rows start, the separator, and the header's cells.

    The header is the line that names the most requested columns, and at least half of them.
    """
    best: tuple[int, int, str, tuple[str, ...]] | None = None
    place = 0
    for line in text.split("\n"):
        end = place + len(line) + 1
        for separator in _SEPARATORS:
            cells = _header_cells(line, separator)
            score = len(match_names(cells, names))
            enough = score * 2 >= len(names) and score * 2 >= len(cells) and score > 0
            if enough and (best is None or score > best[0]):
                best = (score, end, separator, cells)
        if best is not None and best[0] == len(names):
            break
        place = end
    return None if best is None else best[1:]


def _header_cells(line: str, separator: str) -> tuple[str, ...]:
    if separator == "|":
        line = line.strip().strip("|")
    return tuple(cell.strip().strip("\"'`*").strip() for cell in line.split(separator))


def _records(text: str, start: int, separator: str) -> Iterator[_Record]:
    """The records after the header, up to the end of its fence."""
    fence = next((m for m in _FENCED.finditer(text) if m.start(1) < start <= m.end(1) + 1), None)
    stop = fence.end(1) if fence else len(text)
    place, after_blank = start, False
    while place < stop:
        end = text.find("\n", place, stop)
        end = stop if end < 0 else end
        line = text[place:end]
        number = text.count("\n", 0, place) + 1
        if not line.strip() or (separator == "|" and _RULE.fullmatch(line)):
            after_blank = after_blank or not line.strip()
            place = end + 1
            continue
        if separator == "|":
            cells, reason, after = _table_cells(line), "", end
        else:
            cells, reason, after = _split(text, place, stop, separator)
            after = end if reason else after
        yield _Record(number, text[place:after], cells, reason, after_blank)
        after_blank = False
        place = after + 1


def _table_cells(line: str) -> tuple[str, ...]:
    inner = line.strip().removeprefix("|").removesuffix("|")
    cells = (cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", inner))
    return tuple(_EMPHASIS.sub(r"\2", cell) for cell in cells)


def _split(text: str, place: int, stop: int, separator: str) -> tuple[tuple[str, ...], str, int]:
    """The cells of the record at `place`, why it is broken (or empty), and where it ends."""
    cells: list[str] = []
    while True:
        while place < stop and text[place] == " ":
            place += 1
        if place < stop and text[place] == '"':
            cell, place = _quoted(text, place + 1, stop)
            if cell is None:
                return (), "a quote is not closed", place
            while place < stop and text[place] == " ":
                place += 1
            if place < stop and text[place] not in (separator, "\n"):
                return (), "text after a closing quote", place
        else:
            end = place
            while end < stop and text[end] not in (separator, "\n"):
                end += 1
            cell, place = text[place:end], end
        cells.append(cell.strip())
        if place >= stop or text[place] == "\n":
            return tuple(cells), "", place
        place += 1


def _quoted(text: str, place: int, stop: int) -> tuple[str | None, int]:
    """A quoted cell and the place after its closing quote; None when it does not close."""
    parts: list[str] = []
    while place < stop:
        character = text[place]
        if character == "\\" and text[place + 1 : place + 2] == '"':
            parts.append('"')
            place += 2
        elif character != '"':
            parts.append(character)
            place += 1
        elif text[place + 1 : place + 2] == '"':
            parts.append('"')
            place += 2
        else:
            return "".join(parts), place + 1
    return None, place
