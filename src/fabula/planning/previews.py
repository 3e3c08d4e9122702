"""The small spec that a preview makes in place of the whole one."""

from __future__ import annotations

from collections.abc import Mapping

from fabula.errors import UsageError, did_you_mean
from fabula.kinds.sequence import Sequence
from fabula.spec.tables import DatasetSpec, TableSpec

PREVIEW_ROWS = 10


def shortened(spec: DatasetSpec, n: int | Mapping[str, int]) -> DatasetSpec:
    """The spec with at most `n` rows per table, and without rules that so few rows can't keep."""
    sizes = dict.fromkeys(spec.tables, n) if isinstance(n, int) else n
    for name, rows in sizes.items():
        if name not in spec.tables:
            hint = did_you_mean(name, spec.tables)
            raise UsageError(f"there is no table `{name}`", code="usage.unknown-table", hint=hint)
        if rows < 0:
            raise UsageError(f"`n` must not be below 0, not {rows}", code="usage.bad-size")
    limits = dict.fromkeys(spec.tables, PREVIEW_ROWS) | dict(sizes)
    tables = {name: _short(table, limits[name]) for name, table in spec.tables.items()}
    return spec.model_copy(update={"tables": tables})


def _short(table: TableSpec, limit: int) -> TableSpec:
    rows = limit if table.n is None else min(limit, table.n)
    checks = tuple(check for check in table.checks if not (check.statistical or check.of_files))
    columns = {
        name: column.model_copy(update={"within": None})
        if isinstance(column, Sequence) and column.within
        else column
        for name, column in table.columns.items()
    }
    changes = {"n": rows, "per_parent": None, "checks": checks, "columns": columns}
    return table.model_copy(update=changes)
