"""Pairs of columns that are never equal, such as a home team and its guest.

A pair counts where no row has the same value twice, though enough would if one column's rows were
shuffled that chance is ruled out. Where both go with one value of a third column, rows are shuffled
inside each of its values: two teams of one division meet more often than two of all teams.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.synthesizers.codecs.categories import plain_values
from fabula.synthesizers.codecs.codec import CodecState
from fabula.synthesizers.constraints.evidence import SURE
from fabula.synthesizers.constraints.lookups import coded
from fabula.synthesizers.constraints.measures import Flags
from fabula.synthesizers.constraints.sheet import Sheet

MOST_VALUES = 10_000
"""Different values of a column that is compared."""


@dataclass(frozen=True)
class Difference:
    """Two columns that never hold the same value.

    Attributes:
        first: A column.
        second: Another one.
    """

    first: str
    second: str

    @property
    def told(self) -> str:
        """The difference in words."""
        return f"{self.first} and {self.second} differ"

    def kept(self, sheet: Sheet) -> Flags:
        """Which rows keep it; those with a missing value do."""
        first, second = (plain_values(sheet.values(name)) for name in (self.first, self.second))
        equal = pc.fill_null(pc.equal(first, second), False)
        return np.asarray(~equal.to_numpy(zero_copy_only=False))

    def state(self) -> CodecState:
        """The difference as plain values."""
        return CodecState("difference", {"first": self.first, "second": self.second})


def find_differences(
    sheet: Sheet, labels: Collection[str], within: Mapping[frozenset[str], str]
) -> list[Difference]:
    """Pairs of labels, and of whole numbers, that are equal in no row and not by chance.

    Args:
        sheet: Training rows.
        labels: Columns of labels.
        within: For some pairs the column that both go with.
    """
    columns = {}
    for name in sheet.names:
        values = plain_values(sheet.values(name))
        if name in labels or pa.types.is_integer(values.type):
            values = values.dictionary_encode()
            if 2 < len(values.dictionary) <= MOST_VALUES:
                columns[name] = values
    found = []
    for first, second in combinations(columns, 2):
        pair = Difference(first, second)
        if columns[first].type != columns[second].type:
            continue
        group = within.get(frozenset((first, second)))
        groups = np.zeros(len(sheet), np.int64) if group is None else coded(sheet.values(group))[0]
        equal = _equal_by_chance(columns[first], columns[second], groups)
        if equal < SURE + 2 * np.log2(len(sheet.names)):
            continue
        if pair.kept(sheet).all():
            found.append(pair)
    return found


def _equal_by_chance(
    first: pa.DictionaryArray, second: pa.DictionaryArray, groups: NDArray[np.int64]
) -> float:
    """What it says, in bits, that no row has equal values."""
    places = pc.index_in(second.dictionary, value_set=first.dictionary)
    left, right = (_codes(first.indices), _codes(places.take(second.indices)))
    size, count = len(first.dictionary), int(groups.max(initial=0)) + 1
    rows = np.bincount(groups, minlength=count)
    here, there = (
        np.bincount((groups * size + codes)[codes >= 0], minlength=count * size)
        for codes in (left, right)
    )
    equal = (here * there).reshape(count, size).sum(axis=1) / np.maximum(rows, 1) ** 2
    return -float(rows @ np.log2(np.maximum(1 - equal, 1e-300)))


def _codes(indices: pa.Array) -> NDArray[np.int64]:
    """Indices, -1 where missing."""
    return np.asarray(indices.fill_null(-1).to_numpy(zero_copy_only=False), np.int64)
