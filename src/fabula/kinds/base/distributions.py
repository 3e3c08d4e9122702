"""What a distribution states of itself: its parameters, support and mean."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias, get_args

from pydantic import StrictStr

from fabula.kinds.base.columns import AbstractNumber
from fabula.kinds.base.parameters import Limit, is_expression, limit_of
from fabula.kinds.base.problems import Problem


@dataclass(frozen=True)
class Moments:
    """What values show of their distribution.

    Attributes:
        low: The lowest value.
        high: The highest one, which is another.
        mean: Their mean.
        std: Their standard deviation.
        log_mean: The mean of their logarithms; NaN unless all are above 0.
        log_std: The standard deviation of their logarithms; likewise.
        whole: They are counts or other whole numbers.
    """

    low: float
    high: float
    mean: float
    std: float
    log_mean: float
    log_std: float
    whole: bool


Fitted: TypeAlias = tuple[Mapping[str, float], Callable[[float], float]]
"""Parameters of a distribution, and its distribution function with these."""


def normal_cdf(x: float, mean: float, std: float) -> float:
    """The distribution function of normal numbers."""
    return 0.5 * math.erfc((mean - x) / (std * math.sqrt(2.0)))


def own_parameters(cls: type[AbstractNumber]) -> tuple[str, ...]:
    """The parameters that a kind declares itself, in their order."""
    below = cls.__mro__[: cls.__mro__.index(AbstractNumber)]
    declared = [name for base in reversed(below) for name in vars(base).get("__annotations__", {})]
    return tuple(
        name for name in dict.fromkeys(declared) if name in cls.model_fields and name != "kind"
    )


class AbstractDistribution(AbstractNumber):
    """A number of one distribution; usable as a column, in a mixture and in `per_parent`."""

    own: ClassVar[tuple[str, ...]] = ()
    """The distribution's own parameters; `min` or `max` among them are not bounds to cut to."""
    counts: ClassVar[bool] = False
    """Its values are counts: 0, 1, 2 …"""
    agreement: ClassVar[str] = ""
    """What its parameters must be to each other, in words."""
    inverts: ClassVar[bool] = True
    """Its engine has quantiles, which correlations need."""

    @property
    def orders(self) -> bool:
        return self.inverts and not any(
            is_expression(getattr(self, name, None)) for name in self.expressions
        )

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Read from the fields what the class need not repeat."""
        super().__pydantic_init_subclass__(**kwargs)
        cls.own = own_parameters(cls)
        if "expressions" not in vars(cls):
            computed = [n for n in cls.own if StrictStr in get_args(cls.model_fields[n].annotation)]
            cls.expressions = tuple(dict.fromkeys([*computed, "min", "max"]))
        if "positional" not in vars(cls):
            cls.positional = cls.own

    @classmethod
    def disagree(cls, p: Mapping[str, Any]) -> Any:
        """Where parameters, numbers or arrays of one value per row, break the agreement."""
        del p
        return False

    @abstractmethod
    def expectation(self) -> float:
        """The mean with constant parameters, bounds aside."""

    @classmethod
    def fitted(cls, seen: Moments) -> Fitted | None:
        """The distribution of these moments, for guesses; None if values can't be of it.

        A kind that does not define this is never guessed.
        """
        del seen
        return None

    @property
    def is_whole(self) -> bool:
        """Whether all values are whole numbers."""
        return self.decimals == 0 if self.decimals is not None else self.counts

    @classmethod
    def limit(cls, parameter: str) -> Limit:
        """What numbers a parameter can be."""
        return limit_of(cls.model_fields[parameter].metadata)

    @classmethod
    def from_short(cls, value: Any, most: int | None) -> dict[str, Any]:
        """The parameters that `per_parent: {poisson: 10}` means by its value.

        Args:
            value: What the file contains; no mapping.
            most: The most rows of a parent, where the file says.
        """
        del most
        return {"mean": value}

    def problems(self) -> Iterator[Problem]:
        """Parameters that the distribution can't have, and bounds between which no value lies."""
        for name in self.own:
            value = getattr(self, name)
            if isinstance(value, int | float) and (broken := self.limit(name).broken_by(value)):
                yield Problem("spec.bad-number", f"`{name}` {broken}", name)
        constants = {name: getattr(self, name) for name in self.own}
        known = all(isinstance(value, int | float) for value in constants.values())
        if known and self.disagree(constants):
            yield Problem("spec.bad-number", self.agreement)
        yield from super().problems()
