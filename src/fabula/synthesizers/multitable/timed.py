"""What follows, inside a row, from times that a model knows as gaps or distances.

Weekdays, hours and days to a shipment are found alongside the times as they are in training, and
computed again once a sample's times are times. Where distances are longer than a rhythm takes to
come again, times are moved to the hours and weekdays that were drawn for them first; and so is a
time whose weekday no training row has.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.arrays import array_of
from fabula.synthesizers.codecs.categories import CategoryCodec
from fabula.synthesizers.codecs.learning import Columns
from fabula.synthesizers.codecs.numbers import NumberCodec
from fabula.synthesizers.constraints.calendar import RHYTHMS, Part
from fabula.synthesizers.constraints.finding import find_relations
from fabula.synthesizers.constraints.lookups import Lookup
from fabula.synthesizers.constraints.measures import SECONDS, Flags, Floats, measures_of
from fabula.synthesizers.constraints.orders import above
from fabula.synthesizers.constraints.relation import Relation
from fabula.synthesizers.constraints.relations import Relations
from fabula.synthesizers.constraints.rhythms import find_rhythms
from fabula.synthesizers.constraints.sheet import Sheet
from fabula.synthesizers.constraints.turning import turn
from fabula.synthesizers.multitable.across.shifts import Shift, whole
from fabula.synthesizers.multitable.timeline import Timeline

_ABOUT = 1.1
"""Distances that are this much shorter than a rhythm takes to come again are as long as it, about:
a year may have 364 days from one first Sunday to the next."""

_STEPS, _EVER = (7 * 86_400.0, 3_600.0, 86_400.0, 60.0, 1.0), 1e15
"""How far a time is moved that came before: to the same hour of a weekday, or else of that day."""


@dataclass(frozen=True)
class Timed:
    """Relations with times that are made late.

    Attributes:
        codecs: These times as they are in training.
        relations: What follows from them, and the rhythms that are learned of them.
        spreads: How far apart the distances lie that a model knows them by, in seconds.
        shifted: Times that are distances until parents' times are known.
        reach: The least and the longest of these distances, in seconds.
    """

    codecs: tuple[NumberCodec, ...] = ()
    relations: Relations = field(default_factory=Relations)
    spreads: Mapping[str, float] = field(default_factory=dict)
    shifted: frozenset[str] = frozenset()
    reach: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def alongside(self, relations: Relations) -> Relations:
        """These and the other relations of the table, each after what it follows from."""
        both = Relations.of((*relations.items, *self.relations.items), ())
        measures = {**relations.measures, **self.relations.measures}
        latent = (*relations.latent, *self.relations.latent)
        return replace(both, measures=measures, latent=latent)

    def measured(self, columns: Columns | None) -> Timed:
        """With the measures of all columns that are drawn."""
        drawn = () if columns is None else columns.codecs
        measures = measures_of((*drawn, *self.codecs))
        return replace(self, relations=replace(self.relations, measures=measures))

    def settled(
        self,
        table: pa.Table,
        time: str,
        beside: Sequence[str],
        entity: NDArray[np.int64] | None,
        *,
        low: Floats | None = None,
        high: Floats | None = None,
        apart: bool = False,
    ) -> pa.Table:
        """Rows whose times have the parts that were drawn for them.

        Other times of a row that are not before it move with a time.

        Args:
            table: Rows whose times are times.
            time: The time that leads the others.
            beside: Times that are learned as distances to it.
            entity: The rows of one entity, whose times stay in order; None if they have none.
            low: What no time is below, in seconds since 1970.
            high: What the time that leads is not above.
            apart: Whether no two rows of an entity have the same time.
        """
        sheet = Sheet(table, self.relations.measures)
        times = [name for name in (time, *beside) if name in self.spreads]
        first = {name: above(sheet, name) for name in times}
        start = np.full(len(sheet), -np.inf) if low is None else low
        ever = np.full(len(sheet), np.inf)
        for at, name in enumerate(times):
            was, bound = above(sheet, name), start
            latest = high if high is not None and name == time else ever
            for other in times[:at]:
                after = first[name] >= first[other]
                bound = np.where(after, np.fmax(bound, above(sheet, other)), bound)
            for items, rows in self._turns(sheet, name):
                turn(sheet, name, items, rows, (bound, latest), anywhere=True)
            now = above(sheet, name)
            if name == time and entity is not None and (now != was).any():
                unit = self.relations.measures[name].unit
                steps = [step for step in _STEPS if step >= unit] if apart else []
                now = in_order(now, entity, start, high=latest, steps=steps)
            for other in times[:at]:
                early = (first[name] <= first[other]) & (now > above(sheet, other))
                now = np.where(early, was, now)
            _put(sheet, name, now)
            for other in times[at + 1 :]:
                moved = np.where(first[other] >= first[name], now - was, 0.0)
                _put(sheet, other, above(sheet, other) + np.nan_to_num(moved))
        return sheet.rows

    def restored(
        self,
        shift: Shift,
        before: pa.Table,
        after: pa.Table,
        timeline: Timeline | None,
        entity: NDArray[np.int64] | None,
    ) -> pa.Table:
        """Rows whose times were put back from distances, moved to the parts drawn for them.

        Args:
            shift: The times.
            before: The rows with distances.
            after: The rows with times.
            timeline: The time that orders the rows of an entity, or none.
            entity: The rows of one entity.
        """
        if shift.equal or shift.column not in self.spreads:
            return after
        distance, time = (whole(table.column(shift.column)) for table in (before, after))
        unit = self.relations.measures[shift.column].unit
        start = np.where(distance >= 0, (time - distance) * unit, -np.inf)
        least, most = self.reach.get(shift.column, (0.0, _EVER))
        leads = timeline is not None and timeline.time == shift.column
        return self.settled(
            after,
            shift.column,
            shift.beside,
            entity if leads else None,
            low=start + least,
            high=np.where(distance >= 0, start + most, np.inf),
            apart=leads and timeline is not None and timeline.apart,
        )

    def _turns(self, sheet: Sheet, time: str) -> list[tuple[list[Relation], Flags]]:
        """Relations that tell parts of a time, and the rows in which it is moved to these."""
        told = [
            (item, item.how.part)
            for item in self.relations.items
            if isinstance(item.how, Part | Lookup) and item.how.source == time
            if item.how.part in RHYTHMS
        ]
        wide = [item for item, part in told if self.spreads[time] >= RHYTHMS[part][0]]
        turns = [(wide, np.ones(len(sheet), bool))]
        for item, _ in told:
            if item not in wide and isinstance(item.how, Lookup):
                turns.append(([item], ~item.how.found(sheet.values(time))[1]))
        return turns


def find_timed(
    table: pa.Table,
    columns: Columns,
    distances: Mapping[str, Floats],
    reach: Mapping[str, tuple[float, float]],
    *,
    in_turn: str = "",
    protect: int,
    given: Collection[str],
) -> tuple[Relations, Timed]:
    """What holds on every row: without the times that are made late, and with them.

    Args:
        table: Training rows; times are times.
        columns: What was learned of its other columns.
        distances: The times that are made late, and the distances that a model knows them by, in
            seconds; they follow from no column of the row.
        reach: Those of them that are distances until parents' times are known, and how long these
            are.
        in_turn: The one that is known by its distance from the row before, if any.
        protect: As for `find_relations`.
        given: Columns that follow from another table.
    """
    times = Columns.learnable(table.select(list(distances)), {}, protect=protect)
    schema = pa.unify_schemas([times.schema, columns.schema])  # others follow from times
    every = replace(columns, schema=schema, codecs=(*times.codecs, *columns.codecs))
    found = find_relations(table, every, protect=protect, given={*given, *distances})
    late = [item for item in found.items if not distances.keys().isdisjoint(item.sources)]
    early = tuple(item for item in found.items if item not in late)
    codecs = tuple(codec for codec in times.codecs if isinstance(codec, NumberCodec))
    spreads = {
        codec.name: _spread(distances[codec.name], adding_up=codec.name == in_turn)
        for codec in codecs
    }
    alone = {
        name: measure
        for name, measure in found.measures.items()
        if name in spreads or not measure.is_time
    }
    labels = [codec.name for codec in columns.codecs if isinstance(codec, CategoryCodec)]
    told = {
        (item.how.source, item.how.part) for item in late if isinstance(item.how, Part | Lookup)
    }
    rhythms = find_rhythms(Sheet(table, alone), labels, told, spreads)
    rhythms = [rhythm for rhythm in rhythms if rhythm.moves]
    late += [Relation(rhythm.name, rhythm.formula) for rhythm in rhythms]
    relations = replace(Relations.of(late, (), latent=rhythms), measures=found.measures)
    timed = Timed(codecs, relations, spreads, frozenset(reach), reach)
    return replace(found, items=early), timed


def in_order(
    times: Floats,
    entity: NDArray[np.int64],
    low: Floats,
    *,
    high: Floats,
    steps: Sequence[float] = (),
) -> Floats:
    """Times of entities in the order of their rows, where all rows have the same lower bound.

    Args:
        times: The times, in seconds.
        entity: The entity of each row; rows of a negative one are alone.
        low: What no time is below.
        high: What no time is above.
        steps: Where no time comes twice in an entity, how far it is moved, in seconds: by the first
            step after which it isn't too late, or by the first one if it is after all of them.
    """
    alone = np.flatnonzero(entity < 0)
    entity = entity.copy()
    entity[alone] = entity.max(initial=0) + 1 + np.arange(len(alone))
    place = np.lexsort((np.arange(len(times)), entity))
    same = np.diff(entity[place]) == 0
    differ = np.zeros(int(entity.max(initial=0)) + 1, bool)
    differ[entity[place][1:][same & (low[place][1:] != low[place][:-1])]] = True
    ordered = times.copy()
    while True:
        sorted_ = ordered[np.lexsort((ordered, entity))]
        ordered[place] = np.where(differ[entity[place]], ordered[place], sorted_)
        again = np.append(False, same & (np.diff(ordered[place]) == 0))
        if not steps or not again.any():
            return ordered
        late = place[again]
        fits = [ordered[late] + step <= high[late] for step in steps]
        ordered[late] += np.select(fits, steps, steps[0])


def distances_of(
    table: pa.Table,
    times: pa.Table,
    names: Sequence[str],
    timeline: Timeline | None,
    shifted: Collection[str],
) -> dict[str, Floats]:
    """The distances that a model knows times by, in seconds; NaN if it knows a time as such.

    Args:
        table: Rows as they are learned.
        times: The table whose times are times.
        names: The times that are made late.
        timeline: The time that orders the rows of an entity, or none.
        shifted: Times that are learned as distances from times of parents.
    """
    found = {}
    for name in names:
        kind = times.schema.field(name).type
        unit = 86_400.0 if pa.types.is_date32(kind) else SECONDS[getattr(kind, "unit", "ms")]
        values = table.column(name)
        distance = np.where(values.is_null().to_numpy(), np.nan, whole(values))
        if timeline is not None and name == timeline.time:
            gaps = table.column(timeline.gap)
            starts = distance if name in shifted else np.full(len(distance), np.nan)
            distance = np.where(gaps.is_null().to_numpy(), starts, whole(gaps))
        found[name] = distance * unit
    return found


def reach_of(table: pa.Table, name: str, protect: int) -> tuple[float, float]:
    """The least and the longest distance of a column, in seconds, but for the extreme ones."""
    kind, values = table.schema.field(name).type, table.column(name)
    unit = 86_400.0 if pa.types.is_date32(kind) else SECONDS[getattr(kind, "unit", "ms")]
    known = np.sort(whole(values)[values.is_valid().to_numpy()])
    known = known[known >= 0]
    if not len(known):
        return 0.0, _EVER
    rank = min(max(protect, 1), len(known)) - 1
    return float(known[rank] * unit), float(known[-1 - rank] * unit)


def _put(sheet: Sheet, name: str, seconds: Floats) -> None:
    """Put other times, in seconds since 1970, in the rows where they are other ones."""
    other, measure, own = seconds != above(sheet, name), sheet.measures[name], sheet.values(name)
    values = measure.values(seconds - measure.start).cast(own.type)
    sheet.replace(name, pc.if_else(array_of(other & ~np.isnan(seconds)), values, own))


def _spread(distances: Floats, *, adding_up: bool) -> float:
    """How far apart most distances lie; those that add up lie as far apart as they are long."""
    known = distances[~np.isnan(distances)]
    if not len(known):
        return 0.0
    low, middle, high = np.quantile(known, [0.1, 0.5, 0.9])
    return float(max(high - low, _ABOUT * middle if adding_up else 0.0))
