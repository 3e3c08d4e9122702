"""Bias: whether groups of people are there as often, and fare as well, as in the real data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from fabula.evaluation.metrics.frames import Array, Frames
from fabula.evaluation.metrics.groups import Groups, Outcome, crossed_groups, groups_of, outcome_of
from fabula.evaluation.metrics.metric import METRICS, Metric, Score
from fabula.evaluation.metrics.result import SAYS_NOTHING, MetricResult, bounded, noise
from fabula.evaluation.metrics.utility import outcome_column
from fabula.render.amounts import percent

REPRESENTATION, DIFFERENCE, FOUR_FIFTHS, AMPLIFIED = 0.05, 0.20, 0.80, 0.05
SMALL_CELL = 30
"""Groups of fewer rows are named, and no rate of theirs is judged."""

_FIFTHS = "Four-fifths rule (EEOC Uniform Guidelines 1978)"


_REPRESENTATION = Metric(
    "bias.representation", "group representation", "lower", "Largest difference of group shares",
    form="share", needs="nothing", place=10,
)  # fmt: skip
_GAP = Metric(
    "bias.outcome_difference", "demographic parity difference", "lower",
    "Demographic parity difference (Dwork et al. 2012)", form="share", needs="nothing", place=20,
)  # fmt: skip
_RATIO = Metric(
    "bias.outcome_ratio", "disparate impact ratio (four-fifths rule)", "higher", _FIFTHS,
    needs="nothing", place=30,
)  # fmt: skip
_AMPLIFICATION = Metric(
    "bias.amplification", "bias amplification", "lower", "Bias amplification (Zhao et al. 2017)",
    form="share", needs="nothing", place=40,
)  # fmt: skip
_INTERSECTIONS = Metric(
    "bias.intersections", "disparate impact ratio, intersections", "higher", _FIFTHS,
    needs="nothing", place=50,
)  # fmt: skip


@METRICS.together(_REPRESENTATION, _GAP, _RATIO, _AMPLIFICATION, _INTERSECTIONS)
def bias_results(
    frames: Frames, protected: Sequence[str], target: str | None = None, positive: str | None = None
) -> list[MetricResult]:
    """Everything about bias that can be measured with what is known.

    Args:
        frames: The prepared tables; real ones are the baseline if there are some.
        protected: Columns that define groups of people.
        target: The outcome.
        positive: The outcome's label that counts as good; by default the rarer one of two, and
            values above the median of a number.

    Raises:
        UsageError: A column does not exist, or can't define groups.
    """
    columns = [outcome_column(frames, name) for name in protected]
    groups = [groups_of(frames, column) for column in columns]
    results = [_representation(frames, groups)]
    if target is None:
        return results
    outcome = outcome_of(frames, outcome_column(frames, target), positive)
    results += _outcomes(groups, outcome)
    if len(groups) > 1:
        crossed = [crossed_groups(first, second) for first, second in combinations(groups, 2)]
        results.append(_intersections(crossed, outcome))
    return results


def _representation(frames: Frames, groups: list[Groups]) -> MetricResult:
    """The largest change of a group's share."""
    shares = {
        f"{group.name}: {label}": (made, there)
        for group in groups
        for label, made, there in zip(
            group.labels, _shares(group, group.synthetic), _shares(group, group.real), strict=True
        )
    }
    if frames.real is None:
        least = min(shares, key=lambda name: shares[name][0])
        made_only = {name: {"synthetic": made} for name, (made, _) in shares.items()}
        return _REPRESENTATION.result(
            Score(
                None,
                "Without real data there is nothing to compare; the smallest group is "
                f"{least}, with {percent(shares[least][0])} of the rows.",
                details={"groups": made_only},
            )
        )
    worst = max(shares, key=lambda name: abs(shares[name][0] - shares[name][1]))
    made, there = shares[worst]
    return _REPRESENTATION.result(
        Score(
            abs(made - there),
            f"{worst} changes most: {percent(made)} of the synthetic rows, {percent(there)} of the "
            "real ones.",
            baseline=0.0,
            compared="ideal",
            threshold=max(REPRESENTATION, noise(there, frames.synthetic.rows, frames.real.rows)),
            details={"groups": {n: {"synthetic": s, "real": r} for n, (s, r) in shares.items()}},
        )
    )


