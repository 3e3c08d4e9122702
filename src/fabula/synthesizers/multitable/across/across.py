"""All rules across the tables of a fit, in the order in which samples compute them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from fabula.relationships.keys import ForeignKey, Keys
from fabula.relationships.rules.finding import RulesAcross, find_rules
from fabula.relationships.rules.links import parents_of
from fabula.relationships.rules.rule import Found, Later, Place
from fabula.synthesizers.codecs.learning import FEWEST_ROWS
from fabula.synthesizers.constraints.relations import Relations
from fabula.synthesizers.multitable.across.shifts import Shift, anchor_of, shift_of, whole
from fabula.synthesizers.multitable.across.steps import (
    CIRCULAR,
    Capped,
    Computed,
    Restored,
    Step,
    steps_of,
    without_circles,
)
from fabula.synthesizers.multitable.foreign_keys import Links, Rows
from fabula.synthesizers.multitable.timeline import Timeline, told_by_others


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
        *,
        people: Collection[tuple[str, str]] = (),
        protect: int = 0,
    ) -> Across:
        """The rules of training tables.

        Args:
            tables: The tables by name; times are times.
            keys: Their keys.
            rows: The parent's row of each row, by foreign key.
            links: How rows point at parents; only these keys are kept.
            keep: Tables that stay unchanged.
            people: Columns that repeat the people of others, as table and column.
            protect: Exceptions of fewer parents are not kept.
        """
        used = tuple(key for key in keys.foreign if key in links[key.child].all)
        rules = _with_exceptions(
            find_rules(tables, Keys(keys.primary, used), rows), people, protect
        )
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
        shifts, circular = without_circles(shifts)
        lost = [item for item in rules.kept if any(_is_shifted(item, shift) for shift in circular)]
        dropped += [replace(item, note=CIRCULAR) for item in lost]
        endless = [item for item in rules.kept if item not in lost and _has_no_end(item, shifts)]
        dropped += [replace(item, note="no time of a parent starts it") for item in endless]
        lost += endless
        rules = replace(rules, kept=tuple(item for item in rules.kept if item not in lost))
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

        Args:
            columns: The columns that are drawn of each table.
            relations: What holds inside each table.
        """
        steps, lost = steps_of(self.rules.kept, self.shifts, columns, relations)
        return replace(self, steps=steps, dropped=(*self.dropped, *lost))

    def computed(self, table: str) -> frozenset[str]:
        """The columns of a table that samples compute from other tables."""
        places = {place for step in self.steps for place in step.targets}
        return frozenset(name for owner, name in places if owner == table)

    def applied(
        self,
        tables: Mapping[str, pa.Table],
        schemas: Mapping[str, pa.Schema],
        relations: Mapping[str, Relations],
        streams: Callable[[str], np.random.Generator],
        settled: Callable[[Shift, pa.Table, pa.Table], pa.Table],
    ) -> dict[str, pa.Table]:
        """Made tables that keep every rule.

        Args:
            tables: The tables as models made them, with distances in place of times.
            schemas: Their columns in training.
            relations: What holds inside each table, computed again from what changes.
            streams: The random stream of a table.
            settled: Moves times that were put back to their parts, given the rows before and after.
        """
        made = dict(tables)
        known: dict[ForeignKey, Rows] = {}

        def rows_of(key: ForeignKey) -> Rows:
            if key not in known:
                known[key] = parents_of(made, key)
            return known[key]

        for step in self.steps:
            for name, table in step.made(made, rows_of, schemas, streams).items():
                changed = [column for owner, column in step.targets if owner == name]
                rows = table
                if isinstance(step, Restored):
                    rows = settled(step.shift, made[name], table)
                    rows = step.shift.ended(rows, made, rows_of)
                made[name] = relations[name].updated(rows, changed, streams(name))
        return made

    def sources(self, relations: Mapping[str, Relations]) -> frozenset[tuple[str, str]]:
        """The columns from which others are computed, as table and column.

        Args:
            relations: What holds inside each table: a column that one of them follows from is one.
        """
        read = {place for item in self.rules.kept for place in item.rule.sources}
        for table, own in relations.items():
            for item in reversed(own.items):  # each after those that its sources follow from
                if (table, item.target) in read:
                    read |= {(table, source) for source in item.sources}
        return frozenset(read)

    @property
    def told(self) -> tuple[str, ...]:
        """The rules in words, and those that are not kept."""
        computed = [step.found for step in self.steps if not isinstance(step, Restored)]
        kept = [
            item for item in self.rules.kept if isinstance(item.rule, Later) or item in computed
        ]
        return (
            *(f"across tables {_told(item)}" for item in kept),
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
                {"kind": type(step).__name__, "at": self.shifts.index(step.shift)}
                if isinstance(step, Restored)
                else {"kind": type(step).__name__, "at": kept.index(step.found)}
                for step in self.steps
            ],
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Across:
        """The rules of a state."""

        def found(name: str) -> tuple[Found, ...]:
            return tuple(Found.restore(told) for told in state[name])

        kept, shifts = found("kept"), tuple(Shift.restore(told) for told in state["shifts"])
        steps: list[Step] = []
        for told in state["steps"]:
            at = told["at"]
            if told["kind"] == "Restored":
                steps.append(Restored(shifts[at]))
            else:
                steps.append((Capped if told["kind"] == "Capped" else Computed)(kept[at]))
        rules = RulesAcross(kept, found("near"), found("second"))
        return cls(rules, shifts, tuple(steps), found("dropped"))


