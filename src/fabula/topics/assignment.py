"""What a round brought, row by row: kept, kept under another topic, or refused."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.dedup import near_duplicates
from fabula.topics.clusters import Clusters, nearest

ORDINARY = 0.5
"""A text drifts into a cluster when it is nearer to it than this share of its own texts are."""
_AT_ONCE = 8_192


def usual_cosines(vectors: NDArray[np.floating], clusters: Clusters) -> NDArray[np.floating]:
    """How near an ordinary text of each cluster is to its centre."""
    cosines = np.empty(len(vectors), dtype=np.float32)
    for start in range(0, len(vectors), _AT_ONCE):
        own = clusters.centres[clusters.labels[start : start + _AT_ONCE]]
        lengths = np.maximum(np.linalg.norm(own, axis=1), 1e-9)
        inner = np.einsum("ij,ij->i", vectors[start : start + _AT_ONCE].astype(np.float32), own)
        cosines[start : start + _AT_ONCE] = inner / lengths
    groups = range(len(clusters.centres))
    quantiles = [np.quantile(cosines[clusters.labels == each], ORDINARY) for each in groups]
    return np.array(quantiles, dtype=np.float32)


def drifted(
    asked: Sequence[str],
    vectors: NDArray[np.floating],
    centres: NDArray[np.floating],
    usual: NDArray[np.floating],
    names: Sequence[str],
) -> dict[int, str]:
    """Rows that belong to another topic than was asked, with that topic.

    A row belongs to a cluster when no other centre is nearer and it is at least as near as
    half of the cluster's own texts; a topic that was invented has no cluster to drift from.
    """
    groups, cosines = nearest(vectors, centres)
    return {
        row: names[group]
        for row, (group, cosine) in enumerate(zip(groups.tolist(), cosines.tolist(), strict=True))
        if names[group] != asked[row] and cosine >= usual[group]
    }


def repeats(old: pa.Array, new: Sequence[str], similarity: float) -> dict[int, tuple[str, float]]:
    """New texts that are near an earlier one: that text, and how near it is."""
    texts = pa.concat_arrays([old.cast(pa.large_string()), pa.array(new, pa.large_string())])
    return {
        match.second - len(old): (texts[match.first].as_py(), match.similarity)
        for match in near_duplicates(texts, similarity=similarity)
        if match.second >= len(old)
    }
