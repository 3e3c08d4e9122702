"""Columns that are learned as their distance from another one, such as an end from its start.

Where one column is never above another and near it, cells of both lose how far apart they are: a
trip of ten minutes lies inside one cell of a month of times. The model then learns the distance
as a column of its own, which is not handed out, and the farther column follows from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
import pyarrow as pa

from fabula.io.arrays import array_of
from fabula.synthesizers.codecs.codec import CodecState
from fabula.synthesizers.codecs.fixed_point import MOST_DECIMALS
from fabula.synthesizers.codecs.number_cells import FEWEST_CELLS
from fabula.synthesizers.constraints.formulas import Sum
from fabula.synthesizers.constraints.measures import SECONDS, Floats
from fabula.synthesizers.constraints.orders import Order, above
from fabula.synthesizers.constraints.sheet import Sheet

NARROW = 0.5
"""How far distances may spread, at most, alongside the farther column itself."""

COMMON = 0.01
"""A number of this share of the rows is one that a column returns to."""

LOST = 0.05
"""The share of rows at such numbers that may be lost, at most."""


@dataclass(frozen=True)
class Gap:
    """The distance of two columns.

    Attributes:
        order: The columns.
        name: The distance's own name.
        spread: How far apart the middle 80 % of the distances lie.
    """

    order: Order
    name: str
    spread: float = 0.0

    @classmethod
    def of(cls, order: Order, sheet: Sheet) -> Gap:
        """The distance of two columns, under a name that no column has."""
        name = f"{order.high} - {order.low}"
        while name in sheet.names:
            name += "'"
        return cls(order, name, _spread(_apart(sheet, order)[1]))

    def values(self, sheet: Sheet) -> pa.Array:
        """The distances; null where one of both is missing."""
        low, high = (sheet.measures[name] for name in (self.order.low, self.order.high))
        distance = above(sheet, high.name) - above(sheet, low.name)
        missing = np.isnan(distance)
        distance[missing] = 0.0
        kind = high.codec.lattice.type
        if pa.types.is_temporal(kind):
            unit = getattr(kind, "unit", "s")
            whole = np.rint(distance / SECONDS[unit]).astype(np.int64)
            return array_of(whole, missing=missing).cast(pa.duration(unit))
        step = min(low.step, high.step)
        if step:
            distance = np.round(np.rint(distance / step) * step, MOST_DECIMALS)
        return array_of(distance, missing=missing)

    def state(self) -> CodecState:
        """The distance as plain values."""
        settings = {"name": self.name, "spread": self.spread}
        return CodecState("gap", {**self.order.state().settings, **settings})

    @classmethod
    def restore(cls, state: CodecState) -> Gap:
        """The distance of a state."""
        settings = dict(state.settings)
        name, spread = settings.pop("name"), settings.pop("spread", 0.0)
        return cls(Order(**settings), name, spread)

    def formula(self, sheet: Sheet) -> Sum:
        """What the upper column is."""
        starts = [sheet.measures[name].start for name in (self.order.low, self.order.high)]
        return Sum(((self.order.low, 1.0), (self.name, 1.0)), starts[0] - starts[1])


def find_gaps(sheet: Sheet, orders: Iterable[Order], take: Callable[[str, str], bool]) -> list[Gap]:
    """Distances to learn: of each upper column the narrowest one.

    Args:
        sheet: Training rows.
        orders: What holds on all of them.
        take: Has an upper column follow from a lower one; tells whether it could.
    """
    ratios = sorted(((_narrowness(sheet, order), order) for order in orders), key=itemgetter(0))
    return [
        Gap.of(order, sheet)
        for ratio, order in ratios
        if ratio <= NARROW and take(order.high, order.low)
    ]


def _narrowness(sheet: Sheet, order: Order) -> float:
    """How far distances spread alongside the upper column; infinite where cells keep it better."""
    target, distance = _apart(sheet, order)
    if len(np.unique(target)) <= 2 * FEWEST_CELLS or _returned(target) > _returned(distance) + LOST:
        return float("inf")
    return _spread(distance) / (_spread(target) or 1.0)


def _apart(sheet: Sheet, order: Order) -> tuple[Floats, Floats]:
    """The upper column, and how far it is above the lower one, if both are known."""
    low, high = above(sheet, order.low), above(sheet, order.high)
    known = ~(np.isnan(low) | np.isnan(high))
    return high[known], (high - low)[known]


def _spread(numbers: Floats) -> float:
    return float(np.subtract(*np.quantile(numbers, [0.9, 0.1])))


def _returned(numbers: Floats) -> float:
    """The share of rows at numbers that are common."""
    counts = np.unique(numbers, return_counts=True)[1]
    return float(counts[counts >= COMMON * len(numbers)].sum() / len(numbers))