def _outcomes(groups: list[Groups], outcome: Outcome) -> list[MetricResult]:
    """Difference, ratio and amplification of outcome rates, each of the worst column."""
    made = {group.name: _rates(group, group.synthetic, outcome.synthetic) for group in groups}
    there = {group.name: _rates(group, group.real, outcome.real) for group in groups}
    judged = {name: rates for name, rates in made.items() if len(rates.kept) > 1}
    if not judged:
        words = f"Not measured: no two groups have {SMALL_CELL} rows or more."
        return [_RATIO.result(Score(None, words))]
    small = [f"{name} {label}" for name, rates in made.items() for label in rates.small]
    warning = (
        f" Too few rows to judge: {', '.join(small[:5])}{' …' if len(small) > 5 else ''}."
        if small
        else ""
    )
    details = {
        "outcome": outcome.words,
        "groups": {name: _table(made[name], there[name]) for name in made},
        "small_groups": small,
    }
    most = {name: _most_difference(rates, there[name]) for name, rates in judged.items()}
    least = {name: _least_ratio(rates, there[name]) for name, rates in judged.items()}
    wide = max(judged, key=lambda name: judged[name].difference - most[name])
    unfair = min(judged, key=lambda name: judged[name].ratio - least[name])
    results = [
        _GAP.result(
            Score(
                judged[wide].difference,
                f"{outcome.words} for {judged[wide].said} by `{wide}`."
                f"{_inherited(most[wide], DIFFERENCE)}{warning}",
                baseline=there[wide].difference if len(there[wide].kept) > 1 else None,
                compared="real rows",
                threshold=bounded(most[wide]),
                no_verdict=bounded(most[wide]) is None,
                details=details,
            )
        ),
        _RATIO.result(
            Score(
                judged[unfair].ratio,
                f"{outcome.words} {judged[unfair].ratio:.2f} times as often in the least favoured "
                f"group of `{unfair}` as in the most favoured one"
                + (
                    f"; in the real data {there[unfair].ratio:.2f} times."
                    if len(there[unfair].kept) > 1
                    else "."
                )
                + _inherited(least[unfair], FOUR_FIFTHS),
                baseline=there[unfair].ratio if len(there[unfair].kept) > 1 else None,
                compared="real rows",
                threshold=_floor(least[unfair]),
                no_verdict=_floor(least[unfair]) is None,
                details=details,
            )
        ),
    ]
    grown = {
        name: rates.difference - there[name].difference
        for name, rates in judged.items()
        if len(there[name].kept) > 1
    }
    if grown:
        worst = max(grown, key=lambda name: grown[name])
        results.append(_amplification(worst, grown[worst], judged[worst], there[worst]))
    return results


def _amplification(name: str, grown: float, made: _Rates, there: _Rates) -> MetricResult:
    if percent(made.difference) == percent(there.difference):
        said = f"stays at {percent(there.difference)}, as in the real data."
    else:
        said = (
            f"{'grows' if grown > 0 else 'shrinks'} from {percent(there.difference)} in the real "
            f"data to {percent(made.difference)}."
        )
    return _AMPLIFICATION.result(
        Score(
            grown,
            f"The gap between groups of `{name}` {said}",
            baseline=0.0,
            compared="ideal",
            threshold=max(AMPLIFIED, 1.5 * noise(0.5, made.fewest, there.fewest)),
        )
    )


def _intersections(crossed: list[Groups], outcome: Outcome) -> MetricResult:
    """The lowest ratio of outcome rates where two protected columns meet."""
    made = {group.name: _rates(group, group.synthetic, outcome.synthetic) for group in crossed}
    there = {group.name: _rates(group, group.real, outcome.real) for group in crossed}
    judged = {name: rates for name, rates in made.items() if len(rates.kept) > 1}
    if not judged:
        words = f"Not measured: no two crossed groups have {SMALL_CELL} rows or more."
        return _INTERSECTIONS.result(Score(None, words))
    least = {name: _least_ratio(rates, there[name]) for name, rates in judged.items()}
    worst = min(judged, key=lambda name: judged[name].ratio - least[name])
    small = sum(len(rates.small) for rates in made.values())
    return _INTERSECTIONS.result(
        Score(
            judged[worst].ratio,
            f"Crossing {worst}, {outcome.words} for {judged[worst].said}; {small} crossed groups "
            f"have fewer than {SMALL_CELL} rows and are not judged."
            + _inherited(least[worst], FOUR_FIFTHS),
            baseline=there[worst].ratio if len(there[worst].kept) > 1 else None,
            compared="real rows",
            threshold=_floor(least[worst]),
            no_verdict=_floor(least[worst]) is None,
            details={"groups": {name: _table(made[name], there[name]) for name in made}},
        )
    )


