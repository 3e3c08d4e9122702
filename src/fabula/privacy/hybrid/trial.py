"""Does blending help a model? The same test for real rows alone, a blend, and what else is done.

The synthesizer learns from the training part only, and the test rows are real and were never seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.errors import UsageError
from fabula.evaluation.metrics.boosting import auc, features, predict
from fabula.evaluation.metrics.frames import prepare
from fabula.io.arrays import array_of
from fabula.privacy.hybrid.smote import smote
from fabula.synthesizers.synthesizer import Synthesizer

SEEDS = 5
TESTED = 0.2
MOST_ROWS = 20_000
_T = 2.776
"""The 97.5 % quantile of Student's t with four degrees of freedom."""

_MATTERS = 0.002
"""Differences below this are none that anyone would notice."""

WAYS = ("real only", "class weights", "duplicates", "SMOTE-NC", "synthetic only", "blend")
MEASURES = ("AUC", "average precision", "Brier score")

Array = NDArray[np.float64]
Blend = Callable[[Synthesizer[pa.Table], pa.Table, int], pa.Table]
"""Draws the synthetic rows that go with some training rows, for a seed."""


@dataclass(frozen=True)
class Trial:
    """How models do that learned from different rows.

    Attributes:
        target: The column that they predict.
        label: The label against all others.
        tested: Real rows of each test.
        scores: For each way, each measure's score by seed.
    """

    target: str
    label: str
    tested: int
    scores: Mapping[str, Mapping[str, tuple[float, ...]]]

    def interval(self, way: str, measure: str) -> tuple[float, float]:
        """A score's mean, and half its 95 % interval."""
        return _interval(np.array(self.scores[way][measure]))

    def difference(self, measure: str, way: str = "blend") -> tuple[float, float]:
        """How much a way is better than real rows alone, and half its 95 % interval."""
        sign = -1 if measure == "Brier score" else 1
        ours, theirs = (np.array(self.scores[name][measure]) for name in (way, "real only"))
        return _interval(sign * (ours - theirs))

    @property
    def verdict(self) -> str:
        """`helps`, `no difference` or `hurts`, by AUC and average precision."""
        found = {self._word(measure) for measure in MEASURES[:2]}
        for word, opposite in (("helps", "hurts"), ("hurts", "helps")):
            if word in found and opposite not in found:
                return word
        return "no difference"

    def _word(self, measure: str) -> str:
        mean, half = self.difference(measure)
        if abs(mean) <= max(half, _MATTERS):
            return "no difference"
        return "helps" if mean > 0 else "hurts"

    def lines(self) -> Iterator[str]:
        """The verdict, then each way with its scores."""
        real, ours = (self.interval(way, "AUC") for way in ("real only", "blend"))
        yield (
            f"Test on {self.tested:,} held-back real rows, {SEEDS} seeds, {self.target} ="
            f" {self.label}: real only AUC {real[0]:.3f} ± {real[1]:.3f}, hybrid {ours[0]:.3f} ±"
            f" {ours[1]:.3f}: {self.verdict}"
        )
        for way in self.scores:
            told = [
                f"{measure} {mean:.3f} ± {half:.3f}"
                for measure in MEASURES
                for mean, half in [self.interval(way, measure)]
            ]
            yield f"  {way}: {', '.join(told)}"

    def to_dict(self) -> dict[str, Any]:
        """The scores as JSON-ready values."""
        return {
            "target": self.target,
            "label": self.label,
            "tested": self.tested,
            "verdict": self.verdict,
            "scores": {way: {m: list(s) for m, s in told.items()} for way, told in
                       self.scores.items()},
        }  # fmt: skip


def trial(
    fitted: Callable[[pa.Table, int], tuple[Synthesizer[pa.Table], pa.Table, pa.Table]],
    real: pa.Table,
    target: str,
    label: Any,
    blend: Blend,
    *,
    seed: int = 0,
) -> Trial:
    """Compare models that learn from real rows, from a blend, and in the other usual ways.

    Args:
        fitted: Splits rows by a seed and learns from one part; gives the model and both parts.
        real: The real rows.
        target: The column to predict.
        label: Its label that is told from all others.
        blend: Draws the synthetic rows of a blend.
        seed: Decides the splits.

    Raises:
        UsageError: The label is too rare to be tested.
        PrerequisiteError: The extra `learned` is not installed.
    """
    if real.num_rows > MOST_ROWS:
        order = np.random.default_rng(seed).permutation(real.num_rows)[:MOST_ROWS]
        real = real.take(array_of(np.sort(order)))
    scores: dict[str, dict[str, list[float]]] = {way: {m: [] for m in MEASURES} for way in WAYS}
    tested = 0
    for turn in range(seed, seed + SEEDS):
        model, train, test = fitted(real, turn)
        made = blend(model, train, turn)
        alone = pa.concat_tables(model.blocks(train.num_rows, seed=turn + 1))
        # Texts are in real rows alone.
        learned = [name for name in train.column_names if name in model.schema.names]
        parts = [rows.select(learned) for rows in (train, made, alone)]
        tested = test.num_rows
        for way, told in _scored(parts, test, target, label, turn).items():
            for measure, score in told.items():
                scores[way][measure].append(score)
    return Trial(
        target, str(label), tested,
        {way: {m: tuple(s) for m, s in told.items()} for way, told in scores.items()},
    )  # fmt: skip


