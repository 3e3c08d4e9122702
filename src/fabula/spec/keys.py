"""Column kinds for identity and relation: keys, sequences, references, constants."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from fabula.spec.columns import AbstractColumn
from fabula.spec.parameters import Duration, Instant, Scalar


class Key(AbstractColumn):
    """The table's own key: whole numbers from `start` by `step`."""

    kind: Literal["key"] = "key"
    start: int = 1
    step: int = 1


class Sequence(AbstractColumn):
    """Numbers or dates in steady steps, one a row.

    `within` names the reference that `per_parent` follows: each parent's rows count from `start`.
    """

    kind: Literal["sequence"] = "sequence"
    start: int | float | Instant = 1
    step: int | float | Duration = 1
    within: str | None = None


class Uuid(AbstractColumn):
    """A random (version 4) UUID."""

    kind: Literal["uuid"] = "uuid"


class Constant(AbstractColumn):
    """The same value in every row."""

    kind: Literal["constant"] = "constant"
    value: Scalar


class Reference(AbstractColumn):
    """A foreign key: the key of some row of table `to` (or of column `table.column`).

    Parents are drawn uniformly, by Zipf rank with exponent `skew`, or by the parent's numeric
    column `weights`. `unique` makes the relation one to one. A reference to its own table
    points to an earlier row, so the rows form a tree; the first row is a root (null), and
    `nulls` is the share of further roots.
    """

    kind: Literal["reference"] = "reference"
    to: str
    skew: float | None = Field(default=None, gt=0)
    weights: str | None = None

    @property
    def parent(self) -> str:
        """The parent table's name."""
        return self.to.partition(".")[0]

    @property
    def parent_column(self) -> str | None:
        """The parent column's name where the spec names one."""
        return self.to.partition(".")[2] or None

    expressions: ClassVar = ()
