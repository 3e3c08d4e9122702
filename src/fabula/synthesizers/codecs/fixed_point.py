"""Numbers and times of any Arrow type as floats on a lattice, and back.

Whole numbers, dates and times, and decimals are multiples of a step from an origin, so that what
is drawn between them can be put back onto the grid that the real values lie on.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.arrays import array_of

MOST_DECIMALS = 12
_EXACT = 2.0**53
_RELATIVE = 2e-15
"""What float sums and products add to a number of few decimals; more would cut decimals off."""


@dataclass(frozen=True)
class Lattice:
    """The numbers that a column's values are.

    Attributes:
        type: The column's Arrow type.
        origin: The value that number 0 stands for, in the type's own unit.
        step: The distance of neighbouring numbers, in the type's own unit; None if values
            are any float.
    """

    type: pa.DataType
    origin: int = 0
    step: float | None = None

    @classmethod
    def of(cls, values: pa.Array) -> Lattice:
        """The lattice that the values of a column lie on."""
        kind = values.type
        if is_counted(kind):
            whole = _whole(values.drop_null(), kind)
            if not len(whole):
                return cls(kind, 0, 1.0)
            origin = int(whole.min())
            step = int(np.gcd.reduce(_from_origin(whole, origin)))
            return cls(kind, origin, float(step or 1))
        if pa.types.is_decimal(kind):
            low, high = _ends(values)
            if max(abs(low), abs(high)) < _EXACT:
                return cls(kind, 0, float(10.0**-kind.scale))
            return cls(kind, low, 1.0)
        numbers = values.drop_null().to_numpy(zero_copy_only=False).astype(float)
        return cls(kind, 0, _decimal_step(numbers[np.isfinite(numbers)]))

    def numbers(self, values: pa.Array) -> NDArray[np.float64]:
        """Values as numbers of steps (or as they are, without a step); NaN if missing."""
        if is_counted(self.type):
            raw = _whole(values.cast(self.type), self.type, missing=self.origin)
            above = _from_origin(raw, self.origin)
            numbers = np.where(raw < self.origin, -(-above).astype(float), above.astype(float))
            numbers[values.is_null().to_numpy(zero_copy_only=False)] = np.nan
        elif self._is_long:
            numbers = (_units(values.cast(self.type)) - self.origin).astype(float)
            numbers[values.is_null().to_numpy(zero_copy_only=False)] = np.nan
        else:
            plain = values.cast(pa.float64(), safe=False)
            numbers = plain.to_numpy(zero_copy_only=False).astype(float)
        numbers = np.where(np.isfinite(numbers), numbers, np.nan)
        return numbers if self.step is None else np.rint(numbers / self.step)

    def values(self, numbers: NDArray[np.float64]) -> pa.Array:
        """Numbers as values of the column's type; null where NaN."""
        missing = np.isnan(numbers)
        filled = np.where(missing, 0.0, numbers)
        if is_counted(self.type):
            assert self.step is not None
            size = np.rint(np.abs(filled)).astype(np.uint64)
            steps = np.where(filled < 0, np.uint64(0) - size, size) * np.uint64(self.step)
            whole = (steps + np.uint64(self.origin % 2**64)).view(np.int64)
            if self.type == pa.uint64():
                return array_of(whole, self.type, missing=missing)
            return array_of(whole, missing=missing).cast(_width(self.type)).cast(self.type)
        if self._is_long:
            units = np.rint(filled).astype(object)
            return _decimals_of([int(unit) + self.origin for unit in units], missing, self.type)
        if self.step is not None:
            filled = np.round(filled * self.step, _decimals(self.step))
        return array_of(filled, missing=missing).cast(self.type, safe=False)

    def number(self, value: Any) -> float:
        """One value, also as the text of one, as a number; it may lie between two steps.

        Raises:
            ArrowException: It is not a value of this type.
        """
        if is_counted(self.type):
            kind = self.type
            if isinstance(value, float) and pa.types.is_integer(kind):
                return (value - self.origin) / (self.step or 1.0)
            scalar = _scalar(value, kind)
            counted = _whole(pa.array([scalar.as_py()], kind), kind)
            return float(int(counted[0]) - self.origin) / (self.step or 1.0)
        if self._is_long:
            return float(int(Decimal(value).scaleb(self.type.scale)) - self.origin)
        return float(value) / (self.step or 1.0)

    @property
    def _is_long(self) -> bool:
        """Whether values are decimals of more digits than floats tell apart, counted in units."""
        return bool(pa.types.is_decimal(self.type)) and self.step is not None and self.step >= 1


