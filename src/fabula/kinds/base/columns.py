"""What every column kind has in common: shared parameters, and the facts that a kind states."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, TypeAlias

from pydantic import Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema

from fabula.kinds.base.parameters import Parameter, Probability, Scalar, SpecModel
from fabula.kinds.base.problems import WHOLE, Problem

Bound: TypeAlias = "float | dt.datetime | None"

SECTIONS = (
    "keys",
    "values",
    "numbers",
    "times",
    "texts",
    "people",
    "models",
    "learned",
    "media",
    "code",
)
"""The order in which kinds are listed."""


class AbstractColumn(SpecModel, defer_build=True):
    """A column of a table; each kind adds its own parameters.

    Attributes:
        nulls: Share of missing values, 0 to 1.
        unique: No value may occur twice in the table.
        drop: Made and used by other columns, but not written.
        description: What the column means, for models and readers.
    """

    kind: str
    nulls: Probability = 0.0
    unique: bool = False
    drop: bool = False
    description: str = ""

    section: ClassVar[str]
    """Where the kind is listed: one of `SECTIONS`."""
    example: ClassVar[str] = ""
    """One column of the kind, as YAML."""
    aka: ClassVar[tuple[str, ...]] = ()
    """What people and other tools call the kind, for hints."""
    expressions: ClassVar[tuple[str, ...]] = ()
    """Parameters that may be SQL over earlier columns."""
    times: ClassVar[tuple[str, ...]] = ()
    """Those of `expressions` that are times rather than numbers."""
    templates: ClassVar[tuple[str, ...]] = ()
    """Parameters that are Jinja templates over earlier columns."""
    positional: ClassVar[tuple[str, ...]] = ()
    """Parameters that `col.NAME` and one-line specs take by their place."""
    dotted: ClassVar[str | None] = None
    """The parameter that a one-line spec takes after a dot: `person.email`."""
    short_forms: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """JSON Schemas of what a file may write instead of a parameter's full form."""
    elsewhere: ClassVar[bool] = False
    """Values are made together with other columns or tables, so the kind has no own engine."""

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[Any], handler: GetCoreSchemaHandler, /
    ) -> CoreSchema:
        """Leave the annotated type as it is: `Annotated[int, col.poisson(40)]`."""
        return handler(source)

    def arrow_type(self) -> str | None:
        """The name of the values' Arrow type; None if other columns settle it."""
        raise NotImplementedError

    def capacity(self) -> float:
        """How many distinct values the column can give; infinity where it is not bounded."""
        return math.inf

    @property
    def allowed(self) -> tuple[Scalar, ...] | None:
        """The only values that the column can have; None if the kind does not list them."""
        return None

    @property
    def limits(self) -> tuple[Bound, Bound]:
        """The lowest and the highest value, each None if no constant bounds the column."""
        return None, None

    @property
    def matches(self) -> str | None:
        """The regular expression that all values match, if any."""
        return None

    @property
    def never_repeats(self) -> bool:
        """Whether values differ from row to row by themselves."""
        return False

    @property
    def orders(self) -> bool:
        """Whether it has numbers whose quantiles are known, so that they can rise with others."""
        return False

    def among(self, columns: Mapping[str, AbstractColumn]) -> AbstractColumn:
        """The column, completed by what the table's other columns say about it."""
        del columns
        return self

    def problems(self) -> Iterator[Problem]:
        """Constants that no value can follow from."""
        yield from ()

    def problems_with_rows(self, rows: int) -> Iterator[Problem]:
        """Constants that that many rows can't follow from."""
        del rows
        yield from ()

    def reads(self, before: tuple[str, ...]) -> tuple[str, ...]:
        """Columns that the values follow from, alongside those in expressions and templates.

        `before` are the table's columns before this one.
        """
        del before
        return ()


class AbstractFilled(AbstractColumn):
    """A value that a language model fills.

    Attributes:
        model: Another model than the table's.
    """

    model: str | None = None

    section: ClassVar = "models"
    elsewhere: ClassVar = True


class AbstractNumber(AbstractColumn):
    """A number drawn from a distribution, cut to `min` … `max`, rounded to `decimals`."""

    min: Parameter | None = None
    max: Parameter | None = None
    decimals: int | None = Field(default=None, ge=0, le=12)

    section: ClassVar = "numbers"

    def arrow_type(self) -> str:
        """Whole numbers without decimals, else floats."""
        return "int64" if self.is_whole else "float64"

    @property
    def is_whole(self) -> bool:
        """Whether all values are whole numbers."""
        return self.decimals == 0

    def support(self) -> tuple[float, float]:
        """The lowest and highest value that the distribution gives, bounds aside."""
        return -math.inf, math.inf

    @property
    def limits(self) -> tuple[Bound, Bound]:
        """`min` and `max`, if they are numbers."""
        return plain_bounds(self.min, self.max)

    def value_range(self) -> tuple[float, float]:
        """The lowest and highest value that the column can have, as far as its constants tell."""
        low, high = self.support()
        least, most = plain_bounds(self.min, self.max)
        low = low if least is None else max(low, least)
        return low, high if most is None else min(high, most)

    def capacity(self) -> float:
        """How many values with the column's decimals lie in its range."""
        if self.decimals is None and not self.is_whole:
            return math.inf
        scale = float(10 ** (self.decimals or 0))
        low, high = (bound * scale for bound in self.value_range())
        if math.isinf(low) or math.isinf(high):
            return math.inf
        return max(0, math.floor(high + 1e-9) - math.ceil(low - 1e-9) + 1)

    def problems(self) -> Iterator[Problem]:
        """Bounds between which no value lies."""
        low, high = self.value_range()
        if low > high:
            message = f"no value fits: the lowest is {low:g} and the highest {high:g}"
            yield Problem("spec.empty-range", message, hint="widen `min` and `max`")
            return
        if self.decimals is None and not self.is_whole:
            return
        scale = 10 ** (self.decimals or 0)
        given = [b for b in (self.min, self.max) if isinstance(b, int | float)]
        if any(int(bound * scale) not in WHOLE for bound in given):
            message = f"a bound with {self.decimals or 0} decimals has more than 18 digits"
            hint = "use fewer decimals or smaller bounds"
            yield Problem("spec.bad-number", message, hint=hint)
        elif len(given) == 2 and _between(given[0] * scale, given[1] * scale) == 0:
            message = f"no value with {self.decimals or 0} decimals lies between `min` and `max`"
            yield Problem("spec.empty-range", message, hint="allow more `decimals`")


def plain_bounds(low: object, high: object) -> tuple[float | None, float | None]:
    """Two bounds as numbers; None for one that is an expression."""
    least, most = (float(end) if isinstance(end, int | float) else None for end in (low, high))
    return least, most


def _between(low: float, high: float) -> int:
    """Whole numbers between two."""
    return int(max(0, (high + 1e-9) // 1 + (-low + 1e-9) // 1 + 1))
