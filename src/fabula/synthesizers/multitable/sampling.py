"""One table of several, made: rows under their parents, other parents chosen, keys given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.io.arrays import array_of
from fabula.relationships.common_types import as_labels
from fabula.relationships.keys import ForeignKey
from fabula.synthesizers.codecs.codec import Places
from fabula.synthesizers.codecs.copies import CopyCodec
from fabula.synthesizers.codecs.learning import Columns
from fabula.synthesizers.codecs.stand_ins import StandInCodec
from fabula.synthesizers.model import Codes
from fabula.synthesizers.multitable.alike import drawn_alike
from fabula.synthesizers.multitable.drawing import Drawing, Streams, Stubs, natural_at
from fabula.synthesizers.multitable.foreign_keys import Rows
from fabula.synthesizers.multitable.identity import grouped, made_apart
from fabula.synthesizers.multitable.keyed import agreeing, taken, with_parents
from fabula.synthesizers.multitable.layout import MadeTable, Seen, Siblings
from fabula.synthesizers.multitable.matching import (
    chosen_parents,
    chosen_within,
    counts_like,
    made_distinct,
    made_unequal,
)
from fabula.synthesizers.multitable.table_model import TableModel
from fabula.synthesizers.multitable.timeline import Timeline
from fabula.synthesizers.pii.codec import DetailCodec
from fabula.synthesizers.several_rows import Draft, shared_by_crowd, with_people


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
        drawing = Drawing(self.model, siblings, self._stubs(len(codes)), self.streams)
        driver = self.model.links.driver
        drawing.place(codes, None if driver is None else self._seen(driver))
        drawing.draw(codes)
        links = self._other_parents(codes, siblings, drawing.stubs)
        if drawing.waits:
            drawing.draw(codes, links)
        drawn_alike(self.model, layout.part(codes, "own"), links, self.streams)
        drawing.put_beside(codes, links)
        keep = self._apart(codes, links)
        wanted = {
            key: layout.part(codes, f"below:{key.name}")[:, 0].astype(float)
            for key in self.model.below
        }
        if self.model.counted:
            at, _ = natural_at(self.model, self.model.identity.alone or "")
            wanted |= {
                key: counts[codes[:, at]].astype(float)
                for key, counts in self.model.counted.items()
            }
        for key in self.model.links.upward:
            links[key] = self._upward(key, codes, wanted[key], links)
        own = np.ascontiguousarray(layout.part(codes, "own"))
        table = self._table(own, siblings, links)
        keep &= self._without_repeats(table) & ~self.model.identity.beyond(table)
        ranks = {key: values[keep] for key, values in wanted.items()}
        kept = {key: rows[keep] for key, rows in links.items()}
        return MadeTable(
            table.filter(array_of(keep)), layout.seen(codes[keep], self.model.shown), ranks, kept
        )

    def _kept(self, table: pa.Table) -> MadeTable:
        columns = self.model.columns
        seen = Seen(np.zeros((table.num_rows, 0), np.int32))
        if columns is not None:
            seen = Seen(columns.encode(table), tuple(codec.cells for codec in columns.codecs))
        return MadeTable(table, seen, {})

    def _seen(self, key: ForeignKey) -> Seen:
        return self.parents[key.parent].seen

    def _leading_parents(self) -> Rows:
        """The parent of each row, rising; rows without one come first."""
        driver, total = self.model.links.driver, round(self.scale * self.model.rows)
        if self.model.identity.alone is not None:
            total = min(total, natural_at(self.model, self.model.identity.alone)[1].cells)
        if driver is None:
            return np.full(total, -1, np.int64)
        reach = self.model.reach[driver]
        alone = round(reach.missing * total)
        counts = self._counts(driver, total - alone)
        if self.model.panel is not None:
            counts = self.model.panel.counts(counts)
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

    def _stubs(self, rows: int) -> dict[ForeignKey, Stubs]:
        """The parents that rows ask for by the keys that don't lead them."""
        found = {}
        for key in self.model.links.others:
            reach, seen = self.model.reach[key], self._seen(key)
            assert reach.groups is not None
            counts = self._counts(key, round((1 - reach.missing) * rows))
            groups = reach.groups(seen.codes, counts).astype(np.int64)
            found[key] = Stubs(seen, groups, counts)
        return found

    def _other_parents(
        self, codes: Codes, siblings: Siblings, stubs: Mapping[ForeignKey, Stubs]
    ) -> dict[ForeignKey, Rows]:
        driver = self.model.links.driver
        found: dict[ForeignKey, Rows] = {} if driver is None else {driver: siblings.parents}
        for key in self.model.links.others:
            reach, rng = self.model.reach[key], self.streams(f"parents of {key.name}")
            assert reach.groups is not None
            asked = self.model.layout.part(codes, f"group:{key.name}")[:, 0].astype(np.int64)
            links = np.full(len(codes), -1, np.int64)
            likeliest = np.lexsort((rng.random(len(asked)), asked == reach.groups.size))
            has = np.sort(likeliest[: round((1 - reach.missing) * len(asked))])
            groups, counts = stubs[key].groups, stubs[key].counts
            labels = self._labels(key, found)
            if labels is not None:
                within = (labels[0][has], labels[1])
                links[has] = chosen_within(asked[has], groups, counts, within, rng)
            elif len(counts):
                links[has] = chosen_parents(
                    asked[has], groups, counts, siblings.families[has], rng,
                    centres=reach.groups.centres,
                )  # fmt: skip
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

    def _apart(self, codes: Codes, links: Mapping[ForeignKey, Rows]) -> NDArray[np.bool_]:
        """Give rows that repeat a key of real values another one; rows without a free one go."""
        column = self.model.identity.needs_room
        if column is None or not len(codes):
            return np.ones(len(codes), dtype=bool)
        given, (at, cells) = self._given(links), natural_at(self.model, column)
        beside = [as_labels(given[name]) for name in self.model.identity.primary if name in given]
        for name in self.model.identity.natural[:-1]:
            beside.append(as_labels(pa.chunked_array([codes[:, natural_at(self.model, name)[0]]])))
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

    def _table(self, own: Codes, siblings: Siblings, links: Mapping[ForeignKey, Rows]) -> pa.Table:
        """Values of all columns, in the training table's order."""
        values = self._learned(own, siblings)
        numbers = np.arange(len(own), dtype=np.int64)
        for codec in self.model.identity.keys:
            places = Places(numbers, self.seed, self.streams(f"key {codec.name}"))
            values[codec.name] = codec.decode(np.zeros(len(own), np.int32), places)
        for copy in () if self.model.columns is None else self.model.columns.codecs:
            if isinstance(copy, CopyCodec):
                made, rng = values[copy.name], self.streams(f"copy {copy.name}")
                values[copy.name] = copy.repeated(made, values[copy.source], rng)
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
        for name, codec in codecs.items():
            if isinstance(codec, StandInCodec) and codec.key:
                whole[name] = pa.chunked_array(
                    [codec.named(own[:, columns.names.index(codec.key)])]
                )
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
