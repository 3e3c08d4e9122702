"""`fb.extend`: more rows for a table, of its own kind.

Ids and the like continue by rule (`sequences`), classes to be balanced are dealt out
(`class_balance`), and the model is asked for the rest (`column_profiles`), shown a seeded sample of
the rows. What it answers is matched by name, checked, and refused where it repeats a row.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any, TypeVar, Unpack, overload

import numpy as np
import pyarrow as pa

from fabula.augment.append_rows import appended
from fabula.augment.asking import AskOptions, ask, job_options, shortfall
from fabula.augment.class_balance import levelling
from fabula.augment.sequences import Continue, continued
from fabula.augment.user_checks import CheckRow, row_check, unique_groups
from fabula.errors import UsageError, did_you_mean
from fabula.io.examples import plain_value
from fabula.io.tables import as_table, one_form
from fabula.llm.rows.column_profiles import AskedColumn, asked_column, beyond_range, typed_array
from fabula.llm.rows.job import Row, RowsJob, RowsResult
from fabula.llm.rows.sync import run_sync
from fabula.review.notes import ReviewLike, ReviewNotes, read_review
from fabula.streams import stream
from fabula.types import Frame, TableLike

Rows = TypeVar("Rows", bound=TableLike)

SAMPLE_ROWS = 20
"""Rows of the table that prompts may show; they are cut further by length."""
SHOWN_TEXT = 200
"""Characters of one text that a sample shows."""


class ExtendOptions(AskOptions, total=False):
    """What `extend` and `aextend` take besides the data and n; see `extend`."""

    prompt: str
    review: ReviewLike | None
    balance: str | None
    unique: str | Sequence[str | Sequence[str]]
    check_row: CheckRow | None
    within_range: bool
    seed: int


@overload
def extend(data: str | PathLike[str], n: int, **wanted: Unpack[ExtendOptions]) -> pa.Table: ...
@overload
def extend(data: Mapping[str, Frame], n: int, **wanted: Unpack[ExtendOptions]) -> Frame: ...
@overload
def extend(data: Rows, n: int, **wanted: Unpack[ExtendOptions]) -> Rows: ...
def extend(data: TableLike, n: int, **wanted: Unpack[ExtendOptions]) -> object:
    """Append rows that fit a table, written by a language model.

    The old rows come out as they went in, and the columns, their order and their types stay.
    Increasing ids continue after the largest one; no new row repeats an old one.

    Args:
        data: One table, in any form.
        n: Rows to append.
        wanted: The rest, by name: `model`, `attempts` … as `rows` takes them, and

            - `prompt`: What the new rows are about, in words.
            - `review`: What reviewers said about earlier rows; see `review_import`.
            - `balance`: A column whose classes get new rows so that they end level.
            - `unique`: Columns, or groups of columns, whose values may not repeat.
            - `check_row`: Takes a row as a dict, returns its problems in words.
            - `within_range`: Refuse numbers and texts beyond the range of the old ones, which is
              else only told to the model.
            - `seed`: Chooses the rows that the model is shown.

    Returns:
        The longer table, in the library that `data` came in; an Arrow table for a path.

    Raises:
        SourceError: The data is not a table.
        UsageError: An option is wrong.
        PartialRunError: Rows are missing; `rows` of the error is the table with those there are.

    Examples:
        >>> pets = {"id": [1, 2], "name": ["Rex", "Ida"]}
        >>> extend(pets, 2, model="fake")["id"]
        [1, 2, 3, 4]
    """
    return run_sync(aextend(data, n, **wanted))


@overload
async def aextend(
    data: str | PathLike[str], n: int, **wanted: Unpack[ExtendOptions]
) -> pa.Table: ...
@overload
async def aextend(data: Mapping[str, Frame], n: int, **wanted: Unpack[ExtendOptions]) -> Frame: ...
@overload
async def aextend(data: Rows, n: int, **wanted: Unpack[ExtendOptions]) -> Rows: ...
async def aextend(data: TableLike, n: int, **wanted: Unpack[ExtendOptions]) -> object:
    """`extend` for callers with an event loop of their own: same arguments, same rows."""
    form = one_form(data)
    table = as_table(form)
    growth = _growth(table, n, wanted)
    result = RowsResult([{} for _ in range(n)])
    if growth.asked:
        result = await ask(_job(growth, n, wanted), wanted, name="rows")
    made = [place for place, row in enumerate(result.rows) if row is not None]
    new = growth.rows([(place, result.rows[place] or {}) for place in made])
    longer = appended(form, new, table)
    if len(made) < n:
        raise shortfall(result, longer)
    return longer


@dataclass(frozen=True)
class Growth:
    """How a table grows.

    Attributes:
        table: The table so far.
        values: Its values as Python has them, by column.
        continued: Columns that continue by rule.
        dealt: The column to be balanced and its value in each new row; empty if none is.
        asked: Columns that the model fills.
        seed: Chooses the sample.
    """

    table: pa.Table
    values: Mapping[str, Sequence[Any]]
    continued: Mapping[str, Continue]
    dealt: Mapping[str, Sequence[Any]]
    asked: Mapping[str, AskedColumn]
    seed: int

    def rows(self, made: Sequence[tuple[int, Row]]) -> pa.Table:
        """The new rows as a table: each with its place in the job and the model's values."""
        arrays = []
        for field in self.table.schema:
            if field.name in self.asked:
                values = [row[field.name] for _, row in made]
                arrays.append(self.asked[field.name].array(values))
                continue
            if field.name in self.dealt:
                values = [self.dealt[field.name][place] for place, _ in made]
            else:
                values = self.continued[field.name](len(made))
            arrays.append(typed_array(values, field.type))
        return pa.table(arrays, schema=self.table.schema)

    def shown(self) -> list[int]:
        """A seeded sample of the rows, in their order."""
        size = min(SAMPLE_ROWS, self.table.num_rows)
        chosen = stream(self.seed, "extend", "sample", 0).choice(
            self.table.num_rows, size, replace=False
        )
        return [int(place) for place in np.sort(chosen)]

    def row(self, place: int) -> dict[str, Any]:
        """What the model sees and gives of a row."""
        names = [*self.dealt, *self.asked]
        return {name: _shown(self.values[name][place]) for name in names}


