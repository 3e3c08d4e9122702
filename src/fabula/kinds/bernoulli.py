"""Yes or no by chance."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from fabula.kinds import column_kind
from fabula.kinds.base.columns import AbstractColumn
from fabula.kinds.base.parameters import Chance, limit_of
from fabula.kinds.base.problems import Problem


@column_kind(example="{kind: bernoulli, p: 0.02}", aka=("bool", "boolean"))
class Bernoulli(AbstractColumn):
    """True with chance `p`."""

    kind: Literal["bernoulli"] = "bernoulli"
    p: Chance = 0.5

    section: ClassVar = "values"
    expressions: ClassVar = ("p",)
    positional: ClassVar = ("p",)

    def arrow_type(self) -> str:
        """Truth values."""
        return "bool"

    def capacity(self) -> float:
        """True and false."""
        return 2

    def problems(self) -> Iterator[Problem]:
        """A chance beyond 0 to 1."""
        limit = limit_of(type(self).model_fields["p"].metadata)
        if isinstance(self.p, int | float) and (broken := limit.broken_by(self.p)):
            yield Problem("spec.bad-number", f"`p` {broken}", "p")
