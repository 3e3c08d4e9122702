"""The report on synthetic data: one value that shows itself as a page, Markdown, JSON or text."""

from __future__ import annotations

import json
import math
import tempfile
import webbrowser
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from fabula.checks.results import CheckResults
from fabula.errors import UsageError
from fabula.evaluation.gates import GateResult, gate_error
from fabula.evaluation.metrics.plot_data import Distribution, Heat, Scatter
from fabula.evaluation.metrics.result import MetricResult, Section
from fabula.io.names import file_stem
from fabula.io.places import make_folder, replacing, write_text
from fabula.render import charts
from fabula.render.png import png_of
from fabula.types import Path as PathLike

FORMS = ("", ".html", ".htm", ".md", ".json")
"""Endings of a report's file."""


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
class Report:
    """How good, private, fair and varied synthetic data is.

    Attributes:
        tables: What was measured, table by table.
        gates: The bounds that were asked for, and how they went.
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
        """Whether every gate that was asked for, and every check, holds."""
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

    def to_json(self) -> str:
        """The report as JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=False, default=str, indent=1)

    def to_markdown(self) -> str:
        """The report as Markdown, for a pull request or a chat."""
        from fabula.evaluation.report_text import report_markdown

        return report_markdown(self)

    def to_html(self) -> str:
        """The report as one page without any outside part."""
        from fabula.evaluation.report_page import report_html

        return report_html(self)

    def charts(self) -> dict[str, str]:
        """Every chart as SVG, by a name that can be a file's."""
        drawn = {}
        for table in self.tables:
            prefix = f"{table.name}." if len(self.tables) > 1 else ""
            for picture in table.distributions:
                drawn[f"{prefix}distribution.{picture.name}"] = charts.distribution(picture)
            if table.heat:
                drawn[f"{prefix}pairs"] = charts.heat(table.heat)
            if table.scatter:
                drawn[f"{prefix}scatter"] = charts.scatter(table.scatter)
        return {file_stem(name): drawing.alone() for name, drawing in drawn.items()}

    def write(self, path: PathLike) -> None:
        """Write the report in the form that the ending names: html, md or json.

        Raises:
            UsageError: The ending names another form.
            SinkError: The place can't be written.
        """
        path = Path(path)
        check_form(path)
        forms = {".json": self.to_json, ".md": self.to_markdown}
        make_folder(path.parent)
        write_text(path, forms.get(path.suffix.lower(), self.to_html)())

    def write_charts(self, folder: PathLike, *, png: bool = False) -> None:
        """Write every chart as an SVG file into a folder.

        Args:
            folder: Where the files go.
            png: Write each as PNG, too.

        Raises:
            PrerequisiteError: PNG is asked for, and the extra `charts` is missing.
            SinkError: The place can't be written.
        """
        folder = Path(folder)
        drawn = self.charts()
        pictures = {name: png_of(svg) for name, svg in drawn.items()} if png else {}
        make_folder(folder)
        for name, svg in drawn.items():
            write_text(folder / f"{name}.svg", svg)
        for name, picture in pictures.items():
            with replacing(folder / f"{name}.png") as temporary:
                temporary.write_bytes(picture)

    def open(self) -> Path:
        """Show the page in a browser, and tell where it is."""
        path = Path(tempfile.mkdtemp(prefix="fabula-")) / "report.html"
        self.write(path)
        webbrowser.open(path.as_uri())
        return path

    def __repr__(self) -> str:
        from fabula.evaluation.report_text import report_line

        return report_line(self)

    def _repr_html_(self) -> str:
        from fabula.evaluation.report_page import summary_html

        return summary_html(self)


def check_form(path: Path) -> None:
    """Make sure that a report can have the form that a file's ending names.

    Raises:
        UsageError: It can't.
    """
    if path.suffix.lower() not in FORMS:
        raise UsageError(
            f"`{path}` names no form of a report",
            code="usage.format",
            hint=f"write `-o {path.with_suffix('.html')}`, .md or .json",
        )


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
