"""A metric is one entry: what it is called, what it measures, and the function that measures it.

    @METRICS.add
    @metric("quality.shapes", "column shapes", better="higher", source="…", form="share")
    def shapes(frames: Frames) -> Score: ...

A function takes the prepared `Frames` and, by the names of further parameters, what else is known:
`target`, `positive`, `protected`, `quasi`, `confidential`, `sensitive`, `sequence`, `secrets`,
`others`, `distances`, `parents`. A metric whose parameter has no default is left out where that is
not known.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias, get_args

from fabula.errors import PrerequisiteError, UsageError
from fabula.evaluation.metrics.frames import Frames
from fabula.evaluation.metrics.one_thread import one_thread
from fabula.evaluation.metrics.result import Direction, MetricResult, ScoreUnit, Section
from fabula.extensions import Register
from fabula.lookup import entry_of

SECTIONS: tuple[Section, ...] = get_args(Section)

KNOWN = (
    "target", "positive", "protected", "quasi", "confidential", "sensitive", "sequence", "secrets",
    "others", "distances", "parents",
)  # fmt: skip
"""What a metric may ask for alongside the frames, by the name of a parameter."""

LATE = 1_000
"""The place in its section of a metric that names none."""

Needs: TypeAlias = Literal["comparable", "real", "nothing"]
"""Real rows with columns that can be compared, any real rows, or synthetic rows alone."""


@dataclass(frozen=True)
class Score:
    """What a metric's function returns: the number and how to read it here.

    Attributes:
        value: The number; None if it can't be measured, and `sentence` says why.
        sentence: What the number says about this data.
        baseline: What real data that was held back scores, or the ideal value.
        compared: What the baseline is: `holdout`, `real halves`, `ideal` …
        threshold: The bound that is used when nobody asks for another; for `near`, the distance
            from the baseline.
        no_verdict: Whether real rows are too few, or repeat too often, for a bound that says
            something.
        details: What is behind the number: per column, per group, sample sizes.
        better: Which values are better, where that depends on what is there.
        source: Where the definition comes from, where that depends on what is there.
    """

    value: float | None
    sentence: str
    baseline: float | None = None
    compared: str = ""
    threshold: float | None = None
    no_verdict: bool = False
    details: Mapping[str, Any] = field(default_factory=dict)
    better: Direction | None = None
    source: str = ""


@dataclass(frozen=True)
class Metric:
    """Everything known about one metric. Calling it measures frames.

    Attributes:
        key: Its section and name, such as `quality.shapes`; what gates refer to.
        title: Its name in the field's words.
        better: Which values are better: `higher`, `lower`, or `near` the baseline.
        source: Where the definition comes from.
        form: Whether the number is a share (shown in percent) or a plain score.
        needs: What it is measured on.
        extra: The extra of Fabula, or the package, that it needs alongside the base install.
        place: Its place in its section of a report.
        measure: The function; None if several tables are measured at once.
    """

    key: str
    title: str
    better: Direction
    source: str
    form: ScoreUnit = "score"
    needs: Needs = "comparable"
    extra: str = ""
    place: int = LATE
    measure: Callable[..., Any] | None = None

    @property
    def section(self) -> Section:
        """What it is about."""
        return self.key.partition(".")[0]  # type: ignore[return-value]

    @property
    def name(self) -> str:
        """Its name in its section."""
        return self.key.partition(".")[2]

    def __call__(self, frames: Frames, *known: Any, **more: Any) -> MetricResult | None:
        """Measure frames; None if it does not apply.

        Raises:
            PrerequisiteError: An extra that it needs is not installed.
        """
        assert self.measure is not None
        score = self.measure(frames, *known, **more)
        return score if score is None else self.result(score)

    def result(self, score: Score) -> MetricResult:
        """A score with all that is needed to read it."""
        return MetricResult(
            section=self.section,
            name=self.name,
            title=self.title,
            value=score.value,
            direction=score.better or self.better,
            sentence=score.sentence,
            source=score.source or self.source,
            baseline=score.baseline,
            compared=score.compared,
            threshold=score.threshold,
            no_verdict=score.no_verdict,
            form=self.form,
            details=score.details,
        )

    def not_measured(self, why: str, **details: Any) -> MetricResult:
        """The result if it can't be measured."""
        return self.result(Score(None, f"Not measured: {why}.", details=details))


def metric(
    key: str,
    title: str,
    *,
    better: Direction,
    source: str,
    form: ScoreUnit = "score",
    needs: Needs = "comparable",
    extra: str = "",
    place: int = LATE,
) -> Callable[[Callable[..., Score | None]], Metric]:
    """Make a metric of a function that returns a `Score`, or None if it does not apply.

    Args:
        key: Its section and name, such as `quality.shapes`.
        title: Its name in the field's words.
        better: Which values are better: `higher`, `lower`, or `near` the baseline.
        source: Where the definition comes from.
        form: Whether the number is a `share` (shown in percent) or a plain `score`.
        needs: What it is measured on: `comparable` real rows, any `real` rows, or `nothing`.
        extra: The extra of Fabula, or the package, that it needs alongside the base install.
        place: Its place in its section of a report.

    Examples:
        >>> @metric("quality.rows", "row count", better="near", source="Rows over real rows")
        ... def rows(frames):
        ...     return Score(frames.synthetic.rows / frames.truth.rows, "As many rows.")
        >>> rows.section, rows.name
        ('quality', 'rows')
    """
    return lambda measure: Metric(
        key, title, better, source, form, needs, extra, place, measure=measure
    )


