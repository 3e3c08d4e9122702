"""What a set of preference pairs is worth: a light reward model learns it, real pairs test it.

The reward is linear in an answer's word vector and in its product with the question's vector, and
learnt from differences (Bradley and Terry 1952): logistic regression of the chosen answer less the
rejected one, without a constant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from fabula.dedup.find import near_duplicates
from fabula.llm.providers.local_embeddings import embed_locally
from fabula.render.amounts import percent
from fabula.render.results import Result
from fabula.spec.training_formats import TRAINING_FORMATS
from fabula.training.learning import (
    FOLDS,
    Point,
    Rows,
    Vectors,
    by_heart,
    coverage,
    curve,
    demand_rows,
    folds_of,
    light_classifier,
)
from fabula.training.lines import format_of_row
from fabula.training.table_rows import Given
from fabula.training.turns import Turn

if TYPE_CHECKING:
    from fabula.render.svg import Drawing

_PROMPTS = ("question", "instruction", "text", "user")
"""Columns that hold the question of a pair, where `prompt` is missing."""
_STRENGTH = 10.0


@dataclass(frozen=True)
class RewardWorth(Result):
    """What a set of preference pairs is worth beside real ones.

    Attributes:
        curve: Accuracy by the number of pairs; the last point is the whole set.
        real_pairs: Real pairs that were tested.
        real: Accuracy of a reward model that learnt from other real pairs (five folds).
        longer: How often the chosen answer is the longer one, in the set and among the real pairs.
        redundancy: Share of the set's questions and chosen answers that nearly repeat an earlier
            pair.
        coverage: Share of the real pairs that have a pair of the set near them.
        shared: Real pairs whose texts are in the set, too: they test what was learned by heart.
        dropped: Rows without a pair, in the set and among the real ones.
    """

    curve: tuple[Point, ...]
    real_pairs: int
    real: float
    longer: tuple[float, float]
    redundancy: float
    coverage: float
    dropped: tuple[int, int] = (0, 0)
    shared: int = 0

    @property
    def accuracy(self) -> float:
        """Share of the real pairs in which the chosen answer gets the higher reward."""
        return self.curve[-1].accuracy

    def report(self) -> str:
        """The figures, a line each."""
        told = ", ".join(f"{point.rows:,} pairs {point.accuracy:.3f}" for point in self.curve)
        lines = [
            f"a reward model trained on {self.curve[-1].rows:,} pairs, tested on "
            f"{self.real_pairs:,} real ones: accuracy {self.accuracy:.3f}",
            f"trained on real pairs instead: accuracy {self.real:.3f}",
            "guessing: accuracy 0.500",
            f"accuracy by size: {told}",
            f"the chosen answer is the longer one in {percent(self.longer[0])} of the set and "
            f"{percent(self.longer[1])} of the real pairs",
            f"redundancy: {percent(self.redundancy)} nearly repeat an earlier pair",
            f"coverage: {percent(self.coverage)} of the real pairs have a pair near them",
        ]
        for count, where in zip(self.dropped, ("the set", "the real rows"), strict=True):
            lines += [f"rows of {where} without a pair: {count:,}"] if count else []
        lines += by_heart(self.shared, "pairs")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain values."""
        return asdict(self)

    def chart(self) -> Drawing:
        """The learning curve."""
        from fabula.render import charts

        series = {
            "this set": [point.accuracy for point in self.curve],
            "real pairs": [self.real] * len(self.curve),
            "guessing": [0.5] * len(self.curve),
        }
        places = [f"{point.rows:,}" for point in self.curve]
        title = "What parts of the set teach a reward model"
        return charts.lines(
            title, "pairs of the set", "accuracy on real pairs", places, series, high=1.0
        )

    @override
    def _charts(self) -> Sequence[Drawing]:
        return (self.chart(),)


def reward_worth(data: Given, against: Given) -> RewardWorth:
    """Train a light reward model on preference pairs, and test it on real ones.

    Raises:
        UsageError: There are too few pairs.
        PrerequisiteError: The extra `texts` is not installed.
    """
    pairs, dropped = _read(data, "the set")
    real_pairs, real_dropped = _read(against, "the real data")
    made, real = _features(pairs), _features(real_pairs)

    def teach(rows: Rows) -> Point:
        right = float((_learnt(made[rows]) @ real.T > 0).mean())
        return Point(len(rows), right, right)

    folds = folds_of(np.zeros(len(real)))
    found = np.concatenate(
        [_learnt(real[folds != fold]) @ real[folds == fold].T > 0 for fold in range(FOLDS)]
    )
    texts, real_texts = ([f"{p}\n{c}" for p, c, _ in each] for each in (pairs, real_pairs))
    return RewardWorth(
        tuple(curve(len(made), teach)),
        len(real),
        float(found.mean()),
        (_longer(pairs), _longer(real_pairs)),
        len(near_duplicates(texts)) / len(texts),
        coverage(embed_locally(texts), embed_locally(real_texts)),
        (dropped, real_dropped),
        sum(map({*pairs}.__contains__, real_pairs)),
    )


def are_pairs(columns: Sequence[str]) -> bool:
    """Whether columns are those of preference pairs."""
    entries = (TRAINING_FORMATS["preference"], TRAINING_FORMATS["openai-preference"])
    return any(set(entry.keys) <= set(columns) for entry in entries)


Pair = tuple[str, str, str]
"""The question, the chosen and the rejected answer."""


def _read(given: Given, what: str) -> tuple[list[Pair], int]:
    """The pairs of a set, and how many rows hold none."""
    pairs = [pair for pair in map(_pair, given.rows) if pair is not None]
    demand_rows(len(pairs), what, "two different answers")
    return pairs, given.size - len(pairs)


def _pair(row: Mapping[str, Any]) -> Pair | None:
    if row.get("prompt") is None:
        asked = next((row[name] for name in _PROMPTS if row.get(name) is not None), None)
        row = {**row, "prompt": asked if isinstance(row.get("chosen"), str) else []}
    entry = TRAINING_FORMATS.get(format_of_row(row))
    line = entry.reads(row) if entry is not None else None
    if line is None or len(line.talks) != 2:
        return None
    chosen, rejected = line.talks
    same = 0
    while same < min(map(len, line.talks)) and chosen[same] == rejected[same]:
        same += 1
    made = tuple(_said(part) for part in (chosen[:same], chosen[same:], rejected[same:]))
    return (made[0], made[1], made[2]) if made[1].strip() and made[2].strip() else None


def _said(turns: Sequence[Turn]) -> str:
    return "\n".join(turn.written for turn in turns)


def _features(pairs: Sequence[Pair]) -> Vectors:
    """For each pair how the chosen answer differs, by itself and beside the question."""
    asked, chosen, rejected = (embed_locally(list(texts)) for texts in zip(*pairs, strict=True))
    apart = chosen - rejected
    made: Vectors = np.hstack([apart, asked * apart * np.sqrt(np.float32(apart.shape[1]))])
    return made


def _learnt(apart: Vectors) -> NDArray[np.float64]:
    """The weights of a reward by which chosen answers get more than rejected ones."""
    both = np.vstack([apart, -apart])
    is_chosen = np.repeat([1, 0], len(apart))
    model = light_classifier(C=_STRENGTH, fit_intercept=False).fit(both, is_chosen)
    weights: NDArray[np.float64] = model.coef_[0]
    return weights


def _longer(pairs: Sequence[Pair]) -> float:
    return float(np.mean([len(chosen) > len(rejected) for _, chosen, rejected in pairs]))
