"""`fb.worth`: what a labelled set of texts is worth: trained on it, tested on real rows.

A light classifier (word vectors of this machine, logistic regression) learns the labels from parts
of the set and is tested on all real rows. Coverage is that of Naeem et al. (2020): the share of the
real rows that a row of the set is as near as their fifth real neighbour.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from fabula.dedup.against import texts_in
from fabula.dedup.find import near_duplicates
from fabula.errors import UsageError, did_you_mean
from fabula.llm.providers.local_embeddings import embed_locally
from fabula.render.amounts import percent
from fabula.render.results import Result
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
from fabula.training.reward import RewardWorth, are_pairs, reward_worth
from fabula.training.table_rows import given_rows

if TYPE_CHECKING:
    from fabula.render.svg import Drawing
    from fabula.types import TableLike


@dataclass(frozen=True)
class Worth(Result):
    """What a set is worth beside real rows.

    Attributes:
        curve: By the number of rows; the last point is the whole set.
        real_rows: Real rows that were tested.
        real: What real rows teach about each other (five folds); None with too few of a label.
        guess: What guessing the most common label gives.
        redundancy: Share of the set's rows that nearly repeat an earlier one.
        coverage: Share of the real rows that have a row of the set near them.
        unknown: Real rows by label that the set has no row of.
        shared: Real rows whose texts are in the set, too: they test what was learned by heart.
        dropped: Rows without a text or a label, in the set and among the real ones.
    """

    curve: tuple[Point, ...]
    real_rows: int
    real: Point | None
    guess: Point
    redundancy: float
    coverage: float
    unknown: Mapping[str, int]
    dropped: tuple[int, int] = (0, 0)
    shared: int = 0

    @property
    def f1(self) -> float:
        """F1 on real rows of a classifier that learnt from the whole set."""
        return self.curve[-1].f1

    def report(self) -> str:
        """The figures, a line each."""
        lines = [
            f"trained on {self.curve[-1].rows:,} rows, tested on {self.real_rows:,} real ones: "
            f"F1 {self.f1:.3f}, accuracy {self.curve[-1].accuracy:.3f}"
        ]
        if self.real is not None:
            lines.append(f"trained on {self.real.rows:,} real rows instead: F1 {self.real.f1:.3f}")
        else:
            lines.append("too few real rows of a label to train on real rows instead")
        lines.append(f"guessing: F1 {self.guess.f1:.3f}, accuracy {self.guess.accuracy:.3f}")
        told = ", ".join(f"{point.rows:,} rows {point.f1:.3f}" for point in self.curve)
        lines.append(f"F1 by size: {told}")
        lines.append(f"redundancy: {percent(self.redundancy)} nearly repeat an earlier row")
        lines.append(f"coverage: {percent(self.coverage)} of the real rows have a row near them")
        for label, count in self.unknown.items():
            lines.append(f"label `{label}` is missing in the set: {count:,} real rows")
        for count, where in zip(self.dropped, ("the set", "the real rows"), strict=True):
            lines += [f"without a text or a label in {where}: {count:,}"] if count else []
        lines += by_heart(self.shared, "rows")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain values."""
        return asdict(self)

    def chart(self) -> Drawing:
        """The learning curve."""
        from fabula.render import charts

        series = {"this set": [point.f1 for point in self.curve]}
        if self.real is not None:
            series[f"{self.real.rows:,} real rows"] = [self.real.f1] * len(self.curve)
        series["guessing"] = [self.guess.f1] * len(self.curve)
        places = [f"{point.rows:,}" for point in self.curve]
        title = "What parts of the set teach"
        return charts.lines(title, "rows of the set", "F1 on real rows", places, series, high=1.0)

    @override
    def _charts(self) -> Sequence[Drawing]:
        return (self.chart(),)


