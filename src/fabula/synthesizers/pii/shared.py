"""What is the same in all rows of a person who has several: the country, a birth date, a tariff.

A model draws rows, not people. So people with several rows are drawn first, as rows of their own,
and each further row is that of a person who agrees with it, in as much as anybody does.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.io.arrays import array_of
from fabula.streams import stream
from fabula.synthesizers.codecs.categories import plain_values
from fabula.synthesizers.model import Codes
from fabula.synthesizers.pii.identities import Crowd, Numbers
from fabula.synthesizers.pii.persons import Persons, numbered

DIFFER, BY_CHANCE = 0.05, 0.2
"""A column belongs to people where it changes among the rows of at most that share of those with
several rows, and of at most that share of those for whom it would if rows were shuffled."""


def shared_columns(table: pa.Table, lead: pa.Array, names: Collection[str]) -> tuple[str, ...]:
    """Those of some columns that belong to the people whom another column tells apart.

    Args:
        table: Training rows.
        lead: What tells people apart.
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


def matched(crowd: Crowd, rows: Codes, people: Codes, numbers: Numbers, seed: int) -> Numbers:
    """The person of each row: one who agrees with it in the most of the first columns.

    Args:
        crowd: The people.
        rows: What the rows hold of the shared columns; the first one is always kept.
        people: What each person with several rows holds of them.
        numbers: The numbers of the rows.
        seed: The sample's seed.
    """
    weights = crowd.repeats
    u = crowd.uniform(numbers, seed) * (weights.sum() + crowd.alone) / weights.sum()
    found = np.full(len(rows), -1, np.int64)
    repeating = u < 1.0
    for groups in reversed(_groups(np.concatenate([people, rows]))):
        left = np.flatnonzero((found < 0) & repeating)
        if not len(left):
            break
        found[left] = _drawn(groups[: len(people)], groups[len(people) :][left], weights, u[left])
    return np.where(found < 0, len(people) + numbers, found)


def _groups(codes: Codes) -> list[Numbers]:
    """The group of each row by the first column, by the first two, and so on."""
    found, group = [], np.zeros(len(codes), np.int64)
    for column in codes.T.astype(np.int64):
        group = np.unique(group * (column.max(initial=0) + 1) + column, return_inverse=True)[1]
        found.append(group.astype(np.int64).reshape(-1))
    return found


def _drawn(people: Numbers, rows: Numbers, weights: Numbers, u: NDArray[np.float64]) -> Numbers:
    """A person of each row's group by their weights; -1 where it has none."""
    order = np.argsort(people, kind="stable")
    sums = np.concatenate([[0], np.cumsum(weights[order])])
    first, end = (np.searchsorted(people[order], rows, side) for side in ("left", "right"))
    drawn = np.searchsorted(sums, sums[first] + u * (sums[end] - sums[first]), "right") - 1
    at = np.minimum(drawn, np.maximum(end - 1, 0))
    return np.where(first < end, order[np.minimum(at, len(order) - 1)], -1)


def with_shared(table: pa.Table, everyone: pa.Table, people: Numbers) -> pa.Table:
    """Rows that hold what their people share."""
    shared = np.flatnonzero(people < everyone.num_rows)
    picked = np.arange(table.num_rows)
    picked[shared] = table.num_rows + people[shared]
    for name in everyone.column_names:
        at = table.column_names.index(name)
        both = pa.chunked_array(
            [*table.column(name).chunks, *everyone.column(name).chunks], table.schema.field(at).type
        )
        table = table.set_column(at, table.schema.field(at), both.take(array_of(picked)))
    return table
