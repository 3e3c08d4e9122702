"""Names of things that a sample keeps: those of a small table that many rows point at.

A genre, a region or a currency tells of nobody, and a sample without their names says little.
Where the table's key is such a name itself (`Beverages`, `EUR`), it is kept, too, and other names
stay beside it. Names that identify people, and those of tables that hold anything about people,
are never kept.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.arrays import array_of, is_text
from fabula.relationships.column_names import name_words
from fabula.relationships.keys import singular
from fabula.synthesizers.codecs.categories import plain_values
from fabula.synthesizers.codecs.keys import KeyCodec
from fabula.synthesizers.codecs.natural import NaturalCodec
from fabula.synthesizers.codecs.stand_ins import StandInCodec
from fabula.synthesizers.pii.persons import OF_PEOPLE

MOST_ROWS, POINTING = 100, 5
"""The table has so many rows at most, and so many others point at each of them on average."""

DIFFER, LONGEST, WORDS = 0.9, 60, 4
"""That share of the names differ; none has more characters, nor so many words on average."""

SHORT_CODE = 3
"""Codes of so many characters at most are names of something: a currency, a country, a carrier."""


def lists_things(name: str, size: int, children: Iterable[NDArray[np.int64]]) -> bool:
    """Whether a table is a list of things, if none of its columns is about people.

    Args:
        name: The table's name.
        size: Its rows.
        children: How many rows point at each of its rows, by foreign key.
    """
    pointing = max((int(counts.sum()) for counts in children), default=0)
    of_people = not OF_PEOPLE.isdisjoint(name_words(singular(name)))
    return not of_people and size <= MOST_ROWS and pointing >= POINTING * size


def kept_keys(table: pa.Table, primary: Collection[str], parents: Collection[str]) -> list[str]:
    """The key of a list of things, if it names them and is more than a number or form of code."""
    own = [column for column in primary if column not in parents]
    if len(primary) > 1 or not own:
        return []
    values = plain_values(table.column(own[0]).combine_chunks())
    if not _are_names(values):
        return []
    short = pc.max(pc.utf8_length(values.cast(pa.string()))).as_py() <= SHORT_CODE
    return own if short or KeyCodec.learn(own[0], values) is None else []


def kept_names(table: pa.Table, key: NaturalCodec | None) -> dict[str, StandInCodec]:
    """The columns of a list of things whose names are kept.

    Args:
        table: Its columns but for new keys.
        key: Its key, if its values are kept.
    """
    beside = ""
    if key is not None:
        beside = key.name
        table = table.take(array_of(key.order(table.column(beside))))
    columns = {column: table.column(column).combine_chunks() for column in table.column_names}
    return {
        column: StandInCodec.keeping(column, values, beside=beside)
        for column, values in columns.items()
        if column != beside and _are_names(values)
    }


def protected_counts(counts: NDArray[np.int64], protect: int) -> NDArray[np.int64]:
    """Children of each value of a kept key; those of few all count as none, so that none is told.

    They get small counts of real values, but not each its own.
    """
    return np.where(counts < protect, 0, counts)


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
