"""Columns that determine others: a newly generated town lies in one country, as real ones do.

What a real column says about another one in every row (a functional dependency), its new values
say, too, although no model has seen them; nor has one seen rare labels. Rows whose value stands
with something else than most rows of that value get one that stands with theirs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.inference.guesses import words
from fabula.io.arrays import array_of, is_text
from fabula.synthesizers.codecs.categories import OTHER, CategoryCodec
from fabula.synthesizers.codecs.learning import Columns
from fabula.synthesizers.codecs.stand_ins import StandInCodec
from fabula.synthesizers.constraints.evidence import lookup_is_sure, tolerable
from fabula.synthesizers.constraints.lookups import coded
from fabula.synthesizers.constraints.relations import Relations
from fabula.synthesizers.multitable.foreign_keys import Links
from fabula.synthesizers.multitable.matching import combined, moved, representatives
from fabula.synthesizers.pii.codec import DetailCodec

Codes = NDArray[np.int64]

New = Callable[[NDArray[np.int64], int], pa.Array]
"""A new value for each of some rows, another one in each attempt."""

_TRIES = 8

_PLACE = re.compile(
    r"(^|_)(postal|postcode|zip|city|town|region|state|province|county|canton|district|country)(_|$)"
)
"""Names of columns of places."""


@dataclass(frozen=True)
class Determinant:
    """A column of details or labels with what it determines and what determines it.

    Attributes:
        column: The column.
        determines: Columns that have one value for each of its values.
        follows: Columns of which each value has one value of it.
    """

    column: str
    determines: tuple[str, ...] = ()
    follows: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """What holds, in words."""
        gives = [f"tells {', '.join(self.determines)}"] if self.determines else []
        takes = [f"follows from {', '.join(self.follows)}"] if self.follows else []
        return f"on every row {self.column}: {' and '.join([*takes, *gives])}"

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Determinant:
        """The column of a state."""
        return cls(state["column"], tuple(state["determines"]), tuple(state["follows"]))

    def settled(self, table: pa.Table, new: New, rng: np.random.Generator) -> pa.Table:
        """The rows, in which the column says as much as in training.

        Args:
            table: Made rows; values are moved between them.
            new: Gives a new value for some rows, where no value of the column stands with theirs.
            rng: Chooses among values.
        """
        column = table.column(self.column).combine_chunks()
        own = _codes(column)
        if not (own >= 0).any():
            return table
        values = self._followed(table, own)
        if self.determines:
            labels = combined([_told_codes(table.column(name)) for name in self.determines])
            values = moved(values, labels, rng)
            known = np.flatnonzero(values >= 0)
            usual = labels[known[representatives(values[known], labels[known])]]
            wrong = known[usual != labels[known]]
            for attempt in range(_TRIES):
                if not len(wrong):
                    break
                _, one, group = np.unique(labels[wrong], return_index=True, return_inverse=True)
                column = pa.concat_arrays([column, new(wrong[one], attempt).cast(column.type)])
                own = _codes(column)
                added = own[len(own) - len(one) :]
                earliest = np.unique(own, return_index=True)[1]
                free = np.isin(np.arange(len(own) - len(one), len(own)), earliest) & (added >= 0)
                there = free[group.reshape(-1)]
                values[wrong[there]] = added[group.reshape(-1)[there]]
                wrong = wrong[~there]
            values = self._followed(table, values)
        first = np.zeros(int(own.max(initial=-1)) + 1, np.int64)
        first[own[::-1]] = np.arange(len(own))[::-1]
        rows = array_of(first[values], missing=values < 0)
        at = table.column_names.index(self.column)
        return table.set_column(at, table.schema.field(at), column.take(rows))

    def _followed(self, table: pa.Table, values: Codes) -> Codes:
        """Of each value of the columns that determine it the value of most of its rows."""
        for name in self.follows:
            sources = _codes(table.column(name))
            values = np.where(sources >= 0, values[representatives(sources, values)], values)
        return values


def determinants_of(
    columns: Columns | None,
    table: pa.Table,
    links: Links,
    relations: Relations,
    given: Collection[str],
) -> tuple[Determinant, ...]:
    """The columns of details and labels that determine others, those of few values first.

    Args:
        columns: What was learned of its columns.
        table: Training rows.
        links: Its foreign keys.
        relations: What is known to hold on every row; its labels are left out.
        given: Columns that follow from another table.
    """
    if columns is None:
        return ()
    stand_ins = {codec.name for codec in columns.codecs if isinstance(codec, StandInCodec)}
    keys = [key.columns[0] for key in links.outward if len(key.columns) == 1]
    names = [name for name in (*keys, *columns.names)
             if name in table.column_names and name not in stand_ins]  # fmt: skip
    codes = {name: _codes(table.column(name)) for name in names}
    sizes = {name: int(own.max(initial=-1)) + 1 for name, own in codes.items()}
    told = [name for name in codes if sizes[name] > 1]
    bound = {name for item in relations.items for name in (item.target, *item.sources)}
    new = {
        codec.name
        for codec in columns.codecs
        if isinstance(codec, DetailCodec)
        or (isinstance(codec, CategoryCodec) and codec.name not in bound)
    }
    settled = [name for name in told if name not in new]
    found = []
    for name in sorted(new.intersection(told), key=lambda name: (sizes[name], told.index(name))):
        if name not in given:
            determines = tuple(other for other in settled if _tells(codes, name, other))
            follows = tuple(other for other in settled if _tells(codes, other, name))
            if determines or follows:
                found.append(Determinant(name, determines, follows))
        settled.append(name)
    return tuple(found)


def with_determinants(
    determinants: Mapping[str, tuple[Determinant, ...]],
    tables: Mapping[str, pa.Table],
    new: Callable[[str, str, pa.Table, NDArray[np.int64], int], pa.Array],
    streams: Callable[[str], np.random.Generator],
    fixed: Collection[tuple[str, str]] = (),
) -> dict[str, pa.Table]:
    """Made tables whose newly generated columns determine what the real ones do.

    Args:
        determinants: The columns, by table.
        tables: Their rows as they are now.
        new: Gives further values for some rows of a table's column.
        streams: The random stream of a table.
        fixed: Columns that stay unchanged, as table and column.
    """
    made = dict(tables)
    for name, columns in determinants.items():
        rng = streams(name)
        for item in columns:
            there = {*made[name].column_names}
            if (name, item.column) not in fixed and there.issuperset(
                (item.column, *item.determines, *item.follows)
            ):
                made[name] = item.settled(
                    made[name], partial(new, name, item.column, made[name]), rng
                )
    return made


def _codes(column: pa.Array | pa.ChunkedArray) -> Codes:
    """A code of each value; -1 for a missing one, and for labels that stand for many."""
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    codes, values = coded(whole)
    empty = values.is_null().to_numpy(zero_copy_only=False)
    if is_text(values.type):
        many = pc.is_in(values, value_set=pa.array(["", OTHER], values.type))
        empty |= many.to_numpy(zero_copy_only=False)
    return np.where(empty[codes], -1, codes) if len(values) else codes


def _told_codes(column: pa.ChunkedArray) -> Codes:
    """As `_codes`, but labels that stand for many do not count as missing."""
    codes = _codes(column)
    if is_text(column.type):
        many = pc.fill_null(pc.equal(column, pa.scalar(OTHER, column.type)), False)
        codes = np.where(many.to_numpy(), -2, codes)
    return codes


def _tells(codes: Mapping[str, Codes], source: str, target: str) -> bool:
    """Whether each value of a column has one of another one, but for a few rows, beyond chance.

    Places tell larger places however few rows there are.
    """
    known = codes[source] >= 0
    own, other = codes[source][known], codes[target][known] + 1
    kept = other[representatives(own, other)] == other
    if kept.sum() < 2 or not tolerable(int((~kept).sum()), other):
        return False
    if all(_PLACE.search(words(name)) for name in (source, target)):
        return True
    return lookup_is_sure(own[kept], other[kept], columns=len(codes))
