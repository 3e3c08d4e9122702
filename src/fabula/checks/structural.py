"""What a spec's columns promise without a check of their own, as checks."""

from __future__ import annotations

from collections.abc import Iterator

from fabula.kinds.reference import Reference
from fabula.spec.checks import (
    Check,
    CountCheck,
    ForeignKeyCheck,
    NotNullCheck,
    UniqueCheck,
)
from fabula.spec.tables import DatasetSpec


def implied_checks(spec: DatasetSpec, table: str) -> Iterator[Check]:
    """Checks that hold in every run of the spec, for data that came from elsewhere."""
    asked = spec.tables[table]
    groups = dict.fromkeys([asked.key, *asked.unique]) if asked.key else asked.unique
    for group in groups:
        yield UniqueCheck(columns=group)
    for column in asked.key:
        yield NotNullCheck(column=column)
    for name, kind in asked.columns.items():
        if kind.drop:
            continue
        if kind.unique and (name,) not in groups:
            yield UniqueCheck(columns=(name,))
        if isinstance(kind, Reference):
            yield ForeignKeyCheck(column=name, to=kind.to)
            if not kind.nulls and kind.parent != table and name not in asked.key:
                yield NotNullCheck(column=name)
    for child in spec.tables.values():
        per_parent = child.per_parent
        if per_parent is None or table not in (per_parent.of, _parent(spec, child.name)):
            continue
        fixed = per_parent.fixed
        low, high = (per_parent.min, per_parent.max) if fixed is None else (fixed, fixed)
        if low or high is not None:
            yield CountCheck(of=child.name, min=low, max=high)


def _parent(spec: DatasetSpec, child: str) -> str | None:
    """The table that decides how many rows `child` has."""
    table = spec.tables[child]
    assert table.per_parent is not None
    column = table.columns.get(table.per_parent.of)
    return column.parent if isinstance(column, Reference) else None
