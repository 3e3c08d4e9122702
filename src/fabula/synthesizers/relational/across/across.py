"""All rules across the tables of a fit, in the order in which samples compute them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any, TypeAlias

import pyarrow as pa

from fabula.metrics.across.finding import RulesAcross, find_rules
from fabula.metrics.across.links import parents_of
from fabula.metrics.across.rules import Copy, Found, Later, Place, Total
from fabula.metrics.keys import ForeignKey, Keys
from fabula.synthesizers.columns.learning import FEWEST_ROWS
from fabula.synthesizers.exact.relations import Relations
from fabula.synthesizers.relational.across.computing import copied, totalled
from fabula.synthesizers.relational.across.shifts import Shift, shift_of, whole
from fabula.synthesizers.relational.links import Links, Rows
from fabula.synthesizers.relational.timeline import Timeline

Step: TypeAlias = Found | Shift
"""One thing to compute: a copy, a total, or a time from its distance."""


@dataclass(frozen=True)
class Across:
    """Rules across tables, as a fit keeps them.

    Attributes:
        rules: What was found.
        shifts: Times that are learned as distances.
        steps: What a sample computes, in this order.
        dropped: Rules that are not kept, and why.
    """

    rules: RulesAcross = field(default_factory=RulesAcross)
    shifts: tuple[Shift, ...] = ()
    steps: tuple[Step, ...] = ()
    dropped: tuple[Found, ...] = ()

    @classmethod
    def found(
        cls,
        tables: Mapping[str, pa.Table],
        keys: Keys,
        rows: Mapping[ForeignKey, Rows],
        links: Mapping[str, Links],
        keep: Collection[str],
    ) -> Across:
        """The rules of training tables.

        Args:
            tables: The tables by name; times are times.
            keys: Their keys.
            rows: The parent's row of each row, by foreign key.
            links: How rows point at parents; only these keys are kept.
            keep: Tables that stay as they are.
        """
        used = tuple(key for key in keys.foreign if key in links[key.child].all)
        rules = find_rules(tables, Keys(keys.primary, used), rows)
        fixed = [item for item in rules.kept if item.rule.target[0] in keep]
        dropped = [replace(item, note="its table is kept as it is") for item in fixed]
        kept = tuple(item for item in rules.kept if item not in fixed)
        rules = replace(rules, kept=kept)
        shifts = tuple(
            shift
            for name, table in tables.items()
            if name not in keep and table.num_rows >= FEWEST_ROWS
            for shift in _shifts(name, tables, rules, links[name])
        )
        return cls(rules, shifts, (), tuple(dropped))

    def given(self, table: str) -> frozenset[str]:
        """Columns of a table that follow from another table."""
        return frozenset(
            item.rule.target[1]
            for item in self.rules.kept
            if item.rule.target[0] == table and not isinstance(item.rule, Later)
        )

    def moved(self, table: str) -> frozenset[str]:
        """Times of a table that are learned as distances."""
        return frozenset(
            name for shift in self.shifts if shift.table == table for name in shift.columns
        )

    def alone(self, table: str) -> frozenset[str]:
        """Times of a table that are distances of their own."""
        return frozenset(shift.column for shift in self.shifts if shift.table == table)

    def learned(
        self, name: str, tables: Mapping[str, pa.Table], rows: Mapping[ForeignKey, Rows]
    ) -> pa.Table:
        """A table with distances in place of the times that follow others."""
        table = tables[name]
        for shift in self.shifts:
            if shift.table == name:
                table = shift.learned(table, tables, rows)
        return table

    def ordered(
        self, columns: Mapping[str, Collection[str]], relations: Mapping[str, Relations]
    ) -> Across:
        """With the order in which samples compute, once tables are learned.

        Of rules in a circle the one that the fewest rows support is not kept.

        Args:
            columns: The columns that are made of each table.
            relations: What holds inside each table.
        """
        left = [item for item in self.rules.kept if not isinstance(item.rule, Later)]
        circles: list[Found] = []
        while True:
            made, lacking = _made(left, columns)
            try:
                steps = _sorted([*self.shifts, *made], relations)
            except CycleError as error:
                circle = [step for step in error.args[1] if isinstance(step, Found)]
                weakest = min(circle, key=lambda item: item.rows)
                left.remove(weakest)
                circles.append(replace(weakest, note="it would follow from itself"))
            else:
                dropped = (*self.dropped, *circles, *lacking)
                return replace(self, steps=tuple(steps), dropped=dropped)

    def computed(self, table: str) -> frozenset[str]:
        """The columns of a table that samples compute from other tables."""
        rules = [step.rule for step in self.steps if isinstance(step, Found)]
        return frozenset(rule.target[1] for rule in rules if rule.target[0] == table)

    def applied(
        self,
        tables: Mapping[str, pa.Table],
        schemas: Mapping[str, pa.Schema],
        relations: Mapping[str, Relations],
    ) -> dict[str, pa.Table]:
        """Made tables that keep every rule.

        Args:
            tables: The tables as models made them, with distances in place of times.
            schemas: Their columns in training.
            relations: What holds inside each table, which is computed once more.
        """
        made = dict(tables)
        known: dict[ForeignKey, Rows] = {}

        def rows_of(key: ForeignKey) -> Rows:
            if key not in known:
                known[key] = parents_of(made, key)
            return known[key]

        for step in self.steps:
            if isinstance(step, Shift):
                above = {anchor.key: rows_of(anchor.key) for anchor in step.anchors}
                made[step.table] = step.restored(made[step.table], made, above)
                continue
            rule, rows = step.rule, rows_of(step.rule.key)
            name, key = rule.target[0], rule.key
            if isinstance(rule, Copy):
                table = copied(rule, made[name], made[key.parent], rows, schemas[name])
            else:
                assert isinstance(rule, Total)
                table = totalled(rule, made[name], made[key.child], rows, schemas[name])
            made[name] = relations[name].followed(table) if relations[name] else table
        return made

    @property
    def told(self) -> tuple[str, ...]:
        """The rules in words, and those that are not kept."""
        steps = {id(step) for step in self.steps}
        kept = [
            item for item in self.rules.kept
            if isinstance(item.rule, Later) or id(item) in steps
        ]  # fmt: skip
        return (
            *(f"across tables {item.told}" for item in kept),
            *(f"no rule: {item.told}" for item in self.rules.near),
            *(f"not kept: {item.told}: {item.note}" for item in self.dropped),
            *(
                f"not kept: {item.told}: the column follows from another rule"
                for item in self.rules.second
            ),
        )

    def state(self) -> dict[str, Any]:
        """All of it as plain values."""
        rules, kept = self.rules, self.rules.kept
        return {
            "kept": [item.state() for item in kept],
            "near": [item.state() for item in rules.near],
            "second": [item.state() for item in rules.second],
            "dropped": [item.state() for item in self.dropped],
            "shifts": [shift.state() for shift in self.shifts],
            "steps": [
                {"shift": self.shifts.index(step)}
                if isinstance(step, Shift)
                else {"rule": kept.index(step)}
                for step in self.steps
            ],
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Across:
        """The rules of a state."""

        def found(name: str) -> tuple[Found, ...]:
            return tuple(Found.restore(told) for told in state[name])

        kept, shifts = found("kept"), tuple(Shift.restore(told) for told in state["shifts"])
        steps = (
            shifts[told["shift"]] if "shift" in told else kept[told["rule"]]
            for told in state["steps"]
        )
        rules = RulesAcross(kept, found("near"), found("second"))
        return cls(rules, shifts, tuple(steps), found("dropped"))


def _shifts(
    name: str, tables: Mapping[str, pa.Table], rules: RulesAcross, links: Links
) -> Iterable[Shift]:
    """The times of a table that are learned as distances, that of its rows' order first."""
    table = tables[name]
    later: dict[str, list[Later]] = {}
    for item in (*rules.kept, *rules.near):
        rule = item.rule
        if not isinstance(rule, Later) or rule.key.child != name:
            continue
        if not item.broken or rule.column not in later:
            later.setdefault(rule.column, []).append(rule)
    timeline = Timeline.of(table) if links.driver is not None else None
    time = "" if timeline is None else timeline.time

    def shift(column: str, *, within: str = "", beside: Collection[str] = ()) -> Shift:
        chosen = later[column]
        starts = [tables[rule.key.parent].column(rule.since) for rule in chosen]
        return shift_of(
            table, name, column, chosen, within=within, beside=tuple(beside), starts=starts
        )

    followers: set[str] = set()
    if timeline is not None and time in later:
        above = {(rule.key, rule.since) for rule in later[time]}
        followers = {
            other
            for other in timeline.beside
            if other not in later
            or (_never_before(table, other, time)
                and {(rule.key, rule.since) for rule in later[other]} <= above
                and not any(rule.equal for rule in later[other]))
        }  # fmt: skip
        yield shift(time, beside=sorted(followers))
    for column in later:
        if column != time and column not in followers:
            within = time if time and _never_before(table, column, time) else ""
            yield shift(column, within=within)


