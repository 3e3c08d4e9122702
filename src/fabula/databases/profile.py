"""Aggregates of a database's tables: counts, gaps, rounded bounds, and labels that many rows share.

Everything is computed in the database, and no row leaves it. A value is named only where
`LEAST` rows or more share it; bounds, which are values of single rows, are rounded outwards.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from sqlglot import exp

from fabula.databases.base import Database
from fabula.databases.opening import database_at
from fabula.databases.schema import Column, Schema

LEAST = 10
"""Rows that share a value before it is named."""
MOST_LABELS = 50
MOST_ROWS = 1_000_000
"""Rows of a table that are looked at; counts are of all."""
_SECONDS = 60
"""How long one query may run, on servers."""
_LIMITS = {
    "postgres": (f"SET statement_timeout = '{_SECONDS}s'",),
    "mysql": (
        f"SET SESSION max_statement_time = {_SECONDS}",
        f"SET SESSION max_execution_time = {_SECONDS * 1000}",
    ),
}


@dataclass(frozen=True)
class ColumnProfile:
    """Aggregates of one column.

    Attributes:
        nulls: Share of missing values.
        low: The lowest value or less.
        high: The highest value or more.
        mean: Of numbers.
        std: Their standard deviation.
        median: Their median, to two digits.
        labels: Values that many rows share, with their shares of the values that are there.
    """

    nulls: float = 0.0
    low: Any = None
    high: Any = None
    mean: float | None = None
    std: float | None = None
    median: float | None = None
    labels: Mapping[Any, float] = field(default_factory=dict)


@dataclass(frozen=True)
class TableProfile:
    """How many rows a table has, and aggregates of its columns."""

    rows: int
    columns: Mapping[str, ColumnProfile] = field(default_factory=dict)


def read_profiles(source: str, schema: Schema) -> tuple[dict[str, TableProfile], list[str]]:
    """The profiles of a database's tables, and what could not be computed.

    Args:
        source: The address, or the file.
        schema: Its schema.

    Raises:
        SourceError: The database can't be read.
    """
    profiles, notes = {}, []
    with database_at(source, reads=True) as database, database.failures():
        for limit in _LIMITS.get(database.dialect, ()):
            with suppress(database.error):  # MariaDB and MySQL each know one
                database.run(limit)
        for table in schema.tables.values():
            try:
                profiles[table.name], sampled = _profile(database, table.name, table.columns)
            except database.error as exc:
                reason = database.address.without_secrets(" ".join(str(exc).split()))[:100]
                notes.append(f"{table.name} is not profiled: {reason}")
                continue
            if sampled:
                notes.append(f"{table.name}: aggregates of {MOST_ROWS:,} of its rows")
    return profiles, notes


def _profile(
    database: Database, table: str, columns: Mapping[str, Column]
) -> tuple[TableProfile, bool]:
    """The profile of one table, and whether it is of some rows only."""
    rows = database.count(table)
    kinds = {name: kind for name, column in columns.items() if (kind := _kind(column))}
    if rows < LEAST or not kinds:
        return TableProfile(rows), False
    part = f"(SELECT * FROM {database.named(table)} LIMIT {MOST_ROWS}) AS s"
    asked = ["count(*)"]
    for name, kind in kinds.items():
        asked += _aggregates(database.quoted(name), kind)
    ((seen, *found),) = database.run(f"SELECT {', '.join(asked)} FROM {part}")
    profiles = {}
    for name, kind in kinds.items():
        size = len(_aggregates("x", kind))
        values, found = found[:size], found[size:]
        labels: Mapping[Any, float] = {}
        if values[1] <= MOST_LABELS and kind != "time":
            labels = _labels(database, database.quoted(name), part, values[0])
        made = _column(values, seen, kind, labels)
        if made.mean is not None:
            own = database.quoted(name)
            sql = f"SELECT {own} FROM {part} WHERE {own} IS NOT NULL"
            ((middle,),) = database.run(f"{sql} ORDER BY 1 LIMIT 1 OFFSET {values[0] // 2}")
            made = replace(made, median=_short(float(middle), 2))
        profiles[name] = made
    return TableProfile(rows, profiles), seen < rows


def _kind(column: Column) -> str | None:
    """Which aggregates a column has."""
    if column.generated is not None:
        return None
    if column.labels or column.type.this in exp.DataType.TEXT_TYPES:
        return "text"
    if column.type.this in exp.DataType.NUMERIC_TYPES:
        return "number"
    if column.type.this == exp.DType.BOOLEAN:
        return "text"
    timed = exp.DataType.TEMPORAL_TYPES - {exp.DType.TIME, exp.DType.TIMETZ}
    return "time" if column.type.this in timed else None


def _aggregates(name: str, kind: str) -> list[str]:
    asked = [f"count({name})", f"count(DISTINCT {name})"]
    if kind == "text":
        return asked
    asked += [f"min({name})", f"max({name})"]
    if kind == "number":
        asked += [f"avg({name} * 1.0E0)", f"avg({name} * 1.0E0 * {name})"]
    return asked


def _labels(database: Database, name: str, part: str, there: int) -> dict[Any, float]:
    """The values that enough rows share, the commonest first."""
    found = database.run(
        f"SELECT {name}, count(*) FROM {part} WHERE {name} IS NOT NULL GROUP BY {name}"
        f" HAVING count(*) >= {LEAST} ORDER BY 2 DESC, 1 LIMIT {MOST_LABELS}"
    )
    return {_plain(value): count / there for value, count in found}


def _column(
    values: Sequence[Any], rows: int, kind: str, labels: Mapping[Any, float]
) -> ColumnProfile:
    there = values[0]
    nulls = round(1 - there / rows, 3)
    if there < LEAST or kind == "text":
        return ColumnProfile(nulls, labels=labels)
    if kind == "time":
        return ColumnProfile(nulls, *_around(_day(values[2]), _day(values[3])))
    low, high, mean, squares = (float(value) for value in values[2:6])
    std = math.sqrt(max(0.0, squares - mean**2))
    return ColumnProfile(nulls, *_outwards(low, high), _short(mean), _short(std), labels=labels)


def _outwards(low: float, high: float) -> tuple[float, float]:
    """Bounds with few digits, between which all values lie."""
    if high <= low:
        return low, high
    step = 10.0 ** math.floor(math.log10(high - low)) / 2
    step = max(step, 1.0) if low == int(low) and high == int(high) else step
    return _short(math.floor(low / step) * step, 12), _short(math.ceil(high / step) * step, 12)


def _around(low: dt.date | None, high: dt.date | None) -> tuple[dt.date | None, dt.date | None]:
    """The first day of a year, and the first day of a later one; of months for shorter spans."""
    if low is None or high is None:
        return None, None
    if (high - low).days > 730:
        return dt.date(low.year, 1, 1), dt.date(min(high.year + 1, 9999), 1, 1)
    month = high.year * 12 + high.month  # that of the next month, from 0
    return low.replace(day=1), dt.date(month // 12, month % 12 + 1, 1)


def _day(value: Any) -> dt.date | None:
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, str):  # SQLite's
        try:
            return dt.datetime.fromisoformat(value).date()
        except ValueError:
            return None
    return value if isinstance(value, dt.date) else None


def _short(value: float, digits: int = 3) -> float:
    return float(f"{value:.{digits}g}")


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value
