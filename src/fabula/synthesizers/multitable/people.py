"""Columns that are about the same people as another column: one real person becomes one new person.

Which real value a new one stands for is kept nowhere. What is kept is how columns hang together:
through foreign keys (`visits.patient_name` is the name of the visit's patient, in that many of the
rows), within a row, or, where no key leads from one table to the other, by their values alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.arrays import array_of, is_text
from fabula.relationships.keys import ForeignKey
from fabula.render.amounts import percent
from fabula.streams import stream
from fabula.synthesizers.multitable.foreign_keys import Rows, row_links
from fabula.synthesizers.pii.finding import persons_in
from fabula.synthesizers.pii.persons import IDENTIFYING, Persons, likeliest
from fabula.synthesizers.pii.replacing import PersonalColumn

HALF = 0.5
"""A column repeats another one if it has at least this share of its values or rows from it."""

BY_CHANCE = ("first_name", "last_name", "city", "state", "job", "company", "postcode")
"""Details that different people share, so that common values alone say nothing."""

SAME_SOURCE = 1.05
"""Values of the rows that lead to one row, on average, where these have one value."""

UNIQUE = 0.99
_LONGEST = 3
"""Most foreign keys on the way from a table to another one."""

_STREAM = "people of several columns"


@dataclass(frozen=True)
class SamePeople:
    """A column whose people are those of another one.

    Attributes:
        table: The table of the column that repeats.
        column: That column.
        source: The table of the other one.
        origin: The other one.
        path: Foreign keys from `table` to `source`, the first one first; within one table, none.
        linked: Whether a row's person is that of the row that the path leads to; else any person
            of the other column.
        share: The share of the rows (of the different values, if nothing is linked) that
            repeat the other column.
        by_source: Whether all rows that lead to one row do so, or none of them.
        strangers: Whether the people of the other rows are none of the other column.
    """

    table: str
    column: str
    source: str
    origin: str
    path: tuple[ForeignKey, ...]
    linked: bool
    share: float
    by_source: bool = False
    strangers: bool = False

    @property
    def told(self) -> str:
        """The relation in words, for the card."""
        there = f"{self.source}.{self.origin}"
        if not self.linked:
            share = percent(self.share)
            return f"{self.table}.{self.column}: {share} of its people are those of {there}"
        way = f" through {', '.join(key.name for key in self.path)}" if self.path else ""
        told = f"{self.table}.{self.column}: the same people as {there}{way}"
        return f"{told} in {percent(self.share)} of the rows"

    def state(self) -> dict[str, Any]:
        """The relation as plain values."""
        return asdict(self)

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> SamePeople:
        """The relation of a state."""
        keys = (ForeignKey(key["child"], tuple(key["columns"]), key["parent"], tuple(key["key"]))
                for key in state["path"])  # fmt: skip
        return cls(**{**state, "path": tuple(keys)})

    def applied(self, tables: Mapping[str, pa.Table], seed: int) -> pa.Table:
        """The table with the column's people replaced by those of the other one."""
        made, source = tables[self.table], tables[self.source].column(self.origin)
        column = made.column(self.column).combine_chunks()
        first = _first_rows(source.combine_chunks())
        if not len(column) or not len(first):
            return made
        way = [key.name for key in self.path] if self.path else [self.column]
        rng = stream(seed, _STREAM, ".".join([self.table, *way]), 0)
        if self.linked:  # columns of one way differ in the same rows, and by the same others
            rows = _followed(tables, self.path, len(column))
            group = np.arange(len(rows))
            if self.by_source:
                _, leaders, at = np.unique(rows, return_index=True, return_inverse=True)
                group = np.where(rows < 0, group, leaders[at.reshape(-1)])
                column = column.take(array_of(group))
            apart = np.flatnonzero((rng.random(len(rows)) >= self.share)[group])
            other = (
                np.full(len(rows), -1)
                if self.strangers
                else rng.integers(0, len(source), len(rows))
            )
            rows[apart] = other[group][apart]
        else:
            codes = column.dictionary_encode().indices.fill_null(-1).to_numpy().astype(np.int64)
            people = int(codes.max(initial=-1)) + 1
            rows = _spread(first, round(self.share * people), people, rng)[codes]
            rows[codes < 0] = -1
        theirs = _as(source.combine_chunks().take(array_of(np.maximum(rows, 0))), column.type)
        taken = (rows >= 0) & column.is_valid().to_numpy(zero_copy_only=False)
        taken &= theirs.is_valid().to_numpy(zero_copy_only=False)
        values = pc.if_else(array_of(taken), theirs, column)
        at = made.column_names.index(self.column)
        return made.set_column(at, made.schema.field(at), values)


def applied(
    people: Sequence[SamePeople], tables: Mapping[str, pa.Table], seed: int
) -> dict[str, pa.Table]:
    """Made tables in which repeated people agree; columns that were not made are not a matter."""
    tables = dict(tables)
    for item in people:
        made = (tables[item.table].column_names, tables[item.source].column_names)
        if item.column in made[0] and item.origin in made[1]:
            tables[item.table] = item.applied(tables, seed)
    return tables


