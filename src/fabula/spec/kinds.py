"""The catalogue of column kinds: every kind by its one word."""

from __future__ import annotations

from typing import Annotated, TypeAlias, get_args

from pydantic import Field

from fabula.spec.columns import AbstractColumn
from fabula.spec.keys import Constant, Key, Reference, Sequence, Uuid
from fabula.spec.learned import Learned
from fabula.spec.numbers import (
    Bernoulli,
    Beta,
    Binomial,
    Exponential,
    Gamma,
    Lognormal,
    Mixture,
    Normal,
    Pareto,
    Poisson,
    Uniform,
    Zipf,
)
from fabula.spec.times import Datetime
from fabula.spec.words import (
    Choice,
    Expr,
    Judge,
    Llm,
    Pattern,
    Person,
    Program,
    Provider,
    Reasoning,
    Template,
    Text,
)

Column: TypeAlias = Annotated[
    Key
    | Sequence
    | Uuid
    | Constant
    | Reference
    | Choice
    | Uniform
    | Normal
    | Lognormal
    | Exponential
    | Gamma
    | Beta
    | Pareto
    | Poisson
    | Binomial
    | Bernoulli
    | Zipf
    | Mixture
    | Datetime
    | Pattern
    | Template
    | Expr
    | Person
    | Provider
    | Llm
    | Text
    | Judge
    | Reasoning
    | Program
    | Learned,
    Field(discriminator="kind"),
]

KINDS: dict[str, type[AbstractColumn]] = {
    cls.model_fields["kind"].default: cls for cls in get_args(get_args(Column)[0])
}
"""Every column kind by name."""