def is_counted(kind: pa.DataType) -> bool:
    """Whether values of a type are whole numbers of some unit, of at most 64 bits."""
    return bool(pa.types.is_integer(kind) or pa.types.is_temporal(kind))


def is_exact(values: pa.Array) -> bool:
    """Whether floats tell all whole numbers of a column apart."""
    present = values.drop_null()
    if not len(present) or not (is_counted(values.type) or pa.types.is_decimal(values.type)):
        return True
    if pa.types.is_decimal(values.type):
        low, high = _ends(present)
        return high - low < _EXACT
    whole = _whole(present, values.type)
    return int(whole.max()) - int(whole.min()) < _EXACT


def _ends(values: pa.Array) -> tuple[int, int]:
    """The smallest and the largest of some decimals, as whole numbers of their last place."""
    ends, scale = pc.min_max(values), values.type.scale
    low, high = (int((ends[end].as_py() or Decimal(0)).scaleb(scale)) for end in ("min", "max"))
    return low, high


def _units(values: pa.Array) -> NDArray[Any]:
    """Decimals as whole numbers of their last place, of any length; 0 where missing."""
    scale = values.type.scale
    return np.array([int(value.scaleb(scale)) for value in values.fill_null(0).to_pylist()], object)


def _decimals_of(units: list[int], missing: NDArray[np.bool_], kind: pa.DataType) -> pa.Array:
    """Whole numbers of the last place as decimals; null where missing."""
    pairs = zip(units, missing.tolist(), strict=True)
    made = [None if gap else Decimal(unit).scaleb(-kind.scale) for unit, gap in pairs]
    return pa.array(made, kind)


def _whole(values: pa.Array, kind: pa.DataType, *, missing: int = 0) -> NDArray[Any]:
    """Values of a counted type as 64-bit whole numbers, with a sign where the type has one."""
    wide = pa.uint64() if kind == pa.uint64() else pa.int64()
    counted = values.cast(_width(kind)).cast(wide)
    filled = counted.fill_null(pa.scalar(missing, wide))
    return np.asarray(filled.to_numpy(zero_copy_only=False))


def _from_origin(whole: NDArray[Any], origin: int) -> NDArray[np.uint64]:
    """Distances from the origin, also if they are too large for a signed number."""
    return whole.view(np.uint64) - np.uint64(origin % 2**64)


def _scalar(value: Any, kind: pa.DataType) -> pa.Scalar:
    """A value of a type, from such a value or from its text."""
    if type(value) is dt.date:  # which Arrow does not take for a time
        value = value.isoformat()
    return pa.scalar(value).cast(kind) if isinstance(value, str) else pa.scalar(value, kind)


def _width(kind: pa.DataType) -> pa.DataType:
    """The integer type that a type's values are stored as."""
    if pa.types.is_integer(kind):
        return kind
    return pa.int32() if kind.bit_width == 32 else pa.int64()


def _decimal_step(numbers: NDArray[np.float64]) -> float | None:
    """The power of ten that all numbers are multiples of; None if there is no coarse one."""
    if not len(numbers):
        return 1.0
    largest = float(np.abs(numbers).max())
    for decimals in range(MOST_DECIMALS + 1):
        if largest * 10**decimals >= _EXACT:
            return None
        near = np.abs(np.round(numbers, decimals) - numbers)
        if (near <= _RELATIVE * np.maximum(1e-6, np.abs(numbers))).all():
            return float(10.0**-decimals)
    return None


def _decimals(step: float) -> int:
    return max(0, round(-math.log10(step)))
