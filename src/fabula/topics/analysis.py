"""What a text data set holds before anything is asked of a model: topics, repeats, odd labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fabula.dedup import Match, near_duplicates
from fabula.topics.clusters import Clusters, Score, find_clusters
from fabula.topics.corpus import Corpus
from fabula.topics.vectors import TextVectors


@dataclass(frozen=True)
class Mismatch:
    """A row whose label is another one than the usual one of its cluster; both count from 0."""

    row: int
    label: str
    cluster: int
    usual: str


@dataclass(frozen=True)
class Survey:
    """A text data set, looked at: its texts as unit vectors, their groups, repeats, odd labels."""

    corpus: Corpus
    vectors: NDArray[np.floating]
    clusters: Clusters
    matches: Sequence[Match]
    mismatches: Sequence[Mismatch]


async def survey(
    corpus: Corpus,
    embedding: TextVectors,
    *,
    topics: int | None = None,
    sizes: Sequence[int] = (),
    score: Score = "silhouette",
    similarity: float,
    seed: int,
) -> Survey:
    """Embed and cluster the texts, and find near-duplicates and labels that do not fit."""
    matches = near_duplicates(corpus.texts, similarity=similarity)
    vectors = await embedding.embed(corpus.texts.to_pylist())
    clusters = find_clusters(vectors, count=topics, sizes=sizes, score=score, seed=seed)
    return Survey(corpus, vectors, clusters, matches, mismatches(corpus, clusters))


def mismatches(corpus: Corpus, clusters: Clusters) -> list[Mismatch]:
    """Rows whose label belongs to another cluster, and whose cluster has another label."""
    if corpus.label is None:
        return []
    labels = [
        None if value is None else str(value)
        for value in corpus.table.column(corpus.label).to_pylist()
    ]
    groups = clusters.labels.tolist()
    pairs = Counter(zip(groups, labels, strict=True))
    usual = {
        group: max((pair for pair in pairs if pair[0] == group), key=lambda pair: pairs[pair])[1]
        for group in set(groups)
    }
    return [
        Mismatch(row, label, group, common)
        for row, (group, label) in enumerate(zip(groups, labels, strict=True))
        if label is not None
        and (common := usual[group]) is not None
        and common != label
        and not _splits(pairs, group, label)
    ]


def _splits(pairs: Counter[tuple[int, str | None]], group: int, label: str) -> bool:
    """Whether a cluster has a good part of a label's rows: it then holds two labels rightly."""
    rows = sum(count for (_, each), count in pairs.items() if each == label)
    most = max(count for (_, each), count in pairs.items() if each == label)
    return pairs[group, label] == most and rows > 1
