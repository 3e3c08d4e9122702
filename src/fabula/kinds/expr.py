"""Values computed by SQL."""

from __future__ import annotations

from typing import ClassVar, Literal

from fabula.kinds import column_kind
from fabula.kinds.base.columns import AbstractColumn


@column_kind(
    example='{kind: expr, sql: "round(quantity * product_id.price, 2)"}',
    aka=("formula", "expression", "sql"),
)
class Expr(AbstractColumn):
    """A SQL expression over this row and, through a reference, the parent's row."""

    kind: Literal["expr"] = "expr"
    sql: str

    section: ClassVar = "values"
    expressions: ClassVar = ("sql",)
    positional: ClassVar = ("sql",)

    def arrow_type(self) -> None:
        """That of the expression."""
