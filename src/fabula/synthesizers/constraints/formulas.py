"""Formulas of one column from others: sums, products and curves, alongside parts of a time.

Each tells its `sources`, computes `numbers` from a `Sheet` and the `size` of its largest part, for
rounding errors; it is `solved` for a source, which gives a target; and it is plain values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import numpy as np

from fabula.synthesizers.constraints.calendar import Part
from fabula.synthesizers.constraints.elapsed import Elapsed
from fabula.synthesizers.constraints.measures import Floats, Measure
from fabula.synthesizers.constraints.sheet import Sheet
from fabula.synthesizers.constraints.wording import told_number, told_sum, told_time

Factor: TypeAlias = tuple[str, int, float, float]
"""A column, its power, and the offset and rate that make `offset + rate · column` of it."""


@dataclass(frozen=True)
class Sum:
    """`constant + Σ coefficient · column`.

    Attributes:
        terms: Columns and their coefficients.
        constant: What is added; times count from the first one in training.
    """

    terms: tuple[tuple[str, float], ...]
    constant: float = 0.0

    @property
    def constants(self) -> tuple[float, ...]:
        """Its own numbers."""
        return (*(k for _, k in self.terms), self.constant)

    @property
    def sources(self) -> tuple[str, ...]:
        """The columns of the terms."""
        return tuple(name for name, _ in self.terms)

    def numbers(self, sheet: Sheet) -> Floats:
        """The sum."""
        total = np.full(len(sheet), self.constant)
        for name, k in self.terms:
            total += k * sheet.numbers(name)
        return total

    def size(self, sheet: Sheet) -> Floats:
        """The largest term."""
        size = np.full(len(sheet), abs(self.constant))
        for name, k in self.terms:
            size = np.maximum(size, np.abs(k * sheet.numbers(name)))
        return size

    def solved(self, source: str, target: Floats, sheet: Sheet) -> Floats:
        """What the other terms leave."""
        k = dict(self.terms)[source]
        return sheet.numbers(source) + (target - self.numbers(sheet)) / k

    def told(self, target: Measure, measures: Mapping[str, Measure]) -> str:
        """`fare + tip + tolls`; a constant between times is told in days or seconds."""
        starts = sum(k * measures[name].start for name, k in self.terms)
        constant = self.constant + target.start - starts
        if abs(constant) < 1e-12:
            return told_sum(self.terms)
        if target.is_time:
            return told_sum([*self.terms, (told_time(abs(constant)), np.sign(constant))])
        return told_sum([*self.terms, ("", constant)])


@dataclass(frozen=True)
class Product:
    """`factor · Π (offset + rate · column)^power`.

    Attributes:
        factors: Columns, each with its power, offset and rate: 1, 0, 1 is the column itself, and
            1, 1, -1 what a discount leaves.
        factor: What the product is multiplied by.
    """

    factors: tuple[Factor, ...]
    factor: float = 1.0

    @property
    def constants(self) -> tuple[float, ...]:
        """Its own number."""
        return (self.factor,)

    @property
    def sources(self) -> tuple[str, ...]:
        """The columns."""
        return tuple(name for name, *_ in self.factors)

    def numbers(self, sheet: Sheet) -> Floats:
        """The product; not finite where it divides by 0."""
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            found = np.full(len(sheet), self.factor)
            for name, power, offset, rate in self.factors:
                found = found * (offset + rate * sheet.numbers(name)) ** float(power)
        return found

    def size(self, sheet: Sheet) -> Floats:
        """The product itself."""
        return np.abs(np.nan_to_num(self.numbers(sheet), posinf=0.0, neginf=0.0))

    def solved(self, source: str, target: Floats, sheet: Sheet) -> Floats:
        """What the other columns leave, of the sign that the source has."""
        _, power, offset, rate = next(made for made in self.factors if made[0] == source)
        rest = Product(tuple(made for made in self.factors if made[0] != source), self.factor)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            left = target / rest.numbers(sheet)
            root = np.abs(left) ** (1.0 / power)
        sign = np.sign(left) if power % 2 else np.sign(sheet.numbers(source))
        return np.asarray((sign * root - offset) / rate)

    def told(self, target: Measure, measures: Mapping[str, Measure]) -> str:
        """`unit price * quantity`."""
        del target, measures
        above = [_told_factor(made) for made in self.factors if made[1] > 0]
        below = [_told_factor(made) for made in self.factors if made[1] < 0]
        factor = [] if self.factor == 1 and above else [told_number(self.factor)]
        return " / ".join([" * ".join([*factor, *above]), *below])


@dataclass(frozen=True)
class Curve:
    """`factor · curve(column) + constant`.

    Attributes:
        curve: The curve's name, a key of `CURVES`.
        source: The column.
        factor: What the curve is multiplied by.
        constant: What is added.
    """

    curve: str
    source: str
    factor: float = 1.0
    constant: float = 0.0

    @property
    def constants(self) -> tuple[float, ...]:
        """Its own numbers."""
        return (self.factor, self.constant)

    @property
    def sources(self) -> tuple[str, ...]:
        """The column."""
        return (self.source,)

    def numbers(self, sheet: Sheet) -> Floats:
        """The curve's heights; not finite if it has none."""
        return self.factor * curved(self.curve, sheet.numbers(self.source)) + self.constant

    def size(self, sheet: Sheet) -> Floats:
        """The larger of the two summands."""
        height = np.abs(np.nan_to_num(self.numbers(sheet) - self.constant, posinf=0.0, neginf=0.0))
        return np.maximum(height, abs(self.constant))

    def solved(self, source: str, target: Floats, sheet: Sheet) -> Floats:
        """Where the curve has this height."""
        del source, sheet
        return curved(_INVERSE[self.curve], (target - self.constant) / self.factor)

    def told(self, target: Measure, measures: Mapping[str, Measure]) -> str:
        """`log(wage)`."""
        del target, measures
        terms = [(f"{self.curve}({self.source})", self.factor)]
        return told_sum([*terms, ("", self.constant)] if self.constant else terms)


