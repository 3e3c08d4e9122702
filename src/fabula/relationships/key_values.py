"""What the values of columns say about keys: which never repeat, and which lie in which."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fabula.io.arrays import is_text, plain_type
from fabula.relationships.common_types import are_days, as_labels

PROBE = 50
"""Values that are looked up first; most columns that are not foreign keys fail on them."""

DENSE = 0.5
"""From this share of taken numbers on, that a number is taken says little."""

NARROW_CHANCE = 0.01
"""Numbers that reach a part of the parent's so small by chance only this often point elsewhere."""

FEWEST_DAYS, UNEVEN = 8, 3
"""Days that a calendar has at least, and how far the steps between months differ."""

EXACT = 2.0**53
"""Below this floats hold every whole number."""

_SURE_PAIRS, FILLED = 8, 0.8
"""Pairs of rows that would agree by chance, or the share of a grid that is filled, from which on it
says something that no two rows agree."""

_CODE = r"^[^a-z\s]+$|^\S*\d\S*$"
_DAY = r"^\d{4}-\d{2}-\d{2}$"
_RANDOM = r"^[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}$|^[0-9a-fA-F]{16,64}$"


def holds_keys(kind: pa.DataType) -> bool:
    """Whether values of a type can be keys."""
    kind = plain_type(kind)
    return bool(
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)  # whole numbers with gaps are floats in many files
        or (pa.types.is_decimal(kind) and kind.scale == 0)
        or is_text(kind)
        or is_day(kind)
    )


def is_day(kind: pa.DataType) -> bool:
    """Whether values of a type are days, or may be."""
    return bool(pa.types.is_date(kind) or pa.types.is_timestamp(kind))


@dataclass(frozen=True)
class KeyValues:
    """A column's values as keys.

    Attributes:
        labels: The values as text, so that keys of different types can be compared.
        kind: Their type.
    """

    labels: pa.ChunkedArray
    kind: pa.DataType

    @cached_property
    def distinct(self) -> pa.Array:
        """The different values, none of them missing."""
        return self.labels.drop_null().unique()

    @property
    def rows(self) -> int:
        """How many values there are, missing ones included."""
        return len(self.labels)

    @property
    def is_complete(self) -> bool:
        """Whether no value is missing, and there is one."""
        return bool(self.rows) and not self.labels.null_count

    @property
    def is_unique(self) -> bool:
        """Whether no value is missing or comes twice."""
        return self.is_complete and len(self.distinct) == self.rows

    @cached_property
    def numbers(self) -> tuple[int, int] | None:
        """The smallest and largest of whole numbers, or of days; None where some value is none."""
        if not len(self.distinct):
            return None
        if self._share(_DAY) == 1 and pc.all(pc.match_substring_regex(self.distinct, _DAY)).as_py():
            with contextlib.suppress(pa.ArrowInvalid):  # no such day
                days = pc.min_max(self.distinct.cast(pa.date32()).cast(pa.int32()))
                return days["min"].as_py(), days["max"].as_py()
            return None
        whole = pc.match_substring_regex(self.distinct, r"^-?(0|[1-9]\d{0,17})$")
        if not pc.all(whole).as_py():
            return None
        found = pc.min_max(self.distinct.cast(pa.int64()))
        return found["min"].as_py(), found["max"].as_py()

    @property
    def are_days(self) -> bool:
        """Whether the values are days."""
        return self.numbers is not None and self._share(_DAY) == 1

    @property
    def are_calendar(self) -> bool:
        """Whether the values are days, most of those of their range or in regular steps."""
        if not self.are_days or len(self.distinct) < FEWEST_DAYS:
            return False
        steps = np.diff(np.sort(np.asarray(self.distinct.cast(pa.date32()).cast(pa.int32()))))
        return self.bits == 0.0 or bool(np.ptp(steps) <= UNEVEN)

    @cached_property
    def are_random(self) -> bool:
        """Whether nearly all values are UUIDs or hashes."""
        return self._share(_RANDOM) >= 0.98

    @cached_property
    def are_codes(self) -> bool:
        """Whether nearly all values are codes: capital letters, digits and signs in one word."""
        return self.are_random or (self.numbers is None and self._share(_CODE) >= 0.9)

    @cached_property
    def bits(self) -> float:
        """What it says that a value of this kind is among these, in bits."""
        if self.are_random:
            return 60.0
        size = max(len(self.distinct), 1)
        if self.numbers is not None:
            low, high = self.numbers
            density = size / (high - low + 1)
            return 0.0 if density > DENSE else float(-np.log2(density))
        if not self.are_codes:
            return 0.0
        length = float(pc.mean(pc.utf8_length(self.distinct)).as_py())
        digits = float(pc.mean(pc.utf8_length(pc.replace_substring_regex(
            self.distinct, r"\D", "")).cast(pa.float64())).as_py())  # fmt: skip
        space = digits * np.log2(10) + (length - digits) * np.log2(26)
        return float(max(space - np.log2(size), 0.0))

    def contained(self, keys: KeyValues) -> float:
        """The share of values, missing ones left out, that are among the keys."""
        filled = len(self.labels) - self.labels.null_count
        if not filled or not len(keys.distinct):
            return 0.0
        few = pc.is_in(self.distinct.slice(0, PROBE), value_set=keys.distinct)
        if pc.mean(few).as_py() < DENSE:
            return 0.0
        there = pc.is_in(self.distinct, value_set=keys.distinct)
        lost = self.distinct.filter(pc.invert(there))
        if not len(lost):
            return 1.0
        missed = int(pc.sum(pc.is_in(self.labels, value_set=lost)).as_py())
        return float(1 - missed / filled)

    def reaches(self, keys: KeyValues) -> bool:
        """Whether numbers spread over the parent's, as far as those of a foreign key do."""
        if self.numbers is None or keys.numbers is None:
            return True
        (_, mine), (low, high) = self.numbers, keys.numbers
        part = (mine - low + 1) / (high - low + 1)
        return bool(part ** len(self.distinct) >= NARROW_CHANCE)

    def _share(self, regex: str) -> float:
        if not len(self.distinct):
            return 0.0
        few = self.distinct.slice(0, 1_000)
        return float(pc.mean(pc.match_substring_regex(few, regex)).as_py())


