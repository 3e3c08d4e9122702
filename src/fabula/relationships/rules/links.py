"""Children and their parents: the rows that a rule across tables compares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.relationships.keys import ForeignKey, Keys, key_labels
from fabula.relationships.rules.plain import Flags, Plain, Rows, Values

Function: TypeAlias = Literal["count", "sum", "max", "min", "mean"]


@dataclass(frozen=True, eq=False)
class Link:
    """A foreign key with the tables on both sides.

    Attributes:
        key: The foreign key.
        child: The child's columns.
        parent: The parent's.
        rows: The parent's row of each child, -1 if there is none.
    """

    key: ForeignKey
    child: Plain
    parent: Plain
    rows: Rows

    @cached_property
    def used(self) -> Rows:
        """The children that have a parent."""
        return np.flatnonzero(self.rows >= 0)

    @cached_property
    def parents_used(self) -> int:
        """How many parents have children."""
        return len(np.unique(self.rows[self.used]))

    @cached_property
    def children(self) -> Children:
        """Children by parent."""
        return Children(self.rows, self.parent.rows)


class Children:
    """Children by their parents, for totals.

    Args:
        rows: The parent's row of each child, -1 if there is none.
        parents: How many parents there are.
    """

    def __init__(self, rows: Rows, parents: int) -> None:
        self._order = np.argsort(rows, kind="stable")[np.count_nonzero(rows < 0) :]
        self._parents = rows[self._order]
        self.counts = np.bincount(self._parents, minlength=parents)

    def combined(
        self, function: Function, values: NDArray[Any], known: Flags
    ) -> tuple[NDArray[Any], Flags]:
        """One number for each parent, and which parents have a child with a value.

        Args:
            function: How the values of a parent's children are combined.
            values: A value for each child.
            known: Where there is one.
        """
        if function == "count":
            return self.counts, self.counts > 0
        order = self._order[known[self._order]]
        parents, inner = self._parents[known[self._order]], values[order]
        counts = np.bincount(parents, minlength=len(self.counts))
        found = np.zeros(len(self.counts), inner.dtype)
        if len(inner):
            starts = np.flatnonzero(np.diff(parents, prepend=-1))
            at = parents[starts]
            if function in ("sum", "mean"):
                found[at] = np.add.reduceat(inner, starts)
                found = found / np.maximum(counts, 1) if function == "mean" else found
            else:
                least_or_most = np.maximum if function == "max" else np.minimum
                found[at] = least_or_most.reduceat(inner, starts)
        return found, counts > 0


def links_between(
    tables: Mapping[str, pa.Table], keys: Keys, rows: Mapping[ForeignKey, Rows] | None = None
) -> list[Link]:
    """The links of all foreign keys whose tables and columns are there.

    Args:
        tables: Tables by name.
        keys: Their keys.
        rows: The parent's row of each child, if that is known already.
    """
    plain = {name: Plain(table, keys.of(name)) for name, table in tables.items()}
    return [
        Link(
            key,
            plain[key.child],
            plain[key.parent],
            rows[key] if rows else parents_of(tables, key),
        )
        for key in keys.foreign
        if _is_there(tables, key.child, key.columns) and _is_there(tables, key.parent, key.key)
    ]


def parents_of(tables: Mapping[str, pa.Table], key: ForeignKey) -> Rows:
    """The parent's row of each child, -1 if there is none."""
    there = key_labels(tables[key.parent], key.key)
    wanted = key_labels(tables[key.child], key.columns)
    found = pc.index_in(wanted, value_set=there.combine_chunks(), skip_nulls=True)
    return np.asarray(pc.fill_null(found, -1).to_numpy(), dtype=np.int64)


def aligned(link: Link, column: str, source: str) -> tuple[Values, Values]:
    """A child's column and its parent's one, for the children that have a parent."""
    used = link.used
    return link.child[column].take(used), link.parent[source].take(link.rows[used])


def _is_there(tables: Mapping[str, pa.Table], table: str, columns: tuple[str, ...]) -> bool:
    return table in tables and set(columns) <= set(tables[table].column_names)
