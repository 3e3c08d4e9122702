"""What tells the rows of a table apart: new keys, numbers within a parent, years that stay years.

=========  ==================================================================================
key        identifies a row by itself: newly generated
numbered   counts the rows that share other columns, 1, 2, 3 …: counted again
natural    part of a key that means something (a year, a code): real values, in a new selection
=========  ==================================================================================
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.arrays import array_of
from fabula.relationships.common_types import as_labels
from fabula.relationships.key_values import numbers_within, together
from fabula.synthesizers.codecs.keys import KeyCodec
from fabula.synthesizers.codecs.natural import MOST, NaturalCodec, holds_times, means_a_year
from fabula.synthesizers.multitable.foreign_keys import Links

Values: TypeAlias = pa.Array | pa.ChunkedArray

_YEAR = r"(?:^|\D)(?P<year>(?:1[6-9]|20)\d\d)(?:\D|$)"


@dataclass(frozen=True)
class Numbering:
    """A column that counts rows.

    Attributes:
        column: Its name.
        within: The columns that the counted rows share.
        first: The number of the first row.
        last: The number that no row is beyond, where it means a year; else None.
    """

    column: str
    within: tuple[str, ...]
    first: int = 1
    last: int | None = None

    def __str__(self) -> str:
        return f"{self.column}: counts the rows of each {', '.join(self.within)}"

    def values(self, known: Mapping[str, Values]) -> NDArray[np.int64]:
        """The numbers of rows, in their order."""
        groups = grouped([as_labels(_chunked(known[name])) for name in self.within])
        order = np.argsort(groups, kind="stable")
        rank = np.arange(len(groups)) - np.searchsorted(groups[order], groups[order], "left")
        numbers = np.empty(len(groups), dtype=np.int64)
        numbers[order] = rank + self.first
        return numbers


@dataclass(frozen=True)
class Identity:
    """What tells the rows of a table apart.

    Attributes:
        primary: The columns of its primary key.
        keys: Columns of it that are newly generated.
        numbered: Columns that count rows.
        natural: Columns of the primary key that keep their real values; learned like others.
        years: Dates, the part of a key that tells their year, and the last month that is of the
            year after it, such as 6 for seasons.
    """

    primary: tuple[str, ...] = ()
    keys: tuple[KeyCodec, ...] = ()
    numbered: tuple[Numbering, ...] = ()
    natural: tuple[str, ...] = ()
    years: tuple[tuple[str, str, int], ...] = ()
    codecs: Mapping[str, NaturalCodec] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(
        cls, table: pa.Table, primary: tuple[str, ...], links: Links, kept: Collection[str] = ()
    ) -> Identity:
        """Learn from a table, its primary and foreign keys, and what is kept of its own key."""
        pointing = {column for key in links.all for column in key.columns}
        own = [column for column in primary if column not in pointing]
        keys, natural = [], {}
        numbered = [] if {*own} <= {*kept} else _numbering(table, own, primary)
        for column in own:
            values = table.column(column)
            if numbered and column == numbered[0].column:
                continue
            several = len(primary) > 1 and 1 < len(values.unique()) < min(len(values), MOST)
            means = column in kept or means_a_year(column, values) or holds_times(values)
            if means or several:
                natural[column] = NaturalCodec.learn(column, values.combine_chunks())
            else:
                keys.append(KeyCodec.always(column, values.combine_chunks()))
        if links.driver is not None:
            parent = links.driver.columns
            for column in table.column_names:
                if column not in {*primary, *pointing} and numbers_within(table, column, parent):
                    numbered.append(_counted(table, column, parent))
        years = _years(
            table, [*natural, *(name for name in pointing if name in table.column_names)]
        )
        return cls(primary, tuple(keys), tuple(numbered), tuple(natural), years, natural)

    @property
    def told(self) -> list[str]:
        """What is counted, and what is dated, in words."""
        dated = [f"on every row {date}: in the year of {part}" for date, part, _ in self.years]
        return [*map(str, self.numbered), *dated]

    @property
    def made(self) -> set[str]:
        """Columns that are not learned."""
        return {codec.name for codec in self.keys} | {item.column for item in self.numbered}

    def beyond(self, table: pa.Table) -> NDArray[np.bool_]:
        """Rows of a made table whose number would be a year after the last real one."""
        late = np.zeros(table.num_rows, dtype=bool)
        for item in self.numbered:
            if item.last is not None:
                late |= np.asarray(pc.greater(table.column(item.column), item.last))
        return late

    @property
    def alone(self) -> str | None:
        """The only column of the primary key, if it keeps its real values."""
        return self.natural[0] if self.natural and len(self.primary) == 1 else None

    @property
    def needs_room(self) -> str | None:
        """The column that gives way where a primary key of real values and parents repeats."""
        counting = {item.column for item in self.numbered} & set(self.primary)
        return None if self.alone or self.keys or counting or not self.natural else self.natural[-1]

    def dated(self, values: dict[str, Values]) -> list[str]:
        """Move dates into the year that a key names, in place; returns the moved columns."""
        moved = []
        for name, part, turn in self.years:
            if name in values and part in values:
                dates, years = _chunked(values[name]), _years_in(_chunked(values[part]))
                late = pc.less_equal(pc.month(dates), turn).cast(pa.int64())
                values[name] = in_year(dates, pc.add(years, late))
                moved.append(name)
        return moved


def made_apart(
    groups: NDArray[np.int64],
    codes: NDArray[np.int32],
    levels: int,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Codes of which none comes twice in a group, and rows for which there is one.

    Args:
        groups: The group of each row.
        codes: The code of each row; one that its group has already is drawn again.
        levels: How many codes there are.
        rng: The only source of randomness.
    """
    order = np.lexsort((np.arange(len(codes)), codes, groups))
    again = np.zeros(len(codes), dtype=bool)
    again[order[1:]] = (np.diff(groups[order]) == 0) & (np.diff(codes[order]) == 0)
    rows = np.flatnonzero(again)
    if not len(rows):
        return codes, ~again
    found, place = np.unique(groups[rows], return_inverse=True)
    used = np.zeros((len(found), levels), dtype=bool)
    member = np.isin(groups, found)
    used[np.searchsorted(found, groups[member]), codes[member]] = True
    ranked = np.argsort(np.where(used, 2.0, rng.random(used.shape)), axis=1)
    first = np.argsort(place, kind="stable")
    rank = np.empty(len(rows), dtype=np.int64)
    rank[first] = np.arange(len(rows)) - np.searchsorted(place[first], place[first], "left")
    free = (~used).sum(axis=1)[place]
    fits = rank < free
    codes, keep = codes.copy(), ~again
    codes[rows[fits]] = ranked[place[fits], rank[fits]]
    keep[rows[fits]] = True
    return codes, keep


