"""Review by people: a sample goes out as a sheet, and comes back as better rows and better words.

`review_export` writes the sheet (`review_sheet`); `review_import` applies one or two of them to
the data and keeps what was said for the next request (`review_notes`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path as FilePath
from typing import Any

import numpy as np
import pyarrow as pa
from typing_extensions import override

from fabula.errors import SheetError, SourceError, UsageError, Violation
from fabula.io.examples import plain_value
from fabula.io.formats import format_of
from fabula.io.names import output_path
from fabula.io.places import check_free, make_folder, write_text
from fabula.io.tables import as_table
from fabula.io.write import write_table
from fabula.llm.rows.column_profiles import typed_array
from fabula.render import amounts
from fabula.render.results import Result
from fabula.review.notes import ReviewNotes
from fabula.review.sheet import (
    VERDICTS,
    Judged,
    Rows,
    Verdict,
    empty_lines,
    read_sheet,
    sheet_text,
)
from fabula.streams import stream
from fabula.types import Path, TableLike

MOST_EXAMPLES = 20
"""Rows that the notes keep; a prompt has room for few."""


@dataclass(frozen=True)
class Agreement:
    """How far two reviewers agree on the rows that both looked at.

    Attributes:
        rows: Rows that both looked at.
        share: Rows with the same verdict, as a share; None without rows.
        kappa: Cohen's kappa: agreement beyond chance, 1 at most; None if chance alone would
            agree always (both gave one and the same verdict throughout).
    """

    rows: int
    share: float | None
    kappa: float | None

    def __str__(self) -> str:
        if self.share is None:
            return "no row was reviewed by both reviewers"
        kappa = "undefined (one verdict throughout)" if self.kappa is None else f"{self.kappa:.2f}"
        share = amounts.percent(self.share)
        return f"reviewers agree on {share} of {self.rows:,} rows, Cohen's kappa {kappa}"


@dataclass(frozen=True, repr=False)
class Reviewed(Result):
    """Data after its review.

    Attributes:
        rows: The rows that stay, with their fixes.
        counts: Rows of the sheets by verdict: accept, reject, fix, and those nobody looked at.
        agreement: How far two reviewers agree; None with one sheet.
        conflicts: Values that two reviewers fixed differently; the first sheet's stand.
        notes: What the next request is told.
    """

    rows: pa.Table
    counts: Mapping[str, int]
    agreement: Agreement | None
    conflicts: int
    notes: ReviewNotes

    def report(self) -> str:
        """What happened to the rows, and how far two reviewers agree."""
        said = ("accept", "fix", "reject", "not reviewed")
        lines = [" · ".join(f"{verdict} {self.counts.get(verdict, 0):,}" for verdict in said)]
        lines += [str(self.agreement)] if self.agreement else []
        if self.conflicts:
            values = amounts.count(self.conflicts, "value")
            lines.append(f"{values} fixed differently; the first sheet's stand")
        return "\n".join(lines)

    @override
    def write(self, path: Path) -> None:
        """Write the rows that stay to a file, whose ending names the format."""
        place = output_path(path)
        make_folder(place.parent)
        write_table(place, self.rows, self.rows.schema, format_of(place))


def review_export(
    data: TableLike, output: Path, *, n: int = 50, seed: int = 0, overwrite: bool = False
) -> int:
    """Write a sheet in which a person accepts, rejects, fixes and comments rows.

    Args:
        data: One table, in any form.
        output: The sheet, a CSV file.
        n: Rows to review; all if there are fewer.
        seed: Chooses the rows.
        overwrite: Replace the sheet if there is one.

    Returns:
        The rows in the sheet.

    Raises:
        SourceError: The data can't be read, or has no rows.
        SinkError: The sheet exists, or can't be written.
    """
    path = output_path(output)
    check_free(path, overwrite=overwrite)
    if n < 1:
        raise UsageError(f"{n} rows can't be reviewed", code="usage.rows", hint="give 1 or more")
    table = as_table(data)
    if not table.num_rows or not table.num_columns:
        raise SourceError("there are no rows to review", code="review.no-rows")
    rows = Rows.some(table, sampled(table.num_rows, n, seed))
    make_folder(path.parent)
    write_text(path, sheet_text(rows, empty_lines(rows)))
    return len(rows.places)


def sampled(rows: int, n: int, seed: int = 0) -> list[int]:
    """The places of `n` rows out of so many, in order; all of them where there are fewer."""
    places = stream(seed, "review", "sample", 0).choice(rows, min(n, rows), replace=False)
    return [int(place) for place in np.sort(places)]


def review_import(
    sheets: Path | Sequence[Path],
    data: TableLike,
    *,
    output: Path | None = None,
    overwrite: bool = False,
    escape_formulas: bool | None = None,
) -> Reviewed:
    """Apply what one or two reviewers wrote into their sheets.

    A row that either reviewer rejects leaves; a row that either fixes is changed. With `output`
    the table is written, and alongside it the notes that `generate(…, review=…)` takes.

    Args:
        sheets: One sheet or two.
        data: The table that the sheets were made from, in any form.
        output: The file for the reviewed table; its ending names the format.
        overwrite: Replace the file, and the notes, if there are some.
        escape_formulas: Put `'` before texts in CSV that a spreadsheet would run.

    Raises:
        SheetError: A sheet is wrong; `violations` lists every problem with file and line.
        SourceError: The data or a sheet can't be read.
        SinkError: A file exists, or can't be written.
    """
    paths = [FilePath(s) for s in ([sheets] if isinstance(sheets, str | PathLike) else sheets)]
    if not 1 <= len(paths) <= 2:
        raise UsageError(
            f"{len(paths)} sheets were given", code="review.sheets", hint="give one or two"
        )
    target = None if output is None else output_path(output)
    if target is not None:
        format_of(target)
        check_free(target, overwrite=overwrite)
        check_free(notes_path(target), overwrite=overwrite)
    table = as_table(data)
    reviewed = _applied(_read_all(paths, table), table)
    if target is not None:
        make_folder(target.parent)
        rows, form = reviewed.rows, format_of(target)
        write_table(target, rows, rows.schema, form, escape_formulas=escape_formulas)
        write_text(notes_path(target), reviewed.notes.to_json())
    return reviewed


def notes_path(output: FilePath) -> FilePath:
    """Where the notes of a reviewed table stand: `tvs.review.json` for `tvs.csv`."""
    return output.with_suffix(".review.json")


def agreement(first: Sequence[Judged], second: Sequence[Judged]) -> Agreement:
    """Percent agreement and Cohen's kappa of two reviewers."""
    theirs = {row.place: row.verdict for row in second if row.verdict}
    pairs = [
        (row.verdict, theirs[row.place]) for row in first if row.verdict and row.place in theirs
    ]
    if not pairs:
        return Agreement(0, None, None)
    rows = len(pairs)
    same = sum(one == other for one, other in pairs) / rows
    ones, others = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    chance = sum(ones[verdict] * others[verdict] for verdict in VERDICTS) / rows**2
    return Agreement(rows, same, None if chance == 1 else (same - chance) / (1 - chance))


