"""Exact relations of a learned table: which columns follow from which others, and how.

A model still draws every column, so that all of them can be asked for. Then each column with a
relation is put to what its sources give. Where it is asked for and would be another value, one of
its sources is moved instead.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from graphlib import TopologicalSorter
from typing import TypeAlias

import numpy as np
import pyarrow as pa

from fabula.io.arrays import array_of
from fabula.synthesizers.codecs.codec import CodecState, ColumnCodec
from fabula.synthesizers.constraints.absences import Absence
from fabula.synthesizers.constraints.cases import Cases
from fabula.synthesizers.constraints.differences import Difference
from fabula.synthesizers.constraints.gaps import Gap
from fabula.synthesizers.constraints.measures import Flags, Measure, measures_of
from fabula.synthesizers.constraints.orders import Order, above, exchangeable, put_in_order
from fabula.synthesizers.constraints.rankings import Ranking
from fabula.synthesizers.constraints.relation import ByLabel, Relation, merged
from fabula.synthesizers.constraints.rhythms import Rhythm
from fabula.synthesizers.constraints.sheet import Sheet
from fabula.synthesizers.constraints.spots import Spot
from fabula.synthesizers.constraints.turning import turn
from fabula.synthesizers.model import CellColumn

Latent: TypeAlias = Gap | Rhythm | Cases | Spot
"""A column that is learned, but not handed out."""

_LATENT: Mapping[str, Callable[[CodecState], Latent]] = {
    "gap": Gap.restore,
    "rhythm": lambda state: Rhythm(**state.settings),
    "cases": lambda state: Cases.restore(state.settings),
    "spot": Spot.restore,
}

_KEPT: Mapping[str, type[Order | Difference]] = {"order": Order, "difference": Difference}

USABLE = 0.5
"""The share of drawn rows, at least, that can keep a relation: others are drawn again."""

Fits = Callable[[pa.Array], Flags]
"""Which values of a column are as asked."""


@dataclass(frozen=True, eq=False)
class Relations:
    """All relations of a table.

    Attributes:
        items: Each after those that its sources follow from.
        measures: How columns are numbers.
        orders: Columns never above others, or never equal; rows that break one are left out.
        latent: Columns that are learned alongside those of the table, and not handed out.
        rankings: Columns that hold each of the same numbers once.
    """

    items: tuple[Relation, ...] = ()
    measures: Mapping[str, Measure] = field(default_factory=dict)
    orders: tuple[Order | Difference, ...] = ()
    latent: tuple[Latent, ...] = ()
    rankings: tuple[Ranking, ...] = ()

    @classmethod
    def of(
        cls,
        found: Iterable[Relation],
        codecs: Iterable[ColumnCodec],
        *,
        orders: Iterable[Order | Difference] = (),
        latent: Iterable[Latent] = (),
        rankings: Iterable[Ranking] = (),
    ) -> Relations:
        """Relations in any order; they have no cycle."""
        by_target = {relation.target: relation for relation in found}
        order = TopologicalSorter({name: item.sources for name, item in by_target.items()})
        items = tuple(by_target[name] for name in order.static_order() if name in by_target)
        return cls(items, measures_of(codecs), tuple(orders), tuple(latent), tuple(rankings))

    def __bool__(self) -> bool:
        return bool(self.items or self.orders or self.rankings or self.spots)

    @property
    def told(self) -> tuple[str, ...]:
        """The relations in words."""
        near = {item.name: item.order.high for item in self.latent if isinstance(item, Gap)}
        silent = {*near.values(), *self.hidden}
        own = [item for item in self.orders if isinstance(item, Difference) or not item.implied]
        limits = [item.limit for item in own if isinstance(item, Order) and item.high not in silent]
        return (
            *(f"{near.get(item.target, item.target)}: {item.told(self.measures)}"
              for item in self.items
              if item.target not in silent or isinstance(item.how, Absence)),
            *(item.told for item in (*own, *self.rankings, *self.spots)),
            *filter(None, limits),
        )  # fmt: skip

    @property
    def spots(self) -> list[Spot]:
        """Pairs of columns that are drawn together."""
        return [item for item in self.latent if isinstance(item, Spot)]

    def marked(self, cells: Sequence[CellColumn]) -> tuple[CellColumn, ...]:
        """Columns as a model sees them, with what is known of the cells of places."""
        spots = {spot.name: spot for spot in self.spots}
        return tuple(spots[own.name].marked(own) if own.name in spots else own for own in cells)

    @property
    def hidden(self) -> list[str]:
        """Names of the columns that are not handed out."""
        return [item.name for item in self.latent]

    @property
    def used_again(self) -> list[str]:
        """Hidden columns that are needed once others change: which formula holds, distances."""
        return [item.name for item in self.latent if not isinstance(item, Rhythm)]

    def widened(self, table: pa.Table, times: pa.Table | None = None) -> pa.Table:
        """Rows with the columns that are not handed out, told by them or by rows of times."""
        sheet = Sheet(table if times is None else times, self.measures)
        for item in self.latent:
            table = table.append_column(item.name, item.values(sheet))
        return table

    def narrowed(self, table: pa.Table, *, but: Collection[str] = ()) -> pa.Table:
        """Rows without the columns that are not handed out, but for some."""
        gone = [name for name in self.hidden if name in table.column_names and name not in but]
        return table.drop_columns(gone) if gone else table

    def applied(
        self, table: pa.Table, asked: Mapping[str, Fits], rng: np.random.Generator
    ) -> pa.Table:
        """Rows that keep every relation; those that can't, or then are not as asked, are left out.

        Args:
            table: Drawn rows, which are as asked.
            asked: What columns are to hold, by name.
            rng: Chooses where several values keep a relation.
        """
        if not self:
            return table
        drawn, sheet = Sheet(table, self.measures), Sheet(table, self.measures)
        every = np.ones(len(sheet), bool)
        self._rank(sheet, rng)
        turned_to = self._turn(sheet)
        keep = turned_to & self._put(sheet, dict.fromkeys(table.column_names, every), rng)
        other = ~_as_asked(sheet, asked)
        if other.any():
            for name in asked:
                sheet.replace(name, merged(sheet.values(name), drawn.values(name), other))
            free = [name for name in table.column_names if name not in asked]
            self._solve(sheet, dict.fromkeys(asked, other), dict.fromkeys(free, other))
            keep = turned_to | other
            keep &= self._put(sheet, dict.fromkeys(table.column_names, every), rng, other)
            keep &= _as_asked(sheet, asked)
        keep &= self.in_order(sheet.rows)
        return sheet.rows if keep.all() else sheet.rows.filter(array_of(keep))

    def exchanging(self) -> Relations:
        """With those orders alone that an exchange of both values restores, or a distance keeps."""
        ruled = [item for item in self.items if not isinstance(item.how, Absence)]
        bound = {name for item in ruled for name in (item.target, *item.sources)}
        bound |= {name for ranking in self.rankings for name in ranking.columns}
        return replace(self, orders=exchangeable(self.orders, bound, self._near))

    def followed(self, table: pa.Table, rng: np.random.Generator) -> pa.Table:
        """All of the rows, keeping every relation; some may leave the learned ranges.

        Two values in the wrong order are exchanged.
        """
        sheet = Sheet(table, self.measures)
        self._rank(sheet, rng)
        self._turn(sheet)
        self._put(sheet, dict.fromkeys(table.column_names, np.ones(len(sheet), bool)), rng)
        put_in_order(sheet, self.orders)
        return sheet.rows

    def updated(
        self, table: pa.Table, changed: Iterable[str], rng: np.random.Generator
    ) -> pa.Table:
        """The rows with what follows from columns that have other values now; parts of times stay.

        A column is not computed from one that the rows lack.
        """
        sheet, names, every = Sheet(table, self.measures), set(changed), np.ones(len(table), bool)
        usable = {*table.column_names} - {*self.hidden} | {*self.used_again}
        for item in self.items:
            if names & {*item.sources} and usable >= {item.target, *item.sources}:
                names.add(item.target)
                item.follow(sheet, every, rng)
        return sheet.rows

    def in_order(self, table: pa.Table) -> Flags:
        """Which rows keep the orders."""
        sheet, kept = Sheet(table, self.measures), np.ones(len(table), bool)
        for order in self.orders:
            kept &= order.kept(sheet)
        return kept

    def filled(
        self, table: pa.Table, gaps: Mapping[str, Flags], rng: np.random.Generator
    ) -> pa.Table:
        """A table whose gaps were filled, after which they keep the relations if they can.

        Args:
            table: Rows; only what was a gap is changed.
            gaps: Which values of each column were gaps.
            rng: Chooses where several values keep a relation.
        """
        sheet = Sheet(table, self.measures)
        for spot in self.spots:
            first, second = spot.columns
            spot.put(sheet, rng, gaps[first] & gaps[second])
        self._solve(sheet, {name: ~missing for name, missing in gaps.items()}, gaps)
        self._put(sheet, gaps, rng)
        return sheet.rows

    def usable(self, drawn: pa.Table, rng: np.random.Generator) -> Relations:
        """Without the relations that few drawn rows can keep within the learned ranges."""
        sheet = Sheet(drawn, self.measures)
        self._rank(sheet, rng)
        self._turn(sheet)
        every = np.ones(len(sheet), bool)
        items = tuple(
            item
            for item in self.items
            if self._step(item, sheet, every, rng, every).mean() >= USABLE
        )
        orders: list[Order | Difference] = []
        for order in self.orders:
            own, told = order.kept(sheet), order
            if isinstance(order, Order) and (every & own).mean() < USABLE:
                told = replace(order, most=None)
                own = told.kept(sheet)
            if isinstance(told, Order) and not own.all():
                told = replace(told, implied=False)
            if (every & own).mean() >= USABLE:
                every, orders = every & own, [*orders, told]
        return replace(self, items=items, orders=tuple(orders))

    def states(self) -> tuple[CodecState, ...]:
        """All of it as plain values."""
        return (
            *(state for item in self.items for state in item.states()),
            *(item.state() for item in (*self.orders, *self.latent, *self.rankings)),
        )

    @classmethod
    def restore(cls, states: Iterable[CodecState], codecs: Iterable[ColumnCodec]) -> Relations:
        """The relations of saved states."""
        own, orders, latent, rankings = [], [], [], []
        for state in states:
            if state.family in _KEPT:
                orders.append(_KEPT[state.family](**state.settings))
            elif state.family == "ranking":
                rankings.append(Ranking.restore(state))
            elif state.family in _LATENT:
                latent.append(_LATENT[state.family](state))
            else:
                own.append(state)
        found = Relation.restore(own)
        return cls.of(found, codecs, orders=orders, latent=latent, rankings=rankings)

    def _rank(self, sheet: Sheet, rng: np.random.Generator) -> None:
        for ranking in self.rankings:
            ranking.put(sheet, rng)
        for spot in self.spots:
            spot.put(sheet, rng)

    def _turn(self, sheet: Sheet) -> Flags:
        """Move times that follow from nothing to the parts that were drawn."""
        every = np.ones(len(sheet), bool)
        possible, targets = every, {item.target for item in self.items}
        for time in dict.fromkeys(item.sources[0] for item in self.items):
            if time in self.measures and self.measures[time].is_time and time not in targets:
                possible = possible & turn(sheet, time, self.items, every)
        return possible

    def _put(
        self,
        sheet: Sheet,
        rows: Mapping[str, Flags],
        rng: np.random.Generator,
        still: Flags | None = None,
    ) -> Flags:
        """Put columns, in some rows of each, to what follows; tells where all of it can be.

        Args:
            sheet: The rows.
            rows: Where each column may be changed.
            rng: Chooses where several values keep a relation.
            still: Where no time is moved to its parts, because it was requested.
        """
        possible = np.ones(len(sheet), bool)
        for item in self.items:
            own = rows[item.target]
            possible &= self._step(item, sheet, own, rng, own if still is None else own & ~still)
        return possible

    def _step(
        self, item: Relation, sheet: Sheet, rows: Flags, rng: np.random.Generator, turned: Flags
    ) -> Flags:
        """Put one column to what follows, and a time that follows from another to its parts."""
        possible = item.follow(sheet, rows, rng)
        if item.target in self._moved:
            gap = self._moved[item.target]
            parts = [part for part in self.items if part.target in self.hidden]
            low = above(sheet, gap.order.low)
            least, most = self.measures[gap.name].bounds
            possible &= turn(sheet, item.target, parts, turned, (low + least, low + most))
        return possible

    @property
    def _moved(self) -> dict[str, Gap]:
        """Times that are learned as distances, and have parts of their own; and the distances."""
        moved = {item.time for item in self.latent if isinstance(item, Rhythm) and item.moves}
        gaps = {item.order.high: item for item in self.latent if isinstance(item, Gap)}
        return {time: gap for time, gap in gaps.items() if time in moved}

    @property
    def _near(self) -> list[Order]:
        """Orders that a distance keeps."""
        return [item.order for item in self.latent if isinstance(item, Gap)]

    def _solve(self, sheet: Sheet, held: Mapping[str, Flags], movable: Mapping[str, Flags]) -> None:
        """Move sources so that formulas give what their columns contain.

        Args:
            sheet: The rows.
            held: Rows, by column, whose value is to stay.
            movable: Rows, by column, whose value may change; where several sources of a formula
                may, the one of most numbers does.
        """
        held, movable = dict(held), dict(movable)
        for item in reversed(self.items):
            left = held.get(item.target)
            if left is None or isinstance(item.how, ByLabel):
                continue
            names = [name for name in item.sources if name in movable]
            for name in sorted(names, key=lambda name: -self.measures[name].numbers_inside):
                rows = left & movable[name]
                if not rows.any():
                    continue
                measure = self.measures[name]
                numbers = item.how.solved(name, sheet.numbers(item.target), sheet)
                rows &= np.isfinite(numbers) & measure.inside(numbers)
                sheet.replace(name, merged(sheet.values(name), measure.values(numbers), rows))
                left, movable[name] = left & ~rows, movable[name] & ~rows
                held[name] = held[name] | rows if name in held else rows


def _as_asked(sheet: Sheet, asked: Mapping[str, Fits]) -> Flags:
    flags = np.ones(len(sheet), bool)
    for name, fits in asked.items():
        flags &= fits(sheet.values(name))
    return flags