@dataclass(frozen=True)
class _Rates:
    """Outcome rates of the groups that are large enough."""

    kept: dict[str, float]
    counts: dict[str, int]
    small: tuple[str, ...]

    @property
    def fewest(self) -> int:
        return min(self.counts[label] for label in self.kept)

    @property
    def difference(self) -> float:
        return max(self.kept.values()) - min(self.kept.values()) if self.kept else 0.0

    @property
    def ratio(self) -> float:
        best = max(self.kept.values(), default=0.0)
        return min(self.kept.values()) / best if best else 1.0

    @property
    def said(self) -> str:
        low, high = (f(self.kept, key=lambda name: self.kept[name]) for f in (min, max))
        return f"{percent(self.kept[low])} of {low} and {percent(self.kept[high])} of {high}"


def _least_ratio(made: _Rates, there: _Rates) -> float:
    """Four fifths; where the real ratio is lower, that ratio less three standard errors.

    The error of a ratio of shares by the delta method, of real and synthetic rows together.
    """
    if len(there.kept) < 2:
        return FOUR_FIFTHS
    error = 0.0
    for end in (min, max):
        label = end(there.kept, key=lambda name: there.kept[name])
        n, m = there.counts[label], made.counts.get(label, 0)
        share = (there.kept[label] * n + 1) / (n + 2)
        error += (1 - share) / share * (1 / n + 1 / max(m, 1))
    return min(FOUR_FIFTHS, max(0.0, there.ratio * (1 - 3 * math.sqrt(error))))


def _most_difference(made: _Rates, there: _Rates) -> float:
    """The usual bound; where the real difference is larger, that and three standard errors."""
    if len(there.kept) < 2:
        return DIFFERENCE
    ends = [there.kept[end(there.kept, key=lambda name: there.kept[name])] for end in (min, max)]
    errors = [noise(share, made.fewest, there.fewest) for share in ends]
    return max(DIFFERENCE, there.difference + math.hypot(*errors))


def _floor(ratio: float) -> float | None:
    """A bound on a ratio; None if nearly every ratio would keep it."""
    return ratio if ratio > 1 - SAYS_NOTHING else None


def _inherited(bound: float, usual: float) -> str:
    """What is said about a bound that the real data does not keep."""
    if bound == usual:
        return ""
    if not 1 - SAYS_NOTHING < bound < SAYS_NOTHING:
        return " No verdict: the real groups are too small, or too unlike, for a bound."
    return (
        f" The real data is not fairer: the bound is what it has, with room for three standard "
        f"errors, and not {percent(usual)}."
    )


def _rates(groups: Groups, codes: Array | None, outcome: Array | None) -> _Rates:
    if codes is None or outcome is None:
        return _Rates({}, {}, ())
    counted = (codes >= 0) & ~np.isnan(outcome)
    width = len(groups.labels)
    counts = np.bincount(codes[counted], minlength=width)
    good = np.bincount(codes[counted], weights=outcome[counted], minlength=width)
    kept = {
        label: float(good[at] / counts[at])
        for at, label in enumerate(groups.labels)
        if counts[at] >= SMALL_CELL
    }
    small = tuple(label for at, label in enumerate(groups.labels) if 0 < counts[at] < SMALL_CELL)
    return _Rates(kept, dict(zip(groups.labels, map(int, counts), strict=True)), small)


def _table(made: _Rates, there: _Rates) -> dict[str, dict[str, float | int | None]]:
    return {
        label: {
            "synthetic": made.kept.get(label),
            "real": there.kept.get(label),
            "synthetic_rows": made.counts.get(label, 0),
            "real_rows": there.counts.get(label, 0),
        }
        for label in made.counts
    }


def _shares(groups: Groups, codes: Array | None) -> list[float]:
    if codes is None:
        return [0.0] * len(groups.labels)
    counts = np.bincount(codes[codes >= 0], minlength=len(groups.labels))
    return [float(count / max(counts.sum(), 1)) for count in counts]
