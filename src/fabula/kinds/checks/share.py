"""Shares within bounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import model_validator

from fabula.kinds.base.checks import AbstractBound
from fabula.kinds.base.parameters import Scalar
from fabula.kinds.checks import check_kind


@check_kind(example="{kind: share, column: vip, value: true, equals: 0.1, tolerance: 0.02}")
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

    def in_words(self) -> str:
        what = self.sql or f"`{self.column}` = {self.value}"
        return f"share of {what} {self.bound_in_words()}"

    def written_sql(self) -> Iterator[tuple[str, str]]:
        """The condition."""
        if self.sql is not None:
            yield self.sql, "sql"
