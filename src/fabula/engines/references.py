"""Reference columns: which parent row each row points to, and the parent's values there."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.engines.block import Array, Block, as_floats
from fabula.engines.cardinality import Cardinality
from fabula.engines.discrete import Weighted, ZipfRanks
from fabula.engines.distinct_pairs import DistinctAcross, DistinctWithin
from fabula.engines.kinds.key import key_at
from fabula.errors import CheckError
from fabula.io.arrays import array_of, numbers_of
from fabula.kinds.base.columns import AbstractColumn
from fabula.kinds.key import Key
from fabula.planning.plan import ReferencePlan, TablePlan
from fabula.streams import Permutation, coprimes, name_key

Links = NDArray[np.int64]
"""Row numbers in the parent table, -1 where a row has none."""

_NUMBERS = (pa.int64(), pa.float64(), pa.timestamp("us"), pa.date32())
"""Types whose values are gathered as plain numbers."""

Linker: TypeAlias = Callable[[Block], Links]


class Parent(Protocol):
    """What a reference needs to know of its parent table; `kept` is None for all rows."""

    @property
    def rows(self) -> int: ...
    @property
    def kept(self) -> NDArray[np.int64] | None: ...
    def spec_of(self, column: str) -> AbstractColumn:
        """A column's kind and parameters."""
        ...

    def column(self, name: str) -> Array:
        """A whole column."""
        ...


@dataclass(frozen=True)
class Linkage:
    """How the reference columns of one table choose their parent rows."""

    table: TablePlan
    seed: int
    parents: Mapping[str, Parent]
    cardinality: Cardinality | None

    def linker(self, link: ReferencePlan) -> Linker:
        """The way in which one reference column chooses."""
        if link.driver:
            cardinality = self._counted()
            return lambda block: cardinality.parents_of(block.start, block.rows)[0]
        if link.parent == self.table.name:
            return _earlier_row(link)
        kept = self.parents[link.column].kept
        size = self._usable(link.column)
        if size == 0:
            return lambda block: self._no_parent(link, block)
        choose = self._distinct(link) if link.within else self._chooser(link, size)

        def choose_links(block: Block) -> Links:
            rows = choose(block)
            return _without(rows if kept is None else kept[rows], block, link)

        return choose_links

    def _chooser(self, link: ReferencePlan, size: int) -> Linker:
        """Choose each row's parent by itself among `size` usable ones."""
        name, spec, table = link.column, link.spec, self.table.name
        if spec.unique:
            self._demand_room((name,), size)
            shuffle = Permutation(size, self.seed, table, name)
            return lambda block: shuffle(block.row_numbers)
        if spec.weights is not None:
            parent = self.parents[name]
            weights = as_floats(parent.column(spec.weights))
            weights = weights if parent.kept is None else weights[parent.kept]
            weights = np.nan_to_num(np.maximum(weights, 0.0), posinf=0.0)
            if not weights.any():
                raise CheckError(
                    f"no row of `{link.parent}` has a `{spec.weights}` above 0 as its weight",
                    code="engine.no-weight",
                    where=f"tables.{table}.columns.{name}.weights",
                    hint=f"make `{link.parent}.{spec.weights}` positive, or leave out `weights`",
                )
            weighted = Weighted(weights)
            return lambda block: weighted.draw(block.rng(name), block.rows)
        if spec.skew is not None:
            ranks = ZipfRanks(size, spec.skew)
            step, shift = _scatter(size, f"{self.seed}/{table}/{name}")
            return lambda block: (ranks.draw(block.rng(name), block.rows) * step + shift) % size
        return lambda block: block.rng(name).integers(0, size, block.rows)

    def _distinct(self, link: ReferencePlan) -> Linker:
        """Choose so that the combination with the references in `within` never repeats."""
        group = sorted((link.column, *link.within))
        driver = self.table.driver
        driven = driver is not None and driver.column in group
        free = [name for name in group if not (driven and driver and name == driver.column)]
        sizes = [self._usable(name) for name in free]
        place, label = free.index(link.column), "+".join(group)
        if driven:
            cardinality = self._counted()
            self._demand_partners(free, math.prod(sizes))
            within = DistinctWithin(sizes, self.seed, self.table.name, label)
            return lambda block: within(*cardinality.parents_of(block.start, block.rows))[place]
        self._demand_room(group, math.prod(sizes))
        across = DistinctAcross(sizes, self.seed, self.table.name, label)
        return lambda block: across(block.row_numbers)[place]

    def _demand_room(self, names: Sequence[str], places: int) -> None:
        """Refuse more rows than there are parents that are written, or combinations of them."""
        rows = self.table.rows if self.cardinality is None else self.cardinality.rows
        if places < rows:
            raise self._too_few(names, places, f"{rows:,} rows that must differ")

    def _demand_partners(self, names: Sequence[str], places: int) -> None:
        """Refuse more children of one parent than can differ."""
        per_parent = self.table.spec.per_parent
        fewest = 0 if per_parent is None else per_parent.fixed or per_parent.min
        if places < fewest:
            raise self._too_few(names, places, f"{fewest:,} rows of a parent that must differ")

    def _too_few(self, names: Sequence[str], places: int, rows: str) -> CheckError:
        listed = " and ".join(f"`{name}`" for name in names)
        return CheckError(
            f"only {places:,} written rows that {listed} can refer to, for {rows}",
            code="engine.too-few-parents",
            where=f"tables.{self.table.name}",
            hint="ask for fewer rows, or generate more parents",
        )

    def _usable(self, column: str) -> int:
        """Parent rows that can be referred to."""
        parent = self.parents[column]
        return parent.rows if parent.kept is None else len(parent.kept)

    def _counted(self) -> Cardinality:
        assert self.cardinality is not None
        return self.cardinality

    def _no_parent(self, link: ReferencePlan, block: Block) -> Links:
        if link.spec.nulls:
            return np.full(block.rows, -1, dtype=np.int64)
        raise CheckError(
            f"`{self.table.name}.{link.column}` needs a row of `{link.parent}`, which has none",
            code="engine.empty-parent",
            where=f"tables.{self.table.name}.columns.{link.column}",
            hint=f"give `{link.parent}` at least one row",
        )


def parent_values(parent: Parent, column: str, links: Links) -> Array:
    """The parent's values at each link; null where a row has no parent."""
    missing = links < 0
    nothing = missing if missing.any() else None
    spec = parent.spec_of(column)
    if isinstance(spec, Key) and not spec.nulls:
        return array_of(key_at(spec, links), missing=nothing)
    values = parent.column(column)
    if values.type in _NUMBERS and nothing is None and not values.null_count:
        return array_of(numbers_of(values)[links], values.type)
    return values.take(array_of(links, missing=nothing))


def _earlier_row(link: ReferencePlan) -> Linker:
    """Point to an earlier row of the same table, so that rows form a tree from the first row."""

    def choose(block: Block) -> Links:
        numbers = block.row_numbers
        u = block.rng(link.column).random(block.rows)
        rows = np.where(numbers == 0, -1, (u * numbers).astype(np.int64))
        return _without(rows, block, link)

    return choose


def _without(rows: Links, block: Block, link: ReferencePlan) -> Links:
    """Take the parent from a share `nulls` of the rows."""
    if not link.spec.nulls:
        return rows
    missing = block.rng(f"{link.column}:nulls").random(block.rows) < link.spec.nulls
    return np.where(missing, -1, rows)


def _scatter(size: int, name: str) -> tuple[int, int]:
    """A step and a shift that spread frequent parents over the table."""
    steps, chance = coprimes(size), name_key(name)
    return int(steps[chance % len(steps)]), chance // 64 % size
