"""Pairs of columns of which one is never above the other, such as start and end.

A pair counts where the order holds on all rows, or on all but a few, and can't be chance: with one
column's rows shuffled it would be broken so often that so few of the rows break it with a chance
below 2^-SURE.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fabula.io.arrays import array_of
from fabula.synthesizers.codecs.codec import PROTECTED_ROWS, CodecState
from fabula.synthesizers.constraints.evidence import EXCEPTIONS, EXCEPTIONS_OF_OTHERS, SURE, choice
from fabula.synthesizers.constraints.measures import Flags, Floats, Measure
from fabula.synthesizers.constraints.sheet import Sheet
from fabula.synthesizers.constraints.wording import told_length

FEWEST = 20
"""Rows in which both values are known that a pair needs."""

FIRST_ROWS = 50
"""Rows that nearly all pairs fail on."""

FIRST_BROKEN, FEW_BROKEN = 1, 0.005
"""The first rows that may break an order, and the share of the rows in which it is looked for."""


@dataclass(frozen=True)
class Order:
    """A column that is nowhere above another one.

    Attributes:
        low: The lower column.
        high: The upper one.
        broken: Training rows that break the order.
        implied: Whether formulas between the two keep it in nearly all rows; it is not told then.
        most: The seconds from a lower time to the upper one, at most; None if nothing limits it.
    """

    low: str
    high: str
    broken: int = 0
    implied: bool = False
    most: float | None = None

    @property
    def told(self) -> str:
        """The order in words."""
        differ = f" ({self.broken:,} training row{'s differ' if self.broken > 1 else ' differs'})"
        return f"{self.low} <= {self.high}{differ if self.broken else ''}"

    @property
    def limit(self) -> str:
        """The longest distance in words; empty if there is none."""
        if self.most is None:
            return ""
        return f"{self.high}: at most {told_length(self.most)} after {self.low}"

    def kept(self, sheet: Sheet) -> Flags:
        """Which rows keep it; those with a missing value do."""
        return self.in_order(sheet) & ~self.too_far(sheet)

    def in_order(self, sheet: Sheet) -> Flags:
        """In which rows the lower column is not above the upper one."""
        return np.asarray(~(above(sheet, self.low) > above(sheet, self.high)))

    def too_far(self, sheet: Sheet) -> Flags:
        """In which rows the two are farther apart than in training."""
        apart = above(sheet, self.high) - above(sheet, self.low)
        return np.asarray(apart > (np.inf if self.most is None else self.most))

    def within(self, sheet: Sheet) -> Order:
        """The order of two times with the distance that only `PROTECTED_ROWS` - 1 rows exceed."""
        apart = above(sheet, self.high) - above(sheet, self.low)
        apart = np.sort(apart[~np.isnan(apart)])
        if not sheet.measures[self.high].is_time or len(apart) < FEWEST:
            return self
        return replace(self, most=float(apart[-PROTECTED_ROWS]))

    def state(self) -> CodecState:
        """The order as plain values."""
        return CodecState("order", asdict(self))


def above(sheet: Sheet, name: str) -> Floats:
    """A column's numbers, above a start that all columns of its type share."""
    return sheet.numbers(name) + sheet.measures[name].start


def exchangeable(
    orders: Iterable[object], bound: Collection[str], near: Collection[Order]
) -> tuple[Order, ...]:
    """Orders without exceptions that an exchange of both values restores.

    Args:
        orders: What holds on all rows.
        bound: Columns that others follow from, or that follow from others.
        near: Orders that are kept by a distance, although their columns are bound.
    """
    apart = {(order.low, order.high) for order in near}
    return tuple(
        order
        for order in orders
        if isinstance(order, Order)
        and not order.broken
        and ((order.low, order.high) in apart or not {order.low, order.high}.intersection(bound))
    )


def put_in_order(sheet: Sheet, orders: Iterable[object]) -> None:
    """Exchange the two values of each row that breaks an order, in place."""
    kept = [order for order in orders if isinstance(order, Order)]
    for _ in kept:  # as many passes as a chain of orders can need
        for order in kept:
            broken = ~order.in_order(sheet)
            ends = (order.low, order.high)
            made = [_exchanged(sheet, *pair, broken) for pair in (ends, ends[::-1])]
            for name, values in zip(ends, made, strict=True):
                sheet.replace(name, values)
    for order in kept:
        measure, far = sheet.measures[order.high], order.too_far(sheet)
        if order.most is not None and far.any():
            latest = above(sheet, order.low) + order.most - measure.start
            step = measure.step or 0.0
            nearest = measure.values(np.floor(latest / step) * step if step else latest)
            own = sheet.values(order.high)
            sheet.replace(order.high, pc.if_else(array_of(far), nearest.cast(own.type), own))


def _exchanged(sheet: Sheet, name: str, other: str, rows: Flags) -> pa.Array:
    """A column with the values of another one in some rows."""
    measure, own = sheet.measures[name], sheet.values(name)
    values = measure.values(above(sheet, other) - measure.start)
    return pc.if_else(array_of(rows), values.cast(own.type), own)


def find_orders(few: Sheet, sheet: Sheet) -> list[Order]:
    """Orders that hold on nearly all rows; those that follow from two others are left out.

    Args:
        few: Some of the rows, where orders are looked for.
        sheet: All of them.
    """
    pairs: dict[tuple[str, str], int] = {}
    for names in _comparable(few.measures):
        for pair in _pairs(few, names):
            broken = _broken(sheet, *pair, len(names))
            if broken is not None:
                pairs[pair] = broken
    return [
        Order(low, high, broken)
        for (low, high), broken in sorted(pairs.items())
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
        possible = (first[low] > first).sum(axis=1) <= FIRST_BROKEN
        possible[low] = False
        for high in np.flatnonzero(possible):
            if (values[low] > values[high]).mean() <= FEW_BROKEN:
                yield names[low], names[high]


def _broken(sheet: Sheet, lower: str, upper: str, columns: int) -> int | None:
    """How many rows break the order; None if they are many, or it can be chance."""
    low, high = above(sheet, lower), above(sheet, upper)
    known = ~(np.isnan(low) | np.isnan(high))
    low, high = low[known], high[known]
    broken = int((low > high).sum())
    if len(low) < FEWEST or broken > EXCEPTIONS * len(low) or (low == high).all():
        return None
    by_chance = float(np.searchsorted(np.sort(high), low, "left").mean()) / len(low)
    if broken > EXCEPTIONS_OF_OTHERS * by_chance * len(low):
        return None
    said = -(len(low) - broken) * np.log2(max(1 - by_chance, 1e-300))
    needed = SURE + 2 * np.log2(columns) + choice(len(low), broken)
    return broken if said >= needed else None
