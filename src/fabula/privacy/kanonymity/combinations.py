"""The distinct combinations of quasi-identifiers, each with its rows and its sensitive values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.arrays import plain_type
from fabula.io.sql import without_bar
from fabula.privacy.files.sources import Source

Whole = NDArray[np.int64]

MOST_VALUES = 100
"""A sensitive number with more distinct values is read by its quantiles."""

_BANDS = 20
_WIDEST = 2**62


@dataclass(frozen=True, eq=False)
class Column:
    """The distinct values of a column: code 0 is the missing value, value i has code i + 1.

    Attributes:
        name: The column.
        values: The distinct values.
        counts: How many rows have each code.
    """

    name: str
    values: pa.Array
    counts: Whole

    def codes(self, values: pa.Array | pa.ChunkedArray) -> Whole:
        """The code of each of some values, all of which occur in the column."""
        found = pc.fill_null(pc.index_in(values, value_set=self.values), -1)
        return np.asarray(found.to_numpy(), np.int64) + 1


@dataclass(frozen=True, eq=False)
class Sensitive:
    """What groups say about a sensitive column.

    Attributes:
        name: The column.
        combination: The combination of each tally.
        code: Its value, numbered in the order of the values.
        count: Its rows.
        values: How many values there are.
        ordered: Whether the values are numbers, so that near ones count as near.
        banded: Whether the values are quantiles, since there are too many numbers.
    """

    name: str
    combination: Whole
    code: Whole
    count: Whole
    values: int
    ordered: bool
    banded: bool = False


@dataclass(frozen=True, eq=False)
class Combinations:
    """The distinct combinations of a table.

    Attributes:
        columns: The quasi-identifiers.
        codes: The codes of each combination, one column a quasi-identifier.
        counts: The rows of each combination.
        sensitive: The sensitive columns.
    """

    columns: tuple[Column, ...]
    codes: Whole
    counts: Whole
    sensitive: tuple[Sensitive, ...] = ()

    @property
    def rows(self) -> int:
        """The rows of the table."""
        return int(self.counts.sum())

    @property
    def alone(self) -> int:
        """How many rows nobody shares a combination with."""
        return int((self.counts == 1).sum())


class Keys:
    """One number for each combination of codes; the same codes always have the same number."""

    def __init__(self, codes: Whole) -> None:
        self._sizes = [int(column.max(initial=0)) + 1 for column in codes.T]
        self._steps: dict[int, Whole] = {}
        self.distinct, self.of = np.unique(self._mixed(codes, learn=True), return_inverse=True)

    def find(self, codes: Whole) -> Whole:
        """The number of combinations that were there from the start."""
        return np.searchsorted(self.distinct, self._mixed(codes, learn=False))

    def _mixed(self, codes: Whole, *, learn: bool) -> Whole:
        keys, width = np.zeros(len(codes), np.int64), 1
        for at, size in enumerate(self._sizes):
            if width * size >= _WIDEST:
                if learn:
                    self._steps[at] = np.unique(keys)
                keys, width = np.searchsorted(self._steps[at], keys), len(self._steps[at])
            keys, width = keys * size + codes[:, at], width * size
        return keys


def combinations_of(
    source: Source, quasi: Sequence[str], sensitive: Sequence[str] = ()
) -> Combinations:
    """Group a table by its quasi-identifiers, by DuckDB, which spills what exceeds its memory.

    Args:
        source: Where the rows are.
        quasi: The quasi-identifiers.
        sensitive: Columns whose values a group must not give away.
    """
    grouped = _grouped(source, list(dict.fromkeys([*quasi, *sensitive])))
    rows = grouped["n"].to_numpy().astype(np.int64)
    columns, coded = [], []
    for name in quasi:
        column, codes = _encoded(name, grouped[name], rows)
        columns.append(column)
        coded.append(codes)
    stacked = np.column_stack(coded)
    keys = Keys(stacked)
    first = np.zeros(len(keys.distinct), np.int64)
    first[keys.of] = np.arange(len(stacked))
    counts = np.bincount(keys.of, rows, len(keys.distinct)).astype(np.int64)
    tallies = tuple(_tallied(name, grouped[name], keys.of, rows) for name in sensitive)
    return Combinations(tuple(columns), stacked[first], counts, tallies)


def _grouped(source: Source, names: Sequence[str]) -> pa.Table:
    import duckdb

    def batches() -> Iterator[pa.RecordBatch]:
        for block in source.tables(names):
            yield from block.cast(schema).to_batches()

    first = next(iter(source.tables(names)))
    schema = pa.schema([(field.name, plain_type(field.type)) for field in first.schema])
    listed = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
    with TemporaryDirectory() as spill:
        settings: dict[str, Any] = {
            "threads": 1, "memory_limit": "600MB", "temp_directory": spill,
            "autoinstall_known_extensions": False, "autoload_known_extensions": False,
        }  # fmt: skip
        with duckdb.connect(config=settings) as connection:
            without_bar(connection).register(
                "rows", pa.RecordBatchReader.from_batches(schema, batches())
            )
            query = f"SELECT {listed}, count(*) AS n FROM rows GROUP BY ALL ORDER BY ALL"
            return connection.sql(query).to_arrow_table()


def _encoded(name: str, values: pa.ChunkedArray, rows: Whole) -> tuple[Column, Whole]:
    encoded = values.combine_chunks().dictionary_encode()
    indices = np.asarray(pc.fill_null(encoded.indices, -1).to_numpy(), np.int64)
    order = np.asarray(pc.sort_indices(encoded.dictionary), np.int64)
    place = np.empty(len(order) + 1, np.int64)
    place[order], place[-1] = np.arange(1, len(order) + 1), 0
    codes = place[indices]
    counts = np.bincount(codes, rows, len(order) + 1).astype(np.int64)
    return Column(name, encoded.dictionary.take(pa.array(order)), counts), codes


def _tallied(name: str, values: pa.ChunkedArray, combination: Whole, rows: Whole) -> Sensitive:
    column, codes = _encoded(name, values, rows)
    numbers = as_numbers(column.values)
    banded = numbers is not None and len(numbers) > MOST_VALUES
    size = len(column.counts)
    if numbers is not None:
        place = np.empty(size, np.int64)
        order = np.argsort(numbers, kind="stable")
        place[0], place[order + 1] = 0, np.arange(1, size)
        if banded:
            shares = np.cumsum(column.counts[1:][order]) / max(1, column.counts[1:].sum())
            bands = np.minimum((shares * _BANDS).astype(np.int64), _BANDS - 1) + 1
            place[order + 1], size = bands, _BANDS + 1
        codes = place[codes]
    return Sensitive(name, combination, codes, rows, size, numbers is not None, banded)


def as_numbers(values: pa.Array) -> NDArray[np.float64] | None:
    """Values as numbers, if all of them are numbers or dates, or texts of numbers."""
    if pa.types.is_temporal(values.type):
        whole = pa.int32() if values.type.bit_width == 32 else pa.int64()
        return np.asarray(values.cast(whole).to_numpy(zero_copy_only=False), float)
    if pa.types.is_boolean(values.type) or not len(values):
        return None
    try:
        return np.asarray(values.cast(pa.float64()).to_numpy(zero_copy_only=False), float)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None
