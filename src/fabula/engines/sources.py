"""Columns of real files: their rows in order, with new people in place of the real ones."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from fabula.engines.block import Array, Block, Engine
from fabula.kinds.source import Source
from fabula.planning.plan import Plan, TablePlan

if TYPE_CHECKING:
    from fabula.privacy.masking import Masker
    from fabula.privacy.prepared import Masking

_KEPT = 16
"""Masked blocks that are kept until their last column has been taken."""


class SourceRows:
    """The rows of all source tables of a plan; people are the same in all of them.

    Args:
        plan: What to make.
    """

    def __init__(self, plan: Plan) -> None:
        self._tables = {
            table.name: table.spec for table in plan.tables if table.spec.source is not None
        }
        self._seed = plan.seed
        self._released: dict[str, pa.Table] = {}
        self._lock = threading.Lock()
        self._blocks: dict[tuple[str, int, int], Mapping[str, Array]] = {}
        self._counts: dict[tuple[str, int], Mapping[str, Any]] = {}

    def engines(self, plan: TablePlan) -> dict[str, Engine]:
        """Engines of all columns of a table that come from its file."""
        return {
            name: self._engine(column.spec.column or name)
            for name, column in plan.columns.items()
            if isinstance(column.spec, Source)
        }

    def counts(self, table: str, block: int) -> Mapping[str, Any]:
        """What masking did to the values of a block, as its card tells it."""
        return self._counts.get((table, block), {})

    @cached_property
    def masking(self) -> Masking | None:
        """How the files are masked, after a first pass over their rows; None without files."""
        if not self._tables:
            return None
        from fabula.privacy.source_tables import masking_of  # a heavy import, when needed

        return masking_of(self._tables)

    def _release(self, name: str, masking: Masking, masker: Masker) -> pa.Table:
        """All rows of a table some of whose columns are made from all rows at once."""
        if name not in self._released:
            from fabula.privacy.release.making import released  # a heavy import, when needed

            source = self._tables[name].source
            assert source is not None
            rows = masking.slice(name, masker, 0, source.rows or 0)
            self._released[name] = released(rows, source, name, seed=self._seed)
        return self._released[name]

    def _engine(self, column: str) -> Engine:
        return lambda block: self._block(block)[column]

    def _block(self, block: Block) -> Mapping[str, Array]:
        """The columns of a block, by their names in the file."""
        name = block.table.name
        place = (name, block.start, block.rows)
        with self._lock:
            if place not in self._blocks:
                while len(self._blocks) >= _KEPT:
                    self._blocks.pop(next(iter(self._blocks)))
                masking = self.masking
                assert masking is not None
                masker = masking.masker(name)
                if (source := self._tables[name].source) is not None and source.is_release:
                    made = self._release(name, masking, masker).slice(block.start, block.rows)
                else:
                    made = masking.slice(name, masker, block.start, block.rows)
                self._blocks[place] = {
                    c: made.column(c).combine_chunks() for c in made.column_names
                }
                told = asdict(masker.counts)
                del told["rows"]  # rows that are lost later are counted, too
                self._counts[name, block.index] = told
            return self._blocks[place]
