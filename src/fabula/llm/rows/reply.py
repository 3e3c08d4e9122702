"""Finds the rows of a job in a reply's text, whatever format the model chose to answer in."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from fabula.llm.json_schema.reading import Piece, is_cut, json_pieces
from fabula.llm.json_schema.wording import with_text
from fabula.llm.rows.csv_reply import other_header, read_tables
from fabula.llm.rows.frame_reply import read_frame
from fabula.llm.rows.job import RowField
from fabula.llm.rows.list_reply import ListReader
from fabula.llm.rows.names import match_names
from fabula.llm.rows.prompt_format import Notation, Reading
from fabula.llm.rows.row_check import ItemCheck
from fabula.llm.rows.row_items import row_items
from fabula.llm.rows.yaml_reply import are_values, yaml_pieces

_REVISED = re.compile(
    r"\b(?:no|wait|actually|instead|better|correct\w*|fix\w*|revis\w*|final\w*|hmm|but"
    r"|endgültig\w*|korrigier\w*|definitiv\w*|corrig\w*|correg\w*|répons\w*|respuesta|risposta"
    r"|resposta|antwort|ответ|итог\w*)\b|最终|最終|答案|回答|修正|更正",
    re.I,
)
"""Words between two answers of one reply that retract the first one."""
_MARKED = re.compile(r"<(\w[\w .-]{0,60})>|^[ \t]{0,9}(\w[\w -]{0,60}?)[ \t]{0,9}=(?!=)", re.M)
_INSERT = re.compile(r"^\s*INSERT INTO\b", re.I | re.M)
_UNREAD = "the reply contains a second answer in a notation that can't be read"


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The number of requested rows, whether the reply was cut, and the name of the row number."""

    rows: int
    cut: bool
    number: str


