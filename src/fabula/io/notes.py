"""What a reader was not sure of, kept with the table until somebody is told."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_KEY = b"fabula.notes"
_SHOWN_ROWS = 3
_EXACT, _LONGEST = 2.0**53, 2.0**64
"""From the first on, a float no longer tells every whole number from the next; ids of 64 bits end
at the second."""


def with_notes(table: pa.Table, notes: Sequence[str]) -> pa.Table:
    """The table with further notes."""
    if not notes:
        return table
    told = json.dumps([*_kept(table), *notes]).encode()
    return table.replace_schema_metadata({**(table.schema.metadata or {}), _KEY: told})


def notes_of(table: pa.Table) -> tuple[str, ...]:
    """The notes of a table, and what its columns themselves make doubtful."""
    return (*_kept(table), *_lost_digits(table))


def _kept(table: pa.Table) -> tuple[str, ...]:
    """The notes that stand with a table."""
    found = (table.schema.metadata or {}).get(_KEY, b"[]")
    try:
        notes = json.loads(found)
    except ValueError:
        return ()
    return tuple(map(str, notes)) if isinstance(notes, list) else ()


def _lost_digits(table: pa.Table) -> Iterable[str]:
    """Columns of floats that look like ids of 64 bits, as pandas reads them alongside a gap."""
    for field in table.schema:
        if not pa.types.is_float64(field.type):
            continue
        values = pc.abs(table.column(table.schema.get_field_index(field.name)))
        ends = pc.min_max(values)
        low, high = ends["min"].as_py(), ends["max"].as_py()
        if low is not None and low >= _EXACT and high < _LONGEST:
            yield (
                f"{field.name}: {len(values) - values.null_count:,} whole numbers are stored as "
                "floats, which keep 15 to 17 digits: longer ids have lost their last "
                "digits; read the"
                " column as whole numbers or as text"
            )


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