def same_people(
    tables: Mapping[str, pa.Table],
    found: Mapping[str, Sequence[PersonalColumn]],
    keys: Sequence[ForeignKey],
    order: Sequence[str],
) -> tuple[SamePeople, ...]:
    """Which personal columns repeat which other ones; what is repeated comes first.

    Args:
        tables: The real tables.
        found: Their personal columns, without keys.
        keys: All foreign keys.
        order: The tables, parents before children.
    """
    columns = [(name, item) for name in order for item in found.get(name, ())]
    unique = {
        (name, item.name): len(item.known) >= UNIQUE * (len(item.values) - item.values.null_count)
        for name, item in columns
    }
    columns.sort(key=lambda pair: not unique[pair[0], pair[1].name])
    relations = []
    for at, (name, item) in enumerate(columns):
        ways = [
            relation
            for owner, other in columns[:at]
            if _shared(item, other) >= HALF
            for relation in (
                *_linked(tables, _paths(keys, name, owner), (name, item), (owner, other)),
                *_alike((name, item), (owner, other)),
            )
        ]
        best = max(ways, key=lambda each: (each.linked, each.share), default=None)
        if best is not None:
            relations.append(best)
    return tuple(relations)


Place: TypeAlias = tuple[str, PersonalColumn]
"""A table and a personal column of it."""


def people_of_rows(
    name: str,
    tables: Mapping[str, pa.Table],
    found: Mapping[str, Sequence[PersonalColumn]],
    keys: Sequence[ForeignKey],
    protect: int,
) -> Persons | None:
    """Whom the rows of a table are about: rows of tables that it points at, or its own columns.

    Args:
        name: The table.
        tables: The real tables.
        found: Their personal columns.
        keys: All foreign keys.
        protect: Fewer people are not counted.
    """
    size = tables[name].num_rows
    candidates = persons_in(tables[name], found[name])
    for owner in tables:
        if owner == name or not any(item.detail in IDENTIFYING for item in found[owner]):
            continue
        for path in _paths(keys, name, owner):
            rows = _followed(tables, path, size)
            alone = tables[owner].num_rows + np.arange(size)
            candidates.append(Persons(path[0].name, np.where(rows < 0, alone, rows)))
    return likeliest(candidates, protect)


def _shared(item: PersonalColumn, other: PersonalColumn) -> float:
    """The share of a column's different values that another one has."""
    return float(pc.mean(pc.is_in(item.known, value_set=other.known).cast(pa.int8())).as_py())


def _linked(
    tables: Mapping[str, pa.Table],
    paths: Iterable[tuple[ForeignKey, ...]],
    place: Place,
    origin: Place,
) -> Iterator[SamePeople]:
    """The ways in which the rows of one column follow those of another one."""
    (name, item), (owner, other) = place, origin
    filled = len(item.values) - item.values.null_count
    for path in paths:
        rows = _followed(tables, path, len(item.values))
        theirs = other.values.take(array_of(np.maximum(rows, 0), missing=rows < 0))
        same = pc.equal(item.values, theirs).drop_null()
        share = (pc.sum(same).as_py() or 0) / max(1, len(same))
        if share >= HALF and len(same) >= HALF * filled:
            known, ours = rows[rows >= 0], item.values.take(array_of(np.flatnonzero(rows >= 0)))
            codes = ours.dictionary_encode().indices.fill_null(-1).to_numpy()
            pairs = np.unique(np.column_stack([known, codes]), axis=0)
            differing = item.values.filter(pc.not_equal(item.values, theirs))
            met = pc.mean(pc.is_in(differing, value_set=other.known).cast(pa.int8())).as_py()
            yield SamePeople(
                name, item.name, owner, other.name, path, linked=True, share=share,
                by_source=len(pairs) <= SAME_SOURCE * len(np.unique(known)),
                strangers=(met or 0) < HALF,
            )  # fmt: skip


def _alike(place: Place, origin: Place) -> Iterator[SamePeople]:
    """The way in which one column has the values of another one, in any row."""
    (name, item), (owner, other) = place, origin
    if item.detail not in BY_CHANCE:
        share = _shared(item, other)
        yield SamePeople(name, item.name, owner, other.name, (), linked=False, share=share)


def _paths(keys: Sequence[ForeignKey], name: str, owner: str) -> Iterator[tuple[ForeignKey, ...]]:
    """Chains of foreign keys from one table to another; within one table, none is enough."""
    if name == owner:
        yield ()
    for length in range(1, _LONGEST + 1):
        for path in product(keys, repeat=length):
            ends = [name, *(key.parent for key in path)]
            starts = [key.child for key in path]
            if starts == ends[:-1] and ends[-1] == owner and len(set(path)) == length:
                yield path


def _followed(
    tables: Mapping[str, pa.Table], path: Sequence[ForeignKey], size: int
) -> NDArray[np.int64]:
    """The row that a path leads to from each row; -1 if there is none."""
    rows: Rows = np.arange(size, dtype=np.int64)
    for key in path:
        there = row_links(tables, key)
        rows = np.where(rows < 0, -1, there[np.maximum(rows, 0)])
    return rows


def _as(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """Values of another type; texts that are not whole numbers become none."""
    if is_text(values.type) and not is_text(kind):
        whole = pc.match_substring_regex(values, r"^\d{1,18}$")
        values = pc.if_else(whole, values, pa.scalar(None, values.type)).cast(pa.int64())
    return values.cast(kind)


def _first_rows(values: pa.Array) -> NDArray[np.int64]:
    """The first row of each different value."""
    codes = values.dictionary_encode().indices
    known = np.flatnonzero(codes.is_valid().to_numpy(zero_copy_only=False))
    first = np.unique(codes.drop_null().to_numpy(), return_index=True)[1]
    return np.asarray(known[first], np.int64)


def _spread(
    first: NDArray[np.int64], shared: int, people: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """For each of some people the row of another column's person, -1 for those of their own.

    No two get the same person while there are enough.
    """
    rows = np.full(people, -1, np.int64)
    chosen = rng.permutation(people)[:shared]
    turns = -(-len(chosen) // len(first))
    rows[chosen] = np.concatenate([rng.permutation(first) for _ in range(turns)] or [first])[
        : len(chosen)
    ]
    return rows