class ReplyReader:
    """Reads the replies of one job: JSON, CSV, YAML, and the job's own notation, if any."""

    def __init__(
        self, fields: Sequence[RowField], check: ItemCheck, notation: Notation | None = None
    ) -> None:
        self._names = [each.name for each in fields]
        self._nested = [each.name for each in fields if _is_nested(each)]
        # Not a text, which could be any chatter.
        self._is_plain = len(fields) == 1 and (
            "enum" in fields[0].schema
            or fields[0].schema.get("type") in ("integer", "number", "boolean")
        )
        self._check = check
        self._notation = notation
        is_list = len(fields) == 1 and fields[0].schema.get("type") == "array"
        self._list = ListReader(fields[0], self._fits) if is_list else None
        self._keys = self._names if self._list is None else self._list.keys

    def read(self, text: str, *, asked: int, cut: bool, number: str = "row") -> Reading:
        """The row items in a reply without reasoning; `cut` says whether it hit its token limit.

        A row gives its number under the name `number`.
        """
        return self._read_all(text, _Wanted(asked, cut, number))

    def _read_all(self, text: str, wanted: _Wanted) -> Reading:
        pieces = list(json_pieces(text))
        if not (pieces and are_values(pieces, text, self._keys)):
            reading = self._read(text, pieces, wanted)
            if reading.items and reading.bad and not pieces:
                rest = text[text.find(reading.bad[0][0]) :]
                if yaml_pieces(rest, self._keys, cut=wanted.cut):
                    return self._later(rest, wanted) or reading
            if reading.items or reading.bad:
                return reading
        return self._read(text, yaml_pieces(text, self._keys, cut=wanted.cut) or pieces, wanted)

    def _read(self, text: str, pieces: Sequence[Piece], wanted: _Wanted) -> Reading:
        """The row items in a reply's values."""
        if self._notation is not None:
            unpacked = self._notation.unpacked
            pieces = [replace(piece, value=unpacked(piece.value)) for piece in pieces]
        answers, end = self._answers(text, pieces, wanted.rows)
        special = self._read_special(text, pieces, answers, wanted)
        if special is not None:
            return special
        later = self._later(text[end:], wanted) if end else None
        if later is not None:
            return later
        if isinstance(answers, Reading):
            return answers
        cut = wanted.cut or any(is_cut(piece.value) for piece in pieces)
        items = answers[-1] if answers else []  # everything before is a draft
        if len(answers) > 1 and len(items) < wanted.rows:
            return _several(len(items))
        if not items:
            table = self._read_table(text, asked=wanted.rows, cut=cut)
            if table is not None:
                return table
        if not items and not cut and wanted.rows == 1 and self._is_plain:
            bare = {self._names[0]: text.strip(" *`'\"")}
            items = [bare] if self._fits(bare) else []
        if cut:
            problem = f"the reply was cut off after {len(items)} whole rows"
            return Reading(items, problem, shorten=True)
        if not items:
            if other := other_header(text):
                named, found = (", ".join(map(repr, names)) for names in (self._names, other))
                problem = f"the reply has other columns: {found} instead of {named}"
                return Reading((), problem)
            return Reading((), with_text("the reply has no rows", text))
        is_short = len(items) < wanted.rows
        problem = f"the reply holds {len(items)} of {wanted.rows} rows" if is_short else ""
        return Reading(items, problem)

    def _answers(
        self, text: str, pieces: Sequence[Piece], asked: int
    ) -> tuple[list[list[Any]] | Reading, int]:
        """The rows of each answer in a reply, in order, and where the last one ends.

        Consecutive values are one answer, until words between them retract it or one value contains
        all rows. A frame is an answer, and the only one if it is the last.
        """
        answers: list[list[Any]] = []
        frame: Reading | None = None
        scalars = text.startswith(("[", "{", "```"))
        place = end = 0
        for piece in pieces:
            framed = read_frame(piece.value, self._names, self._fits)
            if framed is not None:
                frame, answers, end = framed, [], piece.end
                continue
            found = row_items(piece.value, self._names, scalars=scalars)
            is_whole = len(found) >= asked
            is_new = not answers or is_whole or _REVISED.search(text[place : piece.start])
            if found and is_new:
                answers.append(found)
            elif found:
                answers[-1] += found
            place = piece.end
            end = place if found else end
        return (frame if frame is not None and not answers else answers), end

    def _later(self, rest: str, wanted: _Wanted) -> Reading | None:
        """The answer in another notation that follows one in JSON or a table."""
        rest = rest.strip()
        if "\n" not in rest:
            return None
        later = self._read(rest, yaml_pieces(rest, self._keys, cut=wanted.cut), wanted)
        if not any(map(self._fits, later.items)):
            marked = [first or second for first, second in _MARKED.findall(rest)]
            is_other = len(match_names(marked, self._keys)) > 1 or _INSERT.search(rest)
            return Reading((), _UNREAD) if is_other else None
        if len(later.items) >= wanted.rows:
            return later
        return _several(len(later.items)) if len(self._keys) > 1 else None

    def _read_special(
        self,
        text: str,
        pieces: Sequence[Piece],
        answers: list[list[Any]] | Reading,
        wanted: _Wanted,
    ) -> Reading | None:
        """The rows in the job's own notation, or the list that is its single row's value."""
        last = answers[-1] if isinstance(answers, list) and answers else []
        is_json = len(last) >= wanted.rows and all(map(self._fits, last))
        if self._notation is not None and not (is_json or text.startswith(("{", "["))):
            noted = self._notation.read(text, number=wanted.number, cut=wanted.cut)
            if noted is not None:
                return noted
        if self._list is None or wanted.rows > 1:
            return None
        listed = self._list.read(text, pieces)
        return (listed and self._later(text[pieces[-1].end :], wanted)) or listed

    def _fits(self, item: Any) -> bool:
        return not self._check(item)[1]

    def _read_table(self, text: str, *, asked: int, cut: bool) -> Reading | None:
        """The rows of a CSV reply, or None if it has no matching header."""
        tables = read_tables(text, self._names, cut=cut)
        if not tables:
            return None
        if len(tables[-1].rows) >= asked or any(table.problem for table in tables):
            tables = tables[-1:]  # everything before is a draft
        rows = [self._with_nested(row) for table in tables for row in table.rows]
        again = tables[-1].restart if len(tables) == 1 else 0
        if len(rows) - again >= asked:
            rows = rows[again:]  # likewise
        notes = [f"column `{name}` was not asked for" for name in tables[-1].extra]
        notes += [f"column `{name}` is missing" for name in tables[-1].missing]
        bad = [(line.text, str(line)) for table in tables for line in table.bad]
        problem = tables[-1].problem or ("the reply was cut off" if cut else "")
        return Reading(rows, problem, bad, cut, notes)

    def _with_nested(self, row: dict[str, str | None]) -> dict[str, Any]:
        """Cells of non-scalar fields, parsed as JSON if possible."""
        made: dict[str, Any] = dict(row)
        for name in self._nested:
            try:
                made[name] = json.loads(made.get(name) or "null")
            except ValueError:
                continue  # stays text, which the check then rejects
        return made


def _several(rows: int) -> Reading:
    return Reading((), f"the reply has several answers, the last with {rows} rows", shorten=True)


def _is_nested(each: RowField) -> bool:
    return each.schema.get("type") in ("array", "object")
