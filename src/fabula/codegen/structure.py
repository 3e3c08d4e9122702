"""Gates on form: is every table there, with its rows, its columns and their types?"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import pyarrow as pa

from fabula.checks.results import CheckResult
from fabula.codegen.asking import type_word
from fabula.codegen.targets import Targets, TargetTable
from fabula.kinds.base.wording import names, values
from fabula.spec.tables import DatasetSpec


def structure_results(
    wanted: Targets, tables: Mapping[str, pa.Table], spec: DatasetSpec
) -> Iterator[CheckResult]:
    """One result a table for rows and columns each, and one for each column of a wrong type."""
    for table in wanted.tables:
        rows = tables.get(table.name)
        if rows is None:
            message = f"there is no table `{table.name}`; the program has {names(list(tables))}"
            yield finding(table.name, "table", "table exists", message, failing=1)
            continue
        yield _rows(table, rows)
        yield _columns(table, rows, spec.tables[table.name].columns)
        yield from _types(table, rows)
    if wanted.rows is not None and len(tables) == 1:
        ((name, rows),) = tables.items()
        yield _rows(TargetTable(name, wanted.rows, {}), rows)
    elif not wanted.tables:
        for name, rows in tables.items():
            yield _rows(TargetTable(name, None, {}), rows)


def _rows(table: TargetTable, rows: pa.Table) -> CheckResult:
    made, asked = rows.num_rows, table.rows
    failing = int(not made) if asked is None else abs(made - asked)
    count = f"{made:,} row{'' if made == 1 else 's'}"
    message = count
    if failing:
        message = "no rows" if asked is None else f"{count}, not {asked:,}"
    return finding(table.name, "rows", "number of rows", message, failing=failing)


def _columns(table: TargetTable, rows: pa.Table, allowed: Collection[str]) -> CheckResult:
    missing = [name for name in table.types if name not in rows.column_names]
    extra = [name for name in rows.column_names if name not in {*table.types, *allowed}]
    parts = [f"missing {names(missing)}"] if missing else []
    parts += [f"not asked for {names(extra)}"] if extra else []
    wrong = len(missing) + len(extra)
    message = f"columns: {'; '.join(parts)}" if parts else f"all {len(table.types)} columns"
    return finding(table.name, "columns", "columns as asked", message, failing=wrong)


def _types(table: TargetTable, rows: pa.Table) -> Iterator[CheckResult]:
    for name, kind in table.types.items():
        if name not in rows.column_names or pa.types.is_null(kind):
            continue
        column = rows.column(name)
        wanted, found = type_word(kind), type_word(column.type)
        if found == wanted or (found, wanted) == ("whole number", "number"):
            continue
        if column.null_count == len(column):
            continue
        shown = values(column.drop_null().unique().slice(0, 5).to_pylist())
        message = f"`{name}` holds {found}, not {wanted}: {shown}"
        yield finding(table.name, "type", f"type of `{name}`", message, failing=len(column))


def finding(
    table: str, kind: str, name: str, message: str, *, failing: int, rows: int = 0
) -> CheckResult:
    """What a gate finds that no check of a spec says."""
    return CheckResult(
        table=table,
        kind=kind,
        name=name,
        passed=not failing,
        failing=failing,
        rows=rows,
        message=message,
    )
