"""Formulas of one column from others: sums, products, curves and parts of a time.

Each computes numbers from a `Sheet`, can be solved for one of its sources, and is plain values.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fabula.synthesizers.exact.measures import Floats, Measure

Factor: TypeAlias = tuple[str, int, float, float]
"""A column, its power, and the offset and rate that make `offset + rate · column` of it."""


class Sheet:
    """The numbers of a table's columns, computed where they are asked for.

    Args:
        table: Rows.
        measures: How columns are numbers, by name.
    """

    def __init__(self, table: pa.Table, measures: Mapping[str, Measure]) -> None:
        self.table, self.measures = table, measures
        self._numbers: dict[str, Floats] = {}

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def numbers(self, name: str) -> Floats:
        """The numbers of a column; NaN where missing."""
        if name not in self._numbers:
            self._numbers[name] = self.measures[name].numbers(self.values(name))
        return self._numbers[name]

    def values(self, name: str) -> pa.Array:
        """The values of a column."""
        return self.table.column(name).combine_chunks()

    def replace(self, name: str, values: pa.Array) -> None:
        """Put other values into a column."""
        at = self.table.column_names.index(name)
        self.table = self.table.set_column(at, self.table.schema.field(at), values)
        self._numbers.pop(name, None)


class Formula(Protocol):
    """The numbers of one column, computed from others. A frozen dataclass of plain values."""

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the columns that it is computed from."""
        ...

    def numbers(self, sheet: Sheet) -> Floats:
        """The computed numbers; not finite where there is none."""
        ...

    def size(self, sheet: Sheet) -> Floats:
        """The largest part that goes into each number, for rounding errors."""
        ...

    def solved(self, source: str, target: Floats, sheet: Sheet) -> Floats:
        """Numbers of a source for which the formula gives `target`, others as they are."""
        ...

    def told(self, target: Measure, measures: Mapping[str, Measure]) -> str:
        """The formula in words."""
        ...


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
    def sources(self) -> tuple[str, ...]:
        """The columns of the terms."""
        return tuple(name for name, _ in self.terms)

    def numbers(self, sheet: Sheet) -> Floats:
        """The sum."""
        return sum(
            (k * sheet.numbers(name) for name, k in self.terms),
            np.full(len(sheet), self.constant),
        )

    def size(self, sheet: Sheet) -> Floats:
        """The largest term."""
        terms = [np.abs(k * sheet.numbers(name)) for name, k in self.terms]
        return np.maximum.reduce([*terms, np.full(len(sheet), abs(self.constant))])

    def solved(self, source: str, target: Floats, sheet: Sheet) -> Floats:
        """What the other terms leave."""
        k = dict(self.terms)[source]
        return sheet.numbers(source) + (target - self.numbers(sheet)) / k

    def told(self, target: Measure, measures: Mapping[str, Measure]) -> str:
        """`fare + tip + tolls`; a constant between times is told in seconds."""
        starts = sum(k * measures[name].start for name, k in self.terms)
        constant = self.constant + target.start - starts
        return _told_sum([*self.terms, ("", constant)] if abs(constant) > 1e-12 else self.terms)


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
        factor = [] if self.factor == 1 and above else [_told_number(self.factor)]
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
    def sources(self) -> tuple[str, ...]:
        """The column."""
        return (self.source,)

    def numbers(self, sheet: Sheet) -> Floats:
        """The curve's heights; not finite where it has none."""
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
        return _told_sum([*terms, ("", self.constant)] if self.constant else terms)


@dataclass(frozen=True)
class Part:
    """A part of a time, such as its hour, plus a constant.

    Attributes:
        part: The part's name, a key of `PARTS`.
        source: The column of times.
        constant: What is added, such as 1 where weekdays count from 1.
    """

    part: str
    source: str
    constant: float = 0.0

    @property
    def sources(self) -> tuple[str, ...]:
        """The column of times."""
        return (self.source,)

    def numbers(self, sheet: Sheet) -> Floats:
        """The parts."""
        return part_of(self.part, sheet.values(self.source)) + self.constant

    def size(self, sheet: Sheet) -> Floats:
        """Zeros: parts are whole numbers."""
        return np.zeros(len(sheet))

    def solved(self, source: str, target: Floats, sheet: Sheet) -> Floats:
        """The nearest times that have this part, where it comes again and again."""
        part = target - self.constant
        return turned(self.part, sheet.numbers(source), sheet.values(source), part)

    def told(self, target: Measure, measures: Mapping[str, Measure]) -> str:
        """`weekday of pickup`."""
        del measures
        part = f"{self.part} of {self.source}"
        shown = 0.0 if target.is_time else self.constant
        return _told_sum([(part, 1.0), ("", shown)] if shown else [(part, 1.0)])


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

