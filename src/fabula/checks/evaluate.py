"""Checks on finished tables, made by a run or brought by the user. Stage 4 of 6."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fabula.checks.data import Data, MissingError
from fabula.checks.kinds import EVALUATIONS
from fabula.checks.results import CheckResult, CheckResults
from fabula.checks.rows import row_result
from fabula.checks.structural import implied_checks
from fabula.io.expressions import ExpressionError
from fabula.io.read import TableRows
from fabula.io.sql import sql_error
from fabula.kinds.checks import Check
from fabula.planning.parents import is_of_one_row
from fabula.spec.tables import DatasetSpec


def evaluate(
    spec: DatasetSpec,
    tables: Mapping[str, TableRows],
    *,
    row_checks: bool = True,
    structure: bool = False,
    folder: Path | None = None,
) -> CheckResults:
    """Evaluate a spec's checks on tables.

    Args:
        spec: The spec that holds the checks.
        tables: The rows of each table, in memory or in files.
        row_checks: Also evaluate the checks that each row passes or fails by itself.
        structure: Also check what the columns themselves promise: keys, references, uniqueness
            and numbers of children.
        folder: The folder of the files that columns name.
    """
    with Data(tables, folder=folder) as data:
        return evaluate_on(data, spec, row_checks=row_checks, structure=structure)


def evaluate_on(
    data: Data, spec: DatasetSpec, *, row_checks: bool = True, structure: bool = False
) -> CheckResults:
    """`evaluate` on tables that are open for queries."""
    return CheckResults(
        tuple(
            check_result(spec, data, name, check)
            for name, table in spec.tables.items()
            for check in [*(implied_checks(spec, name) if structure else ()), *table.checks]
            if row_checks or not is_of_one_row(check, table)
        )
    )


def file_results(spec: DatasetSpec, data: Data) -> CheckResults:
    """How the checks of files do, once the files are made."""
    return CheckResults(
        tuple(
            check_result(spec, data, name, check)
            for name, table in spec.tables.items()
            for check in table.checks
            if check.of_files
        )
    )


def check_result(spec: DatasetSpec, data: Data, table: str, check: Check) -> CheckResult:
    """How one check does; one that can't be evaluated fails, saying why."""
    try:
        return _result(spec, data, table, check)
    except (MissingError, ExpressionError) as error:
        reason = str(error)
    except sql_error() as error:
        reason = str(error).splitlines()[0].split(": ", 1)[-1]
    message = f"{check.in_words()}: can't be checked: {reason}"
    return CheckResult.of(table, check, message, failing=1, expected=check.in_words())


def rows_to_drop(spec: DatasetSpec, data: Data, table: str, check: Check) -> NDArray[np.int64]:
    """Numbers of the rows, from 0, without which the check holds."""
    drop = EVALUATIONS[check.kind].rows_to_drop
    assert drop is not None
    return drop(spec, data, table, check)


def _result(spec: DatasetSpec, data: Data, table: str, check: Check) -> CheckResult:
    if check.of_rows and not check.in_python:
        return row_result(spec, data, table, check)
    return EVALUATIONS[check.kind].result(spec, data, table, check)
