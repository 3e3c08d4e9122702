"""Primary and foreign keys found in tables: by all of their values, and by their names.

A foreign key's values are keys of its parent. Values that can't be shared by chance (UUIDs, hashes,
scattered numbers, codes) say so themselves; numbers that are counted through need a name that
tells which table is meant. What comes near and is not taken is told as a near miss.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

import pyarrow as pa

from fabula.relationships.column_names import name_words
from fabula.relationships.composite_keys import matching
from fabula.relationships.key_names import (
    ENDINGS,
    EXACT,
    FULL,
    NOTHING,
    PART,
    STEM,
    likeness,
    measures_something,
    named_as_key,
    names_own_key,
    names_year,
    singular,
    stem_of,
)
from fabula.relationships.key_values import (
    KeyColumns,
    fills_grid,
    key_labels,
    never_repeats,
    number_in_turn,
    would_repeat,
)
from fabula.render.amounts import percent

__all__ = ["ForeignKey", "Keys", "NearMiss", "find_keys", "key_labels", "singular"]

CONTAINED = 0.95
"""The least share of a foreign key's values that are keys of the parent."""

NEAR = 0.5
"""From this share on, a column that is named like a foreign key is told as a near miss."""

SURE_BITS = 40.0
"""What shared values say, at least, where names say nothing."""

REPEATED = 0.02
"""The share of rows that may repeat a key, where its name leaves no doubt."""

_WIDEST = 4
"""Most columns of a composite key that is looked for."""

_USABLE, _MOST_FREE = 9, 2
"""Most columns that composite keys are made of, and most of them whose names say nothing."""


@dataclass(frozen=True)
class ForeignKey:
    """Columns of `child` whose values are a key of a row of `parent`.

    Attributes:
        child: The table that points.
        columns: Its columns.
        parent: The table that is pointed at; may be the child itself.
        key: The parent's columns, in the same order.
    """

    child: str
    columns: tuple[str, ...]
    parent: str
    key: tuple[str, ...]

    @property
    def name(self) -> str:
        """The pointing columns with their table: `orders.customer_id`."""
        return f"{self.child}.{'+'.join(self.columns)}"

    @property
    def target(self) -> str:
        """The columns that are pointed at, with their table: `customers.id`."""
        return f"{self.parent}.{'+'.join(self.key)}"


@dataclass(frozen=True)
class NearMiss:
    """A column that may point at a table, and is not taken for a foreign key.

    Attributes:
        key: What it may be.
        share: The share of its values that are keys of that table.
        why: Why it is not taken.
    """

    key: ForeignKey
    share: float
    why: str


@dataclass(frozen=True)
class Keys:
    """The keys of some tables.

    Attributes:
        primary: The columns of each table's primary key; a table without one is left out.
        foreign: The foreign keys.
        near: Columns that nearly are foreign keys.
    """

    primary: Mapping[str, tuple[str, ...]]
    foreign: tuple[ForeignKey, ...]
    near: tuple[NearMiss, ...] = ()

    def of(self, table: str) -> frozenset[str]:
        """The columns of a table that belong to its key or point at one."""
        pointing = {column for key in self.foreign if key.child == table for column in key.columns}
        return frozenset(pointing | set(self.primary.get(table, ())))


def find_keys(tables: Mapping[str, pa.Table], *, contained: float = CONTAINED) -> Keys:
    """Find the keys of some tables.

    Args:
        tables: The tables by name.
        contained: The least share of values that are keys of the parent, for a foreign key whose
            name says so.

    A primary key is complete, never repeats, and is named like one or pointed at by other tables;
    or it is the fewest columns, foreign keys among them, that identify a row together. The values
    of a foreign key are keys of its parent, and its name or the values say that this is not chance.
    """
    search = _Search(tables, contained)
    foreign = search.single()
    primary = {name: key for name in tables if (key := search.primary(name, foreign))}
    while True:
        parts = {column for key in primary.values() if len(key) > 1 for column in key}
        without = [name for name in tables if name not in primary]
        found = {name: key for name in without if (key := search.composite(name, foreign, parts))}
        if not found:
            break
        primary |= found
    foreign += search.composite_foreign(primary, foreign)
    taken = {(key.child, column) for key in foreign for column in key.columns}
    near = [miss for miss in search.near if (miss.key.child, miss.key.columns[0]) not in taken]
    return Keys(primary, tuple(foreign), tuple(near))


