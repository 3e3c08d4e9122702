"""Correlations within bounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from fabula.kinds.base.checks import AbstractBound
from fabula.kinds.base.wording import names
from fabula.kinds.checks import check_kind


@check_kind(example="{kind: correlation, columns: [size, price], at_least: 0.5}")
class CorrelationCheck(AbstractBound):
    """The correlation of two numeric columns, over all rows or those that meet `where`."""

    kind: Literal["correlation"] = "correlation"
    columns: tuple[str, str]
    method: Literal["pearson", "spearman"] = "pearson"
    where: str | None = None

    def in_words(self) -> str:
        where = f" where {self.where}" if self.where else ""
        return f"correlation of {names(self.columns)}{where} {self.bound_in_words()}"

    def written_sql(self) -> Iterator[tuple[str, str]]:
        """The condition of the rows."""
        if self.where is not None:
            yield self.where, "where"
