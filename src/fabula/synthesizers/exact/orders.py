"""Pairs of columns of which one is never above the other, such as start and end.

A pair counts where the order holds on all rows and can't be chance: with one column's rows
shuffled it would be broken so often that no row of so many breaks it with a chance below 2^-SURE.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from fabula.synthesizers.columns.codec import CodecState
from fabula.synthesizers.exact.evidence import SURE
from fabula.synthesizers.exact.measures import Flags, Floats, Measure
from fabula.synthesizers.exact.sheet import Sheet

FEWEST = 20
"""Rows in which both values are known that a pair needs."""

FIRST_ROWS = 50
"""Rows that nearly all pairs fail on."""


@dataclass(frozen=True)
class Order:
    """A column that is nowhere above another one.

    Attributes:
        low: The lower column.
        high: The upper one.
    """

    low: str
    high: str

    @property
    def told(self) -> str:
        """The order in words."""
        return f"{self.low} <= {self.high}"

    def kept(self, sheet: Sheet) -> Flags:
        """Which rows keep it; those with a missing value do."""
        return np.asarray(~(above(sheet, self.low) > above(sheet, self.high)))

    def state(self) -> CodecState:
        """The order as plain values."""
        return CodecState("order", {"low": self.low, "high": self.high})


def above(sheet: Sheet, name: str) -> Floats:
    """A column's numbers, above a start that all columns of its type share."""
    return sheet.numbers(name) + sheet.measures[name].start


def find_orders(few: Sheet, sheet: Sheet) -> list[Order]:
    """Orders that hold on all rows; those that follow from two others are left out.

    Args:
        few: Some of the rows, where orders are looked for.
        sheet: All of them.
    """
    pairs: set[tuple[str, str]] = set()
    for names in _comparable(few.measures):
        pairs |= {pair for pair in _pairs(few, names) if _never_above(sheet, *pair, len(names))}
    return [
        Order(low, high)
        for low, high in sorted(pairs)
        if not any((low, other) in pairs and (other, high) in pairs for other in few.measures)
    ]


def _comparable(measures: Mapping[str, Measure]) -> list[list[str]]:
    """Columns that may be compared: numbers, and times of one type."""
    alike: dict[object, list[str]] = {}
    for name, measure in measures.items():
        kind = measure.codec.lattice.type
        alike.setdefault(kind if pa.types.is_temporal(kind) else None, []).append(name)
    return list(alike.values())


def _pairs(few: Sheet, names: list[str]) -> Iterator[tuple[str, str]]:
    """Lower and upper columns of some rows."""
    values = np.stack([above(few, name) for name in names])
    first = values[:, :FIRST_ROWS]
    for low in range(len(names)):
        possible = ~(first[low] > first).any(axis=1)
        possible[low] = False
        for high in np.flatnonzero(possible):
            if not (values[low] > values[high]).any():
                yield names[low], names[high]


def _never_above(sheet: Sheet, lower: str, upper: str, columns: int) -> bool:
    """Whether the order holds on all rows and can't be chance."""
    low, high = above(sheet, lower), above(sheet, upper)
    known = ~(np.isnan(low) | np.isnan(high))
    low, high = low[known], high[known]
    if len(low) < FEWEST or (low > high).any() or (low == high).all():
        return False
    broken = float(np.searchsorted(np.sort(high), low, "left").mean()) / len(low)
    said = -len(low) * np.log2(max(1 - broken, 1e-300))
    return bool(said >= SURE + 2 * np.log2(columns))
