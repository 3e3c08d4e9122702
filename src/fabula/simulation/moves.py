"""How quantities move: who is served when there is not enough for all, and the accounts of it.

Whoever comes first is served. The order of coming is drawn for each agent and step, so it favours
nobody, and does not depend on where an agent's row stands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fabula.simulation.faults import ModelFault

Whole = NDArray[np.int64]
MOST = 2**62
"""Quantities are below it."""


@dataclass
class Account:
    """What came into a conserved column and what left it, over the whole run.

    Attributes:
        start: Its sum before the first step.
        arrived: The sum of what came in.
        taken: The sum of what left.
        lent: The sum of what is lent now, and comes back.
    """

    start: int = 0
    arrived: int = 0
    taken: int = 0
    lent: int = 0

    @property
    def due(self) -> int:
        """What the column's sum must be."""
        return self.start + self.arrived - self.taken - self.lent


def whole(values: ArrayLike, size: int, what: str) -> Whole:
    """Quantities as whole numbers: one for all rows, shape (), or one per row.

    Raises:
        ModelFault: One is a fraction or below 0, or their number is another.
    """
    if type(values) is int and 0 <= values < MOST:
        return np.array(values)
    given = np.asarray(values)
    if given.shape != (size,) and given.ndim:
        raise ModelFault(f"{what}: {given.size} quantities were given for {size} rows")
    kind = given.dtype.kind
    if kind not in "iubf":
        raise ModelFault(f"{what}: quantities are whole numbers, and {given.dtype} was given")
    if kind == "f" and not (np.isfinite(given) & (given == np.floor(given))).all():
        raise ModelFault(
            f"{what}: quantities are whole, and money is in whole cents",
            "round them: `np.rint(x).astype(int)`",
        )
    made: Whole = given.astype(np.int64, copy=False)
    if made.size:
        lowest, highest = ends(made)
        if lowest < 0 and given.min() < 0:
            raise ModelFault(f"{what}: a quantity is below 0", "use `arrive` to add")
        if not 0 <= lowest <= highest < MOST:
            raise ModelFault(f"{what}: a quantity is 2^62 or more")
    return made


def ends(values: NDArray[Any]) -> tuple[Any, Any]:
    """The least and the greatest of some values, NaN where one is NaN.

    Their places are found in a fifth of the time of `min` and `max` where values are few.
    """
    return values.item(values.argmin()), values.item(values.argmax())


def within(values: NDArray[Any], least: float, most: float) -> bool:
    """Whether all values are from one bound to the other; NaN is not."""
    if not values.size:
        return True
    lowest, highest = ends(values)
    return bool(least <= lowest <= highest <= most)


def texts_alone(values: NDArray[Any]) -> bool:
    """Whether values are texts, or missing."""
    if values.dtype.kind != "O":
        return values.dtype.kind == "U"
    return all(value is None or isinstance(value, str) for value in values.ravel())


def total(quantity: Whole, rows: int) -> int:
    """The sum of quantities of some rows: one for all of them, or one for each."""
    return int(np.add.reduce(quantity)) if quantity.ndim else int(quantity) * rows


def served(
    rows: Whole,
    quantity: Whole,
    left: Whole,
    ranks: Callable[[Whole], NDArray[np.uint64]] | None,
) -> NDArray[np.bool_]:
    """Who gets the quantity that they ask for, first come, first served.

    Args:
        rows: The row that each one asks; shape (requests,).
        quantity: How much each one asks for, or everybody.
        left: What each row has.
        ranks: Tells when some of them come, by their places; None if no row is asked twice.
    """
    if ranks is None:
        return np.asarray(quantity <= left[rows])
    granted = np.ones(len(rows), dtype=bool)
    same = None if quantity.ndim else int(quantity)
    if same == 0:
        return granted
    if same:
        units = left if same == 1 else left // same
        is_short = np.bincount(rows, minlength=len(left)) > units
    else:
        wanted = np.zeros(len(left), dtype=np.int64)
        np.add.at(wanted, rows, np.minimum(quantity, left[rows] + 1))
        is_short = wanted > left
    contended = is_short[rows].nonzero()[0]
    if not contended.size:
        return granted
    granted[contended] = False
    order = contended[np.lexsort((ranks(contended), rows[contended]))]
    if same:
        asked = rows[order]
        fits = np.arange(len(order)) - np.searchsorted(asked, asked) < units[asked]
        granted[order[fits]] = True
        return granted
    have = left.copy()
    while (order := order[quantity[order] <= have[rows[order]]]).size:
        asked, each = rows[order], quantity[order]
        sums = np.cumsum(each)
        first = np.searchsorted(asked, asked)
        fits = sums - sums[first] + each[first] <= have[asked]
        granted[order[fits]] = True
        np.subtract.at(have, asked[fits], each[fits])
        order = order[~fits]
    return granted


@dataclass(frozen=True)
class Arrival:
    """Something that comes at a later step.

    Attributes:
        step: When.
        population: To whom.
        column: The conserved column.
        rows: The rows that get it.
        quantity: How much each gets.
        back: Whether it was lent, and now comes back.
        event: The event table that is told, if any.
    """

    step: int
    population: str
    column: str
    rows: Whole
    quantity: Whole
    back: bool = False
    event: str | None = None

    def to_state(self) -> dict[str, Any]:
        """Its fields as plain values and arrays."""
        return dict(vars(self))
