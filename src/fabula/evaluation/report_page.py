"""The report as one HTML page: verdict first, then the numbers, then the pictures.

The page asks for nothing from outside, needs no script, and shows aggregates only. Jinja
escapes every text; charts are SVG of our own, whose texts are escaped where they are drawn.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment
from markupsafe import Markup, escape

from fabula.evaluation.gates import own_rule, shown
from fabula.evaluation.metrics.result import MetricResult, Section, percent
from fabula.evaluation.report import Report, TableReport
from fabula.evaluation.report_text import report_line, rows_line
from fabula.render import charts
from fabula.render.amounts import count
from fabula.runs.fingerprint import versions

MOST_PICTURES = 150
"""Columns that are drawn; of more, those that differ most."""

TILES: dict[Section, tuple[str, str]] = {
    "quality": ("Realistic", "Does it look like the real data?"),
    "privacy": ("Private", "Does it keep real people to itself?"),
    "bias": ("Fair", "Are groups treated alike?"),
    "diversity": ("Varied", "Neither copies nor noise?"),
}


def report_html(report: Report) -> str:
    """The whole page."""
    page: str = _template("report.html").render(
        report=report,
        tiles=_tiles(report),
        worded=worded,
        tables=[_table(table) for table in report.tables],
        rows=rows_line(report.tables),
        version=versions()["fabula"],
    )
    return page.replace(" %", "\N{NO-BREAK SPACE}%")


def summary_html(report: Report) -> str:
    """A short form for notebooks: the verdict and every number."""
    rows = "".join(
        f"<tr><td>{escape(result.key)}</td><td>{escape(shown(result, result.value))}</td>"
        f"<td>{escape(own_rule(result))}</td><td>{_word(result)}</td>"
        f"<td style='text-align:left'>{escape(result.sentence)}</td></tr>"
        for table in report.tables
        for result in table.results
    )
    return f"<div><p>{escape(report_line(report))}</p><table>{rows}</table></div>"


def _tiles(report: Report) -> list[dict[str, Any]]:
    """One verdict a section: how many of its bounds are kept."""
    tiles = []
    for name, (title, question) in TILES.items():
        results = [
            item for table in report.tables for item in table.results if item.section == name
        ]
        judged = [item for item in results if item.passed is not None]
        failed = [item for item in judged if not item.passed]
        word = (
            "not asked"
            if not results
            else "no verdict"
            if not judged
            else "no"
            if failed
            else "yes"
        )
        said = f"{len(judged) - len(failed)} of {len(judged)} within bounds" if judged else ""
        tiles.append(
            {"name": name, "title": title, "question": question, "word": word, "said": said,
             "failed": failed}
        )  # fmt: skip
    return tiles


def _table(table: TableReport) -> dict[str, Any]:
    pictures = sorted(
        table.distributions, key=lambda picture: 1 if picture.score is None else picture.score
    )
    return {
        "name": table.name,
        "rows": " · ".join(f"{count(n)} {frame}" for frame, n in table.rows.items()),
        "columns": count(table.columns, "column"),
        "notes": [worded(note) for note in table.notes],
        "warnings": [worded(warning) for warning in table.warnings],
        "sections": [
            {
                "name": name,
                "title": title,
                "question": question,
                "metrics": [_metric(result) for result in table.section(name)],
            }
            for name, (title, question) in TILES.items()
            if table.section(name)
        ],
        "pictures": [
            {
                "name": picture.name,
                "score": "" if picture.score is None else percent(picture.score),
                "missing": _missing(picture.missing, has_real=bool(picture.real)),
                "svg": Markup(charts.distribution_chart(picture)),
            }
            for picture in pictures[:MOST_PICTURES]
        ],
        "left_out": len(pictures) - MOST_PICTURES,
        "heat": Markup(charts.heat_chart(table.heat)) if table.heat else None,
        "heat_left_out": table.heat.left_out if table.heat else 0,
        "scatter": Markup(charts.scatter_chart(table.scatter)) if table.scatter else None,
        "scatter_title": f"{table.scatter.y} by {table.scatter.x}" if table.scatter else "",
        "scatter_group": table.scatter.group if table.scatter else "",
    }


def _metric(result: MetricResult) -> dict[str, Any]:
    return {
        "key": result.key,
        "title": result.title,
        "value": shown(result, result.value),
        "baseline": f"{result.compared} {shown(result, result.baseline)}"
        if result.baseline is not None
        else "",
        "rule": own_rule(result),
        "better": {"higher": "higher is better", "lower": "lower is better", "near": "best near "
                   + shown(result, result.baseline)}[result.direction],
        "word": _word(result),
        "sentence": worded(result.sentence),
        "source": result.source,
        "gauge": Markup(charts.gauge(result)),
        "details": _details(result),
    }  # fmt: skip


def _details(result: MetricResult) -> dict[str, Any]:
    """The parts of a metric as a small table: columns, groups, or pairs."""
    details = result.details
    if "groups" in details:
        return {
            "head": ["group", "synthetic", "real", "rows"],
            "rows": _group_rows(details["groups"]),
        }
    if "columns" in details and isinstance(details["columns"], dict):
        ordered = sorted(details["columns"].items(), key=lambda item: item[1])
        if result.direction == "lower":
            ordered.reverse()
        return {
            "head": ["column", "value"],
            "rows": [[name, shown(result, float(value))] for name, value in ordered[:100]],
        }
    if "worst" in details and "kept" in details["worst"][0]:
        rows = [
            [f"{pair['first']} and {pair['second']}", percent(pair["kept"]),
             f"{pair['strength']:.2f}"]
            for pair in details["worst"]
        ]  # fmt: skip
        return {"head": ["pair", "kept", "dependence"], "rows": rows}
    if "worst" in details:
        rows = [
            [f"{pair['first']} and {pair['second']}", percent(pair["score"]),
             _correlation(pair["real"]), _correlation(pair["synthetic"])]
            for pair in details["worst"]
        ]  # fmt: skip
        return {"head": ["pair", "alike", "real", "synthetic"], "rows": rows}
    return {}


def _group_rows(groups: dict[str, Any]) -> list[list[str]]:
    """Groups as rows; outcome rates are grouped once more, by the protected column."""
    rows = []
    for name, values in groups.items():
        if any(isinstance(value, dict) for value in values.values()):
            for label, cells in values.items():
                rows.append(
                    [f"{name}: {label}", *(_share(cells[frame]) for frame in ("synthetic", "real")),
                     count(cells["synthetic_rows"])]
                )  # fmt: skip
        else:
            rows.append([name, _share(values.get("synthetic")), _share(values.get("real")), ""])
    return rows


def _correlation(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _share(value: float | None) -> str:
    return "–" if value is None else percent(value)


def _missing(shares: tuple[float, float], *, has_real: bool) -> str:
    if not any(shares):
        return ""
    real = f", real {percent(shares[1])}" if has_real else ""
    return f"missing: synthetic {percent(shares[0])}{real}"


def _word(result: MetricResult) -> str:
    return {True: "pass", False: "fail", None: "–"}[result.passed]


def worded(text: str) -> Markup:
    """A sentence whose `names` are set as code."""
    return Markup(re.sub(r"`([^`]*)`", r"<code>\1</code>", str(escape(text))))


@cache
def _template(name: str) -> Any:
    text = resources.files("fabula.evaluation").joinpath(name).read_text(encoding="utf-8")
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(text)
