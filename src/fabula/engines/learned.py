"""Learned columns: rows that a fitted synthesizer draws, one draw for all columns of a file."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from pathlib import PurePath

import pyarrow as pa

from fabula.engines.block import Array, Block, Engine
from fabula.kinds.learned import GivenValue, Learned
from fabula.planning.plan import TablePlan
from fabula.streams import name_key

_KEPT = 8
"""Drawn blocks that are kept until their last column has been taken."""


def learned_engines(plan: TablePlan) -> dict[str, Engine]:
    """Engines of all learned columns of a table."""
    groups: dict[tuple[str, str], _Rows] = {}
    engines: dict[str, Engine] = {}
    for name, column in plan.columns.items():
        if isinstance(column.spec, Learned):
            file, given = column.spec.file, column.spec.given
            key = (file, json.dumps(given, sort_keys=True, default=str))
            if key not in groups:
                groups[key] = _Rows(file, given, _stream_name(key, [*groups]))
            engines[name] = groups[key].engine(column.spec.column or name, column.type)
    return engines


def _stream_name(key: tuple[str, str], before: Sequence[tuple[str, str]]) -> str:
    """The name of a draw: without the file's folder, which may move without other rows."""

    def told(file: str, given: str) -> str:
        return f"{PurePath(file).name}\n{given}"

    alike = sum(told(*other) == told(*key) for other in before)
    return told(*key) + (f"\n{alike}" if alike else "")


class _Rows:
    """The rows of one file and what is given; several columns take from the same draw."""

    def __init__(self, file: str, given: Mapping[str, GivenValue] | None, key: str) -> None:
        from fabula.synthesizers.synthesizer import Synthesizer  # a heavy import, when needed

        self._synthesizer = Synthesizer.load(file)
        self._given, self._key = given, key
        self._lock = threading.Lock()
        self._drawn: dict[tuple[int, int, int], pa.Table] = {}

    def engine(self, column: str, kind: pa.DataType) -> Engine:
        """The engine of one column of the file."""

        def make(block: Block) -> Array:
            values = self._block(block).column(column).combine_chunks()
            return values.cast(kind, safe=False)

        return make

    def _block(self, block: Block) -> pa.Table:
        place = (block.index, block.attempt, block.rows)
        with self._lock:
            if place not in self._drawn:
                names = f"{block.seed}\n{block.table.name}\n{self._key}\n{block.attempt}"
                sampler = self._synthesizer.sampler(given=self._given, seed=name_key(names))
                while len(self._drawn) >= _KEPT:
                    self._drawn.pop(next(iter(self._drawn)))
                self._drawn[place] = sampler.block(block.index, block.start, block.rows)
            return self._drawn[place]
