"""Rows of one entity in time order: a start and gaps in place of points in time, and back.

Learned this way, events keep their order, their pace and their distance to the row's other times.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.arrays import array_of
from fabula.synthesizers.codecs.learning import FEWEST_ROWS
from fabula.synthesizers.multitable.foreign_keys import Rows

GAP = "since the one before"
"""What a gap's column is called, after the time's own name."""

_SECONDS = pa.timestamp("s")


@dataclass(frozen=True)
class Timeline:
    """The time column that orders the children of a parent.

    Attributes:
        time: Its name.
        beside: Other columns of the same type; they are kept as distances to it.
        latest: The time, in its own unit, that no row is after.
        step: What all times are apart by, or a multiple of it.
        apart: Whether no two rows of a parent have the same time.
    """

    time: str
    beside: tuple[str, ...] = ()
    latest: int | None = None
    step: int = 1
    apart: bool = False

    @classmethod
    def of(cls, table: pa.Table, *, alone: Collection[str] = ()) -> Timeline | None:
        """The first complete time that follows from no other, or None if there is none.

        Args:
            table: Rows.
            alone: Times that keep no distance to it.
        """
        told = told_by_others(table)
        times = [field for field in table.schema if pa.types.is_temporal(field.type)]
        times = [field for field in times if field.name not in told]
        for field in times:
            if _is_point(field.type) and not table.column(field.name).null_count:
                same = [other.name for other in times if other.type == field.type]
                beside = (name for name in same if name != field.name and name not in alone)
                return cls(field.name, tuple(beside))
        return None

    def bounded(self, table: pa.Table, parents: Rows, *, protect: int) -> Timeline:
        """The timeline with the latest time that enough rows have, and how far times are apart."""
        counted = _counted(table.column(self.time))
        times = np.sort(counted)
        step = int(np.gcd.reduce(np.diff(times), initial=0)) or 1
        latest = int(times[-min(max(1, protect + 1), len(times))])
        order = np.lexsort((counted, parents))
        same = (np.diff(parents[order]) == 0) & (parents[order[1:]] >= 0)
        apart = same.sum() >= FEWEST_ROWS and (np.diff(counted[order])[same] > 0).all()
        return replace(self, latest=latest, step=step, apart=bool(apart))

    @property
    def gap(self) -> str:
        """The name of the gaps' column."""
        return f"{self.time} {GAP}"

    def order(self, table: pa.Table, parents: Rows) -> NDArray[np.int64]:
        """Row numbers by parent, then by time."""
        return np.lexsort((_counted(table.column(self.time)), parents))

    def flattened(self, table: pa.Table, positions: NDArray[np.int64]) -> pa.Table:
        """Rows in order, with starts and gaps in place of times.

        Args:
            table: Rows in the order of `order`.
            positions: Each row's place among its parent's rows, from 0.
        """
        time = _counted(table.column(self.time))
        later = positions > 0
        gaps = np.diff(time, prepend=time[:1])
        starts = array_of(time, missing=later).cast(_width(table.field(self.time).type))
        at = table.column_names.index(self.time)
        kind = table.field(self.time).type
        for name in self.beside:
            distance = pc.subtract(
                table.column(name).cast(_width(kind)).cast(pa.int64()), pa.chunked_array([time])
            )
            table = table.set_column(table.column_names.index(name), name, distance)
        table = table.set_column(at, self.time, starts.cast(kind))
        return table.append_column(self.gap, array_of(gaps, missing=~later))

    def restored(self, table: pa.Table, positions: NDArray[np.int64]) -> pa.Table:
        """The opposite of `flattened`."""
        kind = table.field(self.time).type
        starts = _counted(table.column(self.time))
        gaps = _counted(table.column(self.gap))
        steps = np.where(positions == 0, starts, gaps)
        total = np.cumsum(steps)
        first = np.maximum.accumulate(np.where(positions == 0, np.arange(len(steps)), 0))
        time = total - (total - steps)[first]
        if self.latest is not None:
            time = self._within(time, first, self.latest)
        if self.apart:
            time = self._apart(time, first)
        unknown = table.column(self.time).is_null().to_numpy()[first]  # no start, no time
        time = array_of(time, missing=unknown)
        for name in self.beside:
            moved = pc.add(table.column(name), pa.chunked_array([time]))
            at = table.column_names.index(name)
            table = table.set_column(at, name, moved.cast(_width(kind)).cast(kind))
        at = table.column_names.index(self.time)
        restored = table.set_column(at, self.time, time.cast(_width(kind)).cast(kind))
        return restored.drop_columns([self.gap])

    def _within(
        self, time: NDArray[np.int64], first: NDArray[np.int64], latest: int
    ) -> NDArray[np.int64]:
        """Times of entities that end after the latest one, moved together; their order stays."""
        start = time[first]
        ends = np.append(np.flatnonzero(np.diff(first)), len(first) - 1)
        end = time[ends][np.cumsum(np.diff(first, prepend=first[:1]) > 0)]
        late = (end > latest) & (end > start)
        share = np.clip((latest - start) / np.where(late, end - start, 1), 0.0, 1.0)
        moved = np.floor((time - start) * share / self.step).astype(np.int64) * self.step
        return np.where(late, start + moved, time)

    def _apart(self, time: NDArray[np.int64], first: NDArray[np.int64]) -> NDArray[np.int64]:
        """Times of which none comes twice in an entity, and none is after the latest for that.

        An entity whose rows do not fit in between starts earlier.
        """
        place = np.arange(len(time)) - first
        rows = np.bincount(first, minlength=len(time))[first]
        start = time[first]
        if self.latest is not None:
            start = np.minimum(start, np.maximum(start, self.latest) - (rows - 1) * self.step)
        steps = (time - start) // self.step
        ahead, order = np.unique(steps - place, return_inverse=True)  # ranks, since sums overflow
        entity = np.cumsum(np.diff(first, prepend=-1) > 0)
        pushed = ahead[np.maximum.accumulate(order + entity * len(ahead)) % len(ahead)] + place
        if self.latest is not None:
            most = (np.maximum(start + (rows - 1) * self.step, self.latest) - start) // self.step
            pushed = np.minimum(pushed, most - (rows - 1 - place))
        return np.where(pushed == steps, time, start + pushed * self.step)

    def with_starts(self, table: pa.Table, times: pa.ChunkedArray, *, protect: int) -> pa.Table:
        """Rows to learn starts from, where entities are too few to tell none of their own.

        Every start would be among the smallest and largest ones, which are not reproduced. The
        earliest times of all rows stand in for them, so many that starts lie in their middle.

        Args:
            table: Rows of `flattened`.
            times: The times of all rows, in any order.
            protect: That many of the smallest and largest numbers are not reproduced.
        """
        starts = table.column(self.time)
        known, fewest = len(starts) - starts.null_count, 3 * protect
        if known >= min(fewest, len(starts)):
            return table
        ordered = np.sort(_counted(times))
        rank = np.searchsorted(ordered, _counted(starts.drop_null())).mean()
        count = int(np.clip(2 * rank, fewest, len(ordered) - 1))
        kind = table.field(self.time).type
        earliest = array_of(ordered, missing=np.arange(len(ordered)) >= count)
        at = table.column_names.index(self.time)
        return table.set_column(at, self.time, earliest.cast(_width(kind)).cast(kind))


