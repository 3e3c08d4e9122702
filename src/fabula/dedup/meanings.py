"""Texts that mean nearly the same, by the cosine of their word vectors.

Up to a few ten thousand texts every pair is compared. Of more, each text is put into the two
cells whose centres are nearest (an inverted file, as in Jégou et al. 2011), and compared within
them: a near pair is missed only where it shares neither cell.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.errors import PrerequisiteError
from fabula.llm.providers.local_embeddings import embed_halved
from fabula.streams import stream

ONE_CELL = 20_000
"""Texts up to which every pair is compared."""
CELL = 2_000
"""Texts of a cell, on average."""
CELLS_OF_A_TEXT = 2
_AT_ONCE = 2_048
_SAMPLE_A_CELL = 40

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]


def similar_meanings(texts: pa.Array, similarity: float) -> Iterator[tuple[int, int, float]]:
    """Each of these distinct texts that is like an earlier one: (nearest earlier, later, cosine).

    Raises:
        PrerequisiteError: The extra `texts` is not installed.
    """
    vectors = embed_halved(texts)
    nearest = np.full(len(texts), -1, dtype=np.int64)
    cosine = np.zeros(len(texts), dtype=np.float32)
    for rows in _cells(vectors):
        _compare(vectors[rows].astype(np.float32), rows, nearest, cosine)
    for second in np.flatnonzero(cosine >= similarity):
        yield int(nearest[second]), int(second), min(1.0, float(cosine[second]))


def _compare(vectors: Vectors, rows: Rows, nearest: Rows, cosine: Vectors) -> None:
    """Note for each row of a cell the nearest earlier one, if it is nearer than any known."""
    for start in range(0, len(rows), _AT_ONCE):
        here, mine = rows[start : start + _AT_ONCE], vectors[start : start + _AT_ONCE]
        for before in range(0, start + len(mine), _AT_ONCE):
            near = mine @ vectors[before : before + _AT_ONCE].T
            if before == start:
                near = np.tril(near, k=-1)  # a text and those before it
            best = near.argmax(axis=1)
            score = near[np.arange(len(mine)), best]
            better = score > cosine[here]
            cosine[here[better]] = score[better]
            nearest[here[better]] = rows[before + best[better]]


def _cells(vectors: NDArray[np.float16]) -> Iterator[Rows]:
    """The rows of each cell, in order."""
    if len(vectors) <= ONE_CELL:
        yield np.arange(len(vectors))
        return
    count = len(vectors) // CELL
    centres = _centres(vectors, count)
    chosen = np.empty((len(vectors), CELLS_OF_A_TEXT), dtype=np.int32)
    for start in range(0, len(vectors), _AT_ONCE):
        near = vectors[start : start + _AT_ONCE].astype(np.float32) @ centres.T
        chosen[start : start + _AT_ONCE] = np.argpartition(-near, CELLS_OF_A_TEXT, axis=1)[
            :, :CELLS_OF_A_TEXT
        ]
    order = np.argsort(chosen, axis=None, kind="stable")
    ends = np.cumsum(np.bincount(chosen.ravel(), minlength=count))[:-1]
    for places in np.split(order, ends):
        yield np.sort(places // CELLS_OF_A_TEXT)


def _centres(vectors: NDArray[np.float16], count: int) -> Vectors:
    """Centres of cells, from a sample."""
    try:
        from sklearn.cluster import MiniBatchKMeans
    except ImportError as exc:
        raise PrerequisiteError.for_extra("texts", needed_by="near-duplicates by meaning") from exc
    rng = stream(0, "near-duplicates", "cells", 0)
    size = min(len(vectors), count * _SAMPLE_A_CELL)
    sample = vectors[np.sort(rng.choice(len(vectors), size, replace=False))].astype(np.float32)
    means = MiniBatchKMeans(count, random_state=0, batch_size=4096, n_init=1, init="random")
    centres: Vectors = means.fit(sample).cluster_centers_
    return centres
