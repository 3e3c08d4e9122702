"""What the report of a run shows, as values for its template.

It holds what the terminal shows and more room to look: the verdict, every check, what models were
asked, and each column's profile. Aggregates only; of the rows themselves a few values at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from fabula.checks.shown import check_rows
from fabula.render import amounts, charts, grid
from fabula.render.pages import link, page, worded
from fabula.reports.profile import ColumnProfile, TableProfile, profile
from fabula.reports.profile_text import value_text
from fabula.reports.simulation_charts import simulation_charts
from fabula.runs.dataset import Dataset
from fabula.runs.records import REJECTS, REPORT, record, write_beside
from fabula.runs.simulation import laws_held
from fabula.runs.summary import label

_VALUE_ROOM, _MOST_LOST, _MOST_FILES = 60, 5, 3


def write_report(dataset: Dataset) -> None:
    """Write the report of a finished run beside its data."""
    assert dataset.folder is not None
    write_beside(dataset.folder, REPORT, run_page(dataset, profile(dataset.folder)))


def run_page(dataset: Dataset, profiles: Sequence[TableProfile], *, back: str = "") -> str:
    """The report of a finished run as HTML text.

    Args:
        dataset: The run.
        profiles: The profile of each of its tables.
        back: The address of the page that it belongs to; a file of its own has none.
    """
    manifest, judged = dataset.manifest, len(dataset.checks)
    verdict = "every check holds" if manifest["passed"] else "some checks do not hold"
    simulated = manifest.get("simulation")
    unjudged = laws_held(simulated) if simulated else "no check was requested"
    laws = simulated and (simulated["laws"] or simulated["conserved"])  # a broken one ends a run
    rejects = record(dataset.folder, REJECTS) if dataset.folder else None
    return page(
        "run.html",
        back=back,
        name=manifest["name"],
        state="" if not judged and not laws else "pass" if manifest["passed"] else "fail",
        verdict=verdict if judged else unjudged,
        fake=manifest.get("fake"),
        figures=_figures(manifest),
        relations=relations_shown(manifest),
        pictures=[*simulation_charts(dataset)],
        rows=list(_rows(manifest)),
        lost=[
            [f"{lost.table} {lost.row:,}", worded(lost.reason), _short(lost.raw)]
            for lost in dataset.rejected[:_MOST_LOST]
        ],
        rejects=_file(rejects.name) if rejects and rejects.exists() else "",
        checks=check_rows(dataset.checks),
        models=[_model(name, usage) for name, usage in manifest["models"].items()],
        profiles=[
            {
                "title": f"{each.name}: {amounts.count(each.rows, 'row')}",
                "notes": [worded(note) for note in each.notes],
                "columns": [*map(column_cells, each.columns)],
            }
            for each in profiles
        ],
        origin=_origin(manifest),
    )


def _figures(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The numbers that a run is known by."""
    tables, usage = manifest["tables"].values(), manifest["models"].values()
    lost = sum(table["rejected"] for table in tables)
    costs = [each["cost"] for each in usage]
    figures = [
        (amounts.count(sum(table["written"] for table in tables)), "rows written"),
        (amounts.count(lost), "rejected"),
        (amounts.count(len(tables)), "table" if len(tables) == 1 else "tables"),
        (amounts.duration(manifest["timings"]["seconds"]), "in all"),
    ]
    if costs:
        total = "unknown" if None in costs else amounts.money(sum(costs))
        calls = sum(each["calls"] for each in usage)
        figures.append((total, f"for {amounts.count(calls, 'call')}"))
    return figures


def relations_shown(manifest: Mapping[str, Any]) -> dict[str, Any] | None:
    """Which table points at which: a drawing, and the same in words; None where no table does."""
    tables, specs = manifest["tables"], (manifest.get("spec") or {}).get("tables", {})
    keys = [
        (child, column, each["to"].partition(".")[0])
        for child, spec in specs.items()
        for column, each in spec.get("columns", {}).items()
        if each.get("kind") == "reference"
    ]
    made = manifest.get("simulation", {}).get("references", {})
    keys += [
        (child, column, to) for child, parents in made.items() for column, to in parents.items()
    ]
    keys = [key for key in keys if key[0] in tables and key[2] in tables]
    said = {name: amounts.count(table["written"], "row") for name, table in tables.items()}
    if not keys:
        return None
    words = {name: [(column, to) for child, column, to in keys if child == name] for name in said}
    return {"drawing": charts.relations(said, keys), "tables": said, "keys": words}


def _rows(manifest: Mapping[str, Any]) -> Iterable[list[Any]]:
    for table, found in manifest["tables"].items():
        files = [
            _file(file["path"]) + f" {amounts.size(file['bytes'])}"
            for file in found["files"][:_MOST_FILES]
        ]
        more = len(found["files"]) - len(files)
        files += [Markup(f"and {more:,} more")] if more > 0 else []
        reasons = "; ".join(f"{count:,} × {reason}" for reason, count in found["reasons"].items())
        numbers = (amounts.count(found[key]) for key in ("requested", "written", "rejected"))
        yield [table, *numbers, Markup("<br>").join(files), worded(reasons)]


def _file(name: str) -> Markup:
    """A file of the run, which lies alongside the page."""
    return link(name, f"./{quote(name)}")


def _model(name: str, usage: Mapping[str, Any]) -> list[str]:
    tokens = (usage["prompt_tokens"] or 0) + (usage["completion_tokens"] or 0)
    numbers = (amounts.count(number) for number in (usage["calls"], usage["cached"], tokens))
    cost = "unknown" if usage["cost"] is None else amounts.money(usage["cost"])
    return [label(name, usage), *numbers, cost]


def column_cells(column: ColumnProfile) -> list[Any]:
    """A column as cells: name, type, missing and distinct values, shape, values."""
    about = "" if column.exact else "~"
    missing = amounts.share(column.nulls, column.rows)
    values = _values(column)
    return [
        column.name, column.type, missing, f"{about}{column.distinct:,}", _shape(column, values),
        values,
    ]  # fmt: skip


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


def _shape(column: ColumnProfile, values: str) -> str:
    """How values spread; the bars of a key would say nothing."""
    if column.top:
        counts = [count for _, count in column.top]
        rest = column.rows - column.nulls - sum(counts)
        return charts.split([*counts, rest] if rest else counts, values)
    is_key = column.type == "int" and column.distinct == column.rows
    return charts.spark(column.shape, values) if column.shape and not is_key else ""


def _short(value: str) -> str:
    return grid.fit(grid.one_line(value), _VALUE_ROOM)


def _origin(manifest: Mapping[str, Any]) -> str:
    timings, versions = manifest["timings"], manifest["versions"]
    made = f"made {timings['started'].replace('T', ' ')[:16]}"
    parts = [f"{name} {version}" for name, version in versions.items() if name != "fabula"]
    spec = f"spec {manifest['spec_sha256'][:12]}"
    return " · ".join([f"seed {manifest['seed']}", made, ", ".join(parts), spec])
