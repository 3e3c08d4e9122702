"""Sheets that are filled in line by line: one a reviewer and table, in the run's folder.

They are the sheets of `fabula review`: what a page writes, `review import` reads, and a sheet that
was begun in a spreadsheet goes on in the page.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from fabula.errors import SheetError, SourceError, UsageError, Violation
from fabula.io.names import file_stem
from fabula.io.places import make_folder, write_text
from fabula.io.read import TableRows
from fabula.review.review import Agreement, agreement, sampled
from fabula.review.sheet import (
    Judged,
    Rows,
    empty_lines,
    judged_line,
    lines_of,
    place_in,
    read_sheet,
    sheet_text,
)

FOLDER = "reviews"
_KEPT = 8
"""Sheets whose rows are remembered."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")


@dataclass(frozen=True)
class Sheets:
    """The sheets of one table of a run.

    Attributes:
        folder: The run's folder.
        table: The table's name.
        data: Its rows, which may be in files.
    """

    folder: Path
    table: str
    data: TableRows

    @cached_property
    def count(self) -> int:
        """How many rows the table has."""
        return int(
            self.data.num_rows if isinstance(self.data, pa.Table) else self.data.count_rows()
        )

    def rows(self, reviewer: str) -> Rows:
        """The rows of a sheet.

        Raises:
            SourceError: The sheet can't be read.
        """
        return self._some(self._places(reviewer))

    def _some(self, places: Sequence[int]) -> Rows:
        """Some rows; read once, since finding them may mean going through a large file."""
        kept: dict[tuple[int, ...], Rows] = vars(self).setdefault("_kept", {})
        key = tuple(places)
        if key not in kept:
            if len(kept) >= _KEPT:
                kept.clear()
            kept[key] = Rows.some(self.data, key)
        return kept[key]

    @property
    def reviewers(self) -> list[str]:
        """Who has a sheet."""
        start, end = f"{file_stem(self.table)}.", ".csv"
        names = (path.name for path in sorted((self.folder / FOLDER).glob(f"*{end}")))
        found = [name[len(start) : -len(end)] for name in names if name.startswith(start)]
        return [name for name in found if _NAME.fullmatch(name)]

    def path(self, reviewer: str) -> Path:
        """Where a reviewer's sheet is.

        Raises:
            UsageError: The name can't be part of a file's.
        """
        if not _NAME.fullmatch(reviewer):
            raise UsageError(
                f"`{reviewer[:60]}` can't be a reviewer's name",
                code="review.name",
                hint="use letters, digits, `-` and `_`",
            )
        return self.folder / FOLDER / f"{file_stem(self.table)}.{reviewer}.csv"

    def begin(self, reviewer: str, n: int) -> None:
        """Write an empty sheet; a second reviewer gets the rows of the first.

        Raises:
            SourceError: There are no rows.
            SinkError: It can't be written.
        """
        path = self.path(reviewer)
        if path.exists():
            return
        if not self.count:
            raise SourceError("there are no rows to review", code="review.no-rows")
        others = self.reviewers
        some = self.rows(others[0]) if others else self._some(sampled(self.count, n))
        make_folder(path.parent)
        write_text(path, sheet_text(some, empty_lines(some)))

    def read(self, reviewer: str) -> tuple[Rows, list[Judged]]:
        """The rows of a sheet, and what the reviewer said of each.

        Raises:
            SourceError: It can't be read.
            SheetError: It is not a sheet of this table, or what it says can't be done.
        """
        rows = self.rows(reviewer)
        return rows, read_sheet(self.path(reviewer), rows)

    def judge(
        self, reviewer: str, place: int, *, verdict: str, comment: str, fixes: Mapping[str, str]
    ) -> None:
        """Write what a reviewer says of a row into the sheet.

        Args:
            reviewer: Who.
            place: The row, from 0.
            verdict: `accept`, `reject`, `fix`, or nothing.
            comment: What to do better.
            fixes: The right values by column, as text; `(empty)` takes a value away.

        Raises:
            SheetError: It can't be done; every reason.
        """
        path, schema, rows = self.path(reviewer), self.data.schema, self.rows(reviewer)
        lines = [cells for _, cells in lines_of(path, schema.empty_table())]
        cells = next((cells for cells in lines if place_in(cells[0]) == place), None)
        if cells is None or place not in rows.places:
            raise UsageError(f"row {place + 1:,} is not in the sheet", code="review.row")
        pairs = [
            part
            for at, name in enumerate(schema.names)
            for part in (cells[3 + 2 * at], fixes.get(name, ""))
        ]
        cells[1:] = [verdict, comment, *pairs]
        found = judged_line(cells, rows)
        if not isinstance(found, Judged):
            raise SheetError(
                [Violation(f"review.{code}", said, hint=hint) for code, said, hint in found]
            )
        write_text(path, sheet_text(Rows.all(schema.empty_table()), lines))

    def agreement(self) -> Agreement | None:
        """How far the first two reviewers agree; None with fewer.

        Raises:
            SheetError: A sheet is not one of this table.
        """
        read = [self.read(name)[1] for name in self.reviewers[:2]]
        return agreement(*read) if len(read) == 2 else None

    def _places(self, reviewer: str) -> list[int]:
        lines = lines_of(self.path(reviewer), self.data.schema.empty_table())
        places = [place_in(cells[0]) for _, cells in lines if cells]
        return [
            place for place in dict.fromkeys(places) if place is not None and place < self.count
        ]


def counted(judged: Sequence[Judged]) -> Counter[str]:
    """Rows by verdict, with `not reviewed` for those that have none."""
    return Counter(row.verdict or "not reviewed" for row in judged)


def told(judged: Sequence[Judged]) -> dict[int, dict[str, Any]]:
    """What was said of each row, by its place."""
    return {row.place: {"verdict": row.verdict, "comment": row.comment, "fixes": row.fixes}
            for row in judged}  # fmt: skip
