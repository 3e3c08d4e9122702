"""Foreign keys."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from fabula.kinds import column_kind
from fabula.kinds.base.columns import AbstractColumn


@column_kind(
    example="{kind: reference, to: customers, skew: 1.1}", aka=("foreign_key", "fk", "ref")
)
class Reference(AbstractColumn):
    """A foreign key: the key of some row of table `to` (or of column `table.column`).

    Parents are drawn uniformly, by Zipf rank with exponent `skew`, or by the parent's numeric
    column `weights`. `unique` makes the relation one to one. A reference to its own table
    points to an earlier row, so the rows form a tree; the first row is a root (null), and
    `nulls` is the share of further roots. `deferred` lets the parent's row come later, for
    tables that refer to each other in a circle: a database checks such a key at the end.
    """

    kind: Literal["reference"] = "reference"
    to: str
    skew: float | None = Field(default=None, gt=0)
    weights: str | None = None
    deferred: bool = False

    section: ClassVar = "keys"
    positional: ClassVar = ("to",)
    elsewhere: ClassVar = True

    @property
    def parent(self) -> str:
        """The parent table's name."""
        return self.to.partition(".")[0]

    @property
    def parent_column(self) -> str | None:
        """The parent column's name where the spec names one."""
        return self.to.partition(".")[2] or None

    def arrow_type(self) -> None:
        """That of the parent's key."""
