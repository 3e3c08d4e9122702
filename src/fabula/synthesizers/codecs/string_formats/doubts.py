"""Which values of a table are mistyped, for those who look after it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa

from fabula.io.notes import told_rows
from fabula.synthesizers.codecs.learning import Columns
from fabula.synthesizers.codecs.string_formats.codec import WrittenCodec
from fabula.synthesizers.codecs.string_formats.texts import WrittenTexts


def doubts(columns: Columns, table: pa.Table) -> dict[str, str]:
    """What is said about each learned column that holds mistyped values.

    Args:
        columns: The learned columns.
        table: All rows that a caller gave.
    """
    written = {
        codec.name: codec.texts for codec in columns.codecs if isinstance(codec, WrittenCodec)
    }
    return dict(doubtful(written, table))


def doubtful(written: Mapping[str, WrittenTexts], table: pa.Table) -> Iterable[tuple[str, str]]:
    """The columns that hold mistyped values, and what is said about them.

    Args:
        written: How columns are written.
        table: All rows that a caller gave.
    """
    for name, texts in written.items():
        if not (texts.stray or texts.hidden):
            continue
        values = table.column(name).combine_chunks()
        stray = np.flatnonzero(texts.mistyped(values))
        words = np.flatnonzero(texts.unknown_words(values))
        parts = []
        if len(stray):
            parts.append(f"mistyped, not {texts.form.told}: {told_rows(stray)}; not learned")
        if len(words):
            parts.append(f"words in place of a value: {told_rows(words)}; they count as missing")
        yield name, ". ".join(parts)
