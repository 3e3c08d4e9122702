"""Diversity: neither the same rows over and over, nor rows that could be anything."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa

from fabula.errors import PrerequisiteError
from fabula.evaluation.metrics.frames import Array, Column, Frame, Frames
from fabula.evaluation.metrics.nearest_records import Distances, distances_to_real, row_keys
from fabula.evaluation.metrics.result import MetricResult, noise, percent
from fabula.llm.providers.local_embeddings import embed_locally
from fabula.streams import stream

DISTINCT, ENTROPY, TEXT = 0.70, 0.15, 0.70
NEARER, FARTHER = 0.42, 0.75
"""Chances below the first mean too similar, above the second unrealistic; 0.5 is like real.

Where few rows make them uncertain, they are three standard errors from 0.5.
"""

BINS = 20
MOST_TEXTS = 5_000
SAMPLED = 500
"""Texts that are compared with each other."""
SAMENESS = 0.15
TOPICS = 8
"""Topics that texts are sorted into."""


def band(frames: Frames, distances: Distances | None = None) -> MetricResult:
    """Chance that a synthetic row is farther from the real rows than a held-back row is.

    Args:
        frames: The prepared tables.
        distances: What `distances_to_real` found, where it is known.
    """
    made, held = distances or distances_to_real(frames)
    ranks = np.searchsorted(np.sort(held), [made - 1e-6, made + 1e-6])
    value = float(ranks.mean() / len(held))
    n, m = len(made), len(held)
    chance = 3 * np.sqrt((n + m + 1) / (12 * n * m))
    room = max(0.5 - NEARER if value < 0.5 else FARTHER - 0.5, chance)
    verdict = "in band"
    if abs(value - 0.5) > room:
        verdict = "too similar" if value < 0.5 else "unrealistic"
    words = {
        "too similar": "Too similar: synthetic rows are nearer to real rows than real rows are",
        "unrealistic": "Unrealistic: synthetic rows lie where real rows are rare",
        "in band": "In band: synthetic rows keep about the distance that real rows keep",
    }
    return MetricResult(
        "diversity", "band", "similar or strange", value, "near",
        f"{words[verdict]}; {percent(value)} of comparisons find the synthetic row farther away, "
        "where 50 % is like real.",
        "Distance to the closest record (Park et al. 2018), by rank against a holdout; standard "
        "error of Mann and Whitney (1947)",
        baseline=0.5, compared="ideal",
        threshold=float(room),
        details={"verdict": verdict},
    )  # fmt: skip


def duplicates(frames: Frames) -> MetricResult:
    """The share of synthetic rows that repeat another synthetic row."""
    value = _repeated(frames, frames.synthetic)
    base = None if frames.real is None else _repeated(frames, frames.real)
    n = frames.synthetic.rows
    m = n if frames.real is None else frames.real.rows
    return MetricResult(
        "diversity", "duplicates", "repeated rows", value, "lower",
        "No synthetic row repeats another one." if not value
        else f"{percent(value)} of the synthetic rows repeat an earlier one"
        + ("." if base is None else f"; of the real rows {percent(base)} do."),
        "Share of rows that are not the first of their kind",
        baseline=0.0 if base is None else base,
        compared="ideal" if base is None else "real rows",
        threshold=None if base is None else base + 0.01 + noise(base, n, m), form="share",
    )  # fmt: skip


def distinct(frames: Frames) -> MetricResult:
    """How many different values columns have, next to the real ones in as many rows."""
    columns = frames.of("number", "moment", "category", "text")
    title, source = "different values", "Distinct values, at equal numbers of rows"
    if frames.real is None:
        shares = {c.name: _distinct(c, frames.synthetic) / frames.synthetic.rows for c in columns}
        return MetricResult(
            "diversity", "distinct", title, None, "higher",
            "Without real data there is nothing to compare; the shares are in the details.",
            source, details={"columns": shares},
        )  # fmt: skip
    kept = _kept(frames, columns, frames.truth, frames.synthetic)
    base = _kept(frames, columns, *frames.halves)
    if not kept:
        return MetricResult(
            "diversity", "distinct", title, None, "higher", "Not measured: all is missing.", source
        )
    worst, value = min(kept, key=lambda name: kept[name]), float(np.mean(list(kept.values())))
    return MetricResult(
        "diversity", "distinct", title, value, "higher",
        f"Columns have {percent(value)} of the different values that real ones have in as many "
        f"rows; fewest has `{worst}`, with {percent(kept[worst])}.",
        source, baseline=float(np.mean(list(base.values()))) if base else None,
        compared=frames.compared, threshold=DISTINCT, form="share", details={"columns": kept},
    )  # fmt: skip


def entropy(frames: Frames) -> MetricResult:
    """How evenly values are spread, as a share of the real entropy; 1 is like real."""
    columns = [column for column in frames.measured if frames.real is not None]
    ratios = {}
    for column in columns:
        real, made = _entropies(column, frames.truth[column.name], frames.synthetic[column.name])
        if real > 0:
            ratios[column.name] = max(0.0, made / real)
    title, source = "evenness", "Shannon entropy (1948), synthetic over real"
    if not ratios:
        return MetricResult(
            "diversity", "entropy", title, None, "near",
            "Not measured: there is no real column that varies.", source,
        )  # fmt: skip
    value, worst = float(np.mean(list(ratios.values()))), min(ratios, key=lambda n: ratios[n])
    spread = (
        "like"
        if abs(value - 1) <= 0.05
        else "more evenly than"
        if value > 1
        else "less evenly than"
    )
    return MetricResult(
        "diversity", "entropy", title, value, "near",
        f"Values are spread {spread} real ones ({value:.2f} of their entropy); least so in "
        f"`{worst}` ({ratios[worst]:.2f}).",
        source, baseline=1.0, compared="ideal", threshold=ENTROPY, details={"columns": ratios},
    )  # fmt: skip


def text_variety(frames: Frames) -> MetricResult | None:
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
    if not found:
        return None
    value = float(np.mean(list(found.values())))
    real_value = float(np.mean(list(base.values()))) if base else None
    return MetricResult(
        "diversity", "text", "variety of wording", value, "higher",
        f"{percent(value)} of the word pairs in texts are different ones"
        + ("." if real_value is None else f"; in as many real words it is {percent(real_value)}."),
        "Distinct-2 (Li et al. 2016)", baseline=real_value, compared="real rows",
        threshold=None if real_value is None else TEXT * real_value, form="share",
        details={"columns": found},
    )  # fmt: skip


def text_sameness(frames: Frames) -> MetricResult | None:
    """How like its nearest neighbour a text is, in a sample; None without text."""
    found, base = {}, {}
    for name, texts in frames.synthetic.texts.items():
        found[name] = self_similarity(_sampled(texts, f"{name} synthetic"))
        if frames.real is not None:
            base[name] = self_similarity(_sampled(frames.truth.texts[name], f"{name} real"))
    if not found:
        return None
    value = float(np.mean(list(found.values())))
    real_value = float(np.mean(list(base.values()))) if base else None
    return MetricResult(
        "diversity", "sameness", "texts alike", value, "lower",
        f"A text shares {percent(value)} of its three-letter pieces with the text most like it"
        + ("." if real_value is None else f"; a real one {percent(real_value)}."),
        f"Jaccard index with the nearest of {SAMPLED} sampled texts",
        baseline=real_value, compared="real rows",
        threshold=None if real_value is None else min(1.0, real_value + SAMENESS), form="share",
        details={"columns": found},
    )  # fmt: skip


def text_lengths(frames: Frames) -> MetricResult | None:
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
    return MetricResult(
        "diversity", "lengths", "lengths of texts", value, "higher" if alone else "lower",
        f"Texts have {low:.0f} to {high:.0f} words, half of them at most {middle:.0f}"
        + ("." if alone else f"; the shares of lengths are up to {percent(value)} off."),
        "Normalised entropy of lengths" if alone else "Kolmogorov-Smirnov distance of lengths",
        baseline=None if alone else 0.0, compared="" if alone else "ideal", form="share",
        details={"columns": found, "words": sizes},
    )  # fmt: skip


def text_topics(frames: Frames) -> MetricResult | None:
    """How evenly texts spread over topics; None without enough text.

    Topics are clusters of word vectors, found in one half of the real texts where there are any,
    and compared with the other half, since the texts that make clusters fill them evenly.
    """
    found, base = {}, {}
    title, source = "spread over topics", "Normalised entropy of KMeans clusters of word vectors"
    for name, texts in frames.synthetic.texts.items():
        made = _sampled(texts, f"{name} synthetic")
        real = made if frames.real is None else _sampled(frames.truth.texts[name], f"{name} real")
        if min(len(made), len(set(real))) < 4 * TOPICS:
            continue
        try:
            clusters = _topics_of(real[::2])
        except PrerequisiteError as error:
            return MetricResult(
                "diversity", "topics", title, None, "higher", f"Not measured: {error.hint}.",
                source, details={"extra": "texts"},
            )  # fmt: skip
        found[name] = _evenness(np.bincount(clusters(made), minlength=TOPICS))
        if frames.real is not None:
            base[name] = _evenness(np.bincount(clusters(real[1::2]), minlength=TOPICS))
    if not found:
        return None
    value = float(np.mean(list(found.values())))
    real_value = float(np.mean(list(base.values()))) if base else None
    return MetricResult(
        "diversity", "topics", title, value, "higher",
        f"Over {TOPICS} topics, texts have {value:.2f} of the most entropy that there can be"
        + ("." if real_value is None else f"; real ones have {real_value:.2f}."),
        source, baseline=real_value, compared="real rows",
        threshold=None if real_value is None else real_value - ENTROPY,
        details={"columns": found},
    )  # fmt: skip


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
    """A seeded sample of the texts, in lower case and without extra space."""
    filled = texts.drop_null()
    size = min(SAMPLED, len(filled))
    rows = stream(0, "diversity", name, 0).choice(len(filled), size, replace=False)
    return [" ".join(text.casefold().split()) for text in filled.take(np.sort(rows)).to_pylist()]


def _lengths(texts: pa.ChunkedArray) -> Array:
    return np.array(
        [len(text.split()) for text in texts.drop_null().slice(0, MOST_TEXTS).to_pylist()]
    )


def _evenness(counts: Array) -> float:
    return _bits(counts) / float(np.log2(len(counts)))


def _repeated(frames: Frames, frame: Frame) -> float:
    return 1 - len(np.unique(row_keys(frames, frame))) / frame.rows


def _kept(
    frames: Frames, columns: Iterable[Column], real: Frame, synthetic: Frame
) -> dict[str, float]:
    """Different values of each column over the real number of them, at most 1."""
    most = min(real.rows, synthetic.rows)
    left = frames.sample(real, most, "distinct real")
    right = frames.sample(synthetic, most, "distinct synthetic")
    found = {}
    for column in columns:
        if there := _distinct(column, left):
            found[column.name] = min(1.0, _distinct(column, right) / there)
    return found


def _distinct(column: Column, frame: Frame) -> int:
    values = frame[column.name]
    return len(
        np.unique(values[~np.isnan(values)] if values.dtype.kind == "f" else values[values > 0])
    )


def _entropies(column: Column, real: Array, synthetic: Array) -> tuple[float, float]:
    """Entropies in bits over labels, or over bins of the real range."""
    if column.family == "category":
        return _bits(np.bincount(real[real > 0])), _bits(np.bincount(synthetic[synthetic > 0]))
    filled = [values[~np.isnan(values)] for values in (real, synthetic)]
    if not len(filled[0]):
        return 0.0, 0.0
    edges = np.histogram_bin_edges(filled[0], BINS)[1:-1]
    left, right = (_bits(np.bincount(np.digitize(values, edges))) for values in filled)
    return left, right


def _bits(counts: Array) -> float:
    shares = counts[counts > 0] / max(counts.sum(), 1)
    return float(-(shares * np.log2(shares)).sum())


def _words(texts: pa.ChunkedArray) -> list[str]:
    """The words of the first texts, in order."""
    filled = texts.drop_null().slice(0, MOST_TEXTS).to_pylist()
    return " ".join(filled).casefold().split()


def _distinct_pairs(words: list[str], size: int) -> float:
    pairs = list(pairwise(words[:size]))
    return len(set(pairs)) / len(pairs) if pairs else 0.0
