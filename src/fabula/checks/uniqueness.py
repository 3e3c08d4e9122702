"""Values and combinations that may not occur twice."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabula.checks.data import EXAMPLES, ROW_NUMBER, Data, column_list
from fabula.checks.results import CheckResult
from fabula.checks.wording import names
from fabula.io.sql import quoted
from fabula.spec.checks import UniqueCheck

_ROWS_AT_ONCE = 2_000_000
"""Rows whose values are compared in one pass, so that memory stays flat."""


def unique_result(data: Data, table: str, check: UniqueCheck) -> CheckResult:
    """Whether a combination of values occurs twice; rows with a null are left out."""
    data.need(table, check.columns)
    view, columns = data.view(table), column_list(check.columns)
    whole = _whole(check)
    (rows,) = data.row(f"SELECT count(*) FROM {view}")
    passes = -(-rows // _ROWS_AT_ONCE)
    if len(check.columns) == 1 and data.increases(table, check.columns[0]):
        passes = 0  # a key in its order needs no comparison
    repeated = surplus = 0
    for number in range(passes):
        share = f" AND hash({columns}) % {passes} = {number}" if passes > 1 else ""
        groups, more = data.row(
            f"SELECT count(*), coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM {view}"
            f" WHERE {whole}{share} GROUP BY {columns} HAVING count(*) > 1)"
        )
        repeated, surplus = repeated + groups, surplus + int(more)
    message = f"{names(check.columns)}: no value occurs twice in {rows:,} rows"
    examples: list[dict[str, Any]] = []
    if repeated:
        found = data.query(
            f"SELECT {columns}, count(*) FROM {view} WHERE {whole} GROUP BY {columns}"
            f" HAVING count(*) > 1 ORDER BY count(*) DESC, {columns} LIMIT {EXAMPLES}"
        )
        examples = [
            {"rows": count, **dict(zip(check.columns, group, strict=True))}
            for *group, count in found
        ]
        most = ", ".join(
            f"{' / '.join(map(str, group))} ({count:,} times)" for *group, count in found
        )
        plural = "value occurs" if repeated == 1 else "values occur"
        message = f"{names(check.columns)}: {repeated:,} {plural} more than once: {most}"
    return CheckResult.of(
        table,
        check,
        message,
        failing=surplus,
        value=float(repeated),
        expected="no value occurs twice",
        rows=rows,
        examples=tuple(examples),
    )


def repeated_rows(data: Data, table: str, check: UniqueCheck) -> NDArray[np.int64]:
    """Numbers of the rows that repeat an earlier one."""
    number = quoted(ROW_NUMBER)
    columns = column_list(check.columns)
    return data.numbers(
        table,
        check.columns,
        f"SELECT {number} FROM (SELECT {number}, row_number() OVER"
        f" (PARTITION BY {columns} ORDER BY {number}) AS copy FROM numbered"
        f" WHERE {_whole(check)}) WHERE copy > 1",
    )


def _whole(check: UniqueCheck) -> str:
    return " AND ".join(f"{quoted(column)} IS NOT NULL" for column in check.columns)