@dataclass(frozen=True)
class _Candidate:
    """A column that may point at another, and how much speaks for it."""

    key: ForeignKey
    names: int
    share: float
    bits: float

    @property
    def rank(self) -> tuple[bool, int, float, float]:
        return self.names >= STEM, self.names, self.share, self.bits


class _Search:
    def __init__(self, tables: Mapping[str, pa.Table], contained: float) -> None:
        self.tables, self.contained = tables, contained
        self.columns = KeyColumns(tables)
        words = [name_words(name) for name in tables]
        shared = set.intersection(*map(set, words)) if len(words) > 2 else set()
        self.stems = {name: stem_of(name, shared) for name in tables}
        self.owned = {name: list(self._keys_of(name)) for name in tables}
        self.near: list[NearMiss] = []

    # Keys of one column

    def _keys_of(self, table: str) -> Iterator[str]:
        """Columns that identify the rows of a table."""
        complete = [
            column for column in self.columns.of(table) if self.columns(table, column).is_complete
        ]
        own = [column for column in complete if self.is_own(table, column)]
        for column in complete:
            values = self.columns(table, column)
            least = 1 - REPEATED if column in own else 1.0
            telling = column in own or not own or values.are_codes or values.bits
            if telling and len(values.distinct) >= least * values.rows:
                yield column

    def is_own(self, table: str, column: str) -> bool:
        """Whether a column is named like its table's key, and not like another table's."""
        stem = self.stems[table]
        if not names_own_key(column, stem):
            return False
        content = tuple(word for word in name_words(column) if word not in ENDINGS)
        return content in ((), stem) or content not in self.stems.values()

    def single(self) -> list[ForeignKey]:
        """Foreign keys of one column."""
        found = []
        for child in self.tables:
            for column in self.columns.of(child):
                best = self._best(child, column)
                if best is not None:
                    found.append(best)
        return _without_circles(found, self)

    def _best(self, child: str, column: str) -> _Candidate | None:
        candidates = list(self._candidates(child, column))
        taken, near = [], []
        for candidate in candidates:
            why = self._objection(child, column, candidate)
            if not why:
                taken.append(candidate)
            elif why != _UNTOLD:
                near.append(NearMiss(candidate.key, candidate.share, why))
        if taken:
            return max(taken, key=lambda item: item.rank)
        if near:
            self.near.append(max(near, key=lambda miss: miss.share))
        return None

    def _candidates(self, child: str, column: str) -> Iterator[_Candidate]:
        values = self.columns(child, column)
        if not len(values.distinct):
            return
        own_key = self.is_own(child, column)
        for parent, keys in self.owned.items():
            for key in keys:
                if (child, column) == (parent, key):
                    continue
                if own_key and values.is_unique and parent != child and not values.are_random:
                    continue
                there = self.columns(parent, key)
                if child == parent and (values.is_unique or there.are_days):
                    continue
                share = values.contained(there)
                if share < min(NEAR, self.contained):
                    continue
                names = likeness(column, self.stems[parent], key, own=child == parent)
                bits = min(values.bits, there.bits) * len(values.distinct)
                link = ForeignKey(child, (column,), parent, (key,))
                yield _Candidate(link, names, share, bits)

    def _objection(self, child: str, column: str, candidate: _Candidate) -> str:
        """Why a candidate is not a foreign key; empty if it is one."""
        values = self.columns(child, column)
        there = self.columns(candidate.key.parent, candidate.key.key[0])
        share, names = candidate.share, candidate.names
        keyed = named_as_key(column)
        sure = candidate.bits >= SURE_BITS
        telling = names >= STEM or sure
        if share < self.contained if names >= STEM else share < max(self.contained, CONTAINED):
            lost = f"{percent(1 - share)} of its values are none of its keys"
            return lost if telling and (keyed or sure) else _UNTOLD
        if sure and (names or self._is_main(candidate.key)):
            return ""
        if names == EXACT:
            return _UNTOLD if measures_something(column) and not names_year(column) else ""
        if names == FULL:
            return ""
        if names >= PART and values.numbers is None:
            return "" if names == STEM or share == 1 else "its name tells little"
        if names == STEM and not measures_something(column) and values.reaches(there):
            return ""
        if names > NOTHING and not measures_something(column) and values.reaches(there):
            return "" if share == 1 else "its name tells little"
        if not self._is_main(candidate.key) or self.is_own(child, column):
            return _UNTOLD
        return "its name does not tell that it points there" if keyed and share == 1 else _UNTOLD

    def _is_main(self, key: ForeignKey) -> bool:
        """Whether a key is the one that its table is named after, or the only one."""
        owned = self.owned[key.parent]
        named = named_as_key(key.key[0]) and owned[0] == key.key[0]
        return len(owned) == 1 or named or self.is_own(key.parent, key.key[0])

    # Primary keys

    def primary(self, name: str, foreign: list[ForeignKey]) -> tuple[str, ...] | None:
        """The column that identifies rows: named so, or pointed at."""
        pointed = {key.key[0] for key in foreign if key.parent == name}
        pointing = {key.columns[0] for key in foreign if key.child == name}
        best = []
        for place, column in enumerate(self.owned[name]):
            own = self.is_own(name, column)
            if own or column in pointed or named_as_key(column):
                best.append((not own, column not in pointed, column in pointing, place, column))
        days = [column for column in self.owned[name] if self.columns(name, column).are_calendar]
        return (min(best)[-1],) if best else tuple(days) if len(days) == 1 else None

    def composite(
        self, name: str, foreign: list[ForeignKey], parts: set[str]
    ) -> tuple[str, ...] | None:
        """The fewest columns, foreign keys or named like keys, that together never repeat.

        Columns count that are named like `parts` of another composite key, those that number the
        rows that agree in the others, and those that fill a grid with them. Names alone tell
        nothing of columns that would hardly repeat by chance.
        """
        table = self.tables[name]
        pointing = parts | {key.columns[0] for key in foreign if key.child == name}
        complete = [column for column in self.columns.of(name) if not table[column].null_count]
        named = [
            column
            for column in complete
            if column in pointing or named_as_key(column) or names_year(column)
        ]
        others = [column for column in complete if column not in named]
        usable = [*named, *others][:_USABLE]
        if not table.num_rows:
            return None
        for width in range(2, _WIDEST + 1):
            for columns in combinations(usable, width):
                free = [column for column in columns if column not in named]
                rest = [column for column in columns if column in named]
                if len(free) > _MOST_FREE or not rest or not never_repeats(table, columns):
                    continue
                told = bool(free) or not pointing.isdisjoint(columns)
                counted = number_in_turn(table, free, rest)
                sure = counted and (told or would_repeat(table, columns))
                if sure or fills_grid(table, columns):
                    return tuple(sorted(columns, key=table.column_names.index))
        return None

    def composite_foreign(
        self, primary: Mapping[str, tuple[str, ...]], foreign: list[ForeignKey]
    ) -> list[ForeignKey]:
        """Columns that match another table's composite key part by part."""
        found: list[ForeignKey] = []
        targets = {link.name: (link.parent, link.key) for link in foreign}
        for parent, key in primary.items():
            if len(key) < 2:
                continue
            there = self.columns.together(parent, key)
            for child in self.tables:
                if child == parent:
                    continue
                usable, stem = self.columns.of(child), self.stems[parent]
                several = matching((parent, key), (child, usable), stem, targets)
                for at, columns in enumerate(several):
                    mine = self.columns.together(child, columns)
                    link = ForeignKey(child, columns, parent, key)
                    share = mine.contained(there)
                    if share < self.contained:
                        if share >= NEAR:
                            lost = f"{percent(1 - share)} of its values are none of its keys"
                            self.near.append(NearMiss(link, share, lost))
                        continue
                    mutual = primary.get(child) == columns and there.contained(mine) == 1
                    if at or not (mutual and _goes_before(child, parent, self)):
                        found.append(link)
        return found


_UNTOLD = "-"
"""Why a column is not even told as a near miss: nothing but numbers that occur everywhere."""


def _goes_before(first: str, second: str, search: _Search) -> bool:
    """Which of two tables with the same keys is the parent: the one of more rows, or the first."""
    order = list(search.tables)
    ranks = [(-search.tables[name].num_rows, order.index(name)) for name in (first, second)]
    return ranks[0] < ranks[1]


def _without_circles(found: list[_Candidate], search: _Search) -> list[ForeignKey]:
    """Of two one-to-one tables that share their keys only the one points that is not named so."""
    by_ends = {(c.key.child, c.key.columns, c.key.parent, c.key.key): c for c in found}
    kept = []
    for candidate in found:
        key = candidate.key
        back = by_ends.get((key.parent, key.key, key.child, key.columns))
        if back is not None:
            owns = [
                search.is_own(table, column) and len(name_words(column)) > 1
                for table, column in ((key.child, key.columns[0]), (key.parent, key.key[0]))
            ]
            if owns[0] != owns[1]:
                is_parent = owns[0]
            else:
                is_parent = _goes_before(key.child, key.parent, search)
            if is_parent:
                continue
        kept.append(key)
    return kept