@dataclass(frozen=True)
class Extreme:
    """The largest or the smallest of some columns.

    Attributes:
        which: `max` or `min`.
        sources: The columns.
    """

    which: str
    sources: tuple[str, ...]

    @property
    def constants(self) -> tuple[float, ...]:
        """It has no number of its own."""
        return ()

    def numbers(self, sheet: Sheet) -> Floats:
        """The largest, or the smallest; NaN if one is missing."""
        combined = np.maximum if self.which == "max" else np.minimum
        return np.asarray(combined.reduce([sheet.numbers(name) for name in self.sources]))

    def size(self, sheet: Sheet) -> Floats:
        """The number itself."""
        return np.abs(np.nan_to_num(self.numbers(sheet)))

    def solved(self, source: str, target: Floats, sheet: Sheet) -> Floats:
        """The source where it is the extreme one."""
        own = sheet.numbers(source)
        return np.asarray(np.where(own == self.numbers(sheet), target, own))

    def told(self, target: Measure, measures: Mapping[str, Measure]) -> str:
        """`max(a, b)`."""
        del target, measures
        return f"{self.which}({', '.join(self.sources)})"


@dataclass(frozen=True)
class Threshold:
    """One number below a bound of a column, and another one from it on.

    Attributes:
        source: The column.
        at: The bound.
        low: The number below it.
        high: The number from it on.
    """

    source: str
    at: float
    low: float
    high: float

    @property
    def constants(self) -> tuple[float, ...]:
        """Its own numbers."""
        return (self.at, self.low, self.high)

    @property
    def sources(self) -> tuple[str, ...]:
        """The column."""
        return (self.source,)

    def numbers(self, sheet: Sheet) -> Floats:
        """The number of each row; NaN if the column is missing."""
        own = sheet.numbers(self.source)
        found = np.where(own < self.at, self.low, self.high)
        return np.asarray(np.where(np.isnan(own), np.nan, found))

    def size(self, sheet: Sheet) -> Floats:
        """The number itself."""
        return np.abs(np.nan_to_num(self.numbers(sheet)))

    def solved(self, source: str, target: Floats, sheet: Sheet) -> Floats:
        """The column as it is."""
        del target
        return sheet.numbers(source)

    def told(self, target: Measure, measures: Mapping[str, Measure]) -> str:
        """`from 50 on`."""
        del target, measures
        return f"by whether {self.source} is {told_number(self.at)} or more"


CURVES: Mapping[str, Callable[[Floats], Floats]] = {
    "log": np.log,
    "exp": np.exp,
    "log10": np.log10,
    "exp10": lambda x: np.power(10.0, x),
    "log2": np.log2,
    "exp2": np.exp2,
    "log1p": np.log1p,
    "expm1": np.expm1,
    "sqrt": np.sqrt,
    "square": np.square,
    "reciprocal": np.reciprocal,
}
"""Curves by name; each has its inverse among them."""

_PAIRS = [
    ("log", "exp"),
    ("log10", "exp10"),
    ("log2", "exp2"),
    ("log1p", "expm1"),
    ("sqrt", "square"),
    ("reciprocal", "reciprocal"),
]
_INVERSE = dict(_PAIRS) | {there: here for here, there in _PAIRS}


def curved(curve: str, x: Floats) -> Floats:
    """A curve's heights; not finite if it has none."""
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        return np.asarray(CURVES[curve](x))


Plain: TypeAlias = Sum | Product | Curve | Part | Elapsed | Extreme | Threshold
"""The numbers of one column, computed from others."""

_KINDS: Mapping[str, type[Plain]] = {
    "extreme": Extreme,
    "threshold": Threshold,
    "sum": Sum,
    "product": Product,
    "curve": Curve,
    "part": Part,
    "elapsed": Elapsed,
}


def plain_state(formula: Plain) -> dict[str, Any]:
    """A formula as JSON-ready values."""
    kind = next(name for name, made in _KINDS.items() if isinstance(formula, made))
    return {"kind": kind, **asdict(formula)}


def plain_formula(state: Mapping[str, Any]) -> Plain:
    """The formula of a state."""
    settings = dict(state)
    made = _KINDS[settings.pop("kind")]
    for name in ("terms", "factors"):
        if name in settings:
            settings[name] = tuple(map(tuple, settings[name]))
    if "sources" in settings:
        settings["sources"] = tuple(settings["sources"])
    return made(**settings)


def _told_factor(made: Factor) -> str:
    name, power, offset, rate = made
    told = name if (offset, rate) == (0, 1) else f"({told_sum([('', offset), (name, rate)])})"
    return told if abs(power) == 1 else f"{told}^{abs(power)}"
