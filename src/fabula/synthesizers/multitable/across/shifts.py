"""Times of children as distances from times of their parents: learned so, and put back.

A child's time that is never before its parent's is learned as what lies between them, in the
column's own type, so that the model draws the distance with the row's other columns. Where there
are several such times, the latest is what the distance starts from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.arrays import array_of
from fabula.relationships.keys import ForeignKey
from fabula.relationships.rules.plain import DAY, Flags, microseconds
from fabula.relationships.rules.rule import Later, Place
from fabula.synthesizers.multitable.foreign_keys import Rows

_PER_UNIT = {"s": 1_000_000, "ms": 1_000, "us": 1}

Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Anchor:
    """A parent's time that a child's time starts from.

    Attributes:
        key: How the child points at the parent.
        since: The parent's column.
        daily: Whether its day counts, and not its hour.
    """

    key: ForeignKey
    since: str
    daily: bool


@dataclass(frozen=True)
class Shift:
    """A child's time as its distance from the latest of some others.

    Attributes:
        table: The child's table.
        column: Its time.
        anchors: Times of its parents.
        within: A time of the same row that it is never before, or none.
        beside: Other times of the row that keep their distance to it.
        equal: Whether the distance is 0 wherever there is an anchor.
        grid: What the column's times are multiples of, in its own unit; at most a day.
        origin: Where that grid starts.
        base: What stands for the anchors if none is known.
    """

    table: str
    column: str
    anchors: tuple[Anchor, ...]
    within: str = ""
    beside: tuple[str, ...] = ()
    equal: bool = False
    grid: int = 1
    origin: int = 0
    base: int = 0

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that are moved."""
        return (self.column, *self.beside)

    @property
    def sources(self) -> tuple[Place, ...]:
        """What they follow from, but for themselves in other rows of the table."""
        above = tuple((anchor.key.parent, anchor.since) for anchor in self.anchors)
        within = ((self.table, self.within),) if self.within else ()
        return tuple(place for place in above + within if place != (self.table, self.column))

    def learned(
        self, table: pa.Table, tables: Mapping[str, pa.Table], rows: Mapping[ForeignKey, Rows]
    ) -> pa.Table:
        """The table with distances in place of times, in the times' own types."""
        start, known = self._starts(table, tables, rows)
        return self._moved(table, -np.where(known, start, self.base))

    def restored(
        self, table: pa.Table, tables: Mapping[str, pa.Table], rows: Mapping[ForeignKey, Rows]
    ) -> pa.Table:
        """The opposite of `learned`.

        In a tree inside the table times are right one level deeper each time.
        """
        made = self._restored(table, tables, rows)
        if any(anchor.key.parent == self.table for anchor in self.anchors):
            for _ in range(table.num_rows):
                last, made = made, self._restored(table, {**tables, self.table: made}, rows)
                if made.column(self.column).equals(last.column(self.column)):
                    break
        return made

    def _restored(
        self, table: pa.Table, tables: Mapping[str, pa.Table], rows: Mapping[ForeignKey, Rows]
    ) -> pa.Table:
        start, known = self._starts(table, tables, rows)
        by = np.where(known, start, self.base)
        if self.equal:
            by = by - np.where(known, whole(table.column(self.column)), 0)
        return self._moved(table, by)

    def _starts(
        self, table: pa.Table, tables: Mapping[str, pa.Table], rows: Mapping[ForeignKey, Rows]
    ) -> tuple[Whole, Flags]:
        """The latest anchor of each row, on the column's grid, and if there is one."""
        size, kind = table.num_rows, table.schema.field(self.column).type
        latest = np.full(size, np.iinfo(np.int64).min)
        for anchor in self.anchors:
            there = tables[anchor.key.parent].column(anchor.since)
            at = rows[anchor.key]
            known = (at >= 0) & np.append(there.is_valid().to_numpy(), False)[at]
            times = microseconds(there)
            times = times // DAY * DAY if anchor.daily else times
            latest[known] = np.maximum(latest[known], times[at[known]])
        if self.within:
            own = table.column(self.within)
            known = np.asarray(own.is_valid().to_numpy())
            latest[known] = np.maximum(latest[known], microseconds(own)[known])
        has = latest > np.iinfo(np.int64).min
        units = _in_units(np.where(has, latest, 0), kind)
        return self.origin - (self.origin - units) // self.grid * self.grid, has

    def _moved(self, table: pa.Table, by: Whole) -> pa.Table:
        for name in self.columns:
            at, kind = table.column_names.index(name), table.schema.field(name).type
            values = table.column(name)
            missing = np.asarray(values.is_null().to_numpy())
            moved = array_of(whole(values) + by, missing=missing)
            table = table.set_column(at, name, moved.cast(width(kind)).cast(kind))
        return table

    def state(self) -> dict[str, Any]:
        """The shift as plain values."""
        return asdict(self)

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Shift:
        """The shift of a state."""
        anchors = tuple(
            Anchor(_key(told["key"]), told["since"], told["daily"]) for told in state["anchors"]
        )
        return cls(**{**state, "anchors": anchors, "beside": tuple(state["beside"])})


def shift_of(
    table: pa.Table,
    name: str,
    column: str,
    rules: Sequence[Later],
    *,
    within: str = "",
    beside: Sequence[str] = (),
    starts: Sequence[pa.ChunkedArray],
) -> Shift:
    """The shift of a column.

    Args:
        table: Training rows.
        name: The table's name.
        column: The time.
        rules: What it is never before; one that it always equals stands alone.
        within: A time of the same row that it is never before.
        beside: Other times that keep their distance to it.
        starts: The parents' times of the rules.
    """
    equal = [rule for rule in rules if rule.equal]
    used = equal[:1] or list(rules)
    values = table.column(column)
    numbers = whole(values.drop_null())
    day = _in_units(np.array([DAY]), values.type)[0]
    origin = int(numbers[0]) if len(numbers) else 0
    grid = int(np.gcd(np.gcd.reduce(numbers - origin), day)) if len(numbers) else 1
    earliest = [numbers, *(_in_units(microseconds(s.drop_null()), values.type) for s in starts)]
    base = min((int(times.min()) for times in earliest if len(times)), default=0)
    return Shift(
        name, column, tuple(Anchor(rule.key, rule.since, rule.daily) for rule in used),
        "" if equal else within, tuple(beside), bool(equal), grid, origin % grid,
        (base - origin) // grid * grid + origin,
    )  # fmt: skip


def whole(values: pa.ChunkedArray) -> Whole:
    """Times in their own unit; 0 where missing."""
    counted = values.cast(width(values.type)).cast(pa.int64())
    return np.asarray(pc.fill_null(counted, 0).to_numpy(), dtype=np.int64)


def width(kind: pa.DataType) -> pa.DataType:
    """The integers that a time is stored as."""
    return pa.int32() if pa.types.is_date32(kind) else pa.int64()


def _in_units(times: Whole, kind: pa.DataType) -> Whole:
    """Microseconds in the unit of a type, rounded up."""
    if pa.types.is_date32(kind):
        return -(-times // DAY)
    unit = "ms" if pa.types.is_date64(kind) else kind.unit
    return times * 1_000 if unit == "ns" else -(-times // _PER_UNIT[unit])


def _key(told: Mapping[str, Any]) -> ForeignKey:
    return ForeignKey(told["child"], tuple(told["columns"]), told["parent"], tuple(told["key"]))
