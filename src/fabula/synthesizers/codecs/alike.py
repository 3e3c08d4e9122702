"""Rare labels of a column of many labels: each joins the frequent one that it is most like."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.arrays import array_of, is_text, mean_ranks, plain_type
from fabula.synthesizers.codecs.categories import CategoryCodec, plain_values
from fabula.synthesizers.likeness import CODES, GROUPS, main_axes, profiles
from fabula.synthesizers.pii.neighbours import Neighbours

LITTLE = 0.2
"""Rows of the whole table that a profile is mixed with: one row of a rare label is all there is."""


def joined_by_likeness(
    table: pa.Table, codec: CategoryCodec, others: Sequence[str]
) -> Neighbours | None:
    """The label that each rare one joins; None if labels are few, or all alike.

    Args:
        table: Training rows.
        codec: The column's labels.
        others: Columns that tell which labels are alike.
    """
    if len(codec.levels) <= CODES or not codec.rare:
        return None
    values = plain_values(table.column(codec.name).combine_chunks()).cast(codec.levels.type)
    counted = values.drop_null().value_counts()
    labels, rows = counted.field("values"), counted.field("counts").to_numpy()
    codes = pc.index_in(values, value_set=labels).fill_null(-1).to_numpy()
    coordinates = []
    for name in others:
        groups = _groups(table.column(name).combine_chunks())
        if groups is not None:
            ordered = not is_text(plain_type(table.schema.field(name).type))
            found = profiles(codes[codes >= 0], len(labels), groups[codes >= 0],
                             ordered=ordered, shrunk=LITTLE)  # fmt: skip
            coordinates += [] if found is None else [found]
    kept = pc.is_in(labels, value_set=codec.levels).to_numpy(zero_copy_only=False)
    rare = np.flatnonzero(~kept)
    if not coordinates or not len(rare):
        return None
    from scipy.spatial import cKDTree

    places = main_axes(coordinates, rows.astype(float))
    nearest = np.flatnonzero(kept)[cKDTree(places[kept]).query(places[rare])[1]]
    return Neighbours(labels.take(array_of(rare)), labels.take(array_of(nearest)), "",
                      int(rows[rare].sum()), "the ones most like them")  # fmt: skip


def _groups(values: pa.Array) -> NDArray[np.int64] | None:
    """The group of each row: of numbers, parts of as many rows; of labels, the frequent ones."""
    kind = plain_type(values.type)
    if is_text(kind) or pa.types.is_boolean(kind):
        coded = plain_values(values).dictionary_encode()
        numbers = coded.indices.fill_null(len(coded.dictionary)).to_numpy(zero_copy_only=False)
        frequent = np.argsort(np.argsort(-np.bincount(numbers), kind="stable"), kind="stable")
        return np.asarray(np.minimum(frequent[numbers], GROUPS - 1), np.int64)
    try:
        floats = values.cast(pa.int64() if pa.types.is_temporal(kind) else pa.float64(), safe=False)
    except pa.ArrowException:
        return None
    numbers = np.nan_to_num(floats.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))
    return np.asarray(mean_ranks(numbers) * GROUPS / (len(numbers) + 1), np.int64)
