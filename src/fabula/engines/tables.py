"""One table, block by block: columns in steps, unique values, row checks and their repair."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.engines.arithmetic import Compiled, compile_expression
from fabula.engines.block import TRIES, Array, Block, Engine, GroupEngine, with_share_missing
from fabula.engines.cardinality import Cardinality
from fabula.engines.catalogue import column_engine
from fabula.engines.children import children_engine
from fabula.engines.correlated import correlated_engines
from fabula.engines.expressions import evaluate
from fabula.engines.grids import grid_engines
from fabula.engines.kinds import TableFacts
from fabula.engines.learned import learned_engines
from fabula.engines.made import CheckTally, MadeBlock, RejectedRow
from fabula.engines.prepared import prepared
from fabula.engines.references import Linkage, Linker, parent_values
from fabula.engines.repair import Repaired, RowRules
from fabula.engines.simulated import simulated_engines
from fabula.engines.sources import SourceRows
from fabula.engines.unique import Attempts, distinct_engine, distinct_groups, find_redraws
from fabula.io.arrays import array_of
from fabula.kinds.base.columns import AbstractColumn, AbstractFilled
from fabula.planning.columns import closure
from fabula.planning.plan import TablePlan
from fabula.streams import BLOCK_ROWS

if TYPE_CHECKING:
    from fabula.engines.models import Models
    from fabula.engines.programs import ProgramEngine


class TableBlocks:
    """Makes one table; implements `TableMaker`, and `Parent` for the tables that refer to it."""

    def __init__(
        self,
        plan: TablePlan,
        seed: int,
        tables: Mapping[str, TableBlocks],
        models: Models | None,
        lock: threading.RLock,
        *,
        sources: SourceRows,
    ) -> None:
        self.plan, self.schema = plan, plan.schema
        self._seed, self._tables, self._models = seed, tables, models
        self._sources = sources
        self.lock = lock
        self._columns: dict[str, Array] = {}
        self._finished: dict[int, tuple[Block, MadeBlock]] = {}
        self.attempt = 0

    # What others need to know of this table

    @prepared
    def rows(self) -> int:
        """Exact number of rows."""
        return self.plan.rows if self._cardinality is None else self._cardinality.rows

    @prepared
    def asks(self) -> bool:
        """Whether language models fill columns of this table."""
        return any(isinstance(plan.spec, AbstractFilled) for plan in self.plan.columns.values())

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return -(-self.rows // BLOCK_ROWS)

    @prepared
    def kept(self) -> NDArray[np.int64] | None:
        """Numbers of the rows that are written, or None for all of them."""
        if not self._lossy:
            return None
        lost = [row for block in range(self.blocks) for row in self._lost_rows(block)]
        return np.setdiff1d(np.arange(self.rows), np.array(lost, dtype=np.int64)) if lost else None

    def spec_of(self, column: str) -> AbstractColumn:
        return self.plan.columns[column].spec

    def column(self, name: str) -> Array:
        """A whole column, one value for each row that was requested."""
        with self.lock:
            if name not in self._columns:
                parts = [self._column_part(block, name) for block in range(self.blocks)]
                kind = self.plan.columns[name].type
                self._columns[name] = pa.chunked_array(parts, kind).combine_chunks()
            return self._columns[name]

    def make(self, block: int, *, attempt: int = 0) -> MadeBlock:
        self.settle(attempt)
        if block in self._finished:
            return self._finished[block][1]
        if not self.asks:
            return self._finish(block)[1]
        with self.lock:
            if block not in self._finished:
                self._finished[block] = self._finish(block)
            return self._finished[block][1]

    # How a block comes about

    def _column_part(self, block: int, name: str) -> Array:
        """A column of a block as it is written; one that no repair changes is made by itself."""
        changing = self._rules.redrawn | self._groups.keys()
        if not changing & closure((name,), self.plan.columns):
            return self._values(block, names=(name,)).values[name]
        if self.asks:
            self.make(block, attempt=self.attempt)
            return self._finished[block][0].values[name]
        return self._checked(block, {name, *self._rules.needs})[0].values[name]

    def _lost_rows(self, index: int) -> list[int]:
        """Rows of a block that are not written; without models, only what checks need is made."""
        if self.asks:
            return [item.row for item in self.make(index, attempt=self.attempt).rejected]
        block, outcome = self._checked(index, self._rules.needs)
        return [block.start + row for row in outcome.lost]

    def settle(self, attempt: int) -> None:
        """Forget what an earlier attempt of the whole table made."""
        if attempt == self.attempt:
            return
        with self.lock:
            self.attempt = attempt
            self._columns.clear()
            self._finished.clear()
            for name in ("kept", "_redraws"):
                vars(self).pop(name, None)

    def _finish(self, index: int) -> tuple[Block, MadeBlock]:
        """Make a block's columns, then check and repair its rows."""
        block, outcome = self._checked(index, None)
        lost = dict(sorted({**block.rejected, **outcome.lost}.items()))
        table = pa.Table.from_arrays(
            [block.values[name] for name in self.schema.names], schema=self.schema
        )
        if lost:
            keep = np.ones(block.rows, dtype=bool)
            keep[list(lost)] = False
            table = table.filter(array_of(keep))
        rejected = tuple(
            RejectedRow(block.start + row, item.reason, item.raw, item.attempt)
            for row, item in lost.items()
        )
        tallies: tuple[CheckTally, ...] = outcome.tallies
        masked = self._sources.counts(self.plan.name, index)
        return block, MadeBlock(table, rejected, tallies, masked, tuple(block.calls))

    def _checked(self, index: int, names: Collection[str] | None) -> tuple[Block, Repaired]:
        """Some or all columns of a block, its rows repaired, and what happened to them."""
        block = self._values(index, names=names)

        def again(tries: int, wanted: NDArray[np.bool_]) -> Block:
            made = self._values(index, names=names, tries=tries, wanted=wanted, kept=block)
            block.calls += made.calls
            return made

        return block, self._rules.apply(block, again)

    def _values(
        self,
        index: int,
        *,
        names: Iterable[str] | None = None,
        tries: int = 0,
        wanted: NDArray[np.bool_] | None = None,
        kept: Block | None = None,
        redraws: Mapping[str, Attempts] | None = None,
    ) -> Block:
        """Make the columns of a block: all of them, or some with what they need.

        `kept` is the block whose rows are drawn again for the `tries`-th time; it gives what must
        not change. `redraws` are rows to draw again so that combinations stay distinct.
        """
        start = index * BLOCK_ROWS
        size = min(BLOCK_ROWS, self.rows - start)
        attempt = self.attempt * TRIES + tries
        block = Block(self.plan, self._seed, index, start, size, attempt, wanted)
        if (counted := self._cardinality) is not None:
            block.siblings = lambda start, rows: counted.parents_of(start, rows)[1]
        if kept is not None:
            block.take(kept, kept.values.keys() & self.plan.columns.keys() - self._rules.redrawn)
        chosen = None if names is None else closure(names, self.plan.columns)
        again = self._redraws if redraws is None else redraws
        for step in self.plan.steps:
            asked = step if chosen is None else [name for name in step if name in chosen]
            columns = [name for name in asked if name not in block.values]
            needs = [need for name in columns for need in self.plan.columns[name].needs]
            self._add_parent_values(block, needs)
            self._add_formulas(block, columns)
            for name in columns:
                if name not in block.values:  # a model fills several at once
                    self._add_column(block, name, again.get(name, {}))
        return block

    def _add_column(self, block: Block, name: str, redraws: Attempts) -> None:
        """Make one column (or, for jointly asked ones, its whole group)."""
        if name in self._groups:
            self._groups[name](block)
            return
        if name in self.plan.references:
            block.values[name] = self._reference(block, name, redraws.get(block.index))
            return
        spec = self.plan.columns[name].spec
        values = self._engines[name](block)
        tries = redraws.get(block.index)
        for attempt in _attempts(tries):
            other = self._engines[name](replace(block, attempt=block.attempt + attempt))
            picked = np.where(tries == attempt, block.rows, 0) + np.arange(block.rows)
            values = pa.concat_arrays([values, other]).take(array_of(picked))
        block.values[name] = with_share_missing(block, name, spec.nulls, values)

    def _reference(self, block: Block, name: str, tries: NDArray[np.int64] | None) -> Array:
        link, links = self.plan.references[name], self._linkers[name](block)
        for attempt in _attempts(tries):
            other = self._linkers[name](replace(block, attempt=block.attempt + attempt))
            links = np.where(tries == attempt, other, links)
        block.links[name] = links
        return parent_values(self._tables[link.parent], link.key, block.links[name])

    def _add_parent_values(self, block: Block, needs: Iterable[str]) -> None:
        """Fetch the parents' columns that a step uses."""
        for need in needs:
            if need in block.values or need in self.plan.columns:
                continue
            reference, _, attribute = need.partition(".")
            parent = self._tables[self.plan.references[reference].parent]
            block.values[need] = parent_values(parent, attribute, block.links[reference])

    def _add_formulas(self, block: Block, columns: list[str]) -> None:
        """Evaluate all SQL of a step in one query."""
        wanted: dict[str, str] = {}
        for name in columns:
            for parameter, sql in self.plan.columns[name].sql.items():
                compiled = self._compiled.get((name, parameter))
                result = compiled(block.values, block.rows) if compiled else None
                if result is None:
                    wanted[f"{name}\n{parameter}"] = sql
                else:
                    block.formulas[name, parameter] = result
        if not wanted:
            return
        needs = {need for name in columns for need in self.plan.columns[name].needs}
        values = {need: block.values[need] for need in sorted(needs)}
        where = f"tables.{self.plan.name}"
        for place, result in evaluate(wanted, values, block.rows, where=where).items():
            name, parameter = place.split("\n")
            block.formulas[name, parameter] = result

    def settle_functions(self) -> None:
        """Have the functions at hand that fill its rows, also where every row was there before."""
        if self.rows:
            for engine in self._programs.values():
                _ = engine.source

    # What is prepared once

    @prepared
    def _lossy(self) -> bool:
        return self.asks or self._rules.repairs

    @prepared
    def _cardinality(self) -> Cardinality | None:
        driver = self.plan.driver
        if driver is None:
            return None
        parent = self._tables[driver.parent]
        lost = None if parent.kept is None else np.setdiff1d(np.arange(parent.rows), parent.kept)
        partners = [self._tables[self.plan.references[name].parent] for name in driver.within]
        usable = [item.rows if item.kept is None else len(item.kept) for item in partners]
        most = float(np.prod(usable)) if usable else np.inf
        assert self.plan.spec.per_parent is not None
        draw = children_engine(self.plan, self.plan.spec.per_parent, self._seed)
        return Cardinality(self.plan.spec.per_parent, parent.rows, draw, lost=lost, most=most)

    @prepared
    def _linkers(self) -> dict[str, Linker]:
        links = self.plan.references
        parents = {name: self._tables[link.parent] for name, link in links.items()}
        linkage = Linkage(self.plan, self._seed, parents, self._cardinality)
        return {name: linkage.linker(link) for name, link in links.items()}

    @prepared
    def _engines(self) -> dict[str, Engine]:
        """An engine for each column that is made by itself."""
        engines = correlated_engines(self.plan) | learned_engines(self.plan)
        engines |= self._sources.engines(self.plan) | simulated_engines(self.plan)
        facts = TableFacts(self.plan.name, self.rows, self._seed)
        for name, column in self.plan.columns.items():
            if name in engines or name in self._groups or name in self.plan.references:
                continue
            engine = self._numbered.get(name)
            engines[name] = engine or column_engine(column, facts)
        return engines

    @prepared
    def _compiled(self) -> dict[tuple[str, str], Compiled]:
        """Expressions that need no query."""
        compiled: dict[tuple[str, str], Compiled] = {}
        for name, column in self.plan.columns.items():
            types = {need: self._type_of(need) for need in column.needs}
            for parameter, sql in column.sql.items():
                program = compile_expression(sql, types)
                if program is not None:
                    compiled[name, parameter] = program
        return compiled

    def _type_of(self, need: str) -> pa.DataType:
        if need in self.plan.columns:
            return self.plan.columns[need].type
        reference, _, attribute = need.partition(".")
        return self._tables[self.plan.references[reference].parent].plan.columns[attribute].type

    @prepared
    def _numbered(self) -> dict[str, Engine]:
        """Engines of columns whose values, or combinations, are numbered and so never repeat."""
        rows, table = self.rows + self.plan.spec.after, self.plan.name
        engines = {
            name: distinct_engine(column, rows=rows, seed=self._seed, table=table)
            for name, column in self.plan.columns.items()
            if column.spec.unique
        }
        found = {name: engine for name, engine in engines.items() if engine is not None}
        return {**grid_engines(self.plan, rows=rows, seed=self._seed), **found}

    @prepared
    def _groups(self) -> dict[str, GroupEngine]:
        """Columns that a language model fills, each with the engine of its group."""
        if self._models is None:
            return {}
        from fabula.engines.models import model_engines

        return model_engines(self.plan, self._models) | self._programs

    @prepared
    def _programs(self) -> dict[str, ProgramEngine]:
        """Columns that a function fills which a language model wrote."""
        if self._models is None:
            return {}
        from fabula.engines.programs import program_engines

        return program_engines(self.plan, self._models, self._first_values, self.lock)

    def _first_values(self, names: Iterable[str]) -> Mapping[str, Array]:
        """Columns of the first block, which functions are tried on whichever block comes first."""
        own = {name if name in self.plan.columns else name.partition(".")[0] for name in names}
        block = self._values(0, names=own)
        self._add_parent_values(block, names)
        return {name: block.values[name] for name in names}

    @prepared
    def _rules(self) -> RowRules:
        return RowRules(self.plan)

    @prepared
    def _redraws(self) -> dict[str, Attempts]:
        """Rows to draw again so that combinations stay distinct, by column."""
        redraws: dict[str, Attempts] = {}
        for columns, groups in distinct_groups(self.plan, {*self._numbered, *self._groups}):
            needed = {name for group in groups for name in group}

            def make(
                block: int,
                tries: NDArray[np.int64] | None,
                columns: Collection[str] = columns,
                needed: Collection[str] = needed,
            ) -> Mapping[str, Array]:
                again = {} if tries is None else {name: {block: tries} for name in columns}
                return self._values(block, names=needed, redraws={**redraws, **again}).values

            found = find_redraws(groups, make, table=self.plan.name, blocks=self.blocks)
            redraws.update(dict.fromkeys(columns, found))
        return redraws


def _attempts(tries: NDArray[np.int64] | None) -> list[int]:
    """The attempts above the first that some row asks for."""
    return [] if tries is None else [int(attempt) for attempt in np.unique(tries[tries > 0])]
