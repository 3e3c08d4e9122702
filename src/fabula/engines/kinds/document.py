"""Paths of documents: a function of the row's number; the files are made when all tables are."""

from __future__ import annotations

import pyarrow as pa

from fabula.engines.block import Array, Block, Engine
from fabula.engines.kinds import TableFacts, engine_of
from fabula.kinds.base.files import AbstractFile
from fabula.media.places import document_path
from fabula.planning.plan import ColumnPlan


@engine_of("document")
def document_engine(column: ColumnPlan, table: TableFacts) -> Engine:
    """The path of each row's document in the run's folder."""
    spec = column.spec
    assert isinstance(spec, AbstractFile)

    def make(block: Block) -> Array:
        paths = [
            document_path(table.name, column.name, number, spec.endings[0])
            for number in block.unique_numbers.tolist()
        ]
        return pa.array(paths, pa.string())

    return make
