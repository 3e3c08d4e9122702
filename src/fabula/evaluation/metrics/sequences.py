"""Quality of events over time: how many, how far apart, and how each follows from the last.

Rows are ordered by time within their entity (a customer, a machine); rows without entity or
time are left out. Baselines compare two halves of the real entities.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fabula.errors import UsageError
from fabula.evaluation.metrics.frames import Array, Column, Frame, Frames
from fabula.evaluation.metrics.metric import METRICS, Metric, Score
from fabula.evaluation.metrics.result import MetricResult, noise
from fabula.evaluation.metrics.shapes import number_distance
from fabula.render.amounts import percent

LENGTHS, GAPS, AUTOCORRELATION, TRANSITIONS = 0.90, 0.90, 0.10, 0.85
MOST_STATES = 50
"""Labels of a column whose transitions are counted; columns with more are left out."""


@dataclass(frozen=True)
class _Events:
    """The rows of one frame in order, and which of them follow another of the same entity."""

    rows: Frame
    times: Array
    entities: Array
    follows: Array

    @property
    def lengths(self) -> Array:
        """Events of every entity."""
        return np.unique(self.entities, return_counts=True)[1].astype(float)

    @property
    def gaps(self) -> Array:
        """Time between one event and the next."""
        return np.diff(self.times)[self.follows]

    @property
    def size(self) -> int:
        """How many entities there are: they are independent, their events are not."""
        return int((~self.follows).sum()) + 1 if len(self.times) else 0

    def steps(self, column: str) -> tuple[Array, Array]:
        """A column's values, and those of the next event."""
        values = self.rows[column]
        return values[:-1][self.follows], values[1:][self.follows]


_WHY = "there are no such columns, or no entity has two events"

Distances = dict[str, float]
"""How far apart two sets of events are, by column."""


_LENGTHS = Metric(
    "quality.lengths", "sequence length (events per entity)", "higher",
    "Kolmogorov-Smirnov statistic of events per entity, as 1 - distance", place=130,
)  # fmt: skip
_GAPS = Metric(
    "quality.gaps", "inter-event times", "higher",
    "Kolmogorov-Smirnov statistic of gaps, which is that of their logarithms, too", place=140,
)  # fmt: skip
_AUTOCORRELATION = Metric(
    "quality.autocorrelation", "autocorrelation (lag 1)", "lower",
    "Mean |difference of lag-1 autocorrelations|", place=150,
)  # fmt: skip
_TRANSITIONS = Metric(
    "quality.transitions", "transition matrices", "higher",
    "1 - total variation of lag-1 transition matrices, weighted by the real labels", place=160,
)  # fmt: skip


@METRICS.together(_LENGTHS, _GAPS, _AUTOCORRELATION, _TRANSITIONS)
def sequence_results(frames: Frames, sequence: tuple[str, str]) -> list[MetricResult]:
    """Everything about the sequences of an entity and a time."""
    return sequences(frames, *sequence)


def sequences(frames: Frames, entity: str, time: str) -> list[MetricResult]:
    """Everything about sequences that can be measured.

    Args:
        frames: The prepared tables, real ones among them.
        entity: The column that says whose event a row is.
        time: The column that orders the events.

    Raises:
        UsageError: A column is missing, or the time is neither a moment nor a number.
    """
    for name in (entity, time):
        if frames.column(name) is None:
            raise UsageError(
                f"a sequence takes the column `{name}`, and not every table has it",
                code="evaluate.sequence",
                hint="name a column that the synthetic and the real table have",
            )
    if frames.column(time) not in frames.of("moment", "number", "key"):
        raise UsageError(
            f"`{time}` is not a time, so it can't order events",
            code="evaluate.sequence",
            hint="name the entity first and the time second: `--sequence customer_id,placed`",
        )
    made = _ordered(frames.synthetic, entity, time)
    real = _ordered(frames.truth, entity, time)
    halves = _halves(frames, real)
    columns = [column for column in frames.measured if column.name not in (entity, time)]
    numbers = [column for column in columns if column.family != "category"]
    labels = [c for c in columns if c.family == "category" and len(c.levels) <= MOST_STATES]
    spread = noise(0.5, made.size, real.size)

    def compared(distances: Callable[[_Events, _Events], Distances]) -> tuple[Distances, float]:
        base = distances(*halves)
        return distances(real, made), float(np.mean(list(base.values()))) if base else 0.0

    return [
        _fit(
            _LENGTHS, compared(_length_distances),
            f"An `{entity}` has {_mean(made.lengths)} events on average, and "
            f"{_mean(real.lengths)} in the real data",
            bound=LENGTHS, spread=spread,
        ),
        _fit(
            _GAPS, compared(_gap_distances),
            "Times from one event to the next are compared",
            bound=GAPS, spread=spread,
        ),
        _autocorrelation(
            *compared(lambda left, right: _memory_distances(numbers, left, right)), spread
        ),
        _fit(
            _TRANSITIONS,
            compared(lambda left, right: _transition_distances(labels, left, right)),
            "Which label follows which is compared",
            bound=TRANSITIONS, spread=spread,
        ),
    ]  # fmt: skip


