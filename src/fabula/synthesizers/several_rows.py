"""People with several rows: what is the same in all rows of a person.

A model draws rows, not people. So people with several rows are drawn first, as rows of their own,
and each further row is that of a person who agrees with it, in as much as anyone does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.io.arrays import array_of
from fabula.synthesizers.codecs.codec import ColumnCodec, Repeated
from fabula.synthesizers.codecs.copies import CopyCodec
from fabula.synthesizers.codecs.keys import KeyCodec
from fabula.synthesizers.codecs.trees import TreeCodec
from fabula.synthesizers.constraints.relations import Relations
from fabula.synthesizers.model import Codes
from fabula.synthesizers.pii.codec import DetailCodec
from fabula.synthesizers.pii.identities import Crowd, Numbers
from fabula.synthesizers.rules import Rule


@dataclass(frozen=True, eq=False)
class Draft:
    """Drawn rows, whose people are open.

    Attributes:
        table: The rows.
        codes: What they hold of the columns that people share; the first column of codes is kept
            whatever the others are.
    """

    table: pa.Table
    codes: Codes


def shared_by_crowd(codecs: Iterable[ColumnCodec]) -> dict[Crowd, list[str]]:
    """The learned columns that people share, those of the fewest cells first."""
    codecs = list(codecs)
    crowds = {codec.crowd.name: (codec.crowd, codec.shared) for codec in codecs
              if isinstance(codec, DetailCodec)}  # fmt: skip
    cells = {codec.cells.name: codec.cells.cells for codec in codecs
             if not isinstance(codec, KeyCodec | CopyCodec | DetailCodec | TreeCodec)}  # fmt: skip
    shared = {crowd: sorted(cells.keys() & set(names), key=lambda name: (cells[name], name))
              for crowd, names in crowds.values()}  # fmt: skip
    return {crowd: names for crowd, names in shared.items() if names}


def matched(crowd: Crowd, rows: Codes, people: Codes, numbers: Numbers, seed: int) -> Numbers:
    """The person of each row: one who agrees with it in the most of the first columns.

    Args:
        crowd: The people.
        rows: What the rows hold of the shared columns; the first one is always kept.
        people: What each person with several rows holds of them.
        numbers: The numbers of the rows.
        seed: The sample's seed.
    """
    weights = crowd.repeats
    u = crowd.uniform(numbers, seed) * (weights.sum() + crowd.alone) / weights.sum()
    found = np.full(len(rows), -1, np.int64)
    repeating = u < 1.0
    for groups in reversed(_groups(np.concatenate([people, rows]))):
        left = np.flatnonzero((found < 0) & repeating)
        if not len(left):
            break
        found[left] = _drawn(groups[: len(people)], groups[len(people) :][left], weights, u[left])
    return np.where(found < 0, len(people) + numbers, found)


def _groups(codes: Codes) -> list[Numbers]:
    """The group of each row by the first column, by the first two, and so on."""
    found, group = [], np.zeros(len(codes), np.int64)
    for column in codes.T.astype(np.int64):
        group = np.unique(group * (column.max(initial=0) + 1) + column, return_inverse=True)[1]
        found.append(group.astype(np.int64).reshape(-1))
    return found


def _drawn(people: Numbers, rows: Numbers, weights: Numbers, u: NDArray[np.float64]) -> Numbers:
    """A person of each row's group by their weights; -1 if it has none."""
    order = np.argsort(people, kind="stable")
    sums = np.concatenate([[0], np.cumsum(weights[order])])
    first, end = (np.searchsorted(people[order], rows, side) for side in ("left", "right"))
    drawn = np.searchsorted(sums, sums[first] + u * (sums[end] - sums[first]), "right") - 1
    at = np.minimum(drawn, np.maximum(end - 1, 0))
    return np.where(first < end, order[np.minimum(at, len(order) - 1)], -1)


def with_people(
    rows: Draft,
    everyone: Draft,
    crowd: Crowd,
    numbers: Numbers,
    seed: int,
    *,
    relations: Relations,
    rules: Sequence[Rule] = (),
    rng: np.random.Generator,
) -> tuple[pa.Table, Repeated]:
    """Rows that hold what their people share, and these people.

    A row that would break a rule with it is that of a person of its own.

    Args:
        rows: The rows.
        everyone: A row for each person with several; its table has the shared columns alone.
        crowd: The people.
        numbers: The numbers of the rows.
        seed: The sample's seed.
        relations: What holds on every row.
        rules: Those of a spec.
        rng: Chooses where several values keep a relation.
    """
    found = matched(crowd, rows.codes, everyone.codes, numbers, seed)
    names = everyone.table.column_names
    settled = relations.updated(with_shared(rows.table, everyone.table, found), names, rng)
    kept = relations.in_order(settled)
    for rule in rules:
        kept &= rule.kept(settled)
    if not kept.all():
        order = np.arange(len(kept)) + np.where(kept, 0, len(kept))
        settled = pa.concat_tables([settled, rows.table]).take(array_of(order))
        found = np.where(kept, found, everyone.table.num_rows + numbers)
    return settled, Repeated(found, everyone.table)


def with_shared(table: pa.Table, everyone: pa.Table, people: Numbers) -> pa.Table:
    """Rows that hold what their people share."""
    shared = np.flatnonzero(people < everyone.num_rows)
    picked = np.arange(table.num_rows)
    picked[shared] = table.num_rows + people[shared]
    for name in everyone.column_names:
        at = table.column_names.index(name)
        both = pa.chunked_array(
            [*table.column(name).chunks, *everyone.column(name).chunks], table.schema.field(at).type
        )
        table = table.set_column(at, table.schema.field(at), both.take(array_of(picked)))
    return table
