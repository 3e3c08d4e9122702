"""Real rows that go into a result: what identifies people in them is masked, or confirmed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import pyarrow as pa

from fabula.errors import UsageError
from fabula.privacy.mask import mask as masked
from fabula.privacy.proposing import propose


def check_identifying(
    tables: Mapping[str, pa.Table], *, mask: bool, confirmed: Collection[str]
) -> tuple[dict[str, pa.Table], dict[str, str]]:
    """The tables without what identifies people, and the action of each column that changed.

    Args:
        tables: Real tables.
        mask: Whether to replace what identifies people.
        confirmed: Columns that may stay, as `column` or `table.column`.

    Raises:
        UsageError: Columns identify people and are neither masked nor confirmed.
    """
    plan = propose(tables)
    found: dict[str, str] = {}
    for name, table in plan.tables.items():
        for column, action in table.columns.items():
            if action.action != "keep" and not {column, f"{name}.{column}"} & set(confirmed):
                found[f"{name}.{column}"] = action.text
    if not found:
        return dict(tables), {}
    if not mask:
        listed = ", ".join(f"`{place.partition('.')[2]}`" for place in found)
        raise UsageError(
            f"{listed} identif{'ies' if len(found) == 1 else 'y'} people, and the real rows would "
            "stay as they are",
            code="blend.identifying",
            hint="add `--mask` to replace them, or `--confirm "
            + ",".join(place.partition(".")[2] for place in found)
            + "` to keep them",
        )
    asked: dict[str, Any] = {
        f"{name}.{column}": "keep: confirmed"
        for name, table in tables.items()
        for column in table.column_names
        if {column, f"{name}.{column}"} & set(confirmed)
    }
    return dict(masked(dict(tables), columns=asked).tables), found
