"""Columns that sum up what refers to a row."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from fabula.kinds.base.checks import AbstractCheck
from fabula.kinds.checks import check_kind


@check_kind(example="{kind: aggregate, column: total, of: lines.price, function: sum}")
class AggregateCheck(AbstractCheck):
    """This table's `column` equals an aggregate over each row's children.

    Attributes:
        of: The children: a table for `count`, else `table.column`, or an expression over a
            child's row: `lines.quantity * price`.
        function: How the children's values are combined.
        by: The children's reference, where several of them point here.
        empty: What is there without children: `zero`, `missing`, or `any` value; by default 0
            for a count or a sum, and a missing value for the others.
        tolerance: Largest difference that still passes.
    """

    kind: Literal["aggregate"] = "aggregate"
    column: str
    of: str
    function: Literal["count", "sum", "mean", "min", "max"] = "count"
    by: str | None = None
    empty: Literal["zero", "missing", "any"] | None = None
    tolerance: float = Field(default=1e-6, ge=0)

    statistical: ClassVar = True
    counts_children: ClassVar = True

    def in_words(self) -> str:
        by = f" by `{self.by}`" if self.by else ""
        return f"`{self.column}` = {self.function} of `{self.of}`{by}"

    @property
    def other(self) -> str:
        """The children."""
        return self.of
