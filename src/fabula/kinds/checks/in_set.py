"""Values that are listed."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fabula.kinds.base.checks import AbstractRowRule
from fabula.kinds.base.parameters import Scalar
from fabula.kinds.base.sql import literal, quoted, sql_type
from fabula.kinds.base.wording import values
from fabula.kinds.checks import check_kind


@check_kind(example="{kind: in_set, column: state, values: [open, paid]}")
class InSetCheck(AbstractRowRule):
    """Every value of the column is one of `values`."""

    kind: Literal["in_set"] = "in_set"
    column: str
    values: tuple[Scalar, ...] = Field(min_length=1)

    def in_words(self) -> str:
        return f"`{self.column}` is one of {values(self.values)}"

    def condition(self) -> str:
        """One test a type: a text `1` and a number `1` are different values."""
        groups: dict[str, list[str]] = {}
        for value in self.values:
            if value is not None:
                groups.setdefault(sql_type(value), []).append(literal(value))
        name = quoted(self.column)
        tests = [
            f"coalesce(TRY_CAST({name} AS {kind}) IN ({', '.join(values)}), FALSE)"
            for kind, values in groups.items()
        ]
        return f"({' OR '.join([f'{name} IS NULL', *tests])})"

    @property
    def allowed(self) -> tuple[Scalar, ...]:
        """The listed values."""
        return self.values
