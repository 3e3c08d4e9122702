"""How quantities move: who is served when there is not enough for all, and the accounts of it.

Whoever comes first is served. The order of coming is drawn for each agent and step, so it favours
nobody, and does not depend on where an agent's row stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fabula.simulation.faults import ModelFault

Whole = NDArray[np.int64]


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
    """Quantities as whole numbers, one per row.

    Raises:
        ModelFault: One is a fraction or below 0, or their number is another.
    """
    given = np.asarray(values)
    if given.ndim and len(given) != size:
        raise ModelFault(f"{what}: {len(given)} quantities were given for {size} rows")
    if given.dtype.kind not in "iubf":
        raise ModelFault(f"{what}: quantities are whole numbers, and {given.dtype} was given")
    is_whole = given.dtype.kind in "iub" or (np.isfinite(given) & (given == np.floor(given))).all()
    if not is_whole:
        raise ModelFault(
            f"{what}: quantities are whole, and money is in whole cents",
            "round them: `np.rint(x).astype(int)`",
        )
    if given.size and int(given.min()) < 0:
        raise ModelFault(f"{what}: a quantity is below 0", "use `arrive` to add")
    if given.size and int(given.max()) >= 2**62:
        raise ModelFault(f"{what}: a quantity is 2^62 or more")
    return np.broadcast_to(given.astype(np.int64, copy=False), (size,))


def served(
    rows: Whole, quantity: Whole, left: Whole, rank: NDArray[np.uint64] | None
) -> NDArray[np.bool_]:
    """Who gets the quantity that they ask for, first come, first served.

    Args:
        rows: The row that each one asks; shape (requests,).
        quantity: How much each one asks for.
        left: What each row has.
        rank: When each one comes; None if no row is asked twice.
    """
    if rank is None:
        return np.asarray(quantity <= left[rows])
    if quantity.strides == (0,) and len(quantity):  # everybody asks for the same
        wanted = np.bincount(rows, minlength=len(left)) * quantity[0]
    else:
        wanted = np.zeros(len(left), dtype=np.int64)
        np.add.at(wanted, rows, np.minimum(quantity, left[rows] + 1))
    contended = np.flatnonzero((wanted > left)[rows])
    granted = np.ones(len(rows), dtype=bool)
    granted[contended] = False
    order = contended[np.lexsort((rank[contended], rows[contended]))]
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
