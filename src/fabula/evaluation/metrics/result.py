"""What a metric gives back: a number with its direction, its baseline and a sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

from fabula.render.amounts import percent

Section: TypeAlias = Literal["quality", "privacy", "bias", "diversity"]
Direction: TypeAlias = Literal["higher", "lower", "near"]
"""Which values are better: higher ones, lower ones, or those near the baseline."""

ScoreUnit: TypeAlias = Literal["share", "score"]

SAYS_NOTHING = 0.95
"""A bound on a share that is this high passes nearly everything, so it is none."""


@dataclass(frozen=True)
class MetricResult:
    """One number about a synthetic table, with all that is needed to read it.

    Attributes:
        section: What it is about.
        name: A stable name; `section.name` is what gates refer to.
        title: The name for people.
        value: The number; None if it can't be measured, and `sentence` says why.
        direction: Which values are better.
        sentence: What the number says about this data.
        source: Where the definition comes from.
        baseline: What real data that was held back scores, or the ideal value.
        compared: What the baseline is: `holdout`, `real halves`, `ideal` …
        threshold: The bound that is used when nobody asks for another; for `near`, the distance
            from the baseline.
        no_verdict: Whether real rows are too few, or repeat too often, for a bound that says
            something.
        form: Whether the number is a share (shown in percent) or a plain score.
        details: What is behind the number: per column, per group, sample sizes.
    """

    section: Section
    name: str
    title: str
    value: float | None
    direction: Direction
    sentence: str
    source: str
    baseline: float | None = None
    compared: str = ""
    threshold: float | None = None
    no_verdict: bool = False
    form: ScoreUnit = "score"
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The name that gates use, such as `quality.shapes`."""
        return f"{self.section}.{self.name}"

    @property
    def passed(self) -> bool | None:
        """Whether the value keeps its bound; None without a value or a bound."""
        if self.value is None or self.threshold is None:
            return None
        if self.direction == "near":
            return bool(abs(self.value - (self.baseline or 0.0)) <= self.threshold)
        if self.direction == "higher":
            return bool(self.value >= self.threshold)
        return bool(self.value <= self.threshold)

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values."""
        return {**asdict(self), "key": self.key, "passed": self.passed}


def noise(share: float, n: int, m: int) -> float:
    """Three standard errors of the difference of two shares of `n` and `m` rows.

    The share is shrunk a little, so that a rare event that was not seen is not held impossible.
    """
    likely = (share * m + 1) / (m + 2)
    return 3 * math.sqrt(likely * (1 - likely) * (1 / max(n, 1) + 1 / max(m, 1)))


def bounded(bound: float) -> float | None:
    """The most that a share may be; None if nearly every share would keep it."""
    return float(bound) if bound < SAYS_NOTHING else None


def unjudged(bound: float) -> str:
    """What a sentence adds where `bounded` gives no bound."""
    if bounded(bound) is not None:
        return ""
    return " No verdict: real rows are too few, or repeat too often, to tell a copy from chance."


def shown(result: MetricResult, value: float | None) -> str:
    """A metric's number in words."""
    if value is None:
        return "–"
    is_share, bound = result.form == "share", result.threshold
    rounded = percent if is_share else "{:.2f}".format
    if bound is None or value == bound or rounded(value) != rounded(bound):
        return rounded(value)
    # A rounded value would hide on which side of the bound it is.
    return f"{100 * value:.2f} %" if is_share else f"{value:.3f}"


def own_rule(result: MetricResult) -> str:
    """A metric's own bound in words, such as `≥ 0.90`."""
    if result.threshold is None:
        return "no verdict" if result.no_verdict else ""
    if result.direction == "near":
        return f"{shown(result, result.baseline)} ± {result.threshold:.2f}"
    sign = "≥" if result.direction == "higher" else "≤"
    return f"{sign} {shown(result, result.threshold)}"
