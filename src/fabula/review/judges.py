"""`fb.judges`: how far judges can be trusted: agreement, kappa, bias, thresholds.

Judges are columns of scores. Against reviewed rows, agreement beyond chance is Cohen's kappa with
quadratic weights (Cohen 1968). A bias is a rank correlation of a judge's scores with the length or
the position of answers that remains among answers of equal merit (partial Spearman correlation);
merit is what reviewers say, or else the other judges.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.errors import UsageError, did_you_mean
from fabula.io.arrays import correlation, mean_ranks
from fabula.io.tables import as_table
from fabula.render.amounts import percent
from fabula.render.results import Result
from fabula.types import TableLike

SURE = 3.29
"""Standard errors from which chance is unlikely (one in a thousand)."""
LARGE = 0.2
"""Correlation from which a bias matters."""
FEWEST = 20
"""Rows that a judgement about a judge needs."""
_GOOD = frozenset(
    {"accept", "accepted", "approve", "approved", "good", "ok", "pass", "true", "yes"}
)
_BAD = frozenset({"reject", "rejected", "refused", "bad", "fail", "false", "no"})

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Bias:
    """A correlation of a judge's scores with something other than merit.

    Attributes:
        of: `length` or `position`.
        correlation: Partial rank correlation, from -1 to 1.
        errors: Its distance from 0 in standard errors.
    """

    of: str
    correlation: float
    errors: float

    @property
    def is_found(self) -> bool:
        """Whether it is large, and chance is unlikely."""
        return abs(self.correlation) >= LARGE and abs(self.errors) >= SURE

    @property
    def told(self) -> str:
        """The finding in words."""
        more = "longer" if self.of == "length" else "later"
        less = "shorter" if self.of == "length" else "earlier"
        what = f"correlation {self.correlation:+.2f} with {self.of} at equal merit"
        if not self.is_found:
            return f"no bias by {self.of} ({what})"
        return f"biased by {self.of}: favours {more if self.correlation > 0 else less} ({what})"


@dataclass(frozen=True)
class Threshold:
    """A score from which answers are good with the wanted precision, on reviewed rows.

    Attributes:
        score: The score.
        precision: Share of good answers among those that reach it, and its 95 % interval.
        recall: Share of the good answers that reach it.
    """

    score: float
    precision: float
    low: float
    high: float
    recall: float


@dataclass(frozen=True)
class Judged:
    """One judge.

    Attributes:
        name: Its column.
        rows: Rows with its score and a reviewer's verdict.
        kappa: Agreement with reviewers beyond chance; None without reviewed rows.
        agreement: Share of rows on which both say the same.
        biases: By length, by position.
        threshold: The lowest score with the wanted precision; None if there is none.
    """

    name: str
    rows: int
    kappa: float | None
    agreement: float | None
    biases: tuple[Bias, ...]
    threshold: Threshold | None

    @property
    def is_biased(self) -> bool:
        """Whether a bias is found."""
        return any(bias.is_found for bias in self.biases)


@dataclass(frozen=True)
class Judges(Result):
    """What is known of some judges.

    Attributes:
        judges: Each of them.
        between: Kappa of each two judges.
        precision: The wanted precision.
        reviewed: Rows with a reviewer's verdict.
    """

    judges: tuple[Judged, ...]
    between: Mapping[tuple[str, str], float] = field(default_factory=dict)
    precision: float = 0.9
    reviewed: int = 0

    def __getitem__(self, name: str) -> Judged:
        return {judge.name: judge for judge in self.judges}[name]

    @property
    def biased(self) -> tuple[str, ...]:
        """The judges with a bias."""
        return tuple(judge.name for judge in self.judges if judge.is_biased)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values."""
        return {
            "reviewed": self.reviewed,
            "precision": self.precision,
            "judges": [{**asdict(judge), "is_biased": judge.is_biased} for judge in self.judges],
            "between": [[*pair, kappa] for pair, kappa in self.between.items()],
        }

    def report(self) -> str:
        """A few lines on each judge."""
        lines = [f"{self.reviewed:,} reviewed rows"] if self.reviewed else ["no reviewed rows"]
        for judge in self.judges:
            told = []
            if judge.kappa is not None and judge.agreement is not None:
                told.append(f"kappa {judge.kappa:.2f}, agrees on {percent(judge.agreement)}")
            told += [bias.told for bias in judge.biases]
            found = judge.threshold
            if found is not None:
                told.append(
                    f"from {found.score:g}: precision {found.precision:.2f} "
                    f"({found.low:.2f} to {found.high:.2f}), recall {found.recall:.2f}"
                )
            elif judge.kappa is not None:
                told.append(f"no score reaches a precision of {self.precision:g}")
            lines.append(f"{judge.name}: {'; '.join(told) or 'nothing to compare with'}")
        lines += [f"{a} and {b}: kappa {kappa:.2f}" for (a, b), kappa in self.between.items()]
        return "\n".join(lines)


