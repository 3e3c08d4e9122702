"""How the tables of a comparison differ in columns and rows, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.errors import SourceError, did_you_mean
from fabula.render.amounts import percent

FEW = 30
"""Tables of fewer rows are measured with a warning."""

COMMON = 0.9
"""A label of more real rows may be that of all synthetic ones without a condition."""


def shared_columns(tables: Mapping[str, pa.Table], leader: str) -> tuple[list[str], list[str]]:
    """Names of the columns that all tables have, and what is said about the others."""
    first = tables[leader].column_names
    for frame, table in tables.items():
        repeated = sorted(
            {name for name in table.column_names if table.column_names.count(name) > 1}
        )
        if repeated:
            raise SourceError(
                f"the {frame} table has more than one column `{repeated[0]}`",
                code="evaluate.repeated-column",
                hint="give each column another name",
            )
    shared = [name for name in first if all(name in t.column_names for t in tables.values())]
    notes = []
    for frame, table in tables.items():
        missing = [name for name in first if name not in table.column_names]
        extra = [name for name in table.column_names if name not in first]
        if missing:
            notes.append(f"The {frame} table lacks {_listed(missing)}, {_left_out(missing)}.")
        if extra:
            notes.append(f"Only the {frame} table has {_listed(extra)}, {_left_out(extra)}.")
    if not shared:
        others = [name for table in tables.values() for name in table.column_names]
        known = [name for name in others if name not in first]
        raise SourceError(
            f"the tables share no column: the {leader} table has {_listed(first)}, "
            f"another has {_listed(known)}",
            code="evaluate.no-shared-column",
            hint=next(filter(None, (did_you_mean(name, first) for name in known)), None)
            or "compare tables of the same columns",
        )
    return shared, notes


def _left_out(names: Sequence[str]) -> str:
    return f"which {'is' if len(names) == 1 else 'are'} left out"


def few(name: str, rows: int) -> str:
    """What is said about a table of few rows."""
    counted = "1 row" if rows == 1 else f"{rows} rows"
    return f"The {name} table has only {counted}: its numbers are mostly chance."


def void(frame: str, names: Sequence[str], table: pa.Table) -> str:
    """What is said about columns without any value."""
    void = [
        name for name in names
        if (column := table.column(name)).null_count == len(column)
        or (pa.types.is_floating(column.type) and pc.all(pc.is_nan(column)).as_py())
    ]  # fmt: skip
    return f"The {frame} table has no value in {_listed(void)}." if void else ""


def one_label(name: str, codes: Mapping[str, NDArray[Any]], levels: Sequence[object]) -> list[str]:
    """What is said where all synthetic rows have one label, as rows drawn with a condition do."""
    synthetic, real = codes["synthetic"], codes.get("real", np.empty(0, int))
    label = synthetic[0]
    share = float((real == label).mean()) if len(real) else 1.0
    if len(synthetic) < FEW or not label or not 0 < share < COMMON or (synthetic != label).any():
        return []
    return [
        f"All synthetic rows have `{levels[label - 1]}` in `{name}`, {percent(share)} of the real "
        "ones do: rows drawn with a condition are best compared with real rows that meet it."
    ]


def _listed(names: Sequence[str], most: int = 5) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown or "none"
