"""A table's columns as plain arrays that can be compared with those of another table."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.arrays import array_of, plain_type

Family: TypeAlias = Literal["number", "time", "zoned time", "label"]
"""What can be compared: columns of one family."""

Flags: TypeAlias = NDArray[np.bool_]
Rows: TypeAlias = NDArray[np.int64]
"""Row numbers of another table, -1 if there is none."""

DAY = 86_400_000_000
"""Microseconds."""

MOST_DECIMALS = 6
LARGEST = 2.0**53
"""Floats tell all whole numbers below it apart."""

_ROUNDED = 1e-9
"""The relative difference that the same number may show in columns of floats."""

_ARITHMETIC = 1e-14
"""The same for a few operations before rounding to decimals."""


@dataclass(frozen=True, eq=False)
class Values:
    """One column.

    Attributes:
        family: What its values are.
        plain: Floats, whole microseconds, or codes of labels; anything where missing.
        known: Where there is a value.
        decimals: Decimals of numbers; None if they are any float.
    """

    family: Family
    plain: NDArray[Any]
    known: Flags
    decimals: int | None = None

    def take(self, rows: Rows) -> Values:
        """The values in some rows; missing where a row is -1."""
        if not len(self.plain):
            return Values(self.family, np.zeros(len(rows), self.plain.dtype), rows >= 0)
        known = (rows >= 0) & self.known[rows]
        return Values(self.family, self.plain[rows], known, self.decimals)

    @cached_property
    def is_exact(self) -> bool:
        """Whether floats distinguish all numbers."""
        return bool(np.abs(self.plain[self.known]).max(initial=0.0) < LARGEST)

    @cached_property
    def is_daily(self) -> bool:
        """Whether all times are midnights."""
        return bool((self.plain[self.known] % DAY == 0).all())

    def room(self, size: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far a computed number may lie from this column's and still be the same."""
        if self.decimals is None:
            return _ROUNDED * size
        return 10.0**-self.decimals / 2 + _ARITHMETIC * size


class Plain:
    """The columns of one table, read if they are asked for.

    Args:
        table: Rows.
        but: Columns that are not compared, such as keys.
    """

    def __init__(self, table: pa.Table, but: frozenset[str] = frozenset()) -> None:
        self.table = table
        self._read: dict[str, Values | None] = {}
        self._families = {
            field.name: family
            for field in table.schema
            if field.name not in but and (family := family_of(field.type))
        }

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return int(self.table.num_rows)

    def names(self, *families: Family) -> list[str]:
        """The columns of some families, or of any."""
        return [name for name, own in self._families.items() if not families or own in families]

    def family(self, name: str) -> Family | None:
        """What a column's values are; None if it can't be compared or is missing."""
        return self._families.get(name)

    def __getitem__(self, name: str) -> Values:
        """A column's values; labels are codes of this table alone."""
        if name not in self._read:
            self._read[name] = _values(self.table.column(name), self._families[name])
        found = self._read[name]
        assert found is not None
        return found

    def few(self, rows: Rows) -> Plain:
        """The same columns in some rows."""
        few = Plain(self.table.take(array_of(rows)))
        few._families = self._families
        return few


def family_of(kind: pa.DataType) -> Family | None:
    """What values of a type are."""
    kind = plain_type(kind)
    if pa.types.is_nested(kind) or pa.types.is_null(kind) or is_bytes(kind):
        return None
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    if pa.types.is_timestamp(kind):
        return "time" if kind.tz is None else "zoned time"
    return "time" if pa.types.is_date(kind) else "label"


def is_bytes(kind: pa.DataType) -> bool:
    """Whether values are bytes, which nothing is said about."""
    tests = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary)
    return any(test(kind) for test in tests)


def same_labels(left: pa.ChunkedArray, right: pa.ChunkedArray) -> Flags:
    """Where two columns contain the same label, or both none."""
    mine, theirs = _texts(left), _texts(right)
    if mine.type != theirs.type:  # a truth value is not text
        return np.zeros(len(mine), bool)
    equal = pc.fill_null(pc.equal(mine, theirs), False)
    both = pc.and_(pc.is_null(mine), pc.is_null(theirs))
    return np.asarray(pc.or_(equal, both).to_numpy(), dtype=bool)


def microseconds(values: pa.ChunkedArray) -> NDArray[np.int64]:
    """Times as whole microseconds since 1970; 0 where missing."""
    zone = getattr(values.type, "tz", None)
    whole = values.cast(pa.timestamp("us", zone), safe=False).cast(pa.int64())
    return np.asarray(pc.fill_null(whole, 0).to_numpy(), dtype=np.int64)


def _values(values: pa.ChunkedArray, family: Family) -> Values:
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    known = np.asarray(values.is_valid().to_numpy(), dtype=bool)
    if family in ("time", "zoned time"):
        return Values(family, microseconds(values), known)
    if family == "label":
        codes = _texts(values).combine_chunks().dictionary_encode().indices
        return Values(family, np.asarray(pc.fill_null(codes, -1).to_numpy()), known)
    floats = np.asarray(values.cast(pa.float64(), safe=False).to_numpy(), dtype=float)
    known &= np.isfinite(floats)
    return Values(family, floats, known, _decimals(floats[known], values.type))


def _texts(values: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = values.type
    if pa.types.is_dictionary(kind):
        values = values.cast(kind.value_type)
    if pa.types.is_string(values.type) or pa.types.is_boolean(values.type):
        return values
    return values.cast(pa.string())


def _decimals(numbers: NDArray[np.float64], kind: pa.DataType) -> int | None:
    """How many decimals numbers have; None if there are too many."""
    if pa.types.is_integer(kind):
        return 0
    if pa.types.is_decimal(kind):
        return max(int(kind.scale), 0)
    largest = float(np.abs(numbers).max(initial=0.0))
    for decimals in range(MOST_DECIMALS + 1):
        if largest * 10**decimals >= LARGEST:
            return None
        near = np.abs(np.round(numbers, decimals) - numbers)
        if (near <= 2e-15 * np.maximum(1e-6, np.abs(numbers))).all():
            return decimals
    return None
