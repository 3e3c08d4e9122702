"""One table of several, learned: its rows as they depend on parents, siblings and children."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.io.arrays import array_of
from fabula.relationships.keys import ForeignKey
from fabula.synthesizers.codecs.copies import copies_of
from fabula.synthesizers.codecs.learning import FEWEST_ROWS, Columns
from fabula.synthesizers.constraints.finding import with_orders
from fabula.synthesizers.constraints.measures import measures_of
from fabula.synthesizers.constraints.relations import Relations
from fabula.synthesizers.constraints.spots import find_spots
from fabula.synthesizers.model import Codes
from fabula.synthesizers.models.boosted.model import Boosted
from fabula.synthesizers.multitable.across.across import Across
from fabula.synthesizers.multitable.bins import Bins
from fabula.synthesizers.multitable.foreign_keys import Links, Rows
from fabula.synthesizers.multitable.groups import Groups, telling
from fabula.synthesizers.multitable.identity import Identity
from fabula.synthesizers.multitable.layout import BESIDE, Layout, Seen, Siblings
from fabula.synthesizers.multitable.names import (
    kept_keys,
    kept_names,
    lists_things,
    protected_counts,
)
from fabula.synthesizers.multitable.panels import Panel
from fabula.synthesizers.multitable.reach import Reach, apart, way_back
from fabula.synthesizers.multitable.table_model import TableModel
from fabula.synthesizers.multitable.timed import Timed, distances_of, find_timed, reach_of
from fabula.synthesizers.multitable.timeline import Timeline
from fabula.synthesizers.pii.codec import DetailCodec
from fabula.synthesizers.pii.persons import Persons
from fabula.synthesizers.trees import Trees

LOOK_BACK = 0.2
"""A model looks at the sibling before where at least this share of the rows has one."""


@dataclass(frozen=True)
class Lesson:
    """All that a table is learned from.

    Attributes:
        name: The table's name.
        table: Its rows.
        times: The same rows; times that `table` holds as distances are times.
        links: Its foreign keys.
        rows: The parent's row of each row of a table, by foreign key.
        sizes: How many rows each table has.
        primary: Its primary key.
        parents: The tables that it points at, as they are seen.
        below: How many children each row has, by foreign key that points at the table.
        kept: Tables that are kept as they are.
        options: The model's own options.
        seed: Decides everything that is random.
        protect: Labels of fewer rows, and that many extreme numbers, are not learned.
        exact: Whether what holds on every row is kept.
        details: How personal columns are replaced.
        persons: Whom the rows are about, where some people have several rows.
        sensitive: Columns that are replaced or left out.
        across: What follows from other tables; times of `table` are distances already.
        astray: The share of rows whose key no parent has, by foreign key.
    """

    name: str
    table: pa.Table
    times: pa.Table
    links: Links
    rows: Mapping[ForeignKey, Rows]
    sizes: Mapping[str, int]
    primary: tuple[str, ...]
    parents: Mapping[str, Seen]
    below: Mapping[ForeignKey, NDArray[np.int64]]
    kept: frozenset[str]
    options: Mapping[str, Any]
    seed: int
    protect: int
    exact: bool
    details: Mapping[str, DetailCodec] = field(default_factory=dict)
    persons: Persons | None = None
    sensitive: Collection[str] = ()
    across: Across = field(default_factory=Across)
    astray: Mapping[ForeignKey, float] = field(default_factory=dict)

    def learn(self) -> tuple[TableModel, Seen]:
        """Learn the table; also gives it as its children see it."""
        named = self._kept_keys()
        panel = Panel.of(self.table, self.primary, self.links, self._parents())
        parts = () if panel is None else panel.columns
        identity = Identity.of(self.table, self.primary, self.links, kept=(*named, *parts))
        order, timeline = self._order(identity, parts)
        siblings = Siblings.of(self._parents()[order])
        table = self._features(identity, parts).take(array_of(order))
        if timeline is not None:
            table = timeline.flattened(table, siblings.positions)
        persons = None if self.persons is None else self.persons.take(order)
        columns, left_out = self._columns(table, timeline, identity, persons)
        times = self.times.take(array_of(order))
        relations, timed = self._relations(table, times, columns, timeline, identity)
        if (relations.latent or timed.relations.latent) and columns is not None:
            table = timed.relations.widened(relations.widened(table), times)
            hidden = [*relations.hidden, *timed.relations.hidden]
            columns = columns.beside(table.select(hidden), protect=self.protect)
            spots = {spot.name: spot.codec_of(table) for spot in relations.spots}
            columns = columns.with_codecs(spots)
            relations = replace(relations, measures=measures_of(columns.codecs))
            timed = timed.measured(columns)
        own = np.zeros((len(order), 0), np.int32) if columns is None else columns.encode(table)
        codecs = () if columns is None else columns.codecs
        cells = relations.marked([codec.cells for codec in codecs])
        seen, above = Seen(own, cells), self._above(siblings)
        kept = self.table if self.name in self.kept else None
        reach, levels = self._reach(seen.beside(above), order)
        layout, model = Layout(), None
        shown: tuple[str, ...] = ("own", "above")
        beside: tuple[Bins, ...] = ()
        below: dict[ForeignKey, Bins] = {}
        depths = {key: Bins.of(level) for key, level in levels.items()}
        if kept is None:
            layout, codes, beside, below = self._wide(order, siblings, seen, above, reach)
            for key, bins in depths.items():
                drawn = bins.codes(levels[key][order])
                layout.add(f"depth:{key.name}", (bins.cells(f"depth:{key.name}", drawn),))
                codes = np.column_stack([codes, drawn])
            shown += tuple(f"beside:{key.name}" for key in self.links.others)
            if layout.drawn():
                model = Boosted.fit(
                    codes, layout.columns, seed=self.seed, progress=_silent,
                    context=layout.context(), **self.options,
                )  # fmt: skip
        counted = {
            key: protected_counts(
                counts[identity.codecs[name].order(self.table.column(name))], self.protect
            )
            for key, counts in self.below.items()
            for name in named
        }
        fitted = TableModel(
            self.name, self.table.schema, self.table.num_rows, self.links, reach, identity,
            timeline, columns, layout, below, beside, model, kept, left_out,
            relations, depths=depths, timed=timed, shown=shown, counted=counted,
            panel=panel,
        )  # fmt: skip
        below_it = seen if kept is not None else layout.seen(codes, shown)
        return fitted, Seen(below_it.codes[np.argsort(order)], below_it.cells)

    def _lists_things(self) -> bool:
        of_people = bool(self.details or self.sensitive)
        return not of_people and lists_things(self.name, self.table.num_rows, self.below.values())

    def _kept_keys(self) -> Collection[str]:
        """The key that names what the table lists."""
        pointing = {column for key in self.links.all for column in key.columns}
        return kept_keys(self.table, self.primary, pointing) if self._lists_things() else ()

    def _parents(self) -> Rows:
        driver = self.links.driver
        size = self.table.num_rows
        return np.full(size, -1, np.int64) if driver is None else self.rows[driver]

    def _above(self, siblings: Siblings) -> Seen:
        """What stands above each row."""
        driver = self.links.driver
        if driver is None:
            return Seen(np.zeros((len(siblings.parents), 0), np.int32))
        return self.parents[driver.parent].recounted("above", siblings.parents)

    def _order(
        self, identity: Identity, panel: Sequence[str]
    ) -> tuple[NDArray[np.int64], Timeline | None]:
        """Rows by parent and time, or by the number or place that they have within their parent."""
        parents = self._parents()
        learned = self.table.num_rows >= FEWEST_ROWS or self.name in self.kept
        led = self.links.driver is not None and learned and not panel
        alone = self.across.alone(self.name)
        fixed = {*self.primary, *(name for key in self.links.all for name in key.columns)}
        fixed.update(name for codec in self.details.values() for name in codec.shared)
        moving = [name for name in self.times.column_names if name not in fixed]
        timeline = Timeline.of(self.times.select(moving), alone=alone) if led else None
        if timeline is None:
            numbers = [
                np.asarray(self.table.column(item.column).cast(pa.int64()))
                for item in identity.numbered
            ]
            numbers += [
                identity.codecs[name].encode(self.table.column(name).combine_chunks())
                for name in reversed(panel)
            ]
            return np.lexsort((*numbers, parents)), None
        bounded = timeline.bounded(self.table, parents, protect=self.protect)
        return bounded.order(self.table, parents), bounded

    def _features(self, identity: Identity, panel: Sequence[str]) -> pa.Table:
        """The columns that are neither keys nor foreign keys, those of a panel first."""
        gone = {column for key in self.links.all for column in key.columns} | identity.made
        names = [name for name in self.table.column_names if name not in {*gone, *panel}]
        return self.table.select([*panel, *names])

    def _columns(
        self,
        table: pa.Table,
        timeline: Timeline | None,
        identity: Identity,
        persons: Persons | None,
    ) -> tuple[Columns | None, Mapping[str, str]]:
        if not table.num_columns:
            return None, {}
        distances = [] if timeline is None else [*timeline.beside, timeline.gap]
        given = table.drop_columns(distances)
        if timeline is not None:
            times = self.table.column(timeline.time)
            given = timeline.with_starts(given, times, protect=self.protect)
        names = (
            kept_names(given, identity.codecs.get(identity.alone or ""))
            if self._lists_things()
            else {}
        )
        columns = Columns.learnable(
            given,
            self.details,
            persons,
            protect=self.protect,
            known={**identity.codecs, **names},
            sensitive=self.sensitive,
        )
        columns = columns.beside(table.select(distances), protect=self.protect)
        if table.num_rows < FEWEST_ROWS and self.name not in self.kept:
            rows = "1 row is" if table.num_rows == 1 else f"{table.num_rows:,} rows are"
            columns = columns.made_anew(f"{rows} too few to learn from")
        columns = columns.with_stand_ins(table, protect=self.protect, but=self.sensitive)
        keys = [codec.name for codec in identity.keys]
        own = [name for name in columns.names if name in self.table.column_names]
        columns = columns.with_codecs(copies_of(self.table, keys, own))
        return (columns if columns.codecs else None), columns.left_out

    def _relations(
        self,
        table: pa.Table,
        times: pa.Table,
        columns: Columns | None,
        timeline: Timeline | None,
        identity: Identity,
    ) -> tuple[Relations, Timed]:
        """What holds on every row, but for keys' parts, and what follows from times made late.

        Distances of times from one that leads them are numbers with an order, too.
        """
        if columns is None or not self.exact or self.name in self.kept:
            return Relations(), Timed()
        shifted, given = self.across.moved(self.name), self.across.given(self.name)
        led = [] if timeline is None else [timeline.time, *timeline.beside]
        moved = [name for name in columns.names if name in {*shifted, *led}]
        apart = {*identity.natural, *moved, "" if timeline is None else timeline.gap}
        left = columns.only([name for name in columns.names if name not in apart])
        distances = distances_of(table, times, moved, timeline, shifted)
        reach = {name: reach_of(self.table, name, self.protect) for name in shifted
                 if name in self.table.column_names}  # fmt: skip
        found, timed = find_timed(
            times, left, distances, reach, protect=self.protect, given=given,
            in_turn="" if timeline is None else timeline.time,
        )  # fmt: skip
        beside = [name for name in led[1:] if name in moved]
        ordered = columns.only([*left.names, *beside])
        given |= {item.target for item in timed.relations.items}
        relations = with_orders(table, ordered, found, given=given).exchanging()
        people = None if columns.persons is None else columns.persons.numbers
        spots = find_spots(
            table, relations.measures, items=relations.items, protect=self.protect, people=people
        )
        return replace(relations, latent=(*relations.latent, *spots)), timed

    def _reach(
        self, beside: Seen, order: NDArray[np.int64]
    ) -> tuple[dict[ForeignKey, Reach], dict[ForeignKey, NDArray[np.int64]]]:
        """What each foreign key was like, and how deep rows are by those inside the table."""
        found: dict[ForeignKey, Reach] = {}
        levels = {}
        for key in self.links.all:
            rows = self.rows[key]
            counts = np.bincount(rows[rows >= 0], minlength=self.sizes[key.parent])
            groups = trees = None
            if key in self.links.upward:
                trees, levels[key] = Trees.of(rows)
            if key in self.links.others:
                parent = self.parents[key.parent]
                rng = np.random.default_rng(self.seed)
                weights = telling(parent, rows[order], beside, rng)
                groups = Groups.of(parent, counts, weights, kept=key.parent in self.kept, rng=rng)
            missing = float((rows < 0).mean()) if len(rows) else 0.0
            counts = counts if key.parent in self.kept else np.sort(counts)
            back, home = way_back(key, self.rows) if key in self.links.late else (None, 0.0)
            found[key] = Reach(
                counts, missing, self._is_distinct(key), groups, trees, back, home,
                self.astray.get(key, 0.0), apart(key, self.links, self.rows),
            )  # fmt: skip
        return found, levels

    def _is_distinct(self, key: ForeignKey) -> bool:
        """Whether a key is the last part of a primary key that is made of foreign keys alone."""
        parts = [link for link in self.links.outward if set(link.columns) & set(self.primary)]
        last = len(parts) > 1 and parts[-1] == key and key in self.links.others
        return last and set(self.primary) <= {name for link in parts for name in link.columns}

    def _wide(
        self,
        order: NDArray[np.int64],
        siblings: Siblings,
        seen: Seen,
        above: Seen,
        reach: dict[ForeignKey, Reach],
    ) -> tuple[Layout, Codes, tuple[Bins, ...], dict[ForeignKey, Bins]]:
        """The model's columns and their codes in training."""
        layout, parts = Layout(), [np.zeros((len(order), 0), np.int32)]

        def add(block: str, part: Seen) -> None:
            layout.add(block, part.cells)
            parts.append(part.codes)

        def add_numbers(block: str, bins: Bins, numbers: NDArray[np.int64]) -> None:
            codes = bins.codes(numbers)
            add(block, Seen(codes[:, None], (bins.cells(block, codes),)))

        beside: tuple[Bins, ...] = ()
        if self.links.driver is not None:
            add("above", above)
            numbers = (siblings.sizes, siblings.positions)
            beside = tuple(map(Bins.of, numbers))
            for name, bins, values in zip(BESIDE, beside, numbers, strict=True):
                add_numbers(name, bins, values)
        looking_back = bool(beside) and (siblings.positions > 0).mean() >= LOOK_BACK
        if looking_back and seen.cells:
            add("previous", seen.recounted("previous", siblings.previous))
        asked = {key: self._asked(key, reach[key], order) for key in self.links.others}
        for key, groups in asked.items() if looking_back else ():
            if set(key.columns) & set(self.primary):  # it differs among siblings
                continue
            before = groups.recounted("before", siblings.previous)
            add(f"before:{key.name}", before)
            later = siblings.positions > 0
            changes = float((groups.codes != before.codes)[later].mean())
            reach[key] = replace(reach[key], changes=changes)
        for key, groups in asked.items():
            add(f"group:{key.name}", groups)
        for key in self.links.others:
            there = self.parents[key.parent]
            add(f"beside:{key.name}", there.recounted("beside", self.rows[key][order]))
        add("own", seen)
        below = {key: Bins.of(counts) for key, counts in self.below.items()}
        for key, bins in below.items():
            add_numbers(f"below:{key.name}", bins, self.below[key][order])
        return layout, np.column_stack(parts).astype(np.int32), beside, below

    def _asked(self, key: ForeignKey, reach: Reach, order: NDArray[np.int64]) -> Seen:
        """The group of the parent that each row has by a key."""
        assert reach.groups is not None
        rows, parents = self.rows[key], self.parents[key.parent].codes
        children = np.bincount(rows[rows >= 0], minlength=len(parents))
        groups = reach.groups(parents, children)[:, None]
        return Seen(groups, (reach.groups.as_column,)).recounted("group", rows[order])


def _silent(done: int, steps: int) -> None: ...
