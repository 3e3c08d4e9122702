"""What happened in a simulation, as charts: quantities over time, and who pays whom."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from html import escape
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from fabula.render import amounts
from fabula.render.charts import lines
from fabula.render.svg import GROUPS, INK, SYNTHETIC, Drawing, Shade, dot, short, text
from fabula.runs.dataset import Dataset

_LINES = len(GROUPS)
MOST_MEMBERS, MOST_FLOWS = 24, 60
"""How much a network of money shows."""
MOST_PAIRS = 1_000_000
"""Sums of pairs that wait before they are added up."""
_TITLES = {
    "rows": ("Events", "rows added", True),
    "money": ("Money in events", "amount", True),
    "left": ("Conserved quantities", "left", False),
    "lent": ("In use", "lent", False),
    "state": ("States of agents", "agents", False),
}


def simulation_charts(dataset: Dataset) -> Iterator[Drawing]:
    """The charts of a run of agents; none for other runs."""
    facts = dataset.manifest.get("simulation", {})
    history: Mapping[str, list[Any]] = facts.get("history", {})
    if len(history.get("step", ())) > 1:
        yield from _over_time(facts, history)
    for name, parents in facts.get("references", {}).items():
        parties = [column for column, parent in parents.items() if parent in _doubled(parents)]
        money = [key for key in history if key.startswith(f"money {name}.")]
        if len(parties) == 2 and money:
            flows = _flows(dataset, name, parties, money[0].partition(".")[2])
            yield _network(flows, name, parties)


def _doubled(parents: Mapping[str, str]) -> set[str]:
    """Populations that two columns refer to."""
    targets = [*parents.values()]
    return {target for target in targets if targets.count(target) == 2}


def _over_time(facts: Mapping[str, Any], history: Mapping[str, list[Any]]) -> Iterator[Drawing]:
    places = [_time(facts, step) for step in history["step"]]
    for sort, (title, y, added) in _TITLES.items():
        series = {
            key.partition(" ")[2]: values
            for key, values in history.items()
            if key.startswith(f"{sort} ")
        }
        if sort == "state":
            for name, counts in series.items():
                if all(counts):
                    yield _lines(f"Agents by {name}", y, places, _by_value(counts))
            continue
        if added:
            series = {
                name: [after - before for before, after in zip([0, *values], values, strict=False)]
                for name, values in series.items()
            }
        if sort == "money":  # the first amount of a table; others are often of the same payment
            series = {name: each for name, each in series.items() if _is_first(name, series)}
        kept = {name: values for name, values in series.items() if any(values)}
        if sort == "rows" and kept:
            most = sorted(kept, key=lambda name: -sum(kept[name]))[:_LINES]
            yield _lines(title, y, places, {name: kept[name] for name in most})
        else:
            for name, values in kept.items():
                yield _lines(f"{title}: {name}", y, places, {name: values})


def _is_first(name: str, series: Mapping[str, Any]) -> bool:
    table = name.partition(".")[0]
    return name == next(each for each in series if each.partition(".")[0] == table)


def _lines(title: str, y: str, places: list[str], series: Mapping[str, list[float]]) -> Drawing:
    shown = "{:,.4g}".format if max(map(max, series.values())) < 10_000 else _large
    drawn = lines(title, "time", y, places, series, shown=shown)
    return drawn if len(series) > 1 else replace(drawn, key=())


def _large(value: float) -> str:
    for size, unit in ((1e9, " bn"), (1e6, " M"), (1e3, " k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"


def _by_value(counts: list[list[int]]) -> dict[str, list[float]]:
    """The agents in each state over time, as far as any are in it."""
    found = {str(state): [float(each[state]) for each in counts] for state in range(len(counts[0]))}
    return {f"state {name}": values for name, values in found.items() if any(values)}


def _time(facts: Mapping[str, Any], step: int) -> str:
    start = dt.datetime.fromisoformat(facts["start"])
    at = start + dt.timedelta(seconds=facts["step_seconds"] * step)
    return f"{at:%Y-%m-%d}" if facts["step_seconds"] >= 3600 else f"{at:%Y-%m-%d %H:%M}"


def _flows(dataset: Dataset, name: str, parties: list[str], amount: str) -> pa.Table:
    """What each member paid each other one: the `sum` by pair, added up batch by batch."""
    sums: list[pa.Table] = []
    found = dataset.rows(name)
    kept = found if isinstance(found, ds.Dataset) else ds.dataset(found)
    for batch in kept.to_batches(columns=[*parties, amount]):
        rows = pa.table({**{p: batch[p] for p in parties}, "sum": batch[amount].cast("double")})
        sums.append(_by_pair(rows, parties))
        if sum(map(len, sums)) > MOST_PAIRS:
            sums = [_by_pair(pa.concat_tables(sums), parties)]
    return _by_pair(pa.concat_tables(sums), parties)


def _by_pair(rows: pa.Table, parties: list[str]) -> pa.Table:
    added = rows.group_by(parties).aggregate([("sum", "sum")])
    return added.rename_columns([*parties, "sum"])


def _network(flows: pa.Table, name: str, parties: list[str]) -> Drawing:
    """Flows of money between the members of a population that pass most of it on."""
    payer, payee = parties
    members = _passing(flows, payer, payee)
    inside = pc.and_(*(pc.is_in(flows[party], pa.array(members)) for party in parties))
    shown = flows.filter(inside).sort_by([("sum", "descending")]).slice(0, MOST_FLOWS).to_pylist()
    place = {member: 2 * math.pi * at / len(members) for at, member in enumerate(members)}
    most = max((flow["sum"] for flow in shown), default=1.0)

    def spot(member: Any, reach: float = 150.0) -> tuple[float, float]:
        return 230 + reach * math.sin(place[member]), 180 - reach * math.cos(place[member])

    parts = []
    for flow in shown:
        (x, y), (to, down) = spot(flow[payer]), spot(flow[payee], 144)
        title = f"{flow[payer]} to {flow[payee]}: {amounts.count(round(flow['sum']))}"
        style = (
            f'stroke="{INK}" stroke-opacity="0.6" stroke-width="{0.6 + 3 * flow["sum"] / most:.1f}"'
        )
        curve = f"M{x:.1f} {y:.1f}Q230 180 {to:.1f} {down:.1f}"
        parts.append(f'<path d="{curve}" fill="none" {style}><title>{escape(title)}</title></path>')
        parts.append(dot(to, down, 3, GROUPS[1]))
    for member in members:
        x, y = spot(member, 162)
        anchor = "end" if math.sin(place[member]) < -1e-9 else "start"
        parts.append(dot(*spot(member), 4, SYNTHETIC, title=str(member)))
        parts.append(text(x, y + 4, short(str(member), 10), anchor=anchor))
    key = [Shade(GROUPS[1], f"who gets it ({payee})")]
    return Drawing(460, 360, parts, f"{name}: between those who pass most on", key)


def _passing(flows: pa.Table, payer: str, payee: str) -> list[Any]:
    """The members who both get and pay much: the smaller of the two sums counts."""
    paid, got = (
        flows.group_by(party).aggregate([("sum", "sum")]).rename_columns(["member", name])
        for party, name in ((payer, "paid"), (payee, "got"))
    )
    both = paid.join(got, "member", join_type="inner")
    passed = pc.min_element_wise(both["paid"], both["got"])
    ranked = both.append_column("passed", passed).sort_by(
        [("passed", "descending"), ("member", "ascending")]
    )
    return sorted(ranked["member"].slice(0, MOST_MEMBERS).to_pylist())
