"""Brings the tables that a program left into the form that was wanted: names, types, order, size.

Only what is beyond doubt is changed, and every change is noted: a column whose name differs in
case or spacing, a number that is whole, a date that is written as text, rows beyond those asked.
Whatever is left is for the gates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import pyarrow as pa

from fabula.codegen.targets import Targets, TargetTable
from fabula.inference.guesses import words
from fabula.kinds.reference import Reference
from fabula.llm.rows.names import match_names

Values: TypeAlias = "pa.ChunkedArray[Any]"

_AFFIX = ("df", "data", "table", "frame", "dataframe", "list", "records", "rows")


@dataclass(frozen=True)
class Made:
    """One table as the program left it; the other fields are those of `inside.finding.Found`."""

    how: str
    place: str
    name: str
    rows: pa.Table
    function: str = ""


@dataclass(frozen=True)
class Fitted:
    """The tables as they are wanted, where each came from, and what was changed, in words."""

    tables: Mapping[str, pa.Table]
    places: Mapping[str, Made]
    notes: tuple[str, ...] = ()


def fit(wanted: Targets, made: Sequence[Made]) -> Fitted:
    """The tables of a program, called and typed as they are wanted."""
    if wanted.spec is None:
        return _as_they_are(wanted, made)
    tables: dict[str, pa.Table] = {}
    places: dict[str, Made] = {}
    notes: list[str] = []
    left = list(made)
    for table in sorted(wanted.tables, key=lambda table: -_best(table, made)):
        best = max(left, key=lambda item: _likeness(table, item), default=None)
        if best is None or _likeness(table, best) <= 0:
            continue
        left.remove(best)
        links = {
            name
            for name, column in wanted.spec.tables[table.name].columns.items()
            if isinstance(column, Reference)
        }
        rows = _arranged(table, best.rows, notes)
        if wanted.strict:
            rows = _typed(table, rows, without=links)
        tables[table.name] = _cut(table, rows, notes)
        places[table.name] = best
    notes += [f"`{item.name}` of the program is not a requested table" for item in left]
    order = [table.name for table in wanted.tables if table.name in tables]
    return Fitted({name: tables[name] for name in order}, places, tuple(notes))


def _as_they_are(wanted: Targets, made: Sequence[Made]) -> Fitted:
    """All tables, under the program's own names."""
    places: dict[str, Made] = {}
    for item in made:
        if any(_is_part(item.rows, other.rows) for other in made if other is not item):
            continue
        name = table_name(item.name) or (wanted.name if len(made) == 1 else "table")
        while name in places:
            name += "_2"
        places[name] = item
    tables = {name: item.rows for name, item in places.items()}
    notes: list[str] = []
    if wanted.rows is not None and len(tables) == 1:
        ((name, rows),) = tables.items()
        tables[name] = _cut(TargetTable(name, wanted.rows, {}), rows, notes)
    return Fitted(tables, places, tuple(notes))


def _is_part(rows: pa.Table, whole: pa.Table) -> bool:
    """Whether rows are the first or the last ones of another table."""
    count = rows.num_rows
    if rows.schema != whole.schema or count >= whole.num_rows:
        return False
    ends = (whole.slice(0, count), whole.slice(whole.num_rows - count))
    return any(rows.equals(end) for end in ends)


def table_name(variable: str) -> str:
    """`housing_df` and `df_housing` as `housing`; nothing of `df`."""
    parts = [part for part in words(variable).split("_") if part]
    while parts and parts[-1] in _AFFIX:
        parts.pop()
    while parts and parts[0] in _AFFIX:
        parts.pop(0)
    return "_".join(parts)


def _best(table: TargetTable, made: Sequence[Made]) -> float:
    return max((_likeness(table, item) for item in made), default=0.0)


def _likeness(table: TargetTable, item: Made) -> float:
    """How far a table of the program is the one that is wanted: by columns, name and size."""
    theirs = item.rows.column_names
    alike = len(set(match_names(theirs, list(table.types)).values()))
    share = alike / (len(table.types) + len(theirs) - alike)
    named = _same_name(table.name, item.name) or _same_name(table.name, table_name(item.name))
    likeness: float = share + 0.6 * named + 0.1 * (item.rows.num_rows == table.rows)
    return likeness


def _same_name(left: str, right: str) -> bool:
    return words(left).rstrip("s") == words(right).rstrip("s")


def _arranged(table: TargetTable, rows: pa.Table, notes: list[str]) -> pa.Table:
    """The columns in the order asked, those that were not asked for last."""
    rows = _renamed(table, rows, notes)
    known = [name for name in table.types if name in rows.column_names]
    return rows.select([*known, *(name for name in rows.column_names if name not in known)])


def _typed(table: TargetTable, rows: pa.Table, *, without: set[str]) -> pa.Table:
    """The columns in the types asked; keys of other tables stay, so that a wrong type shows."""
    for place, name in enumerate(rows.column_names):
        if name in table.types and name not in without:
            rows = rows.set_column(place, name, _cast(rows.column(name), table.types[name]))
    return rows


def _renamed(table: TargetTable, rows: pa.Table, notes: list[str]) -> pa.Table:
    """The columns under the names asked, matched as those of a reply are."""
    missing = [name for name in table.types if name not in rows.column_names]
    extra = [name for name in rows.column_names if name not in table.types]
    changed = match_names(extra, missing)
    targets = list(changed.values())
    changed = {old: new for old, new in changed.items() if targets.count(new) == 1}
    notes += [f"`{table.name}.{old}` is written `{new}`" for old, new in changed.items()]
    return rows.rename_columns([changed.get(name, name) for name in rows.column_names])


def _cast(column: Values, kind: pa.DataType) -> Values:
    """The column in the type asked where that changes no value; else as it is."""
    numbers = _is_number(kind) and _is_number(column.type)
    times = _is_moment(kind) and (_is_moment(column.type) or pa.types.is_string(column.type))
    if column.type == kind or not (numbers or times or pa.types.is_null(column.type)):
        return column
    try:
        if times:  # a date by way of a time, so that one with hours is refused
            column = column.cast(pa.timestamp("us"))
        return column.cast(kind)
    except pa.ArrowException:
        return column


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _is_moment(kind: pa.DataType) -> bool:
    return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind))


def _cut(table: TargetTable, rows: pa.Table, notes: list[str]) -> pa.Table:
    """No more rows than asked: the first ones are kept."""
    if table.rows is None or rows.num_rows <= table.rows:
        return rows
    made, kept = f"{rows.num_rows:,}", f"{table.rows:,}"
    notes.append(f"`{table.name}`: the program made {made} rows; the first {kept} are kept")
    return rows.slice(0, table.rows)
