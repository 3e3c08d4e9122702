"""What the report's page and its notebook form show, as values for their templates.

Verdict first; in each section the metrics that fail lead, with the charts that explain them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from fabula.checks.shown import check_rows
from fabula.evaluation.findings import Findings, TableReport
from fabula.evaluation.metrics.plot_data import Distribution
from fabula.evaluation.metrics.result import MetricResult, Section, own_rule, shown
from fabula.evaluation.report_text import rows_line
from fabula.render import charts
from fabula.render.amounts import count, percent
from fabula.render.pages import chip, fragment, link, page, worded

MOST_PICTURES = 150
"""Columns that are drawn; of more, those that differ most."""
MOST_WORST = 3
"""Columns that are drawn to explain a metric."""

SECTIONS: dict[Section, tuple[str, str]] = {
    "quality": ("Realistic", "Does it look like the real data?"),
    "privacy": ("Private", "Does it keep real people to itself?"),
    "bias": ("Fair", "Are groups treated alike?"),
    "diversity": ("Varied", "Neither copies nor noise?"),
}
_HEAT = ("quality.dependence", "quality.pairs")
_SCATTER = ("quality.detection", "quality.recall", "quality.precision",
            "quality.linear_detection", "quality.pairs")  # fmt: skip
"""Metrics that a picture of pairs explains: the first one that fails shows it, else the last."""


def report_html(report: Findings) -> str:
    """The whole page."""
    tables = [_table(report, at) for at in range(len(report.tables))]
    head = {**_head(report), "gates": _gates(report), "checks": check_rows(report.checks)}
    return page("evaluate.html", report=head, tables=tables)


def summary_html(report: Findings) -> str:
    """A short form for notebooks: the verdict and every number, without the charts."""
    tables = [_Metrics.of(report, at).words() for at in range(len(report.tables))]
    return fragment("metrics.html", report=_head(report, linked=False), tables=tables)


def _head(report: Findings, *, linked: bool = True) -> dict[str, Any]:
    """The verdict in a headline, a line, and a tile a section."""
    failing, tiles = report.failing, list(_tiles(report, linked=linked))
    bounded = any(tile["said"] for tile in tiles)
    if not report.passed:
        state, headline = "fail", "Not releasable"
    elif report.gates:
        state, headline = "pass", "Every gate passed"
    elif failing:
        state, headline = "", f"{count(len(failing), 'number')} out of bounds"
    elif bounded:
        state, headline = "pass", "All numbers within bounds"
    else:
        state, headline = "", "No number has a bound"
    parts = [rows_line(report.tables)]
    if len(report.tables) == 1:
        parts.append(f"{count(report.tables[0].columns, 'column')} compared")
    good = sum(bool(gate.passed) for gate in report.gates)
    gated = f"{good} of {len(report.judged)} gates passed"
    parts.append(gated if report.gates else "no gate was set")
    if len(report.checks):
        parts.append(f"{len(report.checks.failed)} of {len(report.checks)} checks failed")
    return {
        "title": "Passed" if report.passed else "Not releasable",
        "state": state, "headline": headline, "line": " · ".join(parts), "tiles": tiles,
        "fake": report.fake, "seed": report.seed,
    }  # fmt: skip


def _tiles(report: Findings, *, linked: bool) -> Iterator[dict[str, Any]]:
    """One verdict a section: how many of its bounds are kept."""
    for name, (title, question) in SECTIONS.items():
        results = [item for table in report.tables for item in table.section(name)]
        judged = [item for item in results if item.passed is not None]
        broken = sum(not item.passed for item in judged)
        said = f"{len(judged) - broken} of {len(judged)}" if judged else ""
        mark = chip(f"{broken} out of bounds" if broken else "within bounds", not broken)
        if not judged:
            mark = chip("no verdict" if results else "not asked")
        heading = link(title, f"#{name}") if results and linked else title
        yield {"title": heading, "question": question, "chip": mark, "said": said}


def _gates(report: Findings) -> list[tuple[bool | None, list[Any]]]:
    """A row for each gate with its verdict."""
    number = {table.name: at for at, table in enumerate(report.tables)}
    return [
        (gate.passed, [chip(gate.word.lower(), gate.passed), gate.table,
                       link(gate.title, f"#t{number[gate.table]}-{gate.metric}"), gate.value,
                       gate.rule])
        for gate in sorted(report.gates, key=lambda gate: gate.word)
    ]  # fmt: skip


def _table(report: Findings, at: int) -> dict[str, Any]:
    """One table: its metrics with their charts, and every column."""
    table = report.tables[at]
    ordered = sorted(table.distributions, key=lambda each: 1 if each.score is None else each.score)
    drawn = ordered[:MOST_PICTURES]
    metrics = _Metrics.of(report, at, {each.name: f"#t{at}-c{n}" for n, each in enumerate(drawn)})
    figures = metrics.explaining()
    rows = [f"{count(n)} {frame}" for frame, n in table.rows.items()]
    return {
        **metrics.words(figures),
        "line": " · ".join([*rows, f"{count(table.columns, 'column')} compared"]),
        "relations": figures.get("", []),
        "columns": [{**_column(each), "id": metrics.places[each.name][1:]} for each in drawn],
        "left_out": len(ordered) - MOST_PICTURES,
    }


@dataclass(frozen=True)
class _Metrics:
    """The metrics of one table, and what it takes to show them.

    Attributes:
        table: What was measured.
        prefix: What places of this table start with; empty in notebooks, which have none.
        anchors: The sections that the verdict leads to.
        gates: The bounds of the gates that failed, by metric.
        places: Where on the page each column is drawn.
        calm: Whether nothing fails in any table, so that nothing needs to fold.
    """

    table: TableReport
    prefix: str
    anchors: Sequence[str]
    gates: Mapping[str, str]
    places: Mapping[str, str]
    calm: bool

    @classmethod
    def of(cls, report: Findings, at: int, places: Mapping[str, str] | None = None) -> _Metrics:
        """The metrics of a report's table."""
        table, failed = report.tables[at], [each for each in report.gates if each.passed is False]
        gates = {gate.metric: gate.rule for gate in failed if gate.table == table.name}
        calm = not failed and not report.failing
        if places is None:
            return cls(table, "", (), gates, {}, calm)
        earlier = {item.section for other in report.tables[:at] for item in other.results}
        return cls(table, f"t{at}-", [*set(SECTIONS) - earlier], gates, places, calm)

    def leads(self, result: MetricResult) -> bool:
        """Whether a metric fails by its own bound or by a gate."""
        return result.passed is False or result.key in self.gates

    def words(self, figures: Mapping[str, list[Any]] | None = None) -> dict[str, Any]:
        """Notes and metrics, section by section, with the charts of each metric."""
        drawn = figures or {}
        return {
            "name": self.table.name,
            "notes": [worded(note, self.places) for note in self.table.notes],
            "warnings": [worded(warning, self.places) for warning in self.table.warnings],
            "open": self.calm,
            "sections": [
                {
                    "id": name if name in self.anchors else "", "title": title,
                    "question": question,
                    "metrics": [self._metric(each, drawn.get(each.key)) for each in found],
                }
                for name, (title, question) in SECTIONS.items()
                if (found := self.table.section(name))
            ],
        }  # fmt: skip

    def _metric(self, result: MetricResult, figures: list[Any] | None) -> dict[str, Any]:
        base, rule, gate = result.baseline, own_rule(result), self.gates.get(result.key)
        bounds = [f"{result.compared} {shown(result, base)}"] if base is not None else []
        bounds += [f"bound {rule}"] if rule else []
        bounds += [f"gate {gate}"] if gate and gate != rule else []
        passed = False if gate else result.passed
        better = f"best near {shown(result, base)}"
        if result.direction != "near":
            better = f"{result.direction} is better"
        return {
            "result": result,
            "passed": passed,
            "leads": self.leads(result),
            "id": self.prefix and self.prefix + result.key,
            "value": shown(result, result.value),
            "bounds": bounds,
            "better": better,
            "chip": chip({True: "pass", False: "fail", None: "–"}[passed], passed),
            "sentence": worded(result.sentence, self.places),
            "gauge": charts.gauge(result, lambda value: shown(result, value), rule),
            "details": _details(result, self.places),
            "figures": figures,
        }

    def explaining(self) -> dict[str, list[dict[str, Any]]]:
        """The charts that explain a metric, by its key; under `` those that no metric holds."""
        table, found = self.table, {}
        failing = [item for item in table.results if self.leads(item)]
        pictures = {each.name: each for each in table.distributions}
        for item in failing:
            worst = [name for name, _ in _by_column(item)] if item.section != "privacy" else []
            figures = [_column(pictures[name]) for name in worst if name in pictures]
            found[item.key] = figures[:MOST_WORST] or _group_figures(item)
        keys, first = [item.key for item in table.results], [item.key for item in failing]
        for drawing, explained, left_out in (
            (table.heat and charts.heat(table.heat), _HEAT, table.heat and table.heat.left_out),
            (table.scatter and charts.scatter(table.scatter), _SCATTER, 0),
        ):
            if drawing:
                present = [key for key in explained if key in keys]
                holder = next((key for key in present if key in first), "".join(present[-1:]))
                aside = f"{count(left_out, 'column')} that fit better left out" if left_out else ""
                figure = {"drawing": drawing, "class": "wide", "aside": aside}
                found.setdefault(holder, []).append(figure)
        return found