@overload
def worth(data: TableLike, *, against: TableLike, label: str, text: str = "") -> Worth: ...
@overload
def worth(data: TableLike, *, against: TableLike) -> RewardWorth: ...
def worth(
    data: TableLike, *, against: TableLike, label: str = "", text: str = ""
) -> Worth | RewardWorth:
    """Measure what a set of texts is worth: train on it, test on real rows.

    A light classifier learns labels; of preference pairs, a light reward model learns which answer
    is chosen.

    Args:
        data: The set, in any form.
        against: Real rows with the same columns.
        label: The column of labels; without it, the rows are preference pairs (`chosen` and
            `rejected`, as texts or turns).
        text: The column of texts; by default all texts of a row but its label.

    Returns:
        The learning curve beside what real rows teach, redundancy and coverage.

    Raises:
        UsageError: A column is missing, or there are too few rows or labels.
        PrerequisiteError: The extra `texts` is not installed.

    Examples:
        >>> rows = [{"text": f"my {what} is late", "label": what} for what in ("bill", "bus") * 15]
        >>> worth(rows, against=rows, label="label").f1
        1.0
    """
    if not label:
        given = given_rows(data)
        if not are_pairs(given.columns):
            raise UsageError(
                "no column of labels is named, and the set has no preference pairs",
                code="usage.label",
                hint="name one: `--label COLUMN`, in Python `label=`; pairs have the columns"
                " `chosen` and `rejected`",
            )
        return reward_worth(given, given_rows(against))
    texts, labels, dropped = _read(data, label, text, "the set")
    real_texts, real_labels, real_dropped = _read(against, label, text, "the real data")
    if len(set(labels)) < 2:
        raise UsageError(
            f"the set has only the label `{labels[0]}`",
            code="usage.label",
            hint="give a column of two labels or more",
        )
    vectors, real_vectors = embed_locally(texts), embed_locally(real_texts)
    made, real = np.array(labels), np.array(real_labels)

    def teach(rows: Rows) -> Point | None:
        if len(np.unique(made[rows])) < 2:
            return None
        return _point(len(rows), real, _taught(vectors[rows], made[rows], real_vectors))

    common = Counter(labels).most_common(1)[0][0]
    unknown = Counter(name for name in real_labels if name not in set(labels))
    return Worth(
        tuple(curve(len(made), teach)),
        len(real),
        _real(real_vectors, real),
        _point(0, real, np.full(len(real), common)),
        len(near_duplicates(texts)) / len(texts),
        coverage(vectors, real_vectors),
        dict(unknown.most_common()),
        (dropped, real_dropped),
        sum(map({*texts}.__contains__, real_texts)),
    )


def _read(data: TableLike, label: str, text: str, what: str) -> tuple[list[str], list[str], int]:
    """Texts and labels of rows that have both, and how many rows have not."""
    given = given_rows(data)
    for name in filter(None, (label, text)):
        if name not in given.columns:
            raise UsageError(
                f"{what} has no column `{name}`",
                code="usage.unknown-column",
                hint=did_you_mean(name, given.columns) or f"there are {', '.join(given.columns)}",
            )
    texts, labels = [], []
    for row in given.rows:
        rest = {name: value for name, value in row.items() if name != label}
        said = str(row[text] or "") if text else "\n".join(texts_in([rest]))
        named = "" if row[label] is None else str(row[label]).strip()
        if said.strip() and named:
            texts.append(said)
            labels.append(named)
    demand_rows(len(texts), what, "a text and a label")
    return texts, labels, given.size - len(texts)


def _real(vectors: Vectors, labels: NDArray[Any]) -> Point | None:
    """What real rows teach about each other: each fold is told by the others."""
    if min(Counter(labels.tolist()).values()) < FOLDS or len(set(labels.tolist())) < 2:
        return None
    folds = folds_of(labels)
    found = np.empty(len(labels), dtype=labels.dtype)
    for fold in range(FOLDS):
        rest = folds != fold
        found[~rest] = _taught(vectors[rest], labels[rest], vectors[~rest])
    return _point(len(labels) * (FOLDS - 1) // FOLDS, labels, found)


def _taught(vectors: Vectors, labels: NDArray[Any], asked: Vectors) -> NDArray[Any]:
    found: NDArray[Any] = light_classifier(C=10).fit(vectors, labels).predict(asked)
    return found


def _point(rows: int, real: NDArray[Any], found: NDArray[Any]) -> Point:
    """Accuracy, and F1 with equal weight for each label of the real rows."""
    scores = []
    for name in np.unique(real):
        hits = int(((found == name) & (real == name)).sum())
        scores.append(2 * hits / int((found == name).sum() + (real == name).sum()))
    return Point(rows, float(np.mean(scores)), float((found == real).mean()))