class Metrics(Register[Metric]):
    """The metrics by key."""

    def add(self, entry: Metric) -> Metric:
        """Register a metric under its key; gives it back, so that it serves as a decorator."""
        return self.register(entry.key, entry)

    def together(
        self, *entries: Metric
    ) -> Callable[[Callable[..., Sequence[MetricResult]]], Callable[..., Sequence[MetricResult]]]:
        """Register metrics that one function measures; it returns the results of all it can."""

        def registered(
            measure: Callable[..., Sequence[MetricResult]],
        ) -> Callable[..., Sequence[MetricResult]]:
            for entry in entries:
                self.add(replace(entry, measure=measure))
            return measure

        return registered


def lack(key: str, entry: Metric) -> str | None:
    """What an entry lacks, in words."""
    if entry.section not in SECTIONS or not entry.name:
        return f"is in no section: write {' or '.join(f'`{name}.NAME`' for name in SECTIONS)}"
    if key != entry.key:
        return f"calls itself `{entry.key}`"
    if empty := [part for part in ("title", "source") if not getattr(entry, part).strip()]:
        return f"has no {empty[0]}"
    if entry.better not in get_args(Direction):
        return f"is better `{entry.better}`: write {', '.join(get_args(Direction))}"
    unknown = [name for name in _asked(entry) if name not in KNOWN]
    return f"asks for `{unknown[0]}`: a metric may ask for {', '.join(KNOWN)}" if unknown else None


METRICS = Metrics(
    "metric",
    home=__name__.rpartition(".")[0],
    order=lambda _, entry: (SECTIONS.index(entry.section), entry.place, entry.key),
    lacks=lack,
)
"""Every metric."""


def wanted(metrics: Iterable[str | Metric] | None, sections: Sequence[str]) -> list[Metric]:
    """The metrics that are requested, in the order of a report.

    Args:
        metrics: Keys of registered metrics, or metrics themselves; None for all of the sections.
        sections: The sections to measure.

    Raises:
        UsageError: There is no such metric.
    """
    if metrics is None:
        return [entry for entry in METRICS.values() if entry.section in sections]
    found = []
    for given in metrics:
        if isinstance(given, str):
            found.append(entry_of(METRICS, given, code="evaluate.unknown-metric"))
        elif isinstance(given, Metric):
            if lacking := lack(given.key, given):
                raise UsageError(f"the metric `{given.key}` {lacking}", code="extension.incomplete")
            found.append(given)
        else:
            raise UsageError(
                f"{given!r} is not a metric",
                code="evaluate.unknown-metric",
                hint="name one, such as `quality.shapes`, or make one with"
                " `fabula.evaluation.metrics.metric.metric`",
            )
    return found


def measured(
    metrics: Iterable[Metric],
    frames: Frames,
    known: Mapping[str, Any],
    told: Callable[[int, int], None] = lambda *_: None,
) -> list[MetricResult]:
    """What metrics say about frames; those that don't apply are left out.

    Args:
        metrics: The metrics.
        frames: The prepared tables.
        known: What a metric may ask for; None for what is not known.
        told: Called with metrics done and metrics in all.

    Raises:
        UsageError: A column that is named can't be used.
    """
    entries = list(metrics)
    keys = {entry.key for entry in entries}
    results: dict[Callable[..., Any], Sequence[MetricResult]] = {}
    # One function may measure several metrics.
    for place, entry in enumerate(entries):
        told(place, len(entries))
        if entry.measure is None or entry.measure in results or not _applies(entry, frames):
            continue
        asked = _asked(entry)
        given = {name: known[name] for name in asked if known.get(name) is not None}
        if any(needed and name not in given for name, needed in asked.items()):
            continue
        try:
            with one_thread():
                found = entry.measure(frames, **given)
        except PrerequisiteError as error:
            extra = {"extra": entry.extra} if entry.extra else {}
            found = entry.not_measured(error.hint or error.message, **extra)
        if isinstance(found, Score):
            found = entry.result(found)
        results[entry.measure] = [found] if isinstance(found, MetricResult) else found or ()
    return [result for each in results.values() for result in each if result.key in keys]


def asks_for(what: str, entry: Metric) -> bool:
    """Whether a metric takes something alongside the frames, such as `secrets`."""
    return what in _asked(entry)


def _applies(entry: Metric, frames: Frames) -> bool:
    if entry.needs == "nothing":
        return True
    return frames.real is not None and (entry.needs == "real" or bool(frames.measured))


def _asked(entry: Metric) -> dict[str, bool]:
    """What a metric asks for alongside the frames, and whether it can't do without."""
    if entry.measure is None:
        return {}
    _, *parameters = inspect.signature(entry.measure).parameters.values()
    return {item.name: item.default is item.empty for item in parameters}