def _scored(
    parts: list[pa.Table], test: pa.Table, target: str, label: Any, seed: int
) -> dict[str, dict[str, float]]:
    """The scores of every way on some test rows."""
    joined = pa.concat_tables([part.cast(parts[0].schema) for part in parts])
    frames = prepare(joined, parts[0], test, seed=seed)
    column = frames.column(target)
    assert column is not None
    assert frames.holdout is not None
    code = 1 + column.levels.index(str(label)) if str(label) in column.levels else 0
    columns = [each for each in frames.measured if each.name != target]
    everything, answers = features(columns, frames.synthetic), frames.synthetic[target] == code
    questions, truth = features(columns, frames.holdout), frames.holdout[target] == code
    if not truth.any() or truth.all():
        raise UsageError(
            f"no held-back row has `{target}` = `{label}`, so nothing can be tested",
            code="blend.too-rare",
            hint="leave `target` out, or give more rows",
        )
    ends = np.cumsum([part.num_rows for part in parts])
    real, made, alone = (slice(low, high) for low, high in zip([0, *ends[:-1]], ends, strict=True))
    few, many = answers[real].sum(), (~answers[real]).sum()
    lacking = int(abs(answers[made].sum() - (~answers[made]).sum())) or int(abs(many - few))
    lacking = min(lacking, int(abs(many - few))) or 1
    rare = answers[real] if few <= many else ~answers[real]
    pool = everything[real][rare]
    rng = np.random.default_rng(seed)
    categorical = np.array([each.family == "category" for each in columns])
    ways: dict[str, tuple[Array, NDArray[np.bool_], Array | None]] = {
        "real only": (everything[real], answers[real], None),
        "class weights": (
            everything[real], answers[real],
            np.where(answers[real], many / max(few, 1), 1.0),
        ),
        "duplicates": _more(everything[real], answers[real],
                            pool[rng.integers(0, len(pool), lacking)], few <= many),
        "SMOTE-NC": _more(everything[real], answers[real],
                          smote(pool, categorical, lacking, seed=seed), few <= many),
        "synthetic only": (everything[alone], answers[alone], None),
        "blend": (
            np.concatenate([everything[real], everything[made]]),
            np.concatenate([answers[real], answers[made]]), None,
        ),
    }  # fmt: skip
    told = {}
    for way, (rows, labels, weights) in ways.items():
        guess = predict(
            columns, rows, labels.astype(float), questions,
            task="binary", weights=weights, seed=seed, needed_by="`fabula blend`",
        )  # fmt: skip
        told[way] = {
            "AUC": auc(truth.astype(float), guess),
            "average precision": average_precision(truth, guess),
            "Brier score": float(((guess - truth) ** 2).mean()),
        }
    return told


def _more(
    rows: Array, labels: NDArray[np.bool_], new: Array, answer: bool
) -> tuple[Array, NDArray[np.bool_], None]:
    return (
        np.concatenate([rows, new]),
        np.concatenate([labels, np.full(len(new), answer)]),
        None,
    )


def average_precision(truth: NDArray[np.bool_], scores: Array) -> float:
    """Mean precision over the positives, ties counted together."""
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(truth[order])
    last = np.append(np.diff(scores[order]) != 0, True)
    recall = hits[last] / max(1, hits[-1])
    precision = hits[last] / (np.flatnonzero(last) + 1)
    return float((np.diff(recall, prepend=0.0) * precision).sum())


def _interval(values: Array) -> tuple[float, float]:
    """Mean and half interval over splits that share rows (Nadeau and Bengio 2003)."""
    spread = values.std(ddof=1) * np.sqrt(1 / len(values) + TESTED / (1 - TESTED))
    return float(values.mean()), float(_T * spread)
