"""What an evaluation found, as values: metrics of each table, gates and checks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from fabula.checks.results import CheckResults
from fabula.evaluation.gates import GateResult, gate_error
from fabula.evaluation.metrics.plot_data import Distribution, Heat, Scatter
from fabula.evaluation.metrics.result import MetricResult, Section


@dataclass(frozen=True)
class TableReport:
    """What was measured of one table.

    Attributes:
        name: The table.
        rows: Rows of each frame: `synthetic`, `real`, `holdout`.
        columns: Columns that were compared.
        results: Every metric.
        notes: What was left out, in sentences.
        warnings: Why the numbers may mean something else than they say, in sentences.
        distributions: Pictures of the columns.
        heat: The picture of pairs of columns.
        scatter: The picture of the two numbers that go together most.
    """

    name: str
    rows: Mapping[str, int]
    columns: int
    results: tuple[MetricResult, ...]
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    distributions: tuple[Distribution, ...] = ()
    heat: Heat | None = None
    scatter: Scatter | None = None

    def section(self, name: Section) -> list[MetricResult]:
        """The metrics of one section."""
        return [result for result in self.results if result.section == name]

    def to_dict(self) -> dict[str, Any]:
        """The table's part as plain values."""
        return {
            "name": self.name,
            "rows": dict(self.rows),
            "columns": self.columns,
            "notes": list(self.notes),
            "warnings": list(self.warnings),
            "metrics": [result.to_dict() for result in self.results],
            "distributions": [asdict(picture) for picture in self.distributions],
        }


@dataclass(frozen=True)
class Findings:
    """What was found; `Report` is the same with its forms.

    Attributes:
        tables: What was measured, table by table.
        gates: The bounds that were requested, and how they went.
        checks: The spec's rules and their results, where a spec was given.
        seed: What decided the samples.
        fake: Whether the fake model made texts of the data.
    """

    tables: tuple[TableReport, ...]
    gates: tuple[GateResult, ...] = ()
    checks: CheckResults = field(default_factory=CheckResults)
    seed: int = 0
    fake: bool = False

    @cached_property
    def scores(self) -> dict[str, float]:
        """Every measured number by name.

        The names are like `quality.shapes`, or with several tables `orders.quality.shapes`.
        """
        many = len(self.tables) > 1
        return {
            f"{table.name}.{result.key}" if many else result.key: result.value
            for table in self.tables
            for result in table.results
            if result.value is not None
        }

    @property
    def passed(self) -> bool:
        """Whether every gate that was requested, and every check, holds."""
        return self.checks.passed and all(gate.passed is not False for gate in self.gates)

    @property
    def judged(self) -> list[GateResult]:
        """The gates with a verdict."""
        return [gate for gate in self.gates if gate.passed is not None]

    @property
    def failing(self) -> list[MetricResult]:
        """The metrics beyond their own bounds, asked for or not."""
        return [item for table in self.tables for item in table.results if item.passed is False]

    def raise_for_gates(self) -> None:
        """Raise the error that names every failed gate, if any; else the one of failed checks.

        Raises:
            GateError: A gate failed.
            CheckError: A check of the spec failed.
        """
        error = gate_error(self.gates) or self.checks.error()
        if error:
            raise error

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values; numbers that are none become None."""
        plain: dict[str, Any] = _plain(
            {
                "passed": self.passed,
                "seed": self.seed,
                "fake": self.fake,
                "scores": self.scores,
                "gates": [gate.to_dict() for gate in self.gates],
                "checks": self.checks.to_dict(),
                "tables": [table.to_dict() for table in self.tables],
            }
        )
        return plain


def _plain(value: Any) -> Any:
    """Values that JSON knows: endless and undefined numbers become None."""
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