def _with_exceptions(
    rules: RulesAcross, people: Collection[tuple[str, str]], protect: int
) -> RulesAcross:
    """Rules with the copies that some rows break: as often in samples, if they are of many."""
    nearly: dict[Place, Found] = {}
    for item in rules.near:
        if item.parents and item.rule.target not in people:
            share = item.broken / item.rows if item.parents >= protect else 0.0
            nearly.setdefault(item.rule.target, replace(item, excepted=share))
    near = tuple(item for item in rules.near if item.rule.target not in nearly)
    return replace(rules, kept=(*rules.kept, *nearly.values()), near=near)


def _told(item: Found) -> str:
    """A rule that samples keep, in words."""
    if not item.broken:
        return item.told
    few = "samples keep it in all, since the exceptions are of few parents"
    return f"{item.told}; {'samples have as many exceptions' if item.excepted else few}"


def _shifts(
    name: str, tables: Mapping[str, pa.Table], rules: RulesAcross, links: Links
) -> Iterable[Shift]:
    """The times of a table that are learned as distances, that of its rows' order first."""
    table = tables[name]
    later: dict[str, list[Later]] = {}
    ends: dict[str, list[Later]] = {}
    for item in (*rules.kept, *rules.near):
        rule = item.rule
        if not isinstance(rule, Later) or rule.key.child != name:
            continue
        if rule.until:
            ends.setdefault(rule.column, []).append(rule)
            continue
        if not item.broken or rule.column not in later:
            later.setdefault(rule.column, []).append(rule)
    timeline = Timeline.of(table) if links.driver is not None else None
    time = "" if timeline is None else timeline.time

    def shift(column: str, *, within: str = "", beside: Collection[str] = ()) -> Shift:
        chosen = later[column]
        starts = [tables[rule.key.parent].column(rule.since) for rule in chosen]
        found = shift_of(
            table, name, column, chosen, within=within, beside=tuple(beside), starts=starts
        )
        return replace(found, until=tuple(anchor_of(rule) for rule in ends.get(column, ())))

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
        if column != time and column not in followers | told_by_others(table):
            within = time if time and _never_before(table, column, time) else ""
            yield shift(column, within=within)


def _is_shifted(item: Found, shift: Shift) -> bool:
    return isinstance(item.rule, Later) and item.rule.target in [
        (shift.table, column) for column in shift.columns
    ]


def _has_no_end(item: Found, shifts: Iterable[Shift]) -> bool:
    """Whether a time that a parent's time ends is not learned as a distance with that end."""
    rule = item.rule
    return (
        isinstance(rule, Later)
        and rule.until
        and not any(
            (shift.table, shift.column) == rule.target and anchor_of(rule) in shift.until
            for shift in shifts
        )
    )


def _never_before(table: pa.Table, later: str, earlier: str) -> bool:
    """Whether a time is never before another one of the same row; both are of one type."""
    late, early = table.column(later), table.column(earlier)
    if late.type != early.type:
        return False
    known = late.is_valid().to_numpy() & early.is_valid().to_numpy()
    return bool((whole(late)[known] >= whole(early)[known]).all())