def _group_figures(result: MetricResult) -> list[dict[str, Any]]:
    """The shares of groups as bars, where a metric is about groups that both frames have."""
    groups = list(_groups(result.details.get("groups", {})))
    if not groups or any(None in group[1:3] for group in groups):
        return []
    names, made, real, _ = zip(*groups, strict=True)
    picture = Distribution(result.title, "category", names, made, real, (0, 0), None)
    return [{"drawing": charts.distribution(picture), "title": "Groups"}]


def _column(picture: Distribution) -> dict[str, Any]:
    """The figure of one column."""
    said = [] if picture.score is None else [f"{percent(picture.score)} alike"]
    if any(picture.missing):
        real = f", real {percent(picture.missing[1])}" if picture.real else ""
        said.append(f"missing: synthetic {percent(picture.missing[0])}{real}")
    drawing = charts.distribution(picture)
    return {"drawing": drawing, "title": picture.name, "aside": " · ".join(said)}


def _by_column(result: MetricResult) -> list[tuple[str, float]]:
    """What a metric says about each column, the worst first."""
    columns = result.details.get("columns")
    if not isinstance(columns, dict):
        return []
    return sorted(columns.items(), key=lambda item: item[1], reverse=result.direction == "lower")


def _details(result: MetricResult, places: Mapping[str, str]) -> dict[str, Any]:
    """The parts of a metric as a small table: columns, groups, or pairs."""

    def named(*names: str) -> Markup:
        return Markup(" and ").join(
            link(name, places[name]) if name in places else name for name in names
        )

    details = result.details
    if "groups" in details:
        rows: list[list[Any]] = [
            [name, *map(_share, (made, real)), count(rows) if rows is not None else ""]
            for name, made, real, rows in _groups(details["groups"])
        ]
        return _detail("group", "synthetic", "real", "rows", rows=rows)
    if columns := _by_column(result):
        rows = [[named(name), shown(result, float(value))] for name, value in columns[:100]]
        return _detail("column", "value", rows=rows)
    worst = details.get("worst") or []
    pairs = [named(pair["first"], pair["second"]) for pair in worst]
    if worst and "kept" in worst[0]:
        rows = [
            [name, percent(pair["kept"]), _number(pair["strength"])]
            for name, pair in zip(pairs, worst, strict=True)
        ]
        return _detail("pair", "kept", "dependence", rows=rows)
    if worst:
        rows = [
            [name, percent(pair["score"]), *map(_number, (pair["real"], pair["synthetic"]))]
            for name, pair in zip(pairs, worst, strict=True)
        ]
        return _detail("pair", "alike", "real", "synthetic", rows=rows)
    return {}


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _detail(first: str, *numbers: str, rows: list[list[Any]]) -> dict[str, Any]:
    return {"head": [(first, ""), *((name, "n") for name in numbers)], "rows": rows}


def _groups(groups: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any, int | None]]:
    """Groups with both shares; outcome rates are grouped again, by the protected column."""
    for name, values in groups.items():
        if any(isinstance(value, dict) for value in values.values()):
            for label, cells in values.items():
                yield f"{name}: {label}", cells["synthetic"], cells["real"], cells["synthetic_rows"]
        else:
            yield name, values.get("synthetic"), values.get("real"), None


def _share(value: float | None) -> str:
    return "–" if value is None else percent(value)
