"""Parquet and Arrow tables in memory: columns that stay are handed on, types and all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
import pyarrow.parquet as pq

from fabula.streams import BLOCK_ROWS

_SAMPLED_ROWS = 200_000


@dataclass(frozen=True, eq=False)
class ArrowSource:
    """A table in memory, or a Parquet file.

    Attributes:
        rows: The table or the file.
    """

    rows: pa.Table | Path

    block_rows: ClassVar = BLOCK_ROWS

    @cached_property
    def schema(self) -> pa.Schema:
        """Its columns; a file's own notes, which may quote rows, are left out."""
        if isinstance(self.rows, pa.Table):
            return self.rows.schema
        return pq.read_schema(self.rows).remove_metadata()

    @property
    def names(self) -> list[str]:
        """Its columns."""
        return list(self.schema.names)

    def about_rows(self) -> int:
        """How many rows there are."""
        if isinstance(self.rows, pa.Table):
            return int(self.rows.num_rows)
        return int(pq.read_metadata(self.rows).num_rows)

    def sample(self) -> pa.Table:
        """Rows from all parts of it; all rows where they are few."""
        blocks = list(self.tables(self.names, least=_SAMPLED_ROWS))
        return pa.concat_tables([self.schema.empty_table(), *blocks])

    def tables(self, names: Sequence[str], least: int = 0) -> Iterator[pa.Table]:
        """Blocks of some columns.

        Args:
            names: The columns.
            least: Leave out blocks, evenly, as long as that many rows remain; 0 for none.
        """
        if isinstance(self.rows, pa.Table):
            for at in range(0, self.rows.num_rows, self.block_rows):
                yield self.rows.select(list(names)).slice(at, self.block_rows)
            return
        with pq.ParquetFile(self.rows) as file:
            groups = range(file.metadata.num_row_groups)
            if least:
                share = max(1, file.metadata.num_rows // least)
                groups = groups[:: min(share, max(1, len(groups) // 4))]
            for batch in file.iter_batches(
                self.block_rows, row_groups=list(groups), columns=list(names)
            ):
                yield pa.Table.from_batches([batch]).replace_schema_metadata(None)

    def slice(self, start: int, size: int) -> pa.Table:
        """Some rows of a table in memory."""
        assert isinstance(self.rows, pa.Table)
        return self.rows.slice(start, size)

    def masked(
        self, block: pa.Table, new: Mapping[str, pa.Array], dropped: Sequence[str]
    ) -> pa.Table:
        """A block with new columns, of the types of the old ones."""
        columns = {
            field.name: _as(new[field.name], field.type)
            if field.name in new
            else block.column(field.name)
            for field in self.schema
            if field.name not in dropped
        }
        return pa.table(columns, schema=self.masked_schema(dropped))

    def masked_schema(self, dropped: Sequence[str]) -> pa.Schema:
        """The columns that are written."""
        return pa.schema([field for field in self.schema if field.name not in dropped])


def _as(values: pa.Array, kind: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(kind):
        return values.cast(kind.value_type).dictionary_encode().cast(kind)
    return values.cast(kind)