def _never_before(table: pa.Table, later: str, earlier: str) -> bool:
    """Whether a time is never before another one of the same row; both are of one type."""
    late, early = table.column(later), table.column(earlier)
    if late.type != early.type:
        return False
    known = late.is_valid().to_numpy() & early.is_valid().to_numpy()
    return bool((whole(late)[known] >= whole(early)[known]).all())


def _made(
    rules: Iterable[Found], columns: Mapping[str, Collection[str]]
) -> tuple[list[Found], list[Found]]:
    """Rules whose sources are made, maybe by other rules, and the others with what they lack."""
    there = {(table, name) for table, names in columns.items() for name in names}
    made: list[Found] = []
    left = list(rules)
    while more := [item for item in left if there.issuperset(item.rule.sources)]:
        made += more
        there |= {item.rule.target for item in more}
        left = [item for item in left if item not in more]
    lacking = [next(source for source in item.rule.sources if source not in there) for item in left]
    notes = [f"{'.'.join(source)} is not made" for source in lacking]
    return made, [replace(item, note=note) for item, note in zip(left, notes, strict=True)]


def _sorted(steps: list[Step], relations: Mapping[str, Relations]) -> list[Step]:
    """Steps after those that change what they read.

    Raises:
        CycleError: Some lead to themselves.
    """
    changed = {id(step): _changed(step, relations) for step in steps}
    graph = {
        step: [
            other for other in steps
            if changed[id(other)] & set(_sources(step))
        ]
        for step in steps
    }  # fmt: skip
    return list(TopologicalSorter(graph).static_order())


def _sources(step: Step) -> tuple[Place, ...]:
    return step.sources if isinstance(step, Shift) else step.rule.sources


def _changed(step: Step, relations: Mapping[str, Relations]) -> set[Place]:
    """What a step writes, and what follows from that inside the table."""
    if isinstance(step, Shift):
        table, names = step.table, set(step.columns)
    else:
        table, names = step.rule.target[0], {step.rule.target[1]}
    for item in relations[table].items:  # each after those that its sources follow from
        if names & set(item.sources):
            names.add(item.target)
    return {(table, name) for name in names}
