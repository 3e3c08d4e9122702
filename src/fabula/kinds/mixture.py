"""Numbers from one of several distributions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from fabula.kinds import Distribution, column_kind
from fabula.kinds.base.columns import AbstractNumber
from fabula.kinds.base.parameters import SpecModel, is_expression
from fabula.kinds.base.problems import Problem


class Component(SpecModel):
    """One part of a mixture."""

    weight: float = Field(default=1.0, gt=0)
    column: Distribution

    @model_validator(mode="before")
    @classmethod
    def _inline(cls, data: object) -> object:
        """Accept `{kind: normal, mean: 5, weight: 2}` and (2, column) as short forms."""
        if isinstance(data, tuple) and len(data) == 2:
            return {"weight": data[0], "column": data[1]}
        if isinstance(data, AbstractNumber):
            return {"column": data}
        if isinstance(data, dict) and "column" not in data:
            rest = {key: value for key, value in data.items() if key != "weight"}
            return {"weight": data.get("weight", 1.0), "column": rest}
        return data

    def shortened(self, plain: dict[str, Any]) -> dict[str, Any]:
        """The weight among the parameters of the distribution."""
        return {**plain.pop("column"), **plain}


@column_kind(
    example=(
        "{kind: mixture, of: [{kind: normal, mean: 20, std: 2, weight: 3},"
        " {kind: normal, mean: 60, std: 5}]}"
    )
)
class Mixture(AbstractNumber):
    """Each row drawn from one of several distributions, chosen by weight."""

    kind: Literal["mixture"] = "mixture"
    of: tuple[Component, ...] = Field(min_length=1)

    positional: ClassVar = ("of",)

    @property
    def is_whole(self) -> bool:
        if self.decimals is not None:
            return self.decimals == 0
        return all(part.column.is_whole for part in self.of)

    @property
    def orders(self) -> bool:
        return all(part.column.orders for part in self.of)

    def problems(self) -> Iterator[Problem]:
        """Parts and bounds that are not plain numbers, and what is wrong with the parts."""
        for i, part in enumerate(self.of):
            names = [n for n in part.column.expressions if is_expression(getattr(part.column, n))]
            for name in names:
                message = f"a part of a mixture takes plain numbers, and `{name}` is an expression"
                hint = "make each part a column of its own and choose with an `expr` column"
                yield Problem("spec.bad-number", message, f"of.{i}.{name}", hint)
            if not names:
                for problem in part.column.problems():
                    place = f"of.{i}.{problem.parameter}".removesuffix(".")
                    yield Problem(problem.code, problem.message, place, problem.hint)
        for name in ("min", "max"):
            if is_expression(getattr(self, name)):
                message = f"`{name}` of a mixture must be a plain number"
                yield Problem("spec.bad-number", message, name)
        yield from super().problems()
