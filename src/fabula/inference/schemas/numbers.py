"""Bounds and digits of a database's number, and the column that keeps them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlglot import exp

from fabula.errors import SpecError
from fabula.inference.guesses import Facts as Known
from fabula.inference.guesses import Guess, guess
from fabula.inference.schemas.conditions import Facts
from fabula.spec import col

WHOLE = {
    "TINYINT": 2**7,
    "UTINYINT": 2**8,
    "SMALLINT": 2**15,
    "USMALLINT": 2**16,
    "MEDIUMINT": 2**23,
    "UMEDIUMINT": 2**24,
    "INT": 2**31,
    "UINT": 2**32,
    "BIGINT": 2**63,
    "UBIGINT": 2**63,
    "INT128": 2**63,
    "UINT128": 2**63,
    "YEAR": 2156,
}
"""Whole numbers, with the first one that no longer fits."""
NUMBERS = {*WHOLE, "DECIMAL", "UDECIMAL", "MONEY", "SMALLMONEY", "FLOAT", "DOUBLE", "UDOUBLE"}
"""All types of numbers."""
_DIGITS = 15
"""Digits that a float64 keeps."""
_FARTHEST = 2**63 - 2**10
"""The highest whole number of 64 bits that a float64 is, too."""
_WIDE = 1_000
"""How far a number reaches of which nothing else is known."""


def sizes_of(kind: exp.DataType) -> list[int]:
    """The numbers in a type's brackets: `numeric(8, 2)`."""
    texts = [
        str(item.this.this) for item in kind.expressions if isinstance(item, exp.DataTypeParam)
    ]
    return [int(text) for text in texts if text.isdigit()]


@dataclass(frozen=True)
class Bounds:
    """Between which numbers a column lies.

    Attributes:
        decimals: Its decimals.
        low: The lowest number that a condition allows.
        high: The highest number that a condition allows.
        most: The highest number that the type and the condition allow.
    """

    decimals: int
    low: float | None
    high: float | None
    most: float

    @classmethod
    def of(cls, kind: str, sizes: list[int], facts: Facts) -> Bounds:
        """The bounds of a type with these sizes, and of a condition."""
        if kind in ("MONEY", "SMALLMONEY"):
            sizes = [12, 2]
        digits, scale = (sizes or [_DIGITS])[0], sizes[1] if len(sizes) > 1 else 2 - 2 * bool(sizes)
        decimals = 0 if kind in WHOLE else min(scale if kind not in ("FLOAT", "DOUBLE") else 2, 6)
        step = 10.0**-decimals
        low, high = _end(facts.low, step * facts.above), _end(facts.high, -step * facts.below)
        most = float(WHOLE.get(kind, 10**_DIGITS) - 1)
        if kind not in WHOLE:
            most = min(10.0 ** (digits - scale), 10.0 ** (_DIGITS - decimals)) - step
        if kind in ("FLOAT", "DOUBLE") and low is not None and high is not None:
            room = max(high - low, 10.0**-11)  # narrow bounds need finer numbers
            decimals = max(decimals, min(12, math.ceil(1 - math.log10(room))))
            step = 10.0**-decimals
            low, high = _end(facts.low, step * facts.above), _end(facts.high, -step * facts.below)
        low = low if low is None else max(_rounded(low, decimals, math.ceil), -_FARTHEST)
        high = high if high is None else min(_rounded(high, decimals, math.floor), _FARTHEST)
        return cls(decimals, low, high, most if high is None else min(most, high))

    @property
    def is_empty(self) -> bool:
        """Whether no number lies between them."""
        return self.low is not None and self.low > self.most

    def number(self, value: float) -> float:
        """A bound in the column's own form."""
        return int(value) if self.decimals == 0 else round(value, self.decimals)


def number_guess(kind: str, bounds: Bounds, known: Known, rules: str) -> Guess:
    """The column of numbers between bounds: by its name, or evenly between them."""
    low, high = bounds.low, bounds.high
    if kind == "YEAR":
        first = max(1901, int(min(1950, high or 1950) if low is None else low))
        last = min(2155, int(max(2026, first) if high is None else high))
        return Guess(col.uniform(first, last, decimals=0), "a year")
    told = f"bounds from {rules}" if low is not None or high is not None else "a number: narrow it"
    try:
        made = guess(known)
    except SpecError:  # more digits than a column keeps
        made = None
    if made is not None and made.column.kind != "key":
        top: Any = getattr(made.column, "max", None)
        capped = made.column
        if hasattr(capped, "max") and (top is None or float(top) > bounds.most):
            capped = capped.model_copy(update={"max": bounds.number(bounds.most)})
        both = low is not None and high is not None
        return Guess(capped, told if both else made.reason)
    bottom = low if low is not None else min(0.0, bounds.most - 1)
    top = bounds.most if high is not None else min(bounds.most, bottom + _WIDE)
    ends = bounds.number(bottom), bounds.number(top)
    return Guess(col.uniform(*ends, decimals=bounds.decimals), told)


def _rounded(bound: float, decimals: int, to: Callable[[float], int]) -> float:
    """A bound with the column's decimals, on the side that is allowed."""
    if decimals == 0:
        return to(bound)
    return to(round(bound * 10.0**decimals, 6)) / 10.0**decimals


def _end(bound: object, step: float) -> float | None:
    if not isinstance(bound, int | float | Decimal) or isinstance(bound, bool):
        return None
    return float(bound) + step
