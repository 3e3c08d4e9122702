"""The profile of a table on disk: what each column holds, in two passes over the data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import duckdb
import pyarrow as pa

from fabula.errors import SourceError
from fabula.io.notes import notes_of
from fabula.io.read import TableRows
from fabula.io.sources import read_tables
from fabula.io.sql import quoted

BINS = 10
"""Bars of a column's shape."""

MOST_VALUES = 200
"""Columns of text with no more distinct values than this are counted value by value."""

TOP_VALUES = 4
"""Frequent values, or examples, that a profile keeps of a column."""

EXACT_ROWS = 1_000_000
"""Up to this many rows, distinct values are counted exactly."""

Family = Literal["number", "moment", "text", "other"]

_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
_WORDS = {
    **dict.fromkeys(_INTEGERS, "int"),
    **{f"U{name}": "int" for name in _INTEGERS},
    "FLOAT": "float",
    "DOUBLE": "float",
    "DECIMAL": "decimal",
    "BOOLEAN": "bool",
    "VARCHAR": "text",
    "ENUM": "text",
    "UUID": "uuid",
    '"NULL"': "empty",
    "DATE": "date",
    "TIMESTAMP": "datetime",
    "TIMESTAMP_S": "datetime",
    "TIMESTAMP_MS": "datetime",
    "TIMESTAMP_NS": "datetime",
    "TIMESTAMP WITH TIME ZONE": "datetime",
}
_FAMILIES: dict[str, Family] = {
    "int": "number",
    "float": "number",
    "decimal": "number",
    "date": "moment",
    "datetime": "moment",
    "bool": "text",
    "text": "text",
    "uuid": "text",
}


@dataclass(frozen=True)
class ColumnProfile:
    """One column.

    Attributes:
        name: The column.
        type: Its type in a word.
        rows: Rows of the table.
        nulls: Missing values.
        distinct: Distinct values; an estimate where `exact` is False.
        exact: Whether `distinct` is exact.
        low: Smallest finite number, or first moment.
        mean: Mean of the finite numbers.
        high: Largest finite number, or last moment.
        shape: Values in each of equally wide bins from `low` to `high`.
        top: The most frequent values with their counts, where there are few.
        examples: Some values, where there are many.
    """

    name: str
    type: str
    rows: int
    nulls: int
    distinct: int
    exact: bool
    low: Any = None
    mean: float | None = None
    high: Any = None
    shape: tuple[int, ...] = ()
    top: tuple[tuple[Any, int], ...] = ()
    examples: tuple[Any, ...] = ()


@dataclass(frozen=True)
class TableProfile:
    """One table: its name, its rows, its columns, and what the reader was not sure of."""

    name: str
    rows: int
    columns: tuple[ColumnProfile, ...]
    notes: tuple[str, ...] = ()


def profile(path: str | Path) -> list[TableProfile]:
    """Profiles of every table under a path: a data file, a folder of files, a run.

    Raises:
        SourceError: There is nothing to read, or a file is damaged.
    """
    return [_profile(name, rows) for name, rows in read_tables(path).items()]


def _profile(name: str, rows: TableRows) -> TableProfile:
    connection = duckdb.connect(config={"autoinstall_known_extensions": False})
    try:
        _open(connection, rows)
        columns = _columns(connection)
    except duckdb.Error as exc:
        reason = str(exc).strip().partition("\n")[0]
        raise SourceError(f"`{name}` can't be read: {reason}", code="source.unreadable") from exc
    finally:
        connection.close()
    notes = notes_of(rows) if isinstance(rows, pa.Table) else ()
    return TableProfile(name, columns[0].rows if columns else 0, columns, notes)


def _open(connection: duckdb.DuckDBPyConnection, rows: TableRows) -> None:
    """Make the rows readable as `data`; DuckDB reads Parquet faster itself than through Arrow."""
    from pyarrow.dataset import FileSystemDataset

    if isinstance(rows, FileSystemDataset) and rows.format.default_extname == "parquet":
        files = ", ".join("'" + file.replace("'", "''") + "'" for file in rows.files)
        connection.execute(f"CREATE VIEW found AS FROM read_parquet([{files}])")
    else:
        connection.register("found", rows)
    zoned = ", ".join(
        f"{quoted(name)} AT TIME ZONE 'UTC' AS {quoted(name)}"
        for name, kind, *_ in connection.execute("DESCRIBE found").fetchall()
        if kind == "TIMESTAMP WITH TIME ZONE"  # in Python, such a time needs `pytz`
    )
    connection.execute(f"CREATE VIEW data AS SELECT *{zoned and f' REPLACE ({zoned})'} FROM found")


