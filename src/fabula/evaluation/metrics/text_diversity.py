"""Diversity of texts: how alike they are, how long, and how they spread over topics."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa

from fabula.errors import PrerequisiteError
from fabula.evaluation.metrics.diversity import bits
from fabula.evaluation.metrics.frames import Array, Frames
from fabula.evaluation.metrics.metric import METRICS, Score, metric
from fabula.llm.providers.local_embeddings import embed_locally
from fabula.render.amounts import percent
from fabula.streams import stream

TEXT, UNEVEN = 0.70, 0.15
BINS = 20
MOST_TEXTS = 5_000
SAMPLED = 500
"""Texts that are compared with each other."""
SAMENESS = 0.15
TOPICS = 8
"""Topics that texts are sorted into."""


@METRICS.add
@metric(
    "diversity.text", "distinct word pairs (distinct-2)", better="higher",
    source="Distinct-2 (Li et al. 2016)", form="share", needs="nothing", place=50,
)  # fmt: skip
def text_variety(frames: Frames) -> Score | None:
    """The share of word pairs that differ, in texts of as many words; None without text."""
    found, base = {}, {}
    for name, texts in frames.synthetic.texts.items():
        words = _words(texts)
        if frames.real is None:
            found[name] = _distinct_pairs(words, len(words))
            continue
        real = _words(frames.truth.texts[name])
        size = min(len(words), len(real))
        if size > 1:
            found[name], base[name] = (_distinct_pairs(each, size) for each in (words, real))
    return _mean_score(
        found,
        base,
        lambda share: f"{share} of the word pairs in texts are different ones",
        lambda share: f"in as many real words it is {share}",
        bound=lambda real: TEXT * real,
    )


@METRICS.add
@metric(
    "diversity.sameness", "self-similarity of texts", better="lower",
    source=f"Jaccard index with the nearest of {SAMPLED} sampled texts", form="share",
    needs="nothing", place=60,
)  # fmt: skip
def text_sameness(frames: Frames) -> Score | None:
    """How like its nearest neighbour a text is, in a sample; None without text."""
    found, base = {}, {}
    for name, texts in frames.synthetic.texts.items():
        found[name] = self_similarity(_sampled(texts, f"{name} synthetic"))
        if frames.real is not None:
            base[name] = self_similarity(_sampled(frames.truth.texts[name], f"{name} real"))
    return _mean_score(
        found,
        base,
        lambda share: (
            f"A text shares {share} of its three-letter pieces with the text most like it"
        ),
        lambda share: f"a real one {share}",
        bound=lambda real: min(1.0, real + SAMENESS),
    )


def _mean_score(
    found: Mapping[str, float],
    base: Mapping[str, float],
    said: Callable[[str], str],
    compared: Callable[[str], str],
    *,
    bound: Callable[[float], float],
) -> Score | None:
    """The mean of columns next to that of real texts, if there are any.

    Args:
        found: The share of each text column.
        base: The same of real texts.
        said: What a share means, in a sentence without its full stop.
        compared: What is added of the real share.
        bound: The worst good value for a real share.
    """
    if not found:
        return None
    value = float(np.mean(list(found.values())))
    real = float(np.mean(list(base.values()))) if base else None
    return Score(
        value,
        said(percent(value)) + ("." if real is None else f"; {compared(percent(real))}."),
        baseline=real,
        compared="real rows",
        threshold=None if real is None else bound(real),
        details={"columns": found},
    )


@METRICS.add
@metric(
    "diversity.lengths", "text lengths", better="lower",
    source="Kolmogorov-Smirnov distance of lengths", form="share", needs="nothing", place=70,
)  # fmt: skip
def text_lengths(frames: Frames) -> Score | None:
    """How differently long texts are, next to the real ones; None without text.

    Without real texts it is how evenly lengths are spread over their own range.
    """
    found, sizes = {}, {}
    for name, texts in frames.synthetic.texts.items():
        made = _lengths(texts)
        if not len(made):
            continue
        sizes[name] = [float(each) for each in np.quantile(made, (0.05, 0.5, 0.95))]
        if frames.real is None:
            found[name] = _evenness(np.histogram(made, BINS)[0])
        elif len(real := _lengths(frames.truth.texts[name])):
            steps = np.union1d(made, real)
            left, right = (
                np.searchsorted(np.sort(each), steps, side="right") / len(each)
                for each in (made, real)
            )
            found[name] = float(np.abs(left - right).max())
    if not found:
        return None
    value, alone = float(np.mean(list(found.values()))), frames.real is None
    low, middle, high = next(iter(sizes.values()))
    return Score(
        value,
        f"Texts have {low:.0f} to {high:.0f} words, half of them at most {middle:.0f}"
        + ("." if alone else f"; the shares of lengths are up to {percent(value)} off."),
        baseline=None if alone else 0.0,
        compared="" if alone else "ideal",
        better="higher" if alone else "lower",
        source="Normalised entropy of lengths" if alone else "",
        details={"columns": found, "words": sizes},
    )


@METRICS.add
@metric(
    "diversity.topics", "topic entropy", better="higher",
    source="Normalised entropy of KMeans clusters of word vectors", needs="nothing", extra="texts",
    place=80,
)  # fmt: skip
def text_topics(frames: Frames) -> Score | None:
    """How evenly texts spread over topics; None without enough text.

    Topics are clusters of word vectors, found in one half of the real texts if there are any,
    and compared with the other half, since the texts that make clusters fill them evenly.

    Raises:
        PrerequisiteError: The extra `texts` is not installed.
    """
    found, base = {}, {}
    for name, texts in frames.synthetic.texts.items():
        made = _sampled(texts, f"{name} synthetic")
        real = made if frames.real is None else _sampled(frames.truth.texts[name], f"{name} real")
        if min(len(made), len(set(real))) < 4 * TOPICS:
            continue
        clusters = _topics_of(real[::2])
        found[name] = _evenness(np.bincount(clusters(made), minlength=TOPICS))
        if frames.real is not None:
            base[name] = _evenness(np.bincount(clusters(real[1::2]), minlength=TOPICS))
    if not found:
        return None
    value = float(np.mean(list(found.values())))
    real_value = float(np.mean(list(base.values()))) if base else None
    return Score(
        value,
        f"Over {TOPICS} topics, texts have {value:.2f} of the most entropy that there can be"
        + ("." if real_value is None else f"; real ones have {real_value:.2f}."),
        baseline=real_value,
        compared="real rows",
        threshold=None if real_value is None else real_value - UNEVEN,
        details={"columns": found},
    )


def self_similarity(texts: Sequence[str]) -> float:
    """The mean Jaccard index of each text with the one most like it, by three-letter pieces."""
    if len(texts) < 2:
        return 0.0
    pieces = [{text[at : at + 3] for at in range(max(1, len(text) - 2))} for text in texts]
    known = {piece: place for place, piece in enumerate(sorted(set().union(*pieces)))}
    has = np.zeros((len(texts), len(known)), dtype=np.float32)
    for row, each in enumerate(pieces):
        has[row, [known[piece] for piece in each]] = 1
    shared = has @ has.T
    sizes = has.sum(axis=1)
    alike = shared / (sizes[:, None] + sizes[None, :] - shared)
    np.fill_diagonal(alike, 0)
    return float(alike.max(axis=1).mean())


def _topics_of(texts: Sequence[str]) -> Callable[[Sequence[str]], Array]:
    """What tells the topic of texts, out of those that these texts have."""
    try:
        from sklearn.cluster import KMeans
    except ImportError as exc:
        raise PrerequisiteError.for_extra("texts", needed_by="the topics of texts") from exc
    means = KMeans(TOPICS, n_init=3, random_state=0).fit(embed_locally(texts))
    return lambda others: np.asarray(means.predict(embed_locally(others)))


def _sampled(texts: pa.ChunkedArray, name: str) -> list[str]:
    """A seeded sample in lower case and without extra space, in an order of chance.

    Every other text of a table may be of another topic, as those of two speakers are.
    """
    filled = texts.drop_null()
    size = min(SAMPLED, len(filled))
    rows = stream(0, "diversity", name, 0).choice(len(filled), size, replace=False)
    return [" ".join(text.casefold().split()) for text in filled.take(rows).to_pylist()]


def _lengths(texts: pa.ChunkedArray) -> Array:
    return np.array(
        [len(text.split()) for text in texts.drop_null().slice(0, MOST_TEXTS).to_pylist()]
    )


def _evenness(counts: Array) -> float:
    return bits(counts) / float(np.log2(len(counts)))


def _words(texts: pa.ChunkedArray) -> list[str]:
    """The words of the first texts, in order."""
    filled = texts.drop_null().slice(0, MOST_TEXTS).to_pylist()
    return " ".join(filled).casefold().split()


def _distinct_pairs(words: list[str], size: int) -> float:
    pairs = list(pairwise(words[:size]))
    return len(set(pairs)) / len(pairs) if pairs else 0.0
