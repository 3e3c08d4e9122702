"""Parquet and Arrow tables: columns that stay are handed on, types and all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq

from fabula.streams import BLOCK_ROWS

if TYPE_CHECKING:
    import pyarrow.dataset as ds

_SAMPLED_ROWS = 200_000


@dataclass(frozen=True, eq=False)
class ArrowSource:
    """A table in memory, a Parquet file, or rows of a database that wait in a file.

    Attributes:
        rows: The table, the file or the rows.
    """

    rows: pa.Table | ds.Dataset | Path

    block_rows: ClassVar = BLOCK_ROWS

    @cached_property
    def schema(self) -> pa.Schema:
        """Its columns; a file's own notes, which may quote rows, are left out."""
        if isinstance(self.rows, Path):
            return pq.read_schema(self.rows).remove_metadata()
        return self.rows.schema

    @property
    def names(self) -> list[str]:
        """Its columns."""
        return list(self.schema.names)

    def about_rows(self) -> int:
        """How many rows there are."""
        if isinstance(self.rows, Path):
            return int(pq.read_metadata(self.rows).num_rows)
        return len(self.rows) if isinstance(self.rows, pa.Table) else int(self.rows.count_rows())

    def sample(self) -> pa.Table:
        """Rows from all parts of it; all rows where they are few."""
        blocks = list(self.tables(self.names, least=_SAMPLED_ROWS))
        return pa.concat_tables([_plain(self.schema.empty_table()), *blocks])

    def tables(self, names: Sequence[str], least: int = 0) -> Iterator[pa.Table]:
        """Blocks of some columns.

        Args:
            names: The columns.
            least: Leave out blocks, evenly, as long as that many rows remain; 0 for none.
        """
        step = max(1, self.about_rows() // least) if least else 1
        if isinstance(self.rows, pa.Table):
            for at in range(0, self.rows.num_rows, step * self.block_rows):
                yield _plain(self.rows.select(list(names)).slice(at, self.block_rows))
            return
        if not isinstance(self.rows, Path):
            batches = self.rows.to_batches(columns=list(names), batch_size=self.block_rows)
            yield from (pa.Table.from_batches([each]) for each in islice(batches, 0, None, step))
            return
        with pq.ParquetFile(self.rows, pre_buffer=False) as file:  # else it keeps what it read
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
        return _plain(self.rows.slice(start, size))

    def masked(
        self, block: pa.Table, new: Mapping[str, pa.Array], dropped: Sequence[str]
    ) -> pa.Table:
        """A block with new columns, of the types of the old ones."""
        columns = {
            field.name: _as(new[field.name], field.type)
            if field.name in new
            else _as(block.column(field.name), field.type)
            for field in self.schema
            if field.name not in dropped
        }
        return pa.table(columns, schema=self.masked_schema(dropped))

    def masked_schema(self, dropped: Sequence[str]) -> pa.Schema:
        """The columns that are written."""
        return pa.schema([field for field in self.schema if field.name not in dropped])


def _plain(table: pa.Table) -> pa.Table:
    """A table whose views of texts, for which Arrow lacks much, are texts."""
    fields = [
        field.with_type(pa.large_string()) if pa.types.is_string_view(field.type) else field
        for field in table.schema
    ]
    schema = pa.schema(fields, table.schema.metadata)
    return table if schema == table.schema else table.cast(schema)


def _as(values: pa.Array | pa.ChunkedArray, kind: pa.DataType) -> pa.Array | pa.ChunkedArray:
    if values.type == kind:
        return values
    if pa.types.is_dictionary(kind):
        return values.cast(kind.value_type).dictionary_encode().cast(kind)
    return values.cast(kind)
