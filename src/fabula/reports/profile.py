"""The profile of a table on disk: what each column contains, in two passes over the data."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, Literal

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from fabula.errors import SourceError
from fabula.io.notes import notes_of
from fabula.io.read import TableRows, local_files
from fabula.io.sources import read_tables
from fabula.io.sql import without_bar
from fabula.kinds.base.sql import quoted

BINS = 10
"""Bars of a column's shape."""

MOST_VALUES = 200
"""Columns of text with no more distinct values than this are counted value by value."""

TOP_VALUES = 4
"""Frequent values, or examples, that a profile keeps of a column."""

AT_ONCE = 200
"""Columns that one query counts: its memory, and the time to plan it, grow with them."""

MOST_COLUMNS = 1_000
"""Columns of a table that are profiled; a note tells how many are left out."""

MOST_READ_AT_ONCE = 64 << 20
"""Bytes of files of text that are read into memory where several queries count their columns."""

EXACT_ROWS = 1_000_000
"""Up to this many rows, distinct values are counted exactly."""

LISTED_ROWS = 20_000
"""Up to this many rows, a column's values are counted in a list: hash tables cost more."""

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
    return [profile_rows(name, rows) for name, rows in read_tables(path).items()]


def profile_rows(
    name: str, rows: TableRows, limits: Mapping[str, str | int] | None = None
) -> TableProfile:
    """The profile of one table.

    Args:
        name: The table.
        rows: Its rows.
        limits: Settings of DuckDB: how much memory it takes and how many threads.

    Raises:
        SourceError: Its file is damaged.
    """
    config: dict[str, Any] = {"autoinstall_known_extensions": False, **(limits or {})}
    with duckdb.connect(config=config) as connection:
        return _profile(without_bar(connection), name, rows)


def _profile(connection: duckdb.DuckDBPyConnection, name: str, rows: TableRows) -> TableProfile:
    left_out = len(rows.schema) - MOST_COLUMNS
    try:
        open_view(connection, rows)
        columns = _columns(connection)
    except (duckdb.Error, pa.ArrowException) as exc:
        reason = str(exc).strip().partition("\n")[0]
        raise SourceError(f"`{name}` can't be read: {reason}", code="source.unreadable") from exc
    notes = notes_of(rows) if isinstance(rows, pa.Table) else ()
    if left_out > 0:
        notes += (f"the last {left_out:,} of {len(rows.schema):,} columns are not profiled",)
    return TableProfile(name, columns[0].rows if columns else 0, columns, notes)


def open_view(
    connection: duckdb.DuckDBPyConnection, rows: TableRows, number: str = ""
) -> list[int]:
    """Make the rows readable as `data`; DuckDB reads Parquet faster itself than through Arrow.

    Args:
        connection: Where they are read.
        rows: The rows.
        number: The name of a further column, with the number of each row from 1; "" for none.

    Returns:
        The number of the first row of each Parquet file, whose rows are found without reading
        others: `data` has columns `file_index` and `file_row_number`, from 0. Else nothing.
    """
    files, firsts = local_files(rows), list[int]()
    numbered = "row_number() OVER ()"
    if files and not isinstance(rows, pa.Table) and rows.format.default_extname == "parquet":
        listed = ", ".join("'" + str(file).replace("'", "''") + "'" for file in files)
        source = f"read_parquet([{listed}])"
        taken = {"file_index", "file_row_number"} & {*map(str.lower, rows.schema.names)}
        if number and not taken:  # DuckDB knows both of every row, unless columns have their names
            sizes = [pq.read_metadata(file).num_rows for file in files]
            firsts = list(accumulate(sizes, initial=1))[:-1]
            number_of_file = f"({firsts})[file_index::BIGINT + 1]"
            numbered = f"file_index, file_row_number, {number_of_file} + file_row_number::BIGINT"
    else:
        names = rows.schema.names
        if isinstance(rows, pa.Table):
            rows = rows.select(names[:MOST_COLUMNS])  # each query plans for all that it is given
        elif len(names) > AT_ONCE and files and _bytes(files) <= MOST_READ_AT_ONCE:
            rows = rows.to_table(columns=names[:MOST_COLUMNS])  # text is parsed once, not by each
        connection.register("given", rows)
        source = "given"
    further = f", {numbered} AS {quoted(number)}" if number else ""
    connection.execute(f"CREATE OR REPLACE VIEW found AS SELECT *{further} FROM {source}")
    zoned = ", ".join(
        f"{quoted(name)} AT TIME ZONE 'UTC' AS {quoted(name)}"
        for name, kind, *_ in connection.execute("DESCRIBE found").fetchall()
        if kind == "TIMESTAMP WITH TIME ZONE"  # in Python, such a time needs `pytz`
    )
    connection.execute(
        f"CREATE OR REPLACE VIEW data AS SELECT *{zoned and f' REPLACE ({zoned})'} FROM found"
    )
    return firsts


