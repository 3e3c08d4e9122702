"""Privacy by attack: what someone with the synthetic table learns about a real person.

The three risks that European regulators name (singling out, linkability, inference), measured
as by Giomi et al. (2023): success on real rows, beyond success on rows that were held back.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabula.evaluation.metrics.distances import BLOCK_CELLS, Space, nearest, squared_apart
from fabula.evaluation.metrics.frames import Column, Frame, Frames
from fabula.evaluation.metrics.metric import METRICS, Score, metric
from fabula.evaluation.metrics.nearest_records import WITHOUT_HOLDOUT
from fabula.render.amounts import percent

RISK = 0.05
ATTACKS = 1_000
"""Real people that are attacked, and as many that were held back."""

WIDEST = 0.15
"""Half an interval of a risk, beyond which an attack that finds little says nothing."""

MOST_REFERENCES = 20_000
TOLERANCE = 0.05
"""A guessed number is right within this share of the true one."""

PREDICATE_COLUMNS = 4
MOST_TRIES = 6_000
_SOURCE = "Giomi et al. (2023), risk = (success - baseline) / (1 - baseline)"


@METRICS.add
@metric(
    "privacy.singling_out", "singling out", better="lower", source=_SOURCE, form="share", place=60
)
def singling_out(frames: Frames) -> Score:
    """How often a description that fits one synthetic row fits exactly one real person."""
    if frames.holdout is None:
        return WITHOUT_HOLDOUT
    columns = frames.measured
    width = min(PREDICATE_COLUMNS, len(columns))
    rows = min(frames.truth.rows, frames.holdout.rows)
    tables = [
        frames.sample(frame, rows, "singling out") for frame in (frames.truth, frames.holdout)
    ]
    predicates = _isolating(frames, columns, width) if width else []
    if not predicates:
        return Score(
            0.0,
            "No description of a few columns fits exactly one synthetic row.",
            baseline=0.0,
            compared="no attack",
            threshold=RISK,
        )
    real, held = (
        sum(table.count(item) == 1 for item in predicates)
        for table in (_Ordered(table, columns) for table in tables)
    )
    return risk(
        "Of descriptions that fit one synthetic row, {real} fit exactly one real person and "
        "{held} one person who was held back",
        hits=(real, held), n=len(predicates), details={"columns": width, "rows": rows},
    )  # fmt: skip


@METRICS.add
@metric(
    "privacy.linkability", "linkability", better="lower", source=_SOURCE, form="share", place=70
)
def linkability(frames: Frames) -> Score:
    """How often two halves of a person's columns lead to the same synthetic row."""
    if frames.holdout is None or len(frames.measured) < 2:
        return WITHOUT_HOLDOUT
    space = Space.of(frames)
    order = frames.rng("linkability").permutation(len(space.parts))
    sides = [order[: len(order) // 2], order[len(order) // 2 :]]
    references = space.points(frames.sample(frames.synthetic, MOST_REFERENCES, "attack references"))
    hits, n = [], min(ATTACKS, frames.truth.rows, frames.holdout.rows)
    for frame in (frames.truth, frames.holdout):
        people = space.points(frames.sample(frame, n, "attacked people"))
        found = []
        for side in sides:
            chosen = np.concatenate(
                [np.arange(space.parts[at].start, space.parts[at].stop) for at in side]
            )
            found.append(nearest(people[:, chosen], references[:, chosen])[1])
        hits.append(int((found[0] == found[1]).sum()))
    return risk(
        "Two halves of the columns lead to the same synthetic row for {real} of the real people "
        "and {held} of those who were held back",
        hits=(hits[0], hits[1]), n=n,
        details={"split": [[space.columns[at].name for at in side] for side in sides]},
    )  # fmt: skip


@METRICS.add
@metric(
    "privacy.attribute_inference", "attribute inference", better="lower", source=_SOURCE,
    form="share", place=50,
)  # fmt: skip
def attribute_inference(frames: Frames) -> Score:
    """How well one column is guessed from all others with the nearest synthetic row."""
    if frames.holdout is None or len(frames.measured) < 2:
        return WITHOUT_HOLDOUT
    space = Space.of(frames)
    n = min(ATTACKS, frames.truth.rows, frames.holdout.rows)
    sample = frames.sample(frames.synthetic, MOST_REFERENCES, "attack references")
    references = space.points(sample)
    rates: list[NDArray[np.float64]] = []
    for frame in (frames.truth, frames.holdout):
        people = frames.sample(frame, n, "attacked people")
        rates.append(_guessed_right(space, people, sample, references))
    risks = {
        column.name: _excess(float(real), float(held))
        for column, real, held in zip(space.columns, *rates, strict=True)
    }
    at = worst(rates[0], rates[1], n)
    guessed = space.columns[at].name
    return risk(
        f"From the other columns `{guessed}` is guessed right for {{real}} of the real people and "
        "{held} of those who were held back",
        hits=(round(rates[0][at] * n), round(rates[1][at] * n)), n=n,
        details={"columns": risks, "tolerance": TOLERANCE}, tries=len(risks),
    )  # fmt: skip


def risk(
    said: str, *, hits: tuple[int, int], n: int,
    details: Mapping[str, Any], tries: int = 1,
) -> Score:  # fmt: skip
    """The score of an attack on `n` people of either side; of several tries, the best one.

    It fails where even the low end of the interval is above the bound. Where the interval is too
    wide to call the data safe, there is no verdict.

    Args:
        said: What happened, with the places `{real}` and `{held}` for both success rates.
        hits: Successes on real people, and on those who are not in the table.
        n: Attacks on either.
        details: What else is behind the number.
        tries: Attacks of which this was the best.
    """
    real, held = hits[0] / n, hits[1] / n
    value, (low, high) = _excess(real, held), excess_interval(hits, n)
    surely, _ = excess_interval(hits, n, tries=tries)
    open_end = surely <= RISK and high - value > WIDEST
    span = f"{percent(max(0.0, low))} to {percent(min(1.0, high))}"
    if surely > RISK:
        rest = f"an excess risk of {percent(value)} ({span})"
    elif open_end:
        rest = f"too few attacks to tell; the excess risk may be {span}"
    elif value == 0:
        rest = f"nothing that this data gives away (at most {percent(max(0.0, high))})"
    else:
        rest = f"an excess risk of {percent(value)}, which may be chance ({span})"
    return Score(
        value,
        f"{said.format(real=percent(real), held=percent(held))}, in {n:,} attacks each: {rest}.",
        baseline=0.0,
        compared="no leak",
        threshold=None if open_end else RISK + max(0.0, value - surely) * (value > RISK),
        no_verdict=open_end,
        details={
            "attacks": n,
            "success": real,
            "success_on_holdout": held,
            "interval": [low, high],
            **details,
        },
    )


def excess_interval(hits: tuple[int, int], n: int, *, tries: int = 1) -> tuple[float, float]:
    """The 95 % interval of the excess risk, from Wilson's intervals of both success rates.

    Newcombe (1998), method 10, divided by what was left to gain.

    Args:
        hits: Successes on real people, and on those who were held back.
        n: Attacks on either.
        tries: Attacks of which these were the best (Bonferroni).
    """
    z = NormalDist().inv_cdf(1 - 0.025 / tries)
    (p, p_low, p_high), (q, q_low, q_high) = (wilson(count, n, z) for count in hits)
    low = p - q - math.hypot(p - p_low, q_high - q)
    high = p - q + math.hypot(p_high - p, q - q_low)
    left = max(1 - q, 1 / n)
    return low / left, high / left


def wilson(hits: int, n: int, z: float) -> tuple[float, float, float]:
    """A share with the ends of its interval."""
    share = hits / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return share, middle - half, middle + half


def worst(real: NDArray[np.float64], held: NDArray[np.float64], n: int) -> int:
    """The attack whose success rates on `n` people of either side differ most surely.

    Args:
        real: The success of each attack on real people.
        held: Its success on people who are not in the table.
        n: Attacks on either.
    """
    error = np.sqrt((real * (1 - real) + held * (1 - held) + 1 / n) / n)
    return int(np.argmax((real - held) / error))


def _excess(real: float, held: float) -> float:
    """Success beyond what the holdout explains, as a share of what was left to gain."""
    return max(0.0, (real - held) / (1 - held)) if held < 1 else 0.0


def _guessed_right(
    space: Space, people: Frame, synthetic: Frame, references: NDArray[np.float32]
) -> NDArray[np.float64]:
    """For each column, the share of people whose value the nearest synthetic row has.

    Nearest by all other columns: the whole distance less the column's own part.
    """
    points = space.points(people)
    right = np.zeros(len(space.columns))
    step = max(1, BLOCK_CELLS // max(len(references), 1))
    room = np.empty((3, min(step, len(points)), len(references)), dtype=np.float32)
    for start in range(0, len(points), step):
        block = points[start : start + step]
        whole, *rest = room[:, : len(block)]
        squared_apart(block, references, slice(None), (whole, rest[0]))
        for at, (column, part) in enumerate(zip(space.columns, space.parts, strict=True)):
            own = squared_apart(block, references, part, rest)
            best = np.subtract(whole, own, out=own).argmin(axis=1)
            truth = people[column.name][start : start + step]
            right[at] += agree(column, synthetic[column.name][best], truth).sum()
    return right / len(points)


def agree(column: Column, guessed: NDArray[Any], truth: NDArray[Any]) -> NDArray[np.bool_]:
    """Which guesses are right; those of numbers, within a twentieth of the true one."""
    same: NDArray[np.bool_] = guessed == truth
    if column.family in ("number", "moment"):
        same = np.abs(guessed - truth) <= TOLERANCE * np.abs(truth)
        same |= np.isnan(guessed) & np.isnan(truth)
    return same


Predicate = tuple[tuple[str, str, float], ...]
"""Conditions on columns: name, `=`, `<` or `>` (ends included), value."""


def _isolating(frames: Frames, columns: list[Column], width: int) -> list[Predicate]:
    """Descriptions of some columns of a synthetic row that no other synthetic row fits.

    Numbers are described by the side of the median that they are on, outwards.
    """
    synthetic, rng = frames.synthetic, frames.rng("predicates")
    rows = frames.sample(synthetic, MOST_REFERENCES, "predicates")
    middles = {
        c.name: float(np.nanmedian(rows[c.name]))
        for c in columns
        if c.family != "category" and not np.isnan(rows[c.name]).all()
    }
    found: dict[Predicate, None] = {}
    sought = _Ordered(rows, columns)
    for _ in range(MOST_TRIES):
        row = int(rng.integers(rows.rows))
        chosen = np.sort(rng.choice(len(columns), width, replace=False))
        predicate: Predicate = tuple(
            _condition(columns[at], float(rows[columns[at].name][row]), middles) for at in chosen
        )
        if predicate not in found and sought.count(predicate) == 1:
            found[predicate] = None
            if len(found) >= ATTACKS:
                break
    return list(found)


def _condition(
    column: Column, value: float, middles: Mapping[str, float]
) -> tuple[str, str, float]:
    if column.family == "category" or np.isnan(value):
        return column.name, "=", value
    return column.name, ">" if value > middles[column.name] else "<", value


class _Ordered:
    """A frame whose columns are in order, so that the rows of a condition lie side by side."""

    def __init__(self, frame: Frame, columns: Sequence[Column]) -> None:
        self._rows = {c.name: np.argsort(frame[c.name], kind="stable") for c in columns}
        self._values = {name: frame[name][at].astype(float) for name, at in self._rows.items()}
        self._places = {name: np.argsort(at) for name, at in self._rows.items()}
        self._spans: dict[tuple[str, str, float], tuple[int, int]] = {}

    def count(self, predicate: Predicate) -> int:
        """How many rows a description fits."""
        spans = []
        for condition in predicate:  # many descriptions share conditions
            if condition not in self._spans:
                self._spans[condition] = self._span(*condition)
            spans.append((*self._spans[condition], condition[0]))
        (first, end, name), *others = sorted(spans, key=lambda span: span[1] - span[0])
        fits = self._rows[name][first:end]
        for first, end, name in others:
            places = self._places[name][fits]
            fits = fits[(places >= first) & (places < end)]
        return len(fits)

    def _span(self, name: str, operator: str, value: float) -> tuple[int, int]:
        """The first place of the rows that a condition fits, and that after the last."""
        values = self._values[name]
        known = int(np.searchsorted(values, np.nan))  # missing values come last
        if np.isnan(value):
            return known, len(values)
        first = 0 if operator == "<" else int(np.searchsorted(values, value))
        end = known if operator == ">" else int(np.searchsorted(values, value, side="right"))
        return first, end
