"""One block while it is made: its rows, its streams, and the values that stand so far."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.engines.made import RowsCall
from fabula.io.arrays import array_of, numbers_of
from fabula.planning.plan import ColumnPlan, TablePlan
from fabula.streams import BLOCK_ROWS, stream

Array: TypeAlias = pa.Array

TRIES = 1_000
"""Attempts of a whole table are this far apart, leaving room for tries of single rows."""


@dataclass
class Block:
    """The rows `start` … `start + rows - 1` of a table.

    Attributes:
        table: The table's plan.
        seed: The run's seed.
        index: The block's number.
        start: Number of its first row in the table.
        rows: Rows in it.
        attempt: Raised by one each time rows are drawn again.
        wanted: Rows that are used, or None for all; the others may stay empty.
        values: Finished columns; a parent's column has the name `reference.column`.
        links: Row number in the parent of each row, -1 for none, by reference column.
        formulas: Evaluated expression parameters by column and parameter.
        rejected: Reasons of rows that could not be made, by position in the block.
        calls: Calls to language models for its rows whose replies are kept.
        siblings: Gives each row's place among its parent's rows, where rows follow from parents.
    """

    table: TablePlan
    seed: int
    index: int
    start: int
    rows: int
    attempt: int = 0
    wanted: NDArray[np.bool_] | None = None
    values: dict[str, Array] = field(default_factory=dict)
    links: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    formulas: dict[tuple[str, str], Array] = field(default_factory=dict)
    rejected: dict[int, Loss] = field(default_factory=dict)
    calls: list[RowsCall] = field(default_factory=list)
    siblings: Callable[[int, int], NDArray[np.int64]] | None = None

    def rng(self, name: str) -> np.random.Generator:
        """The stream of one column (or other named draw) in this block."""
        index = self.index + -(-self.table.spec.after // BLOCK_ROWS)
        return stream(self.seed, self.table.name, name, index, attempt=self.attempt)

    def take(self, other: Block, names: Iterable[str]) -> None:
        """Take over columns of another drawing of the same rows."""
        for name in names:
            self.values[name] = other.values[name]
            if name in other.links:
                self.links[name] = other.links[name]

    @property
    def row_numbers(self) -> NDArray[np.int64]:
        """Numbers of the rows in the table."""
        return np.arange(self.start, self.start + self.rows, dtype=np.int64)

    @property
    def unique_numbers(self) -> NDArray[np.int64]:
        """Row numbers that include earlier runs, so that unique values continue."""
        return self.row_numbers + self.table.spec.after

    @property
    def sibling_numbers(self) -> NDArray[np.int64]:
        """Each row's place among its parent's rows, from 0."""
        assert self.siblings is not None
        return self.siblings(self.start, self.rows)

    def parameter(self, column: ColumnPlan, name: str) -> float | NDArray[np.float64] | None:
        """A numeric parameter: its constant, or one value a row (NaN if null)."""
        formula = self.formulas.get((column.name, name))
        if formula is None:
            value = getattr(column.spec, name)
            return None if value is None else float(value)
        return as_floats(formula)


@dataclass(frozen=True)
class Loss:
    """Why one row could not be made."""

    reason: str
    raw: str = ""
    attempt: int = 0


Engine: TypeAlias = Callable[[Block], Array]
"""Makes one column of a block."""

GroupEngine: TypeAlias = Callable[[Block], None]
"""Makes several columns of a block at once and puts them in its values."""


def as_floats(values: Array) -> NDArray[np.float64]:
    """A numeric Arrow array as floats, NaN if null."""
    if not pa.types.is_floating(values.type):
        values = pc.cast(values, pa.float64(), safe=False)
    return numbers_of(values)


def rows_of(values: Array, rows: Sequence[int]) -> list[Any]:
    """Python values of some rows."""
    picked: list[Any] = values.take(array_of(np.array(rows, dtype=np.int64))).to_pylist()
    return picked


def with_share_missing(block: Block, name: str, share: float, values: Array) -> Array:
    """The values of a column with a random share of nulls."""
    if not share:
        return values
    missing = block.rng(f"{name}:nulls").random(block.rows) < share
    positions = array_of(np.arange(len(values)), missing=missing)
    return values.take(positions)


def from_floats(values: NDArray[np.float64], kind: pa.DataType) -> Array:
    """Numbers as an Arrow array of `kind`, null where NaN."""
    missing = np.isnan(values)
    if not missing.any():
        if pa.types.is_integer(kind):
            return array_of(values.astype(np.int64))
        return array_of(values)
    if pa.types.is_integer(kind):
        whole = np.where(missing, 0.0, values).astype(np.int64)
        return array_of(whole, missing=missing)
    return array_of(values, missing=missing)