_DAY = 86_400.0

PARTS: Mapping[str, Callable[[pa.Array], pa.Array]] = {
    "date": lambda x: x.cast(pa.date32(), safe=False),
    "year": pc.year,
    "quarter": pc.quarter,
    "month": pc.month,
    "week": pc.iso_week,
    "day": pc.day,
    "weekday": pc.day_of_week,
    "day of year": pc.day_of_year,
    "hour": pc.hour,
    "minute": pc.minute,
}
"""Parts of times by name; weekdays count from 0, Monday."""

RHYTHMS = {"minute": (60.0, 60), "hour": (3_600.0, 24), "weekday": (_DAY, 7)}
"""Parts that come again and again: the seconds that one takes, and how many there are."""

TIMELY = ("hour", "minute")
"""Parts that dates don't have."""


def curved(curve: str, x: Floats) -> Floats:
    """A curve's heights; not finite where it has none."""
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        return np.asarray(CURVES[curve](x))


def part_of(part: str, times: pa.Array) -> Floats:
    """A part of each time; dates are seconds since 1970."""
    found = PARTS[part](times)
    if part == "date":
        found = found.cast(pa.int32())
    numbers = found.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return np.asarray(numbers * (_DAY if part == "date" else 1.0))


def turned(part: str, numbers: Floats, times: pa.Array, wanted: Floats) -> Floats:
    """Times moved to the nearest ones that have a part of a rhythm; other parts move nothing.

    Args:
        part: The part's name.
        numbers: The times in seconds.
        times: The same times.
        wanted: The part that each is to have; where it is missing, a time stays.
    """
    if part not in RHYTHMS:
        return numbers
    seconds, times_round = RHYTHMS[part]
    half = times_round // 2
    steps = (wanted - part_of(part, times) + half) % times_round - half
    return numbers + seconds * np.nan_to_num(steps)


_KINDS: Mapping[str, Callable[..., Formula]] = {
    "sum": Sum,
    "product": Product,
    "curve": Curve,
    "part": Part,
}


def formula_state(formula: Formula) -> dict[str, Any]:
    """A formula as JSON-ready values."""
    kind = next(name for name, made in _KINDS.items() if isinstance(formula, made))  # type: ignore[arg-type]
    return {"kind": kind, **asdict(formula)}  # type: ignore[call-overload]


def formula_of(state: Mapping[str, Any]) -> Formula:
    """The formula of a state."""
    settings = dict(state)
    made = _KINDS[settings.pop("kind")]
    for name in ("terms", "factors"):
        if name in settings:
            settings[name] = tuple(map(tuple, settings[name]))
    return made(**settings)


def _told_sum(terms: Any) -> str:
    """`0.05 * (price - cost) + 3`; a term without a name is a number."""
    factors = {abs(k) for name, k in terms}
    common = factors.pop() if len(factors) == 1 and len(terms) > 1 else 1.0
    told = ""
    for name, k in sorted(terms, key=lambda term: term[1] < 0):
        factor = abs(k) / common
        text = f"{_told_number(factor)} * {name}" if factor != 1 and name else name
        sign = "-" if k < 0 else "+"
        told += f" {sign} " if told else "-" * (k < 0)
        told += text or _told_number(factor)
    return told if common == 1 else f"{_told_number(common)} * ({told})"


def _told_factor(made: Factor) -> str:
    name, power, offset, rate = made
    told = name if (offset, rate) == (0, 1) else f"({_told_sum([('', offset), (name, rate)])})"
    return told if abs(power) == 1 else f"{told}^{abs(power)}"


def _told_number(number: float) -> str:
    digits = 0 if number == 0 else max(6, math.ceil(math.log10(abs(number))) + 2)
    return f"{number:.{digits or 6}g}"
