"""What a distribution states of itself: its parameters, support and mean."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, get_args

from pydantic import StrictStr

from fabula.kinds.base.columns import AbstractNumber
from fabula.kinds.base.parameters import Limit, limit_of
from fabula.kinds.base.problems import Problem


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
        """Where parameters break the agreement; they are numbers, or arrays of one value a row."""
        del p
        return False

    @abstractmethod
    def expectation(self) -> float:
        """The mean with constant parameters, bounds aside."""

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
            value: What the file holds; no mapping.
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
