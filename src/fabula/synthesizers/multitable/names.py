"""Names of things that a sample keeps: those of a small table that many rows point at.

A genre, a region or a product tells of nobody, and a sample without their names says little. Names
that identify people, and those of tables that hold anything about people, are never kept.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.arrays import is_text
from fabula.relationships.column_names import name_words
from fabula.relationships.keys import singular
from fabula.synthesizers.codecs.categories import plain_values
from fabula.synthesizers.codecs.stand_ins import StandInCodec
from fabula.synthesizers.pii.persons import OF_PEOPLE

MOST_ROWS, POINTING = 100, 5
"""The table has so many rows at most, and so many others point at each of them on average."""

DIFFER, LONGEST, WORDS = 0.9, 60, 4
"""That share of the names differ; none has more characters, nor so many words on average."""


def kept_names(
    name: str, table: pa.Table, children: Iterable[NDArray[np.int64]]
) -> dict[str, StandInCodec]:
    """The columns of a table whose names are kept.

    Args:
        name: The table's name.
        table: Its columns but for keys, none of which is about people.
        children: How many rows point at each of its rows, by foreign key.
    """
    size = table.num_rows
    pointing = max((int(counts.sum()) for counts in children), default=0)
    of_people = not OF_PEOPLE.isdisjoint(name_words(singular(name)))
    if of_people or size > MOST_ROWS or pointing < POINTING * size:
        return {}
    columns = {column: table.column(column).combine_chunks() for column in table.column_names}
    return {
        column: StandInCodec.keeping(column, values)
        for column, values in columns.items()
        if _are_names(values)
    }


def _are_names(values: pa.Array) -> bool:
    """Whether a complete column holds short texts that nearly all differ."""
    plain = plain_values(values)
    if not is_text(plain.type) or plain.null_count or len(plain) < 2:
        return False
    texts = plain.cast(pa.string())
    sizes = pc.min_max(pc.utf8_length(texts)).as_py()
    words = pc.mean(pc.count_substring(texts, " ")).as_py() + 1
    differ = pc.count_distinct(texts).as_py() >= DIFFER * len(texts)
    return bool(differ and sizes["min"] > 0 and sizes["max"] <= LONGEST and words < WORDS)
