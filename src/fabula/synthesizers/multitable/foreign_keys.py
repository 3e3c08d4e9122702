"""Foreign keys as row numbers, and the order in which tables can be made."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.errors import SourceError
from fabula.relationships.keys import ForeignKey, Keys, key_labels

Rows: TypeAlias = NDArray[np.int64]
"""Row numbers of another table, -1 if there is none."""


@dataclass(frozen=True)
class Links:
    """How one table's rows point at others.

    Attributes:
        driver: The foreign key whose parent rows bring forth the table's rows; None in a table
            that stands by itself.
        others: Further foreign keys to other tables; their parents are chosen afterwards.
        upward: Foreign keys to other rows of the table itself.
        late: Foreign keys to tables that are made after this one, which close a circle of tables;
            their parents are chosen once all rows exist.
    """

    driver: ForeignKey | None
    others: tuple[ForeignKey, ...] = ()
    upward: tuple[ForeignKey, ...] = ()
    late: tuple[ForeignKey, ...] = ()

    @property
    def outward(self) -> tuple[ForeignKey, ...]:
        """Foreign keys to tables that are made before this one, the driver first."""
        return (() if self.driver is None else (self.driver,)) + self.others

    @property
    def all(self) -> tuple[ForeignKey, ...]:
        """Every foreign key."""
        return self.outward + self.upward + self.late

    def fixed_before(self, key: ForeignKey) -> tuple[str, ...]:
        """Columns of a key whose values another key, whose parent is chosen before, decides."""
        before = self.all[: self.all.index(key)]
        taken = {column for other in before for column in other.columns}
        return tuple(column for column in key.columns if column in taken)


def children_of(
    name: str, links: Mapping[str, Links], rows: Mapping[ForeignKey, Rows], size: int
) -> dict[ForeignKey, Rows]:
    """How many children each of the `size` rows of a table has, by foreign key."""
    pointing = [key for item in links.values() for key in item.all if key.parent == name]
    return {key: np.bincount(rows[key][rows[key] >= 0], minlength=size) for key in pointing}


def row_links(tables: Mapping[str, pa.Table], key: ForeignKey, *, orphans: bool = False) -> Rows:
    """The parent's row number of each row of the child; -1 where the key is missing.

    Args:
        tables: The tables by name.
        key: The foreign key.
        orphans: Whether keys that no parent has count as missing ones.

    Raises:
        SourceError: Some keys are not a key of the parent, and that is not allowed.
    """
    there = key_labels(tables[key.parent], key.key)
    wanted = key_labels(tables[key.child], key.columns)
    found = pc.index_in(wanted, value_set=there.combine_chunks(), skip_nulls=True)
    lost = wanted.filter(pc.and_(pc.is_null(found), pc.is_valid(wanted)))
    if len(lost) and not orphans:
        raise pointing_nowhere(key, lost)
    return np.asarray(pc.fill_null(found, -1).to_numpy(), dtype=np.int64)


def links_of(
    tables: Mapping[str, pa.Table], keys: Keys, rows: Mapping[ForeignKey, Rows]
) -> dict[str, Links]:
    """How every table's rows point at others.

    Raises:
        SourceError: Tables point at each other in a circle of primary keys.
    """
    outward = {
        name: _widest([key for key in keys.foreign if name == key.child != key.parent], rows)
        for name in tables
    }
    late = _closing(outward, keys, rows)
    found = {}
    for name in tables:
        usable = [key for key in outward[name] if key not in late]
        driver = min(
            usable,
            key=lambda key: _reluctance(rows[key], tables[key.parent].num_rows),
            default=None,
        )
        found[name] = Links(
            driver,
            tuple(key for key in usable if key != driver),
            tuple(key for key in keys.foreign if key.child == name == key.parent),
            tuple(key for key in outward[name] if key in late),
        )
    return found


def _closing(
    outward: Mapping[str, Sequence[ForeignKey]], keys: Keys, rows: Mapping[ForeignKey, Rows]
) -> set[ForeignKey]:
    """The keys that are left for later, so that the others form no circle.

    A circle is opened where a parent has the fewest children, since less depends on such a link:
    at a department's head rather than at its employees' department.
    """
    late: set[ForeignKey] = set()
    identify = {name: set(keys.primary.get(name, ())) for name in outward}
    for key in keys.foreign:
        identify[key.parent] |= set(key.key)

    def children(link: ForeignKey) -> float:
        """Of each parent that has any."""
        used = rows[link][rows[link] >= 0]
        return len(used) / max(len(np.unique(used)), 1)

    while (circle := _circle(outward, late)) is not None:
        steps = []
        for parent, child in pairwise(circle):
            links = [key for key in outward[child] if key.parent == parent and key not in late]
            if not any(identify[child] & set(key.columns) for key in links):
                steps.append(links)
        if not steps:
            told = " → ".join(circle[::-1])
            raise SourceError(
                f"these tables point at each other in a circle, by their primary keys: {told}",
                code="source.circle",
                where=circle[0],
                hint=f"fit them without one of these tables, such as `{circle[0]}`",
            )
        late |= set(min(steps, key=lambda links: max(map(children, links))))
    return late


def making_order(links: Mapping[str, Links]) -> list[str]:
    """Parents before children."""
    graph = {name: {key.parent for key in item.outward} for name, item in links.items()}
    return list(TopologicalSorter(graph).static_order())


def _circle(
    outward: Mapping[str, Sequence[ForeignKey]], late: Collection[ForeignKey]
) -> list[str] | None:
    """Tables of which each is the parent of the next one, the first also the last; or None."""
    graph = {
        name: {key.parent for key in keys if key not in late} for name, keys in outward.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return None


def _widest(keys: Sequence[ForeignKey], rows: Mapping[ForeignKey, Rows]) -> list[ForeignKey]:
    """Keys whose columns are not part of another key's that is missing no more often."""
    return [
        key
        for key in keys
        if not any(
            set(key.columns) < set(other.columns)
            and (rows[other] < 0).sum() <= (rows[key] < 0).sum()
            for other in keys
        )
    ]


def _reluctance(rows: Rows, parents: int) -> tuple[bool, bool, float]:
    """Smallest for the parent that its children hang on most closely.

    That is one that every row has, and that has few children, but more than one on average.
    """
    mean = (rows >= 0).sum() / max(parents, 1)
    return bool((rows < 0).any()), mean < 1, float(mean)


def pointing_nowhere(key: ForeignKey, orphans: pa.ChunkedArray) -> SourceError:
    """The error for values of a foreign key that no parent has."""
    shown = ", ".join(f"`{value}`" for value in orphans.unique().slice(0, 3).to_pylist())
    return SourceError(
        f"{len(orphans):,} values of `{key.name}` are not a key of `{key.parent}`: {shown}",
        code="source.orphans",
        where=f"{key.child}.{key.columns[0]}",
        hint='keep their share with orphans="keep" (`--orphans keep`), remove those rows, or leave'
        " this foreign key out",
    )