class KeyColumns:
    """The columns of some tables as keys, each converted once."""

    def __init__(self, tables: Mapping[str, pa.Table]) -> None:
        self.tables = tables
        self._known: dict[tuple[str, str], KeyValues] = {}

    def __call__(self, table: str, column: str) -> KeyValues:
        at = (table, column)
        if at not in self._known:
            values = self.tables[table].column(column)
            self._known[at] = KeyValues(as_labels(values), plain_type(values.type))
        return self._known[at]

    def together(self, table: str, columns: Sequence[str]) -> KeyValues:
        """Several columns as one key."""
        return KeyValues(together([self(table, name).labels for name in columns]), pa.string())

    def of(self, table: str) -> list[str]:
        """The columns of a table that can hold keys."""
        schema = self.tables[table].schema
        return [
            field.name
            for field in schema
            if holds_keys(field.type)
            and schema.names.count(field.name) == 1
            and self._may(table, field)
        ]

    def _may(self, table: str, field: pa.Field) -> bool:
        """Whether numbers with decimals are whole ones, and points in time are days."""
        values = self.tables[table].column(field.name)
        if pa.types.is_timestamp(field.type):
            return are_days(values)
        return not pa.types.is_floating(field.type) or _all_whole(values)


def key_labels(table: pa.Table, columns: Sequence[str]) -> pa.ChunkedArray:
    """The values of a key as text; missing where any part of it is."""
    return together([as_labels(table.column(column)) for column in columns])


def together(parts: Sequence[pa.ChunkedArray]) -> pa.ChunkedArray:
    """The parts of a key as one text; missing where any part is."""
    if len(parts) == 1:
        return parts[0]
    return pc.binary_join_element_wise(*parts, pa.scalar("\x1f", pa.large_string()))


def never_repeats(table: pa.Table, columns: Sequence[str]) -> bool:
    """Whether no combination of values comes twice."""
    few = table.select(list(columns)).slice(0, 2_000)
    return all(
        part.group_by(list(columns)).aggregate([]).num_rows == part.num_rows
        for part in (few, table.select(list(columns)))
    )


def would_repeat(table: pa.Table, columns: Sequence[str]) -> bool:
    """Whether the combinations would surely repeat if the columns were drawn apart.

    They do where rows are many beside the values, or fill most of the grid of all combinations.
    """
    cells, agreeing = 1.0, 1.0
    for column in columns:
        counts = table.column(column).value_counts().field("counts").to_numpy().astype(float)
        cells *= len(counts)
        agreeing *= ((counts / table.num_rows) ** 2).sum()
    rows = table.num_rows
    return bool(would_agree(rows, agreeing) or rows >= FILLED * cells)


def fills_grid(table: pa.Table, columns: Sequence[str]) -> bool:
    """Whether combinations that never repeat are most of all possible ones, each value in several.

    So do a store's rows for each month of each year, also where some months are missing.
    """
    sizes = [pc.count_distinct(table.column(column)).as_py() for column in columns]
    return bool(min(sizes) > 1 and table.num_rows >= FILLED * math.prod(sizes))


def would_agree(rows: int, chance: float) -> bool:
    """Whether some rows would surely agree, if each pair of them did so by this chance."""
    return rows * (rows - 1) / 2 * chance >= _SURE_PAIRS


def numbers_within(table: pa.Table, column: str, groups: Sequence[str]) -> bool:
    """Whether whole numbers count the rows of each group: 1, 2, 3 … from one start."""
    if not pa.types.is_integer(table.schema.field(column).type):
        return False
    found = table.group_by(list(groups)).aggregate(
        [(column, "min"), (column, "max"), (column, "count_distinct"), (column, "count")]
    )
    low, high = (found.column(f"{column}_{end}").cast(pa.int64()) for end in ("min", "max"))
    count = found.column(f"{column}_count")
    even = pc.equal(pc.add(pc.subtract(high, low), 1), count)
    once = pc.equal(found.column(f"{column}_count_distinct"), count)
    several = pc.sum(pc.greater(count, 1)).as_py() or 0
    alike = pc.count_distinct(low).as_py() == 1
    return bool(alike and several and pc.all(pc.and_(even, once)).as_py())


def number_in_turn(table: pa.Table, columns: Sequence[str], groups: Sequence[str]) -> bool:
    """Whether columns, in some order, number what agrees in the groups and the columns before."""
    for order in permutations(columns):
        known = list(groups)
        for column in order:
            differing = table.group_by([*known, column]).aggregate([])
            if not numbers_within(differing, column, known):
                break
            known.append(column)
        else:
            return True
    return False


def _all_whole(values: pa.ChunkedArray) -> bool:
    """Whether all numbers are whole, and small enough for floats to distinguish them."""
    exact = pc.and_(pc.equal(pc.floor(values), values), pc.less(pc.abs(values), EXACT))
    return bool(pc.all(exact, min_count=0).as_py())
