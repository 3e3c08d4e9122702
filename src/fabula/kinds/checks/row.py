"""Conditions on one row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from fabula.kinds.base.checks import AbstractRowRule
from fabula.kinds.base.sql import own_sql
from fabula.kinds.checks import check_kind


@check_kind(example='{kind: row, sql: "total >= 0"}')
class RowCheck(AbstractRowRule):
    """A SQL condition that every row meets; unknown (null) counts as met."""

    kind: Literal["row"] = "row"
    sql: str

    def in_words(self) -> str:
        return self.sql

    def condition(self) -> str:
        """The SQL itself."""
        return own_sql(self.sql)

    def written_sql(self) -> Iterator[tuple[str, str]]:
        """The user's SQL."""
        yield self.sql, "sql"