def judges(
    data: TableLike,
    *,
    scores: str | Sequence[str],
    human: str = "",
    text: str = "",
    position: str = "",
    precision: float = 0.9,
) -> Judges:
    """Measure how far judges can be trusted.

    Args:
        data: Rows with scores of judges, in any form.
        scores: The columns of the judges.
        human: The column of reviewers' verdicts: grades, or `accepted` and `rejected`; empty
            cells are rows that nobody reviewed.
        text: The column of the judged answers, to find a bias by their length.
        position: The column of the answers' places as the judges saw them, to find a bias by it.
        precision: The share of good answers that is wanted among those that pass.

    Returns:
        Kappa, agreement, biases and a threshold for each judge.

    Raises:
        UsageError: A column is missing or holds no numbers, or there are too few rows.

    Examples:
        >>> rows = [{"judge": n % 5, "human": n % 5} for n in range(40)]
        >>> judges(rows, scores="judge", human="human")["judge"].kappa
        1.0
    """
    table = as_table(data, name="judged")
    names = [scores] if isinstance(scores, str) else list(scores)
    for name in filter(None, (*names, human, text, position)):
        if name not in table.column_names:
            hint = did_you_mean(name, table.column_names)
            raise UsageError(
                f"there is no column `{name}`",
                code="usage.unknown-column",
                hint=hint or f"there are {', '.join(table.column_names)}",
            )
    if not names or not 0 < precision <= 1:
        raise UsageError(
            "no judge is named" if not names else f"a precision of {precision:g} can't be reached",
            code="usage.judges",
            hint="name a column of scores (`--score COLUMN`)"
            if not names
            else "give a precision above 0 and at most 1: `--precision 0.9`",
        )
    if table.num_rows < FEWEST:
        raise UsageError(
            f"{table.num_rows} rows say too little about a judge",
            code="usage.judges",
            hint=f"give {FEWEST} rows or more",
        )
    columns = {name: _numbers(table, name) for name in names}
    verdicts = _numbers(table, human) if human else np.full(table.num_rows, np.nan)
    others: dict[str, Numbers] = {}
    if text:
        lengths = [len(str(value or "")) for value in table.column(text).to_pylist()]
        others["length"] = np.array(lengths, dtype=float)
    if position:
        others["position"] = _numbers(table, position)
    made = [_judged(name, columns, verdicts, others, precision) for name in names]
    between = {
        (one, other): _kappa(*_both(columns[one], columns[other]))
        for one, other in combinations(names, 2)
    }
    return Judges(tuple(made), between, precision, int(np.isfinite(verdicts).sum()))


def _judged(
    name: str,
    columns: Mapping[str, Numbers],
    verdicts: Numbers,
    others: Mapping[str, Numbers],
    precision: float,
) -> Judged:
    given, said = _both(columns[name], verdicts)
    rest = [values for other, values in columns.items() if other != name]
    merit = verdicts if len(said) >= FEWEST else np.mean(rest, axis=0) if rest else None
    biases = [_bias(of, columns[name], values, merit) for of, values in others.items()]
    if len(said) < FEWEST:
        return Judged(name, len(said), None, None, tuple(biases), None)
    is_good = said >= _midpoint(said)
    threshold = _threshold(given, is_good, precision)
    if len(np.unique(said)) == 2 and len(np.unique(given)) > 2:  # grades against yes and no
        cut = _midpoint(given) if threshold is None else threshold.score
        given, said = (given >= cut).astype(float), is_good.astype(float)
    agreement = float((given == said).mean())
    return Judged(name, len(said), _kappa(given, said), agreement, tuple(biases), threshold)


def _numbers(table: pa.Table, name: str) -> Numbers:
    """A column as numbers; verdicts are 1 and 0, missing ones NaN."""
    made = np.full(table.num_rows, np.nan)
    for place, value in enumerate(table.column(name).to_pylist()):
        word = str(value).strip().casefold() if value is not None else ""
        if not word:
            continue
        if word in _GOOD or word in _BAD:
            made[place] = float(word in _GOOD)
            continue
        try:
            made[place] = float(word)
        except ValueError:
            raise UsageError(
                f"`{name}` holds {value!r:.60} in row {place + 1}, which is neither a number nor "
                "a verdict",
                code="usage.score",
                hint="give numbers, or `accepted` and `rejected`",
            ) from None
    return made


def _both(one: Numbers, other: Numbers) -> tuple[Numbers, Numbers]:
    known = np.isfinite(one) & np.isfinite(other)
    return one[known], other[known]


def _kappa(one: Numbers, other: Numbers) -> float:
    """Cohen's kappa with quadratic weights."""
    if not len(one):
        return math.nan
    apart = float(((one - other) ** 2).mean())
    by_chance = float(((one[:, None] - other[None, :]) ** 2).mean())
    return 1.0 if by_chance == 0 else 1 - apart / by_chance


def _bias(of: str, scores: Numbers, values: Numbers, merit: Numbers | None) -> Bias:
    parts = [scores, values] + ([] if merit is None else [merit])
    known = np.isfinite(parts).all(axis=0)
    ranked = [mean_ranks(part[known]) for part in parts]
    n = int(known.sum())
    if n < FEWEST:
        return Bias(of, 0.0, 0.0)
    r = correlation(ranked[0], ranked[1])
    if merit is not None:
        with_merit, other = (correlation(part, ranked[2]) for part in ranked[:2])
        left = math.sqrt(max((1 - with_merit**2) * (1 - other**2), 1e-12))
        r = (r - with_merit * other) / left if left > 1e-5 else 0.0
    r = max(-0.999999, min(0.999999, r))
    return Bias(of, r, math.atanh(r) * math.sqrt(n - 4))


def _midpoint(values: Numbers) -> float:
    return float((values.min() + values.max()) / 2)


def _threshold(given: Numbers, is_good: NDArray[np.bool_], precision: float) -> Threshold | None:
    """The lowest score with the wanted precision."""
    for score in np.unique(given):
        passes = given >= score
        right, n = int((passes & is_good).sum()), int(passes.sum())
        if n and right / n >= precision:
            low, high = _wilson(right, n)
            return Threshold(float(score), right / n, low, high, right / max(1, int(is_good.sum())))
    return None


def _wilson(right: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's interval of a share."""
    share, extra = right / n, z**2 / n
    middle = (share + extra / 2) / (1 + extra)
    reach = z * math.sqrt(share * (1 - share) / n + extra / (4 * n)) / (1 + extra)
    return max(0.0, middle - reach), min(1.0, middle + reach)
