"""The report in words: one line, aligned text for terminals, Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fabula.evaluation.findings import Findings, TableReport
from fabula.evaluation.gates import GateResult
from fabula.evaluation.metrics.result import MetricResult, own_rule, shown
from fabula.render import amounts, grid

_WORDS = {True: "pass", False: "FAIL", None: ""}


def report_line(report: Findings) -> str:
    """`Report(quality 8/9, privacy 5/5, diversity 4/4 — 1,000 synthetic vs 8,000 real)`."""
    parts = []
    for section in ("quality", "privacy", "bias", "diversity"):
        judged = [
            result.passed
            for table in report.tables
            for result in table.results
            if result.section == section and result.passed is not None
        ]
        if judged:
            parts.append(f"{section} {sum(judged)}/{len(judged)}")
    if report.gates:
        good = sum(bool(gate.passed) for gate in report.gates)
        parts.append(f"gates {good}/{len(report.judged)}")
    return f"Report({', '.join(parts) or 'nothing judged'}) — {rows_line(report.tables)}"


def rows_line(tables: Sequence[TableReport]) -> str:
    """`1,000 synthetic vs 8,000 real, 2,000 holdout`."""
    totals = {
        frame: sum(table.rows.get(frame, 0) for table in tables)
        for frame in ("synthetic", "real", "holdout")
    }
    words = f"{amounts.count(totals['synthetic'])} synthetic"
    if totals["real"]:
        words += f" vs {amounts.count(totals['real'])} real"
    if totals["holdout"]:
        words += f", {amounts.count(totals['holdout'])} holdout"
    return words


def report_text(report: Findings) -> str:
    """Every number in aligned lines, then gates and checks."""
    lines = []
    for table in report.tables:
        if len(report.tables) > 1:
            lines.append(f"{table.name}")
        rows = [_row(result) for result in table.results]
        lines += grid.lines(rows, right=(False, False, True, True, False, False))
        lines += [f"warning: {warning}" for warning in table.warnings]
        lines += [f"note: {note}" for note in table.notes]
        lines += _lacking(table)
        said = [result for result in table.results if result.passed is False]
        lines += [f"{result.title}: {result.sentence}" for result in said]
    if report.gates:
        good, rest = (sum(gate.passed is kind for gate in report.gates) for kind in (True, None))
        more = f", {rest} not judged" if rest else ""
        lines.append(f"Gates: {good} of {len(report.judged)} passed{more}")
        told = sum(each.passed is not None for table in report.tables for each in table.results)
        # Where every metric is a gate, the lines above have said which of them pass.
        listed = [each for each in report.gates if len(report.gates) < told or not each.passed]
        lines += grid.lines([_gate(gate) for gate in listed])
    if len(report.checks):
        lines.append(report.checks.report())
    return "\n".join(lines)


def _lacking(table: TableReport) -> Iterator[str]:
    """What is not measured because a package is missing, by the command that brings it."""
    lacking = [each for each in table.results if each.value is None and "pip " in each.sentence]
    for said in dict.fromkeys(each.sentence for each in lacking):
        names = ", ".join(each.title for each in lacking if each.sentence == said)
        yield f"{names}: {said[:1].lower()}{said[1:]}"


def report_markdown(report: Findings) -> str:
    """Every number as a Markdown table, with its sentence."""
    verdict = "passed" if report.passed else "NOT RELEASABLE"
    lines = [f"# Synthetic data report: {verdict}", "", f"{rows_line(report.tables)}.", ""]
    if report.fake:
        lines += ["**Texts were made by the fake model.**", ""]
    for table in report.tables:
        lines += [f"## {_cell(table.name)}", ""]
        said = [*(f"**Warning:** {_cell(warning)}" for warning in table.warnings),
                *map(_cell, table.notes)]  # fmt: skip
        lines += [f"> {note}" for note in said] + [""] * bool(said)
        lines += ["| section | metric | value | baseline | bound | | what it says |"]
        lines += ["|---|---|--:|--:|---|---|---|"]
        for result in table.results:
            section, title, value, base, rule, word = map(_cell, _row(result))
            lines.append(
                f"| {section} | {title} | {value} | {base} | {rule} | {word} "
                f"| {_cell(result.sentence)} |"
            )
        lines.append("")
    if report.gates:
        lines += ["## Gates", "", "| gate | bound | value | |", "|---|---|--:|---|"]
        lines += [
            f"| {_cell(gate.metric)} | {gate.rule} | {gate.value} | {gate.word} |"
            for gate in report.gates
        ]
        lines.append("")
    if len(report.checks):
        lines += ["## Checks", ""]
        lines += [
            f"- {_WORDS[check.passed]}: {_cell(check.table)}: {_cell(check.message or check.name)}"
            for check in report.checks
        ]
        lines.append("")
    return "\n".join(lines)


def _row(result: MetricResult) -> tuple[str, str, str, str, str, str]:
    base = ""
    if result.baseline is not None:
        base = f"{result.compared} {shown(result, result.baseline)}"
    return (
        result.section, result.title, shown(result, result.value), base, own_rule(result),
        _WORDS[result.passed],
    )  # fmt: skip


def _gate(gate: GateResult) -> tuple[str, ...]:
    return ("  " + gate.word, gate.table, gate.metric, gate.value, gate.rule)


def _cell(text: str) -> str:
    """A text that breaks no Markdown table and starts no HTML."""
    return grid.one_line(text).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
