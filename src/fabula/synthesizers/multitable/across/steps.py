"""What a sample computes across tables once its rows are made, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from typing import TypeAlias

import numpy as np
import pyarrow as pa

from fabula.relationships.keys import ForeignKey
from fabula.relationships.rules.rule import Copy, Found, Later, Place, Total
from fabula.synthesizers.constraints.relations import Relations
from fabula.synthesizers.multitable.across.computing import (
    capped,
    copied,
    totalled,
    with_exceptions,
)
from fabula.synthesizers.multitable.across.shifts import Shift
from fabula.synthesizers.multitable.foreign_keys import Rows

Tables: TypeAlias = Mapping[str, pa.Table]
Schemas: TypeAlias = Mapping[str, pa.Schema]
RowsOf: TypeAlias = Callable[[ForeignKey], Rows]
"""The parent's row of each child, by foreign key."""
Streams: TypeAlias = Callable[[str], np.random.Generator]
"""The random stream of a table."""


@dataclass(frozen=True)
class Restored:
    """Times put back in place of their distances."""

    shift: Shift

    @property
    def sources(self) -> tuple[Place, ...]:
        """What is read."""
        return self.shift.sources

    @property
    def targets(self) -> tuple[Place, ...]:
        """What is written."""
        return tuple((self.shift.table, name) for name in self.shift.columns)

    def made(
        self, tables: Tables, rows_of: RowsOf, _schemas: Schemas, _streams: Streams
    ) -> dict[str, pa.Table]:
        """The tables that it changes."""
        rows = {anchor.key: rows_of(anchor.key) for anchor in self.shift.anchors}
        table = tables[self.shift.table]
        return {self.shift.table: self.shift.restored(table, tables, rows)}


@dataclass(frozen=True)
class Computed:
    """A copy, or a total of children as they were made."""

    found: Found

    @property
    def sources(self) -> tuple[Place, ...]:
        """What is read."""
        return self.found.rule.sources

    @property
    def targets(self) -> tuple[Place, ...]:
        """What is written."""
        return (self.found.rule.target,)

    def made(
        self, tables: Tables, rows_of: RowsOf, schemas: Schemas, streams: Streams
    ) -> dict[str, pa.Table]:
        """The tables that it changes."""
        rule, key = self.found.rule, self.found.rule.key
        child, parent, rows = tables[key.child], tables[key.parent], rows_of(key)
        if isinstance(rule, Copy):
            made = copied(rule, child, parent, rows, schemas[key.child])
            if self.found.excepted and rule.column in child.column_names:
                made = with_exceptions(self.found, child, made, rows, streams(key.child))
            return {key.child: made}
        assert isinstance(rule, Total)
        return {key.parent: totalled(rule, parent, child, rows, schemas[key.parent])}


@dataclass(frozen=True)
class Capped:
    """Children's numbers, none of them beyond the parent's, which one of them reaches.

    The largest of many drawn numbers is larger than a drawn largest number; so the parent's
    leads if it can.
    """

    found: Found

    @property
    def sources(self) -> tuple[Place, ...]:
        """What is read."""
        return ()

    @property
    def targets(self) -> tuple[Place, ...]:
        """What is written: the children's numbers, and the parent's where children lack them."""
        return (*self.found.rule.sources, self.found.rule.target)

    def made(
        self, tables: Tables, rows_of: RowsOf, schemas: Schemas, _streams: Streams
    ) -> dict[str, pa.Table]:
        """The tables that it changes."""
        rule, key = self.found.rule, self.found.rule.key
        assert isinstance(rule, Total)
        child, parent, rows = tables[key.child], tables[key.parent], rows_of(key)
        child = capped(rule, parent, child, rows, schemas[key.child])
        parent = totalled(rule, parent, child, rows, schemas[key.parent])
        return {key.child: child, key.parent: parent}


CIRCULAR = "it would follow from itself"
"""Why a rule is not kept that leads back to its own column."""

Step: TypeAlias = Restored | Computed | Capped


def steps_of(
    rules: Sequence[Found],
    shifts: Iterable[Shift],
    columns: Mapping[str, Collection[str]],
    relations: Mapping[str, Relations],
) -> tuple[tuple[Step, ...], list[Found]]:
    """All steps in order, and the rules that can't be kept, with the reason.

    Of rules in a circle the one that the fewest rows support is not kept.

    Args:
        rules: Rules that hold on all rows.
        shifts: Times that were learned as distances.
        columns: The columns that are drawn of each table.
        relations: What holds inside each table.
    """
    left = [item for item in rules if not isinstance(item.rule, Later)]
    circles: list[Found] = []
    while True:
        made, lacking = _makeable(left, columns)
        steps: list[Step] = [Restored(shift) for shift in shifts]
        steps += [_step(item, made, columns, relations) for item in made]
        try:
            return tuple(_sorted(steps, relations)), [*circles, *lacking]
        except CycleError as error:
            circle = [step.found for step in error.args[1] if not isinstance(step, Restored)]
            weakest = min(circle, key=lambda item: item.rows)
            left.remove(weakest)
            circles.append(replace(weakest, note=CIRCULAR))


def without_circles(shifts: Sequence[Shift]) -> tuple[tuple[Shift, ...], list[Shift]]:
    """Times none of which follows from itself, and those that are left out for it."""
    left = list(shifts)
    circular: list[Shift] = []
    while True:
        try:
            _sorted(
                [Restored(shift) for shift in left], {shift.table: Relations() for shift in left}
            )
            return tuple(left), circular
        except CycleError as error:
            circular.append(error.args[1][0].shift)
            left.remove(circular[-1])


def _makeable(
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


def _step(
    item: Found,
    rules: Iterable[Found],
    columns: Mapping[str, Collection[str]],
    relations: Mapping[str, Relations],
) -> Step:
    rule = item.rule
    if not isinstance(rule, Total) or rule.function not in ("max", "min") or rule.time:
        return Computed(item)
    table, name = rule.sources[0]
    given = {other.rule.target for other in rules} | {
        source
        for other in rules
        if other is not item and isinstance(other.rule, Total) and other.rule.function != "sum"
        for source in other.rule.sources
    }
    given |= {(table, relation.target) for relation in relations[table].items}
    drawn = rule.column in columns[rule.key.parent]
    return Capped(item) if drawn and (table, name) not in given else Computed(item)


def _sorted(steps: list[Step], relations: Mapping[str, Relations]) -> list[Step]:
    """Steps after those that change what they read, and after times are times.

    Raises:
        CycleError: Some lead to themselves.
    """
    changed = {step: _changed(step, relations) for step in steps}
    graph: dict[Step, list[Step]] = {}
    for step in steps:
        read = set(step.sources)
        own = set() if isinstance(step, Restored) else set(step.targets)
        graph[step] = [
            other
            for other in steps
            if changed[other] & read or (isinstance(other, Restored) and changed[other] & own)
        ]
    return list(TopologicalSorter(graph).static_order())


def _changed(step: Step, relations: Mapping[str, Relations]) -> set[Place]:
    """What a step writes, and what follows from that inside the tables."""
    places = set(step.targets)
    for table in {table for table, _ in places}:
        for item in relations[table].items:  # each after those that its sources follow from
            if any((table, source) in places for source in item.sources):
                places.add((table, item.target))
    return places
