"""Values of foreign keys, from the rows that are chosen as parents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.arrays import array_of
from fabula.relationships.common_types import as_labels
from fabula.relationships.key_values import together
from fabula.relationships.keys import ForeignKey
from fabula.synthesizers.codecs.codec import Places
from fabula.synthesizers.codecs.keys import KeyCodec
from fabula.synthesizers.multitable.foreign_keys import Rows

Column: TypeAlias = pa.Array | pa.ChunkedArray


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


def taken(values: Column, rows: Rows) -> Column:
    """The values at `rows`; none if a row is -1."""
    return values.take(array_of(np.maximum(rows, 0), missing=rows < 0))


def with_parents(
    key: ForeignKey,
    rows: Rows,
    parent: Mapping[str, Column],
    values: Mapping[str, Column],
    kinds: Mapping[str, pa.DataType],
    *,
    astray: float,
    seed: int,
    rng: np.random.Generator,
) -> dict[str, Column]:
    """The columns of a foreign key that no other key decides.

    Args:
        key: The foreign key.
        rows: The parent of each row; -1 for none.
        parent: The parent's columns.
        values: The child's columns so far; those that are part of the key stay as they are.
        kinds: The types of the child's columns.
        astray: The share of rows whose key no parent has; they stand in for missing keys.
        seed: The sample's seed.
        rng: Chooses these rows.
    """
    pairs = {
        column: name
        for column, name in zip(key.columns, key.key, strict=True)
        if column not in values
    }
    made = {column: taken(parent[name], rows).cast(kinds[column]) for column, name in pairs.items()}
    if not astray or not made:
        return made
    decided = {column: values[column] for column in key.columns if column not in pairs}
    free = rows < 0
    for part in decided.values():
        free &= ~np.asarray(part.is_null())
    lost = np.sort(rng.permutation(np.flatnonzero(free))[: round(astray * len(rows))])
    if not len(lost) or not len(parent[key.key[0]]):
        return made
    beside = {column: part.take(array_of(lost)) for column, part in decided.items()}
    beside = {column: part.take(array_of(lost)) for column, part in decided.items()}
    strays = _strays(key, parent, beside, size=len(lost), seed=seed, rng=rng)
    picked = np.arange(len(rows))
    picked[lost] = len(rows) + np.arange(len(lost))
    return {
        column: pa.concat_arrays([_whole(part), strays[column].cast(part.type)]).take(
            array_of(picked)
        )
        for column, part in made.items()
    }


def _strays(
    key: ForeignKey,
    parent: Mapping[str, Column],
    decided: Mapping[str, Column],
    *,
    size: int,
    seed: int,
    rng: np.random.Generator,
) -> dict[str, pa.Array]:
    """Keys that no parent has: its values in other combinations, or else a new last part."""
    there = {
        column: _whole(parent[name]) for column, name in zip(key.columns, key.key, strict=True)
    }
    made = {
        column: part.take(array_of(rng.integers(0, len(part), size)))
        for column, part in there.items()
        if column not in decided
    }
    here = {**decided, **made}
    met, _ = agreeing(
        [pa.chunked_array([_whole(here[column])]) for column in key.columns],
        [pa.chunked_array([part]) for part in there.values()],
    )
    last = list(made)[-1]
    places = Places(np.arange(size, dtype=np.int64), seed, rng)
    new = KeyCodec.always(last, there[last]).decode(np.zeros(size, np.int32), places)
    made[last] = pc.if_else(array_of(met >= 0), new.cast(made[last].type), made[last])
    return made


def _whole(values: Column) -> pa.Array:
    return pa.concat_arrays(values.chunks) if isinstance(values, pa.ChunkedArray) else values
