"""One table of several, made: rows under their parents, other parents chosen, keys given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.io.arrays import array_of
from fabula.relationships.common_types import as_labels
from fabula.relationships.keys import ForeignKey
from fabula.synthesizers.codecs.codec import Places
from fabula.synthesizers.codecs.learning import Columns
from fabula.synthesizers.model import CellColumn, Codes
from fabula.synthesizers.multitable.alike import drawn_alike
from fabula.synthesizers.multitable.foreign_keys import Rows
from fabula.synthesizers.multitable.identity import grouped, made_apart
from fabula.synthesizers.multitable.keyed import agreeing, taken, with_parents
from fabula.synthesizers.multitable.layout import MadeTable, Seen, Siblings
from fabula.synthesizers.multitable.learning import BESIDE, TableModel
from fabula.synthesizers.multitable.matching import (
    chosen_parents,
    chosen_within,
    counts_like,
    made_distinct,
    made_unequal,
)
from fabula.synthesizers.multitable.timeline import Timeline
from fabula.synthesizers.pii.codec import DetailCodec
from fabula.synthesizers.several_rows import Draft, shared_by_crowd, with_people

LONGEST = 4_096
"""Siblings that are drawn one after the other. Later ones are drawn in stretches of that many, side
by side; each stretch goes on from the end of the first."""

Streams = Callable[[str], np.random.Generator]
"""The random stream of a purpose."""


@dataclass(frozen=True)
class Making:
    """What a table is made from.

    Attributes:
        model: What was learned of it.
        parents: The tables that it points at, already made.
        scale: Rows, in relation to the training rows.
        seed: The sample's seed.
        streams: The random stream of each purpose.
    """

    model: TableModel
    parents: Mapping[str, MadeTable]
    scale: float
    seed: int
    streams: Streams

    def make(self) -> MadeTable:
        """Make the table."""
        if self.model.kept is not None:
            return self._kept(self.model.kept)
        siblings = Siblings.of(self._leading_parents())
        layout = self.model.layout
        codes = np.zeros((len(siblings.parents), len(layout.columns)), np.int32)
        self._place(codes, siblings)
        self._draw(codes, siblings)
        links = self._other_parents(codes, siblings)
        if any(self._seen(key).cells for key in self.model.links.others):
            for key in self.model.links.others:
                layout.part(codes, f"beside:{key.name}")[:] = self._seen(key).at(links[key])
            self._draw(codes, siblings, chosen=True)
        drawn_alike(self.model, layout.part(codes, "own"), links, self.streams)
        keep = self._apart(codes, links)
        wanted = {
            key: layout.part(codes, f"below:{key.name}")[:, 0].astype(float)
            for key in self.model.below
        }
        for key in self.model.links.upward:
            links[key] = self._upward(key, codes, wanted[key], links)
        own = np.ascontiguousarray(layout.part(codes, "own"))
        table = self._table(own, siblings, links)
        keep &= self._without_repeats(table) & ~self.model.identity.beyond(table)
        ranks = {key: values[keep] for key, values in wanted.items()}
        kept = {key: rows[keep] for key, rows in links.items()}
        seen = Seen(*self._part(codes, "own")).beside(Seen(*self._part(codes, "above")))
        seen = Seen(seen.codes[keep], seen.cells)
        return MadeTable(table.filter(array_of(keep)), seen, ranks, kept)

    def _kept(self, table: pa.Table) -> MadeTable:
        columns = self.model.columns
        seen = Seen(np.zeros((table.num_rows, 0), np.int32))
        if columns is not None:
            seen = Seen(columns.encode(table), tuple(codec.cells for codec in columns.codecs))
        return MadeTable(table, seen, {})

    def _seen(self, key: ForeignKey) -> Seen:
        return self.parents[key.parent].seen

    def _part(self, codes: Codes, block: str) -> tuple[Codes, tuple[CellColumn, ...]]:
        layout = self.model.layout
        return layout.part(codes, block), layout.columns[slice(*layout.blocks.get(block, (0, 0)))]

    def _leading_parents(self) -> Rows:
        """The parent of each row, rising; rows without one come first."""
        driver, total = self.model.links.driver, round(self.scale * self.model.rows)
        if self.model.identity.alone is not None:
            total = min(total, self._natural(self.model.identity.alone)[1].cells)
        if driver is None:
            return np.full(total, -1, np.int64)
        reach = self.model.reach[driver]
        alone = round(reach.missing * total)
        counts = self._counts(driver, total - alone)
        return np.concatenate(
            [np.full(alone, -1, np.int64), np.repeat(np.arange(len(counts)), counts)]
        )

    def _counts(self, key: ForeignKey, total: int) -> NDArray[np.int64]:
        """Children of each parent."""
        rng, real = self.streams(f"counts of {key.name}"), self.model.reach[key].counts
        return counts_like(self.parents[key.parent].wanted.get(key), real, total, rng)

    def _labels(
        self, key: ForeignKey, links: Mapping[ForeignKey, Rows]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
        """What parents must agree in with their children, as labels of the children and parents.

        These are the columns of a key that another one decides; None if there are none.
        """
        shared = self.model.links.fixed_before(key)
        if not shared:
            return None
        given = self._given(links)
        over = given if key.parent == self.model.name else self.parents[key.parent].table
        there = [over[key.key[key.columns.index(column)]] for column in shared]
        return agreeing([given[column] for column in shared], there)

    def _given(self, links: Mapping[ForeignKey, Rows]) -> dict[str, pa.ChunkedArray]:
        """The columns of foreign keys whose parents are chosen; the first key decides."""
        values: dict[str, pa.ChunkedArray] = {}
        for key in self.model.links.all:
            if key in links and key.parent != self.model.name:
                for column, name in zip(key.columns, key.key, strict=True):
                    if column not in values:
                        values[column] = taken(self.parents[key.parent].table[name], links[key])
        return values

    def _other_parents(self, codes: Codes, siblings: Siblings) -> dict[ForeignKey, Rows]:
        driver = self.model.links.driver
        found: dict[ForeignKey, Rows] = {} if driver is None else {driver: siblings.parents}
        for key in self.model.links.others:
            reach, rng = self.model.reach[key], self.streams(f"parents of {key.name}")
            assert reach.groups is not None
            asked = self.model.layout.part(codes, f"group:{key.name}")[:, 0].astype(np.int64)
            links = np.full(len(codes), -1, np.int64)
            likeliest = np.lexsort((rng.random(len(asked)), asked == reach.groups.size))
            has = np.sort(likeliest[: round((1 - reach.missing) * len(asked))])
            counts = self._counts(key, len(has))
            groups = reach.groups(self._seen(key).codes, counts).astype(np.int64)
            labels = self._labels(key, found)
            if labels is not None:
                within = (labels[0][has], labels[1])
                links[has] = chosen_within(asked[has], groups, counts, within, rng)
            elif len(counts):
                links[has] = chosen_parents(asked[has], groups, counts, siblings.families[has], rng)
            alike = None if labels is None else labels[0]
            if reach.distinct:
                links = made_distinct(links, self._beside(found), rng, alike)
            for other in reach.apart:
                links = made_unequal(links, found[other], counts, rng, alike)
            found[key] = links
        return found

    def _upward(
        self,
        key: ForeignKey,
        codes: Codes,
        wanted: NDArray[np.float64],
        links: Mapping[ForeignKey, Rows],
    ) -> Rows:
        trees, rng = self.model.reach[key].trees, self.streams(f"trees of {key.name}")
        assert trees is not None
        labels = self._labels(key, links)
        drawn = self.model.layout.part(codes, f"depth:{key.name}")[:, 0]
        return trees.grown(drawn, wanted, rng, None if labels is None else labels[0])

    def _natural(self, column: str) -> tuple[int, CellColumn]:
        """Where a part of the key that keeps its real values is in the codes, and its cells."""
        layout, columns = self.model.layout, self.model.columns
        assert columns is not None
        at = layout.blocks["own"][0] + columns.names.index(column)
        return at, layout.columns[at]

    def _apart(self, codes: Codes, links: Mapping[ForeignKey, Rows]) -> NDArray[np.bool_]:
        """Give rows that repeat a key of real values another one; rows without a free one go."""
        column = self.model.identity.needs_room
        if column is None or not len(codes):
            return np.ones(len(codes), dtype=bool)
        given, (at, cells) = self._given(links), self._natural(column)
        beside = [as_labels(given[name]) for name in self.model.identity.primary if name in given]
        for name in self.model.identity.natural[:-1]:
            beside.append(as_labels(pa.chunked_array([codes[:, self._natural(name)[0]]])))
        rng = self.streams(f"key {column}")
        codes[:, at], keep = made_apart(grouped(beside), codes[:, at], cells.cells, rng)
        return keep

    def _beside(self, links: Mapping[ForeignKey, Rows]) -> Rows:
        """Rows that are alike in the parts of the primary key that are chosen so far."""
        primary = set(self.model.identity.primary)
        parts = [rows for key, rows in links.items() if primary & set(key.columns)]
        if len(parts) == 1:
            return parts[0]
        return np.unique(np.column_stack(parts), axis=0, return_inverse=True)[1].reshape(-1)

    def _without_repeats(self, table: pa.Table) -> NDArray[np.bool_]:
        """Rows that don't repeat a primary key of foreign keys; the others are not available."""
        identity = self.model.identity
        if not identity.primary or identity.made & set(identity.primary) or identity.natural:
            return np.ones(table.num_rows, dtype=bool)
        labels = grouped([as_labels(table.column(name)) for name in identity.primary])
        first = np.unique(labels, return_index=True)[1]
        return np.isin(np.arange(table.num_rows), first)

    # Columns

    def _place(self, codes: Codes, siblings: Siblings) -> None:
        """Fill in what is known about a row before it is drawn."""
        layout, driver = self.model.layout, self.model.links.driver
        if driver is None:
            return
        layout.part(codes, "above")[:] = self._seen(driver).at(siblings.parents)
        numbers = (siblings.sizes, siblings.positions)
        for name, bins, values in zip(BESIDE, self.model.beside, numbers, strict=True):
            layout.part(codes, name)[:, 0] = bins.codes(values)

    def _draw(self, codes: Codes, siblings: Siblings, *, chosen: bool = False) -> None:
        """Draw what is not known, in place; sibling after sibling where a model looks back.

        Args:
            codes: The rows.
            siblings: Where each stands.
            chosen: Whether other parents are chosen and so known.
        """
        model, layout = self.model.model, self.model.layout
        if model is None or not len(codes):
            return
        rng = self.streams("chosen" if chosen else "drawn")
        known = layout.known(len(codes), ())
        known[:, layout.context()] = True
        alone = self.model.identity.alone
        if alone is not None:
            at, cells = self._natural(alone)
            if not chosen:
                codes[:, at] = np.sort(rng.choice(cells.cells, len(codes), replace=False))
            known[:, at] = True
        if chosen:
            groups = [block for block in layout.blocks if block.startswith("group:")]
            known |= layout.known(len(codes), groups)
        if not layout.looking_back():
            codes[:] = model.complete(codes, known, rng).codes
            return
        before, places = siblings.previous, siblings.positions.copy()
        later = np.flatnonzero(places >= LONGEST)
        places[later] = LONGEST + places[later] % LONGEST
        heads = later[places[later] == LONGEST]
        before[heads] = heads - siblings.positions[heads] + LONGEST - 1
        by_place = np.argsort(places, kind="stable")
        for place, rows in enumerate(np.split(by_place, np.cumsum(np.bincount(places))[:-1])):
            part = codes[rows]
            for block, source in layout.looking_back():
                layout.part(part, block)[:] = Seen(*self._part(codes, source)).at(before[rows])
            codes[rows] = model.complete(part, known[rows], rng).codes
            if place and not chosen:
                self._stay(codes, rows, known, rng)

    def _stay(
        self, codes: Codes, rows: Rows, known: NDArray[np.bool_], rng: np.random.Generator
    ) -> None:
        """Put siblings back to the group of the one before, as far as fewer real ones change it.

        Small errors of a model would add up: few albums have tracks of two genres.
        """
        model = self.model.model
        assert model is not None
        for key in self.model.links.others:
            at, before = (
                self.model.layout.blocks.get(f"{block}:{key.name}", (-1,))[0]
                for block in ("group", "before")
            )
            if before < 0:
                continue
            changed = rows[codes[rows, at] != codes[rows, before]]
            most = rng.binomial(len(rows), self.model.reach[key].changes)
            back = rng.permutation(changed)[: max(0, len(changed) - most)]
            if len(back):
                codes[back, at] = codes[back, before]
                fixed = known[back]
                fixed[:, at] = True
                codes[back] = model.complete(codes[back], fixed, rng).codes

    def _table(self, own: Codes, siblings: Siblings, links: Mapping[ForeignKey, Rows]) -> pa.Table:
        """Values of all columns, in the training table's order."""
        values = self._learned(own, siblings)
        numbers = np.arange(len(own), dtype=np.int64)
        for codec in self.model.identity.keys:
            places = Places(numbers, self.seed, self.streams(f"key {codec.name}"))
            values[codec.name] = codec.decode(np.zeros(len(own), np.int32), places)
        kinds = {field.name: field.type for field in self.model.schema}
        for key in self.model.links.all:
            rows = links.get(key)
            if rows is None:  # it is chosen when all tables are made
                continue
            values |= with_parents(
                key,
                rows,
                values if key.parent == self.model.name else self.parents[key.parent].table,
                values,
                kinds,
                astray=self.model.reach[key].astray,
                seed=self.seed,
                rng=self.streams(f"strays of {key.name}"),
            )
        for item in self.model.identity.numbered:
            values[item.column] = array_of(item.values(values)).cast(kinds[item.column])
        dated = self.model.identity.dated(values)
        noted = {field.name: field.metadata for field in self.model.schema}
        noted |= dict.fromkeys(self.model.following.hidden)
        names = [name for name in noted if name in values]
        fields = [pa.field(name, values[name].type, metadata=noted[name]) for name in names]
        table = pa.table([values[name] for name in names], schema=pa.schema(fields))
        return self.model.following.updated(table, dated, self.streams("dated")) if dated else table

    def _learned(self, own: Codes, siblings: Siblings) -> dict[str, pa.Array | pa.ChunkedArray]:
        columns = self.model.columns
        if columns is None:
            return {}
        numbers = np.arange(len(own), dtype=np.int64)
        own = self._with_times(own, columns, siblings)
        places = partial(Places, numbers, self.seed)
        codecs = dict(zip(columns.names, columns.codecs, strict=True))
        decoded = {name: partial(codec.decode, np.ascontiguousarray(own[:, at]))
                   for at, (name, codec) in enumerate(codecs.items())}  # fmt: skip
        made = {name: decode(places(self.streams(f"column {name}")))
                for name, decode in decoded.items()
                if not isinstance(codecs[name], DetailCodec)}  # fmt: skip
        relations, people = self.model.relations, {}
        table = relations.followed(pa.table(made), self.streams("relations"))
        for crowd, names in shared_by_crowd(columns.codecs).items() if len(own) else ():
            rng = self.streams(f"people {crowd.name}")
            chosen = rng.integers(0, len(own), len(crowd.repeats))
            codes = own[:, [columns.names.index(name) for name in names]]
            codes = np.column_stack([np.zeros(len(own), np.int32), codes])
            everyone = Draft(table.select(names).take(array_of(chosen)), codes[chosen])
            rows = Draft(table, codes)
            table, people[crowd.name] = with_people(
                rows, everyone, crowd, numbers, self.seed, relations=relations, rng=rng
            )
        whole = dict(zip(made, table.columns, strict=True))
        for name in decoded.keys() - made:
            whole[name] = decoded[name](places(self.streams(f"column {name}"), table, people))
        table = pa.table([whole[name] for name in columns.names], schema=columns.schema)
        table = relations.narrowed(table, but=relations.used_again)
        if self.model.timeline is not None:
            table = self.model.timeline.restored(table, siblings.positions)
            table = self._settled(table, self.model.timeline, siblings)
        return {name: table.column(name) for name in table.column_names}

    def _settled(self, table: pa.Table, timeline: Timeline, siblings: Siblings) -> pa.Table:
        """Rows with what follows from their times, unless these are still distances."""
        timed = self.model.timed
        if timeline.time in timed.shifted:
            return table
        entity = np.cumsum(siblings.positions == 0)
        table = timed.settled(table, timeline.time, timeline.beside, entity, apart=timeline.apart)
        return self.model.following.updated(table, timed.spreads, self.streams("timed"))

    def _with_times(self, own: Codes, columns: Columns, siblings: Siblings) -> Codes:
        """First rows with a start and later ones with a gap, where a model drew none."""
        timeline, own = self.model.timeline, own.copy()
        if timeline is None:
            return own
        for name, needed in (
            (timeline.time, siblings.positions == 0),
            (timeline.gap, siblings.positions > 0),
        ):
            at = columns.names.index(name)
            cells = columns.codecs[at].cells
            lacking = np.flatnonzero(needed & (own[:, at] == cells.cells - 1))
            shares = cells.counts[:-1].astype(float)
            if cells.missing and len(lacking) and shares.any():
                rng = self.streams(f"times of {name}")
                own[lacking, at] = rng.choice(len(shares), len(lacking), p=shares / shares.sum())
        return own
