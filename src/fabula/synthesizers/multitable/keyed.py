"""Values of foreign keys, from the rows that are chosen as parents."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.evaluation.metrics.frames import as_labels
from fabula.io.arrays import array_of
from fabula.relationships.key_values import together
from fabula.synthesizers.codecs.codec import Places
from fabula.synthesizers.codecs.keys import KeyCodec
from fabula.synthesizers.multitable.foreign_keys import Rows


def agreeing(
    children: Sequence[pa.ChunkedArray], parents: Sequence[pa.ChunkedArray]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Labels of children and parents that are equal where all of their values are.

    Children whose values no parent has get -1.
    """
    there, here = (together([as_labels(part) for part in side]) for side in (parents, children))
    known = there.drop_null().unique()
    of_child, of_parent = (
        np.asarray(pc.fill_null(pc.index_in(side, value_set=known, skip_nulls=True), gap))
        for side, gap in ((here, -1), (there, -2))
    )
    return of_child.astype(np.int64), of_parent.astype(np.int64)


def taken(values: pa.Array | pa.ChunkedArray, rows: Rows) -> pa.Array | pa.ChunkedArray:
    """The values at `rows`; none where a row is -1."""
    return values.take(array_of(np.maximum(rows, 0), missing=rows < 0))


def with_strays(
    values: pa.Array | pa.ChunkedArray,
    share: float,
    keys: pa.Array | pa.ChunkedArray,
    seed: int,
    rng: np.random.Generator,
) -> pa.Array:
    """Values of a foreign key, a share of them keys that no parent has.

    They take the place of missing values; there are at least as many of these.

    Args:
        values: The keys of the chosen parents.
        share: The share of rows to go astray.
        keys: All keys of the parent.
        seed: The sample's seed.
        rng: Chooses the rows.
    """
    whole, there = (
        pa.concat_arrays(part.chunks) if isinstance(part, pa.ChunkedArray) else part
        for part in (values, keys)
    )
    empty = rng.permutation(np.flatnonzero(np.asarray(whole.is_null())))
    rows = np.sort(empty[: round(share * len(whole))])
    codec = KeyCodec.always("key", there)
    numbers = np.arange(len(rows), dtype=np.int64)
    strays = codec.decode(np.zeros(len(rows), np.int32), Places(numbers, seed, rng))
    picked = np.arange(len(whole))
    picked[rows] = len(whole) + numbers
    return pa.concat_arrays([whole, strays.cast(whole.type)]).take(array_of(picked))