def _read_all(paths: Sequence[FilePath], table: pa.Table) -> list[list[Judged]]:
    """All sheets; the problems of all come at once."""
    read: list[list[Judged]] = []
    problems: list[Violation] = []
    for path in paths:
        try:
            read.append(read_sheet(path, Rows.all(table)))
        except SheetError as error:
            problems += error.violations
    if problems:
        raise SheetError(problems)
    return read


def _applied(read: Sequence[Sequence[Judged]], table: pa.Table) -> Reviewed:
    verdicts: dict[int, Verdict | None] = {}
    fixes: dict[int, dict[str, Any]] = {}
    conflicts = 0
    for row in (row for sheet in read for row in sheet):
        verdicts[row.place] = _graver(verdicts.get(row.place), row.verdict)
        mine = fixes.setdefault(row.place, {})
        conflicts += sum(k in mine and mine[k] != value for k, value in row.fixes.items())
        fixes[row.place] = {**row.fixes, **mine}
    keep = [place for place in range(table.num_rows) if verdicts.get(place) != "reject"]
    rows = _fixed(table, fixes).take(pa.array(keep, pa.int64()))
    comments = [" ".join(row.comment.split()) for sheet in read for row in sheet if row.comment]
    return Reviewed(
        rows,
        Counter(verdict or "not reviewed" for verdict in verdicts.values()),
        agreement(*read) if len(read) == 2 else None,
        conflicts,
        ReviewNotes(
            tuple(table.column_names),
            tuple(dict.fromkeys(comments)),
            tuple(_examples(rows, [verdicts.get(place) for place in keep])),
        ),
    )


def _graver(one: Verdict | None, other: Verdict | None) -> Verdict | None:
    """The verdict that stands: reject before fix before accept."""
    given = {one, other}
    grave: tuple[Verdict, ...] = ("reject", "fix", "accept")
    return next((verdict for verdict in grave if verdict in given), None)


def _fixed(table: pa.Table, fixes: Mapping[int, Mapping[str, Any]]) -> pa.Table:
    """The table with new values in place of old ones; other columns are not touched."""
    for position, field in enumerate(table.schema):
        changed = {place: new[field.name] for place, new in fixes.items() if field.name in new}
        if changed:
            added = typed_array(list(changed.values()), field.type)
            places = np.arange(table.num_rows)
            places[list(changed)] = table.num_rows + np.arange(len(changed))
            both = pa.chunked_array([*table.column(position).chunks, added], field.type)
            table = table.set_column(position, field, both.unify_dictionaries().take(places))
    return table


def _examples(rows: pa.Table, verdicts: Sequence[Verdict | None]) -> list[dict[str, Any]]:
    """Rows that a person called right: fixed ones, then accepted ones."""
    wanted: tuple[Verdict, ...] = ("fix", "accept")
    places = [
        place for verdict in wanted for place, given in enumerate(verdicts) if given == verdict
    ]
    chosen = pa.array(places[:MOST_EXAMPLES], pa.int64())
    return [plain_value(row) for row in rows.take(chosen).to_pylist()]
