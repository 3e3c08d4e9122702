"""What the columns of populations and events are: fixed, free to change, or conserved."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from fabula.kinds.base.columns import AbstractColumn

CENTS = 100
when = "when"
"""The type of an event column that holds the time of the step."""


@dataclass(frozen=True)
class Role:
    """A population's column.

    Attributes:
        start: What it starts from: a column kind, a number, a population that it refers to, or
            None for a column of a file.
        changes: Whether rules may write it.
        conserved: Whether it changes only by moves that are accounted for.
        money: Whether it is an amount in whole cents.
    """

    start: Any
    changes: bool = False
    conserved: bool = False
    money: bool = False

    @property
    def drawn(self) -> AbstractColumn | None:
        """The column kind that it starts from, if it starts from one."""
        return self.start if isinstance(self.start, AbstractColumn) else None


def _role(start: Any) -> Role:
    return start if isinstance(start, Role) else Role(start)


def money(column: Any) -> Role:
    """An amount of money: whole cents in rules, two decimals in the tables.

    A drawn amount is rounded to whole cents.
    """
    return replace(_role(column), money=True)


def conserved(column: Any) -> Role:
    """A quantity that rules move and never write: stock, a budget, seats, beds.

    It is never below 0, and every step its sum is what it was, plus arrivals, minus what was taken.
    """
    return replace(_role(column), conserved=True)


def state(start: Any) -> Role:
    """A column that rules may write; a population means a reference to it, missing at first."""
    return replace(_role(start), changes=True)
