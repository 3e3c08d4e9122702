"""Numeric column kinds: one distribution each."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from fabula.spec.columns import AbstractColumn, AbstractNumber
from fabula.spec.parameters import Parameter, SpecModel


class Uniform(AbstractNumber):
    """A uniform number between `min` and `max`; whole numbers with `decimals: 0`."""

    kind: Literal["uniform"] = "uniform"
    min: Parameter = 0.0
    max: Parameter = 1.0
    expressions: ClassVar = ("min", "max")


class Normal(AbstractNumber):
    """A normal number with `mean` and `std`."""

    kind: Literal["normal"] = "normal"
    mean: Parameter = 0.0
    std: Parameter = 1.0
    expressions: ClassVar = ("mean", "std", "min", "max")


class Lognormal(AbstractNumber):
    """A number whose logarithm is normal: `median`, and `sigma` of the logarithm."""

    kind: Literal["lognormal"] = "lognormal"
    median: Parameter = 1.0
    sigma: Parameter = 1.0
    expressions: ClassVar = ("median", "sigma", "min", "max")


class Exponential(AbstractNumber):
    """An exponential number with `mean`."""

    kind: Literal["exponential"] = "exponential"
    mean: Parameter = 1.0
    expressions: ClassVar = ("mean", "min", "max")


class Gamma(AbstractNumber):
    """A gamma number with `shape` and `scale` (mean: shape x scale)."""

    kind: Literal["gamma"] = "gamma"
    shape: Parameter
    scale: Parameter = 1.0
    expressions: ClassVar = ("shape", "scale", "min", "max")


class Beta(AbstractNumber):
    """A beta number between 0 and 1 with `a` and `b`."""

    kind: Literal["beta"] = "beta"
    a: Parameter
    b: Parameter
    expressions: ClassVar = ("a", "b", "min", "max")


class Pareto(AbstractNumber):
    """A Pareto number: `min` times a power tail of `shape`."""

    kind: Literal["pareto"] = "pareto"
    shape: Parameter
    min: Parameter = 1.0
    expressions: ClassVar = ("shape", "min", "max")


class Poisson(AbstractNumber):
    """A count with `mean`."""

    kind: Literal["poisson"] = "poisson"
    mean: Parameter
    expressions: ClassVar = ("mean", "min", "max")


class Binomial(AbstractNumber):
    """Successes among `trials`, each with chance `p`."""

    kind: Literal["binomial"] = "binomial"
    trials: Parameter
    p: Parameter
    expressions: ClassVar = ("trials", "p", "min", "max")


class Bernoulli(AbstractColumn):
    """True with chance `p`."""

    kind: Literal["bernoulli"] = "bernoulli"
    p: Parameter = 0.5
    expressions: ClassVar = ("p",)


class Zipf(AbstractNumber):
    """A rank from 1 to `max`, with probability proportional to rank ** -exponent."""

    kind: Literal["zipf"] = "zipf"
    exponent: float = Field(default=1.1, gt=0)
    max: int = Field(default=1000, ge=1)


Distribution = Annotated[
    Uniform | Normal | Lognormal | Exponential | Gamma | Beta | Pareto | Poisson | Binomial | Zipf,
    Field(discriminator="kind"),
]


class Component(SpecModel):
    """One part of a mixture."""

    weight: float = Field(default=1.0, gt=0)
    column: Distribution

    @model_validator(mode="before")
    @classmethod
    def _inline(cls, data: object) -> object:
        """Accept `{kind: normal, mean: 5, weight: 2}` as the short form."""
        if isinstance(data, dict) and "column" not in data:
            rest = {key: value for key, value in data.items() if key != "weight"}
            return {"weight": data.get("weight", 1.0), "column": rest}
        return data


class Mixture(AbstractNumber):
    """Each row drawn from one of several distributions, chosen by weight."""

    kind: Literal["mixture"] = "mixture"
    of: tuple[Component, ...] = Field(min_length=1)
