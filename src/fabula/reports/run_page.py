"""The report of a run: one HTML file that needs no network and no JavaScript.

It holds what the terminal shows and more room to look: the verdict, every check, what models were
asked, and each column's profile. Aggregates only; of the rows themselves a few values at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from fabula.checks.results import CheckResult
from fabula.render import amounts, grid
from fabula.reports.profile import ColumnProfile, TableProfile
from fabula.reports.profile_text import value_text
from fabula.reports.run_summary import label
from fabula.runs.dataset import Dataset

_STYLE = """
:root { color-scheme: light dark; --ink: #1f2937; --dim: #6b7280; --line: #e5e7eb;
  --paper: #ffffff; --bar: #0369a1; --good: #15803d; --bad: #b91c1c; }
@media (prefers-color-scheme: dark) { :root { --ink: #e5e7eb; --dim: #9ca3af; --line: #374151;
  --paper: #111827; --bar: #38bdf8; --good: #4ade80; --bad: #f87171; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .35rem .7rem .35rem 0;
  border-bottom: 1px solid var(--line); }
th { color: var(--dim); font-weight: 500; } td.number {
  font-variant-numeric: tabular-nums; } .dim { color: var(--dim); }
.pass { color: var(--good); } .fail { color: var(--bad); font-weight: 600; }
.scroll { overflow-x: auto; } svg { vertical-align: middle; } rect { fill: var(--bar); }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""A browser loads and runs nothing for this page."""
_SHAPE_WIDTH, _SHAPE_HEIGHT = 140, 28
_VALUE_ROOM = 60


def run_page(dataset: Dataset, profiles: Sequence[TableProfile]) -> str:
    """The report of a finished run as HTML text.

    Args:
        dataset: The run.
        profiles: The profile of each of its tables.
    """
    manifest = dataset.manifest
    name = escape(manifest["name"])
    verdict = "every check holds" if manifest["passed"] else "some checks do not hold"
    mark = "pass" if manifest["passed"] else "fail"
    parts = [
        f"<h1>{name}</h1>",
        f'<p class="{mark}">{verdict}</p>' if len(dataset.checks) else "",
        f'<p class="dim">{escape(_origin(manifest))}</p>',
        "<p><strong>Made with a fake model: its words mean nothing.</strong></p>"
        if manifest.get("fake")
        else "",
        _section("Rows", ["table", "requested", "written", "rejected", "reasons"], _rows(manifest)),
        _section("Checks", ["", "table", "rule"], _checks(dataset)),
        _section(
            "Models", ["model", "calls", "from the ledger", "tokens", "cost"], _models(manifest)
        ),
        *(_profile(profile) for profile in profiles),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{name}</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(part for part in parts if part)
        + "\n</body></html>\n"
    )


def _origin(manifest: Mapping[str, Any]) -> str:
    timings, versions = manifest["timings"], manifest["versions"]
    return " · ".join(
        [
            f"seed {manifest['seed']}",
            f"made {timings['started'].replace('T', ' ')[:16]}",
            f"in {amounts.duration(timings['seconds'])}",
            ", ".join(f"{name} {version}" for name, version in versions.items()),
            f"spec {manifest['spec_sha256'][:12]}",
        ]
    )


def _rows(manifest: Mapping[str, Any]) -> list[list[str]]:
    return [
        [
            _cell(table),
            *(_number(record[key]) for key in ("requested", "written", "rejected")),
            _cell(
                "; ".join(f"{count:,} × {reason}" for reason, count in record["reasons"].items())
            ),
        ]
        for table, record in manifest["tables"].items()
    ]


def _mark(result: CheckResult) -> str:
    shade = "" if not result.judged else ' class="pass"' if result.passed else ' class="fail"'
    return f"<td{shade}>{result.verdict}</td>"


def _checks(dataset: Dataset) -> list[list[str]]:
    return [
        [_mark(result), _cell(result.table), _cell(result.message or result.name)]
        for result in dataset.checks
    ]


def _models(manifest: Mapping[str, Any]) -> list[list[str]]:
    return [
        [
            _cell(label(name, usage)),
            _number(usage["calls"]),
            _number(usage["cached"]),
            _number((usage["prompt_tokens"] or 0) + (usage["completion_tokens"] or 0)),
            _cell("unknown" if usage["cost"] is None else amounts.money(usage["cost"])),
        ]
        for name, usage in manifest["models"].items()
    ]


def _profile(profile: TableProfile) -> str:
    title = f"{profile.name}: {amounts.count(profile.rows, 'row')}"
    rows = [
        [
            _cell(column.name),
            _cell(column.type),
            _cell(amounts.share(column.nulls, column.rows)),
            _number(column.distinct) if column.exact else _cell(f"~{column.distinct:,}"),
            f"<td>{_shape(column.shape)}</td>",
            _cell(_values(column)),
        ]
        for column in profile.columns
    ]
    return _section(title, ["column", "type", "missing", "distinct", "shape", "values"], rows)


def _values(column: ColumnProfile) -> str:
    """The frequent values with their shares, or the extent and mean, or examples."""
    if column.top:
        filled = column.rows - column.nulls
        shown = [f"{_short(value)} {amounts.share(count, filled)}" for value, count in column.top]
        return ", ".join([*shown, "…"] if len(shown) < column.distinct else shown)
    if column.low is not None:
        mean = f", mean {value_text(column.mean)}" if column.mean is not None else ""
        return f"{value_text(column.low)} to {value_text(column.high)}{mean}"
    return f"such as {', '.join(map(_short, column.examples[:2]))}" if column.examples else ""


def _short(value: str) -> str:
    return grid.fit(grid.one_line(value), _VALUE_ROOM)


def _shape(bins: Sequence[int]) -> str:
    """A histogram as inline SVG; every bin that holds anything is visible."""
    if not bins:
        return ""
    width, most = _SHAPE_WIDTH / len(bins), max(bins)
    bars = []
    for at, count in enumerate(bins):
        height = max(1.0, _SHAPE_HEIGHT * count / most) if count else 0.0
        bars.append(
            f'<rect x="{at * width:.1f}" y="{_SHAPE_HEIGHT - height:.1f}"'
            f' width="{width - 1:.1f}" height="{height:.1f}"/>'
        )
    return (
        f'<svg width="{_SHAPE_WIDTH}" height="{_SHAPE_HEIGHT}" role="img"'
        f' aria-label="{", ".join(map(str, bins))}">{"".join(bars)}</svg>'
    )


def _section(title: str, head: Iterable[str], rows: Sequence[Sequence[str]]) -> str:
    """A heading and a table; nothing where there are no rows."""
    if not rows:
        return ""
    heads = "".join(f"<th>{name}</th>" for name in head)
    lines = "\n".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>\n{lines}\n</tbody></table>"
    return f'<h2>{escape(title)}</h2>\n<div class="scroll">{table}</div>'


def _cell(text: str) -> str:
    return f"<td>{escape(text)}</td>"


def _number(number: int) -> str:
    return f'<td class="number">{number:,}</td>'
