"""A column's values as the numbers that formulas compute with, and back.

Numbers are themselves; times are seconds since the first one in training, which keeps them small
enough for floats.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.synthesizers.codecs.codec import ColumnCodec
from fabula.synthesizers.codecs.number_cells import FEWEST_CELLS
from fabula.synthesizers.codecs.numbers import NumberCodec
from fabula.synthesizers.codecs.string_formats.codec import WrittenCodec

Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]

SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
"""Seconds in the units of Arrow's times."""

_DAY = 86_400.0
_ROUNDED = 1e-9
_SINGLE = 2e-7
"""Relative differences that the same number may show in columns of doubles and of floats."""
_ARITHMETIC = 1e-14
"""The same for a few float operations before rounding to decimals."""


@dataclass(frozen=True, eq=False)
class Measure:
    """How one column's values are numbers.

    Attributes:
        codec: What was learned of the column: its lattice and range.
        written: How its values stand for texts, if they do.
    """

    codec: NumberCodec
    written: WrittenCodec | None = None

    @property
    def name(self) -> str:
        """The column's name."""
        return self.codec.name

    @property
    def is_time(self) -> bool:
        """Whether the column contains points in time or times of day."""
        kind = self.codec.lattice.type
        return bool(pa.types.is_temporal(kind) and not pa.types.is_duration(kind))

    @property
    def start(self) -> float:
        """The seconds that precede number 0 (times only)."""
        return self.codec.lattice.origin * self.unit if self.is_time else 0.0

    @property
    def unit(self) -> float:
        """Seconds in the type's own unit; 1 where it is no time."""
        kind = self.codec.lattice.type
        if not pa.types.is_temporal(kind):
            return 1.0
        return _DAY if pa.types.is_date32(kind) else SECONDS[getattr(kind, "unit", "ms")]

    @property
    def step(self) -> float:
        """The distance of neighbouring numbers; 0 if they are any float."""
        return (self.codec.lattice.step or 0.0) * self.unit

    def numbers(self, values: pa.Array) -> Floats:
        """Values as numbers; NaN if missing."""
        steps = self.codec.lattice.numbers(values)
        return self._base + (steps * self.step if self.step else steps)

    def steps(self, numbers: Floats) -> Floats:
        """Numbers as steps of the lattice, rounded to whole ones; NaN if they are not finite."""
        finite = np.where(np.isfinite(numbers), numbers, np.nan)
        return np.rint((finite - self._base) / self.step) if self.step else finite

    def values(self, numbers: Floats) -> pa.Array:
        """Numbers as values of the column, rounded to its decimals; null where not finite."""
        return self.codec.lattice.values(self.steps(numbers))

    def inside(self, numbers: Floats) -> Flags:
        """Whether numbers are missing or within the learned range."""
        steps = self.steps(numbers)
        if not len(self.codec.grid):
            return np.ones(len(steps), bool)
        low, high = self.codec.grid[0, 0], self.codec.grid[-1, -1]
        room = 0.0 if self.step else _ROUNDED * max(abs(low), abs(high))
        return np.asarray(np.isnan(steps) | ((steps >= low - room) & (steps <= high + room)))

    @property
    def bounds(self) -> tuple[float, float]:
        """The least and the largest number of the learned range."""
        if not len(self.codec.grid):
            return -np.inf, np.inf
        step = self.step or 1.0
        return (
            self._base + self.codec.grid[0, 0] * step,
            self._base + self.codec.grid[-1, -1] * step,
        )

    def tolerance(self, numbers: Floats, size: Floats) -> Floats:
        """How far a formula may lie from the column's numbers and still be the same.

        Args:
            numbers: The column's numbers.
            size: The largest part that went into the formula, in each row.
        """
        scale = np.maximum(np.abs(numbers), size)
        if self.step:
            return self.step / 2 + _ARITHMETIC * scale
        single = self.codec.lattice.type in (pa.float32(), pa.float16())
        return (_SINGLE if single else _ROUNDED) * scale

    def is_wide(self, seconds: float) -> bool:
        """Whether cells of the learned range are longer than that many seconds."""
        return self.numbers_inside * self.step >= FEWEST_CELLS * seconds

    @property
    def numbers_inside(self) -> float:
        """How many numbers the learned range holds."""
        if not len(self.codec.grid) or not self.step:
            return np.inf
        return float(self.codec.grid[-1, -1] - self.codec.grid[0, 0])

    @property
    def _base(self) -> float:
        """The number of the lattice's origin."""
        return 0.0 if self.is_time else self.codec.lattice.origin * self.unit


def measures_of(codecs: Iterable[ColumnCodec]) -> dict[str, Measure]:
    """The measures of the columns of numbers and times, by name."""
    found = {}
    for codec in codecs:
        if isinstance(codec, NumberCodec):
            found[codec.name] = Measure(codec)
        elif isinstance(codec, WrittenCodec):
            found[codec.name] = Measure(codec.numbers, codec)
    return found
