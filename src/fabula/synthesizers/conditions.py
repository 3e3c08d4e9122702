"""What a sample is asked for, read from what users write: values, lists, ranges, shares."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from fabula.errors import UsageError, did_you_mean
from fabula.synthesizers.codecs.codec import Range, Target, told
from fabula.synthesizers.codecs.learning import Columns
from fabula.synthesizers.model import Weights

Given: TypeAlias = Mapping[str, Any]
"""By column a value, a list of values, or a range: `"18..30"`, `"18.."`, `range(18, 31)`."""

Shares: TypeAlias = Mapping[str, Mapping[Any, float]]
"""For one column the wanted share of each value or range."""

_TWO_DOTS = ".."
_ROUNDING = 1e-5


@dataclass(frozen=True)
class Asked:
    """Conditions on the columns of every row.

    Attributes:
        wanted: What each column (by position) is to hold.
        allowed: The same as weights of its cells.
    """

    wanted: Mapping[int, Target] = field(default_factory=dict)
    allowed: Mapping[int, Weights] = field(default_factory=dict)

    def also(self, column: int, wanted: Target, weights: Weights) -> Asked:
        """With a condition on one more column."""
        return Asked({**self.wanted, column: wanted}, {**self.allowed, column: weights})


@dataclass(frozen=True)
class Part:
    """A share of the rows, and what holds for them."""

    share: float
    asked: Asked


def read_given(columns: Columns, given: Given | None) -> Asked:
    """The conditions that users gave.

    Raises:
        UsageError: A column is unknown, or what is asked of it never occurs.
    """
    asked = Asked()
    for name, value in _by_column(given or {}, "given").items():
        at = _position(columns, name)
        wanted = as_wanted(value)
        if wanted == ():
            raise UsageError(
                f"given `{name}` is an empty list",
                code="given.unknown",
                where=name,
                hint="name the values that it may hold, or leave it out",
            )
        asked = asked.also(at, wanted, columns.codecs[at].weights(wanted))
    return asked


def read_shares(columns: Columns, shares: Shares | None, asked: Asked) -> tuple[Part, ...]:
    """The parts that a sample is made of; what shares leave open goes to all other values.

    Raises:
        UsageError: They are not shares of one column, or add up to more than one.
    """
    if not shares:
        return (Part(1.0, asked),)
    if len(_by_column(shares, "shares")) > 1:
        raise UsageError(
            f"shares of {len(shares)} columns were given; a sample keeps those of one",
            code="given.shares",
            hint="fix further columns with `given`",
        )
    ((name, wished),) = shares.items()
    at = _position(columns, name)
    if at in asked.wanted:
        raise UsageError(
            f"`{name}` is given, and has shares, too",
            code="given.shares",
            where=name,
            hint="keep one of the two",
        )
    values = list(_by_column(wished, "shares").values())
    numbers = all(isinstance(share, int | float) and share >= 0 for share in values)
    total = sum(values) if numbers else math.nan
    if not values or not total <= 1 + 1e-9:
        given = f"{total:g}" if numbers else ", ".join(map(str, values))
        raise UsageError(
            f"shares of `{name}` must be from 0 to 1 and add up to at most 1, not {given}",
            code="given.shares",
            where=name,
            hint="give each value's share of the rows, such as 0.5",
        )
    codec = columns.codecs[at]
    parts: list[Part] = []
    left = (codec.cells.counts > 0).astype(float)
    for value, share in wished.items():
        wanted = as_wanted(value)
        weights = codec.weights(wanted)
        for part in parts:
            other = part.asked
            if _overlap(wanted, weights, other.wanted[at], other.allowed[at]):
                raise UsageError(
                    f"shares of `{name}` overlap: {told(other.wanted[at])} and {told(wanted)}",
                    code="given.shares",
                    where=name,
                    hint="let each range end before the next one starts",
                )
        left = np.where(weights > 0, 0.0, left)
        parts.append(Part(share, asked.also(at, wanted, weights)))
    if total < 1 - 1e-9:
        if not left.any():
            raise UsageError(
                f"shares of `{name}` cover every value and add up to {total:g}, not to 1",
                code="given.shares",
                where=name,
            )
        others = Asked(asked.wanted, {**asked.allowed, at: left})
        parts.append(Part(1 - total, others))
    return tuple(parts)


def _overlap(one: Target, weights: Weights, other: Target, others: Weights) -> bool:
    """Whether two demands share values; ranges may share the bound where one ends."""
    if isinstance(one, Range) and isinstance(other, Range):
        bounds = (one.high, other.low), (other.high, one.low)
        if any(high is not None and str(high) == str(low) for high, low in bounds):
            return False
    return bool((weights + others > 1 + _ROUNDING).any())


def as_wanted(value: Any) -> Target:
    """A value, list, range or its text as what a column is to hold."""
    if isinstance(value, Range):
        return value
    if isinstance(value, range):
        return Range(value.start, value.stop - 1)
    if isinstance(value, list | tuple | set | frozenset):
        return tuple(value)
    if isinstance(value, str) and _TWO_DOTS in value:
        low, _, high = value.partition(_TWO_DOTS)
        return Range(low.strip() or None, high.strip() or None)
    return (value,)


def _by_column(asked: Any, what: str) -> Mapping[Any, Any]:
    if not isinstance(asked, Mapping):
        example = '{"city": "Wien"}' if what == "given" else '{"city": {"Wien": 0.5}}'
        raise UsageError(
            f"`{what}` must be a mapping, not {asked!r}",
            code="usage.given",
            hint=f"{what}={example}",
        )
    return asked


def _position(columns: Columns, name: str) -> int:
    if name not in columns.names:
        left_out = columns.left_out.get(name)
        raise UsageError(
            f"there is no column `{name}`" if left_out is None else f"`{name}` is {left_out}",
            code="given.unknown-column",
            where=name,
            hint=did_you_mean(name, columns.names) or f"columns: {', '.join(columns.names[:20])}",
        )
    return columns.names.index(name)
