"""Which values of a table are mistyped, for those who look after it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from fabula.io.notes import told_rows
from fabula.synthesizers.columns.learning import Columns
from fabula.synthesizers.written.codec import WrittenCodec


def doubts(columns: Columns, table: pa.Table) -> dict[str, str]:
    """What is said of each column that holds mistyped values.

    Args:
        columns: The learned columns.
        table: All rows that a caller gave.
    """
    told = {}
    for codec in columns.codecs:
        if not isinstance(codec, WrittenCodec) or not codec.stray:
            continue
        rows = np.flatnonzero(codec.mistyped(table.column(codec.name).combine_chunks()))
        told[codec.name] = (
            f"{len(rows):,} of {table.num_rows:,} values are not {codec.form.told}"
            f" ({told_rows(rows)}); they are not learned"
        )
    return told