def grouped(parts: list[pa.ChunkedArray]) -> NDArray[np.int64]:
    """Numbers that are equal where all parts are."""
    labels = together(parts)
    found = pc.index_in(labels, value_set=labels.unique())
    return np.asarray(found, dtype=np.int64)


def in_year(dates: pa.ChunkedArray, years: pa.ChunkedArray) -> pa.ChunkedArray:
    """Dates or times on the same day of another year; 29 February becomes 28 February."""
    kind = dates.type
    unit = "D" if pa.types.is_date32(kind) else kind.unit
    times = np.asarray(dates.cast(pa.int32() if unit == "D" else pa.int64()).cast(pa.int64())
                       .fill_null(0)).astype(f"M8[{unit}]")  # fmt: skip
    months = times.astype("M8[M]")
    wanted = np.asarray(years.cast(pa.int64()).fill_null(1970)) - 1970
    there = (wanted * 12 + months.astype(np.int64) % 12).astype("M8[M]")
    last = ((there + 1).astype("M8[D]") - there.astype("M8[D]")) - np.timedelta64(1, "D")
    day = np.minimum(times.astype("M8[D]") - months.astype("M8[D]"), last)
    moved = (there.astype("M8[D]") + day).astype(times.dtype) + (
        times - times.astype("M8[D]").astype(times.dtype)
    )
    counted = array_of(moved.astype(np.int64))
    counted = counted.cast(pa.int32()) if unit == "D" else counted
    kept = pc.or_(dates.is_null(), years.is_null())
    return pc.if_else(kept, dates, pa.chunked_array([counted]).cast(kind))


def _numbering(table: pa.Table, own: list[str], primary: tuple[str, ...]) -> list[Numbering]:
    """The last part of a primary key that counts the rows which share all others."""
    for column in reversed(own):
        rest = tuple(name for name in primary if name != column)
        if rest and numbers_within(table, column, rest):
            return [_counted(table, column, rest)]
    return []


def _counted(table: pa.Table, column: str, within: tuple[str, ...]) -> Numbering:
    values = table.column(column)
    first, last = pc.min(values).as_py(), pc.max(values).as_py()
    return Numbering(column, within, first, last if means_a_year(column, values) else None)


def _years(table: pa.Table, parts: Iterable[str]) -> tuple[tuple[str, str, int], ...]:
    """Dates whose year, from January or a later month on, a part of a key tells on every row."""
    found = []
    for part in dict.fromkeys(parts):
        years = _years_in(table.column(part)) if means_a_year(part, table.column(part)) else None
        if years is None or years.null_count == len(years):
            continue
        for column in table.schema:
            if not (pa.types.is_date32(column.type) or pa.types.is_timestamp(column.type)):
                continue
            dates = table.column(column.name)
            after = pc.subtract(pc.year(dates), years)
            months = pc.month(dates)
            for turn in (0, *{pc.max(months.filter(pc.equal(after, 1))).as_py()} - {None, 12}):
                late = pc.less_equal(months, turn).cast(pa.int64())
                same = pc.equal(after, late).drop_null()
                if len(same) and pc.all(same).as_py():
                    found.append((column.name, part, turn))
                    break
    return tuple(found)


def _years_in(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """The year in each value of a key's part: 1960 in `1960/61`; null if there is none."""
    if pa.types.is_integer(values.type):
        return values.cast(pa.int64())
    parts = pc.extract_regex(values.cast(pa.string()), _YEAR)
    return pa.chunked_array(
        [pc.struct_field(part, [0]).cast(pa.int64()) for part in parts.chunks], pa.int64()
    )


def _chunked(values: Values) -> pa.ChunkedArray:
    return values if isinstance(values, pa.ChunkedArray) else pa.chunked_array([values])