def told_by_others(table: pa.Table) -> frozenset[str]:
    """Times that are another column's day, or the same time in another type, on every row."""
    days: dict[str, pa.ChunkedArray] = {}
    whole, found = set(), set()
    for field in table.schema:
        if not _is_point(field.type):
            continue
        values = table.column(field.name)
        day = values.cast(pa.date32(), safe=False)
        if getattr(field.type, "tz", None) is None and day.cast(field.type).equals(values):
            whole.add(field.name)
        for other, there in days.items():
            if day.null_count == len(day) or not there.equals(day):
                continue
            if {other, field.name} & whole:
                found.add(field.name if field.name in whole else other)
            elif table.schema.field(other).type != field.type:
                seconds = table.column(other).cast(_SECONDS, safe=False)
                if seconds.equals(values.cast(_SECONDS, safe=False)):
                    found.add(field.name)
        days[field.name] = day
    return frozenset(found)


def _is_point(kind: pa.DataType) -> bool:
    return bool(pa.types.is_date32(kind) or pa.types.is_timestamp(kind))


def _width(kind: pa.DataType) -> pa.DataType:
    """The integers that a time is stored as."""
    return pa.int32() if pa.types.is_date32(kind) else pa.int64()


def _counted(values: pa.ChunkedArray) -> NDArray[np.int64]:
    """Times, or whole numbers, in their own unit; 0 where missing."""
    whole = values.cast(_width(values.type)).cast(pa.int64())
    return np.asarray(pc.fill_null(whole, 0).to_numpy(), dtype=np.int64)
