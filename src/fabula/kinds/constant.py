"""One value in every row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from fabula.kinds import column_kind
from fabula.kinds.base.columns import AbstractColumn
from fabula.kinds.base.parameters import Scalar
from fabula.kinds.base.problems import Problem
from fabula.kinds.base.values import type_of_values, whole_number_problems


@column_kind(example="{kind: constant, value: EUR}", aka=("fixed",))
class Constant(AbstractColumn):
    """The same value in every row."""

    kind: Literal["constant"] = "constant"
    value: Scalar

    section: ClassVar = "values"
    positional: ClassVar = ("value",)

    def arrow_type(self) -> str:
        """The value's type."""
        return type_of_values((self.value,))

    @property
    def allowed(self) -> tuple[Scalar, ...]:
        """The value."""
        return (self.value,)

    def capacity(self) -> float:
        """One value."""
        return 1

    def problems(self) -> Iterator[Problem]:
        """A whole number that 64 bits don't hold."""
        yield from whole_number_problems((self.value,), "value")
