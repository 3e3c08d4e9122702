"""Check kinds: pass-fail rules that made data must keep, and what to do when it does not."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias, get_args

from pydantic import Field, field_validator, model_validator

from fabula.kinds.base.parameters import Moment, Scalar, SpecModel

Repair = Literal["fail", "drop", "resample", "retry"]


class AbstractCheck(SpecModel):
    """A rule on a table.

    Attributes:
        repair: What to do with rows (or a table) that break it: `fail` the run, `drop` the
            rows, or `resample` them a bounded number of times (`retry` means the same).
        name: A name for reports; by default the rule in words.
    """

    kind: str
    repair: Repair = "fail"
    name: str = ""

    @field_validator("repair")
    @classmethod
    def _one_word(cls, repair: Repair) -> Repair:
        return "resample" if repair == "retry" else repair


class AbstractBound(AbstractCheck):
    """A measured number with bounds; `equals` takes a `tolerance`."""

    at_least: float | None = None
    at_most: float | None = None
    equals: float | None = None
    tolerance: float = Field(default=0.0, ge=0)

    @model_validator(mode="after")
    def _bounded(self) -> AbstractBound:
        if self.at_least is None and self.at_most is None and self.equals is None:
            raise ValueError("give `at_least`, `at_most` or `equals`")
        return self


class RowCheck(AbstractCheck):
    """A SQL condition that every row meets; unknown (null) counts as met."""

    kind: Literal["row"] = "row"
    sql: str


class WindowCheck(AbstractCheck):
    """A SQL condition that every row meets, with window functions over the table's other rows.

    Unknown (null) counts as met, so that a group without the rows that it is compared with passes.
    """

    kind: Literal["window"] = "window"
    sql: str


class UniqueCheck(AbstractCheck):
    """No combination of values of `columns` occurs twice."""

    kind: Literal["unique"] = "unique"
    columns: tuple[str, ...] = Field(min_length=1)


class NotNullCheck(AbstractCheck):
    """The column has no missing value."""

    kind: Literal["not_null"] = "not_null"
    column: str


class InSetCheck(AbstractCheck):
    """Every value of the column is one of `values`."""

    kind: Literal["in_set"] = "in_set"
    column: str
    values: tuple[Scalar, ...] = Field(min_length=1)


class RangeCheck(AbstractCheck):
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


class MinimumCheck(AbstractCheck):
    """Every value is at least so much; unknown (null) counts as met.

    Attributes:
        column: A column of numbers, such as a judge's score; it may be dropped.
        at_least: The least value.
    """

    kind: Literal["minimum"] = "minimum"
    column: str
    at_least: float


class PatternCheck(AbstractCheck):
    """Every value matches the regular expression as a whole."""

    kind: Literal["pattern"] = "pattern"
    column: str
    regex: str


class NearDuplicateCheck(AbstractCheck):
    """No text is nearly the same as an earlier one.

    Attributes:
        column: A column of texts.
        similarity: From where on two texts count as the same, up to 1.
        method: `minhash` compares letters, `embedding` meanings, `exact` finds equal texts only.
    """

    kind: Literal["near_duplicate"] = "near_duplicate"
    column: str
    similarity: float = Field(default=0.85, gt=0, le=1)
    method: Literal["exact", "minhash", "embedding"] = "minhash"


class CorrelationCheck(AbstractBound):
    """The correlation of two numeric columns, over all rows or those that meet `where`."""

    kind: Literal["correlation"] = "correlation"
    columns: tuple[str, str]
    method: Literal["pearson", "spearman"] = "pearson"
    where: str | None = None


class ShareCheck(AbstractBound):
    """The share of rows that hold `value` in `column`, or that meet a SQL condition."""

    kind: Literal["share"] = "share"
    column: str | None = None
    value: Scalar = None
    sql: str | None = None

    @model_validator(mode="after")
    def _one_form(self) -> ShareCheck:
        if (self.column is None) == (self.sql is None):
            raise ValueError("give `column` with `value`, or `sql`")
        return self


class AggregateCheck(AbstractCheck):
    """This table's `column` equals an aggregate over each row's children.

    Attributes:
        of: The children: a table for `count`, else `table.column`, or an expression over a
            child's row: `lines.quantity * price`.
        function: How the children's values are combined.
        by: The children's reference, where several of them point here.
        empty: What stands there without children: `zero`, `missing`, or `any` value; by default 0
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


class ForeignKeyCheck(AbstractCheck):
    """Every value of the column exists in `to` (`table` or `table.column`); null passes."""

    kind: Literal["foreign_key"] = "foreign_key"
    column: str
    to: str


class CountCheck(AbstractCheck):
    """Each row of this table has between `min` and `max` children in table `of`."""

    kind: Literal["count"] = "count"
    of: str
    min: int = Field(default=0, ge=0)
    max: int | None = Field(default=None, ge=0)


Check: TypeAlias = Annotated[
    RowCheck
    | WindowCheck
    | UniqueCheck
    | NotNullCheck
    | InSetCheck
    | RangeCheck
    | MinimumCheck
    | PatternCheck
    | NearDuplicateCheck
    | CorrelationCheck
    | ShareCheck
    | AggregateCheck
    | ForeignKeyCheck
    | CountCheck,
    Field(discriminator="kind"),
]

CHECKS: dict[str, type[AbstractCheck]] = {
    cls.model_fields["kind"].default: cls for cls in get_args(get_args(Check)[0])
}
"""Every check kind by name."""

ROW_CHECKS = (RowCheck, NotNullCheck, InSetCheck, RangeCheck, MinimumCheck, PatternCheck)
"""Checks that one row passes or fails by itself."""