def _growth(table: pa.Table, n: int, wanted: ExtendOptions) -> Growth:
    """Decide for each column how it continues."""
    if n < 0:
        raise UsageError(f"{n} rows can't be appended", code="usage.rows", hint="give 0 or more")
    if not table.num_columns:
        raise UsageError("the data has no columns", code="usage.no-columns")
    values = {name: table.column(name).to_pylist() for name in table.column_names}
    balance, seed = wanted.get("balance"), wanted.get("seed", 0)
    dealt = {} if balance is None else {balance: _dealt(values, balance, n)}
    rules: dict[str, Continue] = {}
    asked: dict[str, AskedColumn] = {}
    for position, name in enumerate(table.column_names):
        if name in dealt:
            continue
        column, known = table.column(name), values[name]
        rule = continued(name, column.type, known, first=position == 0, seed=seed)
        if rule is None:
            within = wanted.get("within_range", False)
            asked[name] = asked_column(name, column, known, within=within)
        else:
            rules[name] = rule
    return Growth(table, values, rules, dealt, asked, seed)


def _dealt(values: Mapping[str, Sequence[Any]], column: str, n: int) -> list[Any]:
    if column not in values:
        hint = did_you_mean(column, values) or f"there are {', '.join(values)}"
        raise UsageError(f"there is no column `{column}`", code="usage.unknown-column", hint=hint)
    if all(value is None for value in values[column]):
        raise UsageError(
            f"`{column}` has no classes to balance",
            code="usage.balance",
            hint="choose a column with values",
        )
    return levelling(values[column], n)


def beyond_ranges(longer: pa.Table, n: int) -> list[str]:
    """Columns whose last `n` numbers lie far beyond those before, in words."""
    old = longer.num_rows - n
    notes = []
    for name in longer.column_names:
        values = longer.column(name).to_pylist()
        if continued(name, longer.column(name).type, values[:old], first=False, seed=0) is None:
            notes.append(beyond_range(name, values[:old], values[old:]))
    return [note for note in notes if note]


def _job(growth: Growth, n: int, wanted: ExtendOptions) -> RowsJob:
    names = growth.table.column_names
    own = unique_groups(wanted.get("unique", ()), names)
    found = tuple((name,) for name, column in growth.asked.items() if column.unique)
    groups = tuple(dict.fromkeys((*own, *found)))
    given = None
    if growth.dealt:
        (column, classes), *_ = growth.dealt.items()
        given = [{column: plain_value(value)} for value in classes]
        groups += ((*growth.dealt, *growth.asked),)  # no whole row twice
    check = wanted.get("check_row")
    prompt = wanted.get("prompt", "").strip()
    notes = _notes(growth, wanted)
    return RowsJob(
        subject=prompt or "more rows of the table that the examples are from",
        fields=tuple(column.field for column in growth.asked.values()),
        n=n,
        given=given,
        examples=[*notes.examples, *(growth.row(place) for place in growth.shown())],
        extra=notes.demands,
        unique=tuple(group for group in groups if set(group) <= {*growth.dealt, *growth.asked}),
        used=_used(growth),
        check_row=None if check is None else row_check(dict, check),
        **job_options(wanted),
    )


def _notes(growth: Growth, wanted: ExtendOptions) -> ReviewNotes:
    """What reviewers said, as far as it is about columns that the model sees."""
    review = wanted.get("review")
    notes = ReviewNotes((), (), ()) if review is None else read_review(review)
    seen = {*growth.dealt, *growth.asked}
    rows = [{k: _shown(v) for k, v in row.items() if k in seen} for row in notes.examples]
    return ReviewNotes(notes.columns, notes.comments, tuple(row for row in rows if row))


def _used(growth: Growth) -> list[dict[str, Any]]:
    """The rows that exist, as far as the model makes such values."""
    names = [*growth.dealt, *growth.asked]
    columns = [[plain_value(value) for value in growth.values[name]] for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _shown(value: Any) -> Any:
    """A value as a prompt shows it: long texts are cut."""
    plain = plain_value(value)
    if isinstance(plain, float) and not math.isfinite(plain):
        return None
    if isinstance(plain, str) and len(plain) > SHOWN_TEXT:
        return plain[: SHOWN_TEXT - 1] + "…"
    return plain
