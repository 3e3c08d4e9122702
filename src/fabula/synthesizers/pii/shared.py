"""Which columns are the same in all rows of a person: the country, a birth date, a tariff."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.streams import stream
from fabula.synthesizers.codecs.categories import plain_values
from fabula.synthesizers.pii.persons import Persons, numbered

DIFFER, BY_CHANCE = 0.05, 0.2
"""A column belongs to people where it changes among the rows of at most that share of those with
several rows, and of at most that share of those for whom it would if rows were shuffled."""


def shared_columns(table: pa.Table, lead: pa.Array, names: Collection[str]) -> tuple[str, ...]:
    """Those of some columns that belong to the people whom another column tells apart.

    Args:
        table: Training rows.
        lead: What distinguishes people.
        names: The columns in question.
    """
    persons = numbered("", lead)
    if not persons.repeat:
        return ()
    rng = stream(0, "people of several rows", "shuffled", 0)
    shuffled = Persons("", rng.permutation(persons.numbers))
    several = int((np.bincount(persons.numbers) > 1).sum())
    found = []
    for name in names:
        values = plain_values(table.column(name).combine_chunks())
        codes = values.dictionary_encode().indices.fill_null(-1).to_numpy(zero_copy_only=False)
        differ, by_chance = _differing(codes, persons), _differing(codes, shuffled)
        if differ <= min(DIFFER * several, BY_CHANCE * by_chance):
            found.append(name)
    return tuple(found)


def _differing(codes: NDArray[np.int64], persons: Persons) -> int:
    """How many people have more values than one."""
    pairs = np.unique(np.column_stack([persons.numbers, codes]), axis=0)
    return int((np.bincount(pairs[:, 0]) > 1).sum())
