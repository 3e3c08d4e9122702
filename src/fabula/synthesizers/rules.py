"""Row checks of a spec that every sampled row keeps."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.errors import SpecError, UsageError, Violation
from fabula.io.expressions import parse_expression
from fabula.io.sql import thread_connection
from fabula.io.sql_bounds import bounded, may_grow
from fabula.spec.tables import DatasetSpec


@dataclass(frozen=True)
class Rule:
    """One condition on a row.

    Attributes:
        told: The rule in words.
        sql: A condition that is true (or unknown) on every good row.
    """

    told: str
    sql: str

    def kept(self, table: pa.Table) -> NDArray[np.bool_]:
        """Which rows satisfy the rule.

        Raises:
            SpecError: The condition can't be computed on these columns.
        """
        try:
            connection = thread_connection()
            with bounded(connection, table.num_rows, grows=may_grow(self.sql)):
                relation = connection.from_arrow(table)
                found = relation.project(f"coalesce({self.sql}, TRUE) AS kept").to_arrow_table()
        except duckdb.Error as exc:
            message = str(exc).splitlines()[0]
            raise SpecError(
                [Violation("fit.rule", f"rule `{self.told}` failed: {message}")]
            ) from exc
        return np.asarray(found.column(0).to_numpy(), dtype=bool)


def row_rules(spec: DatasetSpec | None) -> tuple[Rule, ...]:
    """The row checks of a spec's only table.

    Raises:
        UsageError: The spec has several tables, or a check that is a Python function.
    """
    if spec is None:
        return ()
    if len(spec.tables) > 1:
        raise UsageError(
            f"the spec has {len(spec.tables)} tables, and one was expected",
            code="fit.spec",
            hint=f"tables: {', '.join(spec.tables)}",
        )
    (table,) = spec.tables.values()
    checks = [check for check in table.checks if check.of_rows]
    if told := next((check.in_words() for check in checks if check.in_python), ""):
        raise UsageError(
            f"a synthesizer keeps its rules in its file, which can't hold the function `{told}`",
            code="fit.function",
            hint='write the rule in SQL: `{kind: row, sql: "total >= 0"}`',
        )
    return tuple(
        Rule(check.in_words(), parse_expression(check.condition()).sql) for check in checks
    )
