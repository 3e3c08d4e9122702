"""Values between bounds."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from fabula.kinds.base.checks import AbstractRowRule
from fabula.kinds.base.parameters import Moment
from fabula.kinds.base.sql import bound_sql, quoted
from fabula.kinds.base.wording import interval
from fabula.kinds.checks import check_kind


@check_kind(example="{kind: range, column: age, min: 18, max: 99}")
class RangeCheck(AbstractRowRule):
    """Every value lies between `min` and `max`, both included."""

    kind: Literal["range"] = "range"
    column: str
    min: float | Moment | None = None
    max: float | Moment | None = None

    @model_validator(mode="after")
    def _bounded(self) -> RangeCheck:
        if self.min is None and self.max is None:
            raise ValueError("give `min` or `max`")
        return self

    def in_words(self) -> str:
        return f"`{self.column}` {interval(self.min, self.max)}"

    def condition(self) -> str:
        """Both bounds."""
        name = quoted(self.column)
        bounds = [(">=", self.min), ("<=", self.max)]
        tests = [f"{name} {sign} {bound_sql(bound)}" for sign, bound in bounds if bound is not None]
        return f"({' AND '.join(tests)})"
