"""Gates: bounds on metrics that a build can be blocked on, such as `quality.shapes>=0.9`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

from fabula.errors import GateError, PrerequisiteError, UsageError, did_you_mean
from fabula.evaluation.metrics.result import MetricResult, own_rule, shown

GatesLike: TypeAlias = Mapping[str, float] | Sequence[str] | bool
"""`["quality.shapes>=0.9"]`, `{"quality.shapes": 0.9}`, or True for every metric's own bound."""

DEFAULT = "default"
"""The gate that stands for every metric's own bound."""

_GATE = re.compile(r"\s*([\w.]+)\s*(?:(>=|<=)\s*(-?[\d.]+(?:e-?\d+)?)\s*(%?))?\s*")


@dataclass(frozen=True)
class Gate:
    """A bound on one metric; without a number, the metric's own bound."""

    metric: str
    operator: str = ""
    bound: float | None = None


@dataclass(frozen=True)
class GateResult:
    """How one gate went.

    Attributes:
        table: The table that was measured.
        metric: The metric, such as `quality.shapes`.
        title: The metric's name for people.
        rule: The bound in words.
        value: The measured number, in words.
        passed: Whether the bound is kept; None if this table gives no verdict.
        sentence: What the metric says.
    """

    table: str
    metric: str
    title: str
    rule: str
    value: str
    passed: bool | None
    sentence: str

    @property
    def word(self) -> str:
        """The verdict in a word."""
        return {True: "pass", False: "FAIL", None: "not judged"}[self.passed]

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values."""
        return asdict(self)


def read_gates(gates: GatesLike) -> tuple[Gate, ...] | bool:
    """Gates in any form; True for every metric's own bound, False for none.

    Raises:
        UsageError: A gate can't be read.
    """
    if isinstance(gates, bool):
        return gates
    if isinstance(gates, Mapping):
        return tuple(Gate(metric, "", float(bound)) for metric, bound in gates.items())
    if DEFAULT in gates:
        return True
    return tuple(map(_read, gates))


def judge(
    gates: tuple[Gate, ...] | bool, tables: Iterable[tuple[str, Sequence[MetricResult]]]
) -> tuple[GateResult, ...]:
    """Hold every table's metrics against the gates.

    Raises:
        UsageError: A gate names a metric that no table has.
        GateError: A gate names a metric that no table gives a verdict on.
        PrerequisiteError: A gate names a metric whose extra is missing.
    """
    named = [(table, {result.key: result for result in results}) for table, results in tables]
    if isinstance(gates, bool):
        return _all_own(named) if gates else ()
    everywhere = {key: result for _, known in named for key, result in known.items()}
    found: list[list[GateResult]] = [[] for _ in named]
    for gate in gates:
        # Not every table has parents, events over time, or rows enough; one that has is enough.
        judged = [
            (at, _judged(table, gate, known))
            for at, (table, known) in enumerate(named)
            if gate.metric in known or gate.metric not in everywhere
        ]
        if all(result.passed is None for _, result in judged):
            raise _unmeasured(everywhere[gate.metric])
        for at, result in judged:
            found[at].append(result)
    return tuple(result for results in found for result in results)


def _all_own(tables: Sequence[tuple[str, Mapping[str, MetricResult]]]) -> tuple[GateResult, ...]:
    """Every metric's own bound, and the metrics that give no verdict."""
    found = tuple(
        _own(table, result)
        for table, known in tables
        for result in known.values()
        if result.passed is not None or result.no_verdict
    )
    if all(result.passed is None for result in found):
        raise GateError(
            "no metric has a verdict, so no bound would be checked",
            code="gate.unmeasured",
            hint="pass `real` and more rows, or name a gate with a bound: `quality.shapes>=0.9`",
        )
    return found


def gate_error(results: Sequence[GateResult]) -> GateError | None:
    """The error that names every gate that failed, or None."""
    failed = [result for result in results if result.passed is False]
    judged = [result for result in results if result.passed is not None]
    if not failed:
        return None
    reasons = "; ".join(f"{item.title} {item.value}, must be {item.rule}" for item in failed[:3])
    more = f" (and {len(failed) - 3} more)" if len(failed) > 3 else ""
    return GateError(
        f"{len(failed)} of {len(judged)} gates failed: {reasons}{more}",
        code="gate.failed",
        where=failed[0].table or None,
        hint="the report says what each number means; write it with `-o report.html`",
    )


def _read(text: str) -> Gate:
    match = _GATE.fullmatch(text)
    try:
        if not match or "." not in match[1]:
            raise ValueError
        bound = None if match[3] is None else float(match[3]) / (100 if match[4] else 1)
    except ValueError as exc:
        raise UsageError(
            f"`{text}` is not a gate",
            code="evaluate.gate",
            hint="write `quality.shapes>=0.9`, `privacy.exact_copies<=0.1%`, or `default`",
        ) from exc
    return Gate(match[1], match[2] or "", bound)


def _own(table: str, result: MetricResult) -> GateResult:
    return GateResult(
        table, result.key, result.title, own_rule(result), shown(result, result.value),
        result.passed, result.sentence,
    )  # fmt: skip


def _judged(table: str, gate: Gate, known: Mapping[str, MetricResult]) -> GateResult:
    result = known.get(gate.metric)
    if result is None:
        raise UsageError(
            f"no metric is called `{gate.metric}` in this report",
            code="evaluate.unknown-metric",
            hint=did_you_mean(gate.metric, known)
            or f"it has {', '.join(sorted(known))}; some take `--target` or `--protected`",
        )
    if result.value is None or (gate.bound is None and result.no_verdict):
        return _own(table, result)
    if gate.bound is None:
        if result.threshold is None:
            raise UsageError(
                f"`{gate.metric}` has no bound of its own",
                code="evaluate.gate",
                hint=f"give one: `{gate.metric}<=1`",
            )
        return _own(table, result)
    operator = gate.operator or ("<=" if result.direction == "lower" else ">=")
    kept = result.value >= gate.bound if operator == ">=" else result.value <= gate.bound
    rule = f"{'≥' if operator == '>=' else '≤'} {shown(result, gate.bound)}"
    return GateResult(
        table, result.key, result.title, rule, shown(result, result.value), kept, result.sentence
    )


def _unmeasured(result: MetricResult) -> GateError | PrerequisiteError | UsageError:
    """The error for a gate on a metric without a value: it must not pass in silence."""
    if "extra" in result.details:
        return PrerequisiteError.for_extra(result.details["extra"], needed_by=f"`{result.key}`")
    if result.details.get("needs") == "holdout":
        return UsageError(
            f"`{result.key}` needs real rows that the synthesizer never saw",
            code="evaluate.no-holdout",
            hint="pass them: `--holdout FILE`",
        )
    return GateError(
        f"`{result.key}` gives no verdict: {result.sentence}",
        code="gate.unmeasured",
        hint="leave the gate out, or give what the metric needs",
    )