def _bytes(files: Iterable[Path]) -> int:
    return sum(file.stat().st_size for file in files)


def _columns(connection: duckdb.DuckDBPyConnection) -> tuple[ColumnProfile, ...]:
    described = connection.execute("DESCRIBE data").fetchall()[:MOST_COLUMNS]
    columns = [_Column(name, type_word(kind)) for name, kind, *_ in described]
    if not columns:
        return ()
    (rows,) = _row(connection, ["count(*)"])
    found: list[ColumnProfile] = []
    for start in range(0, len(columns), AT_ONCE):
        some = columns[start : start + AT_ONCE]
        extents = _row(connection, [column.extent() for column in some])
        asked = [column.spread(rows, extent) for column, extent in zip(some, extents, strict=True)]
        spreads = _row(connection, asked)
        names = ", ".join(quoted(column.name) for column in some)
        samples = connection.execute(f"SELECT {names} FROM data LIMIT 20").fetchall()
        found += (
            column.profile(rows, extent, spread, [row[at] for row in samples])
            for at, (column, extent, spread) in enumerate(zip(some, extents, spreads, strict=True))
        )
    return tuple(found)


def _row(connection: duckdb.DuckDBPyConnection, expressions: Sequence[str]) -> Sequence[Any]:
    """The one row of values over all rows of the data."""
    found = connection.execute(f"SELECT {', '.join(expressions)} FROM data").fetchone()
    assert found is not None
    return found


def type_word(kind: str) -> str:
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
            finite = f"CASE WHEN {number} IS NOT NULL THEN {self.value} END"  # FILTER takes memory
            parts += [f"low := min({finite})", f"high := max({finite})"]
            parts += [f"first := min({number})", f"last := max({number})", f"mean := avg({number})"]
        return f"struct_pack({', '.join(parts)})"

    def spread(self, rows: int, extent: Mapping[str, Any]) -> str:
        """Second pass: exact distinct values where affordable, and how the values spread."""
        about, first, last = extent["about"], extent.get("first"), extent.get("last")
        few = rows <= LISTED_ROWS
        exact = rows <= EXACT_ROWS or about <= MOST_VALUES
        distinct, histogram = "count(DISTINCT {})", "histogram({})"
        if few:
            distinct, histogram = (
                "coalesce(len(list_distinct(list({}))), 0)",
                "list_histogram(list({}))",
            )
        parts = [f"distinct_values := {distinct.format(self.value) if exact else 'NULL'}"]
        if self.family == "text" and 0 < about <= min(MOST_VALUES, extent["filled"] / 2):
            parts.append(f"counts := {histogram.format(self.value)}")
        elif first is not None and last is not None and 0 < last - first < math.inf:
            bin_of = f"floor(({self.number} - {first!r}) / {(last - first) / BINS!r})"
            within = f"CASE WHEN {self.number} IS NOT NULL THEN least({bin_of}, {BINS - 1}) END"
            parts.append(f"bins := {histogram.format(f'({within})::INTEGER')}")
        return f"struct_pack({', '.join(parts)})"

    def profile(
        self, rows: int, extent: Mapping[str, Any], spread: Mapping[str, Any], sample: Sequence[Any]
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
