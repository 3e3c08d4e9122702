"""The report on synthetic data: one value that shows itself as a page, Markdown, JSON or text."""

from __future__ import annotations

import json
import tempfile
import webbrowser
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from fabula.errors import UsageError, column_hint
from fabula.evaluation.findings import Findings
from fabula.io.names import file_stem, output_path
from fabula.io.places import make_folder, write_text
from fabula.render import charts
from fabula.render.results import Result
from fabula.types import Path as PathLike

if TYPE_CHECKING:
    import altair as alt

    from fabula.render.svg import Drawing

FORMS = ("", ".html", ".htm", ".md", ".json")
"""Endings of a report's file."""


class Report(Findings, Result):
    """How good, private, fair and varied synthetic data is; see `Findings` for the values."""

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

    def report(self) -> str:
        """The report as text for terminals."""
        from fabula.evaluation.report_text import report_text

        return report_text(self)

    def charts(self) -> dict[str, str]:
        """Every chart as SVG, by a name that can be a file's."""
        return {name: drawing.alone() for name, drawing in self._drawings().items()}

    def chart(self, column: str, *, table: str | None = None) -> alt.Chart | Drawing:
        """How a column's values spread, real and synthetic, fit for a slide.

        Args:
            column: The column.
            table: Its table, where several have one of that name.

        Returns:
            An Altair chart where `altair` is installed, else a drawing that `save` writes as SVG
            or PNG. Both show themselves in notebooks.

        Raises:
            UsageError: No table, or more than one, has such a chart.
        """
        found = [
            picture
            for each in self.tables
            for picture in each.distributions
            if picture.name == column and table in (None, each.name)
        ]
        if len(found) != 1:
            names = {picture.name for each in self.tables for picture in each.distributions}
            tables = " or ".join(f'table="{each.name}"' for each in self.tables)
            raise UsageError(
                f"{len(found) or 'no'} {'charts are' if found else 'chart is'} called `{column}`",
                code="usage.column",
                hint=f"say which: {tables}" if found else column_hint(column, sorted(names)),
            )
        if find_spec("altair") is None:
            return charts.distribution(found[0])
        from fabula.evaluation.altair_charts import altair_chart

        return altair_chart(found[0])

    def write(self, path: PathLike) -> None:
        """Write the report in the form that the ending names: html, md or json.

        Raises:
            UsageError: The ending names another form.
            SinkError: The place can't be written.
        """
        path = output_path(path)
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
            PrerequisiteError: PNG is requested, and the extra `charts` is missing.
            SinkError: The place can't be written.
        """
        drawn = self._drawings()
        for ending in (".png", ".svg") if png else (".svg",):
            for name, drawing in drawn.items():
                drawing.save(Path(folder) / f"{name}{ending}")

    def _drawings(self) -> dict[str, Drawing]:
        """Every chart by a name that can be a file's."""
        drawn = {}
        for table in self.tables:
            prefix = f"{table.name}." if len(self.tables) > 1 else ""
            for picture in table.distributions:
                drawn[f"{prefix}distribution.{picture.name}"] = charts.distribution(picture)
            if table.heat:
                drawn[f"{prefix}pairs"] = charts.heat(table.heat)
            if table.scatter:
                drawn[f"{prefix}scatter"] = charts.scatter(table.scatter)
        return {file_stem(name): drawing for name, drawing in drawn.items()}

    def open(self) -> Path:
        """Show the page in a browser, and return its place."""
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
            f"a report can't be written as `{path}`",
            code="usage.format",
            hint=f"write `-o {path.with_suffix('.html')}`, .md or .json",
        )