def _columns(connection: duckdb.DuckDBPyConnection) -> tuple[ColumnProfile, ...]:
    described = connection.execute("DESCRIBE data").fetchall()
    columns = [_Column(name, _word(kind)) for name, kind, *_ in described]
    if not columns:
        return ()
    rows, *extents = _row(connection, ["count(*)", *(column.extent() for column in columns)])
    asked = [column.spread(rows, extent) for column, extent in zip(columns, extents, strict=True)]
    spreads = _row(connection, asked)
    samples = connection.execute("SELECT * FROM data LIMIT 20").fetchall()
    return tuple(
        column.profile(rows, extent, spread, [row[at] for row in samples])
        for at, (column, extent, spread) in enumerate(zip(columns, extents, spreads, strict=True))
    )


def _row(connection: duckdb.DuckDBPyConnection, expressions: Sequence[str]) -> Sequence[Any]:
    """The one row of values over all rows of the data."""
    found = connection.execute(f"SELECT {', '.join(expressions)} FROM data").fetchone()
    assert found is not None
    return found


def _word(kind: str) -> str:
    """A type of DuckDB in one of our words."""
    return _WORDS.get(kind.partition("(")[0], kind.lower()) if "[" not in kind else "list"


@dataclass(frozen=True)
class _Column:
    """One column's questions to DuckDB: each pass asks for one struct a column."""

    name: str
    type: str

    @property
    def family(self) -> Family:
        return _FAMILIES.get(self.type, "other")

    @property
    def value(self) -> str:
        """The column as an expression whose values can be counted and shown."""
        return quoted(self.name) + ("" if self.family in ("number", "moment") else "::VARCHAR")

    @property
    def number(self) -> str:
        """The column as a finite number, for bins; moments count in seconds."""
        if self.family == "moment":
            return f"epoch({quoted(self.name)})"
        number = f"{quoted(self.name)}::DOUBLE"
        return f"CASE WHEN isfinite({number}) THEN {number} END"

    def extent(self) -> str:
        """First pass: values, about how many distinct ones, lowest, mean, highest."""
        parts = [f"filled := count({self.value})", f"about := approx_count_distinct({self.value})"]
        if self.family in ("number", "moment"):
            number = self.number
            finite = f"FILTER ({number} IS NOT NULL)"
            parts += [f"low := min({self.value}) {finite}", f"high := max({self.value}) {finite}"]
            parts += [f"first := min({number})", f"last := max({number})", f"mean := avg({number})"]
        return f"struct_pack({', '.join(parts)})"

    def spread(self, rows: int, extent: Mapping[str, Any]) -> str:
        """Second pass: exact distinct values where affordable, and how the values spread."""
        about, first, last = extent["about"], extent.get("first"), extent.get("last")
        exact = rows <= EXACT_ROWS or about <= MOST_VALUES
        parts = [f"distinct_values := {f'count(DISTINCT {self.value})' if exact else 'NULL'}"]
        if self.family == "text" and 0 < about <= min(MOST_VALUES, extent["filled"] / 2):
            parts.append(f"counts := histogram({self.value})")
        elif first is not None and last is not None and 0 < last - first < math.inf:
            bin_of = f"floor(({self.number} - {first!r}) / {(last - first) / BINS!r})"
            bins = f"histogram(least({bin_of}, {BINS - 1})::INTEGER)"
            parts.append(f"bins := {bins} FILTER ({self.number} IS NOT NULL)")
        return f"struct_pack({', '.join(parts)})"

    def profile(
        self,
        rows: int,
        extent: Mapping[str, Any],
        spread: Mapping[str, Any],
        sample: Sequence[Any],
    ) -> ColumnProfile:
        """What both passes found."""
        exact, bins = spread["distinct_values"], spread.get("bins")
        counts = spread.get("counts") or {}
        examples = () if counts or self.family in ("number", "moment") else sample
        return ColumnProfile(
            name=self.name,
            type=self.type,
            rows=rows,
            nulls=rows - extent["filled"],
            distinct=extent["about"] if exact is None else exact,
            exact=exact is not None,
            low=extent.get("low"),
            mean=None if self.family == "moment" else extent.get("mean"),
            high=extent.get("high"),
            shape=tuple(bins.get(at, 0) for at in range(BINS)) if bins else (),
            top=tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:TOP_VALUES]),
            examples=tuple(dict.fromkeys(str(value) for value in examples if value is not None))[
                :TOP_VALUES
            ],
        )
