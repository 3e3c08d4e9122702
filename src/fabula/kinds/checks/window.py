"""Conditions on a row and its table's other rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from fabula.kinds.base.checks import AbstractCheck
from fabula.kinds.base.sql import own_sql
from fabula.kinds.checks import check_kind


@check_kind(
    example='{kind: window, sql: "day > lag(day) OVER (PARTITION BY user_id ORDER BY day)"}'
)
class WindowCheck(AbstractCheck):
    """A SQL condition that every row meets, with window functions over the table's other rows.

    Unknown (null) counts as met, so that a group without the rows that it is compared with passes.
    """

    kind: Literal["window"] = "window"
    sql: str

    def in_words(self) -> str:
        return self.sql

    def condition(self) -> str:
        """The SQL itself."""
        return own_sql(self.sql)

    def written_sql(self) -> Iterator[tuple[str, str]]:
        """The user's SQL."""
        yield self.sql, "sql"