def _mean(values: Array) -> str:
    return f"{values.mean():.2f}" if len(values) else "no"


def _ordered(frame: Frame, entity: str, time: str) -> _Events:
    """The rows by entity and time; of equal times, in the order of the table."""
    known = np.flatnonzero(_is_known(frame[entity]) & _is_known(frame[time]))
    order = known[np.lexsort((frame[time][known], frame[entity][known]))]
    entities = frame[entity][order]
    return _Events(frame.take(order), frame[time][order], entities, entities[1:] == entities[:-1])


def _is_known(values: Array) -> Array:
    return ~np.isnan(values) if values.dtype.kind == "f" else values > 0


def _halves(frames: Frames, real: _Events) -> tuple[_Events, _Events]:
    """Two sets of real entities."""
    names, codes = np.unique(real.entities, return_inverse=True)
    first = frames.rng("halves of entities").permutation(len(names))[codes] < len(names) // 2
    return _some(real, first), _some(real, ~first)


def _some(events: _Events, kept: Array) -> _Events:
    entities = events.entities[kept]
    return _Events(
        events.rows.take(np.flatnonzero(kept)),
        events.times[kept],
        entities,
        entities[1:] == entities[:-1],
    )


def _length_distances(real: _Events, made: _Events) -> Distances:
    distance = number_distance(real.lengths, made.lengths)
    return {} if distance is None else {"lengths": distance}


def _gap_distances(real: _Events, made: _Events) -> Distances:
    distance = number_distance(real.gaps, made.gaps)
    return {} if distance is None else {"gaps": distance}


def _memory_distances(numbers: list[Column], real: _Events, made: _Events) -> Distances:
    """Differences of lag-1 autocorrelations, over all entities at once."""
    found = {}
    for column in numbers:
        left, right = _memory(*real.steps(column.name)), _memory(*made.steps(column.name))
        if left is not None and right is not None:
            found[column.name] = abs(left - right)
    return found


def _memory(before: Array, after: Array) -> float | None:
    """The correlation of values with the next ones; None if nothing varies."""
    known = ~np.isnan(before) & ~np.isnan(after)
    before, after = before[known], after[known]
    if len(before) < 3 or before.std() < 1e-12 or after.std() < 1e-12:
        return None
    return float(np.corrcoef(before, after)[0, 1])


def _transition_distances(labels: list[Column], real: _Events, made: _Events) -> Distances:
    found: Distances = {}
    if not real.follows.any() or not made.follows.any():
        return found
    for column in labels:
        size = len(column.levels) + 1
        left, right = (
            _transitions(size, *real.steps(column.name)),
            _transitions(size, *made.steps(column.name)),
        )
        weights = left.sum(axis=1) / left.sum()
        # A label that synthetic events never leave has no row, and so overlaps with nothing.
        overlap = np.minimum(_rows(left), _rows(right)).sum(axis=1)
        found[column.name] = float(1 - weights @ overlap)
    return found


def _transitions(size: int, before: Array, after: Array) -> Array:
    cells = before.astype(np.int64) * size + after
    return np.bincount(cells, minlength=size * size).reshape(size, size)


def _rows(counts: Array) -> Array:
    shares: Array = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return shares


def _fit(
    entry: Metric, compared: tuple[Distances, float], said: str, *, bound: float, spread: float
) -> MetricResult:  # fmt: skip
    """A result whose value is one minus the mean distance."""
    distances, base = compared
    if not distances:
        return entry.not_measured(_WHY)
    value = 1 - float(np.mean(list(distances.values())))
    worst = max(distances, key=lambda column: distances[column])
    rest = f", least for `{worst}`" if len(distances) > 1 and value < 1 else ""
    return entry.result(
        Score(
            value,
            f"{said}: they agree to {percent(value)}{rest}.",
            baseline=1 - base,
            compared="real halves",
            threshold=min(bound, 1 - spread, 1 - base),
            details={"scores": {column: 1 - distance for column, distance in distances.items()}},
        )
    )


def _autocorrelation(differences: Distances, base: float, spread: float) -> MetricResult:
    if not differences:
        return _AUTOCORRELATION.not_measured(_WHY)
    value = float(np.mean(list(differences.values())))
    worst = max(differences, key=lambda column: differences[column])
    return _AUTOCORRELATION.result(
        Score(
            value,
            f"How much a number depends on the one before differs by {value:.2f} on average, most "
            f"in `{worst}`, by {differences[worst]:.2f}.",
            baseline=base,
            compared="real halves",
            threshold=max(AUTOCORRELATION, spread, base),
            details={"columns": differences},
        )
    )
