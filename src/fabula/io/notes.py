"""What a reader was not sure of, kept with the table until somebody is told."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_KEY = b"fabula.notes"
_SHOWN_ROWS = 3


def with_notes(table: pa.Table, notes: Sequence[str]) -> pa.Table:
    """The table with further notes."""
    if not notes:
        return table
    told = json.dumps([*notes_of(table), *notes]).encode()
    return table.replace_schema_metadata({**(table.schema.metadata or {}), _KEY: told})


def notes_of(table: pa.Table) -> tuple[str, ...]:
    """The notes of a table."""
    found = (table.schema.metadata or {}).get(_KEY, b"[]")
    try:
        notes = json.loads(found)
    except ValueError:
        return ()
    return tuple(map(str, notes)) if isinstance(notes, list) else ()


def without_notes(table: pa.Table) -> pa.Table:
    """The table alone."""
    about = {key: text for key, text in (table.schema.metadata or {}).items() if key != _KEY}
    return table.replace_schema_metadata(about or None)


def told_rows(rows: NDArray[np.int64] | Iterable[int]) -> str:
    """How many rows some are, and a few of them, the first row of a table being 1."""
    listed = [int(row) + 1 for row in rows]
    shown = ", ".join(map(str, listed[:_SHOWN_ROWS]))
    if len(listed) <= _SHOWN_ROWS:
        return f"row{'s' * (len(listed) != 1)} {shown}"
    return f"{len(listed):,} rows, such as {shown}"
