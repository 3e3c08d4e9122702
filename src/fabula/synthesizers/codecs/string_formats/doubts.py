"""Which values of a table are mistyped, for those who look after it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from fabula.io.notes import told_rows
from fabula.synthesizers.codecs.learning import Columns
from fabula.synthesizers.codecs.string_formats.codec import WrittenCodec


def doubts(columns: Columns, table: pa.Table) -> dict[str, str]:
    """What is said of each column that holds mistyped values.

    Args:
        columns: The learned columns.
        table: All rows that a caller gave.
    """
    told = {}
    for codec in columns.codecs:
        if not isinstance(codec, WrittenCodec) or not (codec.stray or codec.hidden):
            continue
        values = table.column(codec.name).combine_chunks()
        stray = np.flatnonzero(codec.mistyped(values))
        words = np.flatnonzero(codec.unknown_words(values))
        parts = []
        if len(stray):
            parts.append(f"mistyped, not {codec.form.told}: {told_rows(stray)}; not learned")
        if len(words):
            parts.append(f"words in place of a value: {told_rows(words)}; they count as missing")
        told[codec.name] = ". ".join(parts)
    return told
