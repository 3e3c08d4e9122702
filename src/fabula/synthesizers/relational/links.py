"""Foreign keys as row numbers, and the order in which tables can be made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.errors import SourceError
from fabula.io.arrays import array_of
from fabula.metrics.keys import CONTAINED, ForeignKey, Keys, key_labels

Rows: TypeAlias = NDArray[np.int64]
"""Row numbers of another table, -1 where there is none."""


@dataclass(frozen=True)
class Links:
    """How one table's rows point at others.

    Attributes:
        driver: The foreign key whose parent rows bring forth the table's rows; None in a table
            that stands by itself.
        others: Further foreign keys to other tables; their parents are chosen afterwards.
        upward: Foreign keys to earlier rows of the table itself.
    """

    driver: ForeignKey | None
    others: tuple[ForeignKey, ...] = ()
    upward: tuple[ForeignKey, ...] = ()

    @property
    def outward(self) -> tuple[ForeignKey, ...]:
        """Foreign keys to other tables, the driver first."""
        return (() if self.driver is None else (self.driver,)) + self.others

    @property
    def all(self) -> tuple[ForeignKey, ...]:
        """Every foreign key."""
        return self.outward + self.upward


def row_links(tables: Mapping[str, pa.Table], key: ForeignKey) -> Rows:
    """The parent's row number of each row of the child; -1 where the key is missing.

    Raises:
        SourceError: Some keys are no key of the parent.
    """
    there = key_labels(tables[key.parent], key.key)
    wanted = key_labels(tables[key.child], key.columns)
    found = pc.index_in(wanted, value_set=there.combine_chunks(), skip_nulls=True)
    orphans = wanted.filter(pc.and_(pc.is_null(found), pc.is_valid(wanted)))
    if len(orphans):
        raise _pointing_nowhere(key, orphans)
    return np.asarray(pc.fill_null(found, -1).to_numpy(), dtype=np.int64)


def without_orphans(
    tables: Mapping[str, pa.Table], keys: Keys
) -> tuple[dict[str, pa.Table], dict[str, str]]:
    """Tables without rows whose keys no parent has, and what is to be said of these rows.

    Rows that point at a row that was left out are left out, too.

    Raises:
        SourceError: More rows than a few would be left out: this is no foreign key.
    """
    left = dict(tables)
    told: dict[str, str] = {}
    while True:
        lost = {key: _orphans(left, key) for key in keys.foreign}
        lost = {key: rows for key, rows in lost.items() if pc.any(rows).as_py()}
        if not lost:
            return left, told
        for key, rows in lost.items():
            count = pc.sum(rows).as_py()
            size = tables[key.child].num_rows
            if count > (1 - CONTAINED) * size:
                raise _pointing_nowhere(key, key_labels(left[key.child], key.columns).filter(rows))
            told[key.name] = (
                f"{count:,} of {size:,} rows were not learned: their key is none of `{key.target}`"
            )
        for child in {key.child for key in lost}:
            keep = np.ones(left[child].num_rows, bool)
            for key, rows in lost.items():
                if key.child == child:
                    keep &= ~np.asarray(rows)
            left[child] = left[child].filter(array_of(keep))


def _orphans(tables: Mapping[str, pa.Table], key: ForeignKey) -> pa.ChunkedArray:
    """Which rows have a key that no parent has."""
    there = key_labels(tables[key.parent], key.key)
    wanted = key_labels(tables[key.child], key.columns)
    known = pc.is_in(wanted, value_set=there.combine_chunks(), skip_nulls=True)
    return pc.and_(pc.invert(known), pc.is_valid(wanted))


def _pointing_nowhere(key: ForeignKey, orphans: pa.ChunkedArray) -> SourceError:
    shown = ", ".join(f"`{value}`" for value in orphans.unique().slice(0, 3).to_pylist())
    return SourceError(
        f"{len(orphans):,} values of `{key.name}` are no key of `{key.parent}`: {shown}",
        code="source.orphans",
        where=f"{key.child}.{key.columns[0]}",
        hint="remove those rows, or leave this foreign key out",
    )


def links_of(
    tables: Mapping[str, pa.Table], keys: Keys, rows: Mapping[ForeignKey, Rows]
) -> dict[str, Links]:
    """How every table's rows point at others."""
    found = {}
    for name in tables:
        own = [key for key in keys.foreign if key.child == name]
        outward = [key for key in _widest(own) if key.parent != name]
        driver = min(
            outward,
            key=lambda key: _reluctance(rows[key], tables[key.parent].num_rows),
            default=None,
        )
        found[name] = Links(
            driver,
            tuple(key for key in outward if key != driver),
            tuple(key for key in own if key.parent == name),
        )
    return found


def making_order(links: Mapping[str, Links]) -> list[str]:
    """Parents before children.

    Raises:
        SourceError: Tables point at each other in a circle.
    """
    graph = {name: {key.parent for key in item.outward} for name, item in links.items()}
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = " → ".join(error.args[1][::-1])
        raise SourceError(
            f"these tables point at each other in a circle: {circle}",
            code="source.circle",
            where=error.args[1][0],
            hint="leave one of these foreign keys out of `keys`",
        ) from error


def _widest(keys: Iterable[ForeignKey]) -> list[ForeignKey]:
    """Keys whose columns are not part of another key's; the wider one says it already."""
    listed = list(keys)
    return [
        key for key in listed if not any(set(key.columns) < set(other.columns) for other in listed)
    ]


def _reluctance(rows: Rows, parents: int) -> tuple[bool, bool, float]:
    """Smallest for the parent that its children hang on most closely.

    That is one that every row has, and that has few children, but more than one on average.
    """
    mean = (rows >= 0).sum() / max(parents, 1)
    return bool((rows < 0).any()), mean < 1, float(mean)
