"""The rows of an export, with each value as it is in its file.

JSON is read value by value: as columns of one type, objects would gain the keys of each other,
and texts that look like dates would become dates. CSV is read with types and as texts: a column
of numbers can be compared, and `1.50` is still written as `1.50`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa

from fabula.io.sources import read_json_rows, read_source
from fabula.io.tables import as_table, one_form, row_mapping
from fabula.planning.outputs import conversation_column
from fabula.training.saying import WrittenRow
from fabula.types import TableLike


@dataclass(frozen=True)
class Given:
    """Rows to export.

    Attributes:
        data: What they came from.
        exact: The rows as they are in a JSON file or a list; None for columns of types.
        places: The rows of `data` that are taken; None for all.
    """

    data: TableLike
    exact: Sequence[Mapping[str, Any]] | None = None
    places: Sequence[int] | None = None

    @cached_property
    def table(self) -> pa.Table:
        """The rows as columns."""
        return self._kept(as_table(self.data))

    @cached_property
    def written(self) -> pa.Table:
        """The rows as columns, those of a CSV file as the texts that are there."""
        if isinstance(self.data, str | os.PathLike):
            rows = read_source(self.data, as_written=True)
            return self._kept(rows) if isinstance(rows, pa.Table) else self.table
        return self.table

    @cached_property
    def unchanged(self) -> pa.Table:
        """The rows for a CSV file: columns whose values would be written otherwise are texts."""
        table = self.table
        if self.written is table:
            return table
        for place, field in enumerate(table.schema):
            texts = self.written.column(place)
            if not table.column(place).cast(texts.type).equals(texts):
                table = table.set_column(place, field.name, texts)
        return table

    @cached_property
    def columns(self) -> list[str]:
        """The names of the columns."""
        if self.exact is None:
            return list(self.table.column_names)
        return list(dict.fromkeys(str(name) for row in self.exact for name in row))

    @property
    def size(self) -> int:
        """The number of rows."""
        return self.table.num_rows if self.exact is None else len(self.exact)

    @cached_property
    def rows(self) -> Sequence[Mapping[str, Any]]:
        """The rows; a name that only some of them have is null in the others."""
        if self.exact is not None:
            nothing = dict.fromkeys(self.columns)
            return [{**nothing, **row} for row in self.exact]
        rows: list[dict[str, Any]] = self.table.to_pylist()
        if self.written is not self.table:
            rows = list(map(_with_texts, rows, self.written.to_pylist()))
        talk = conversation_column(self.columns)
        for row in rows if talk else ():
            row.update({name: _without_nulls(value) for name, value in row.items()})
        return rows

    def only(self, places: Sequence[int]) -> Given:
        """Some of the rows, in the same form."""
        exact = None if self.exact is None else [self.exact[place] for place in places]
        return Given(self.data, exact, places)

    def _kept(self, table: pa.Table) -> pa.Table:
        places = self.places
        return table if places is None else table.take(pa.array(places, pa.int64()))

    @property
    def is_json(self) -> bool:
        """Whether the rows are written as JSON as they are: those of a JSON file, or talks."""
        is_file = isinstance(self.data, str | os.PathLike)
        return self.exact is not None and (is_file or conversation_column(self.columns) is not None)


def given_rows(data: TableLike) -> Given:
    """The rows of one table in any form.

    Raises:
        SourceError: They can't be read.
    """
    if isinstance(data, str | os.PathLike):
        return Given(data, read_json_rows(data))
    form = one_form(data)
    if isinstance(form, Sequence) and not isinstance(form, str):
        rows = [row for row in map(row_mapping, form) if row is not None]
        if len(rows) == len(form):
            return Given(form, rows)
    return Given(form)


def _with_texts(row: Mapping[str, Any], texts: Mapping[str, str | None]) -> WrittenRow:
    """A row of a CSV file; what is missing has no text, however the file says so."""
    said = {name: None if row[name] is None else text for name, text in texts.items()}
    return WrittenRow(row, said)


def _without_nulls(value: Any) -> Any:
    """An object without the keys that columns of objects give to all of them, but for `content`."""
    if isinstance(value, Mapping):
        return {
            name: _without_nulls(item)
            for name, item in value.items()
            if item is not None or name == "content"
        }
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value
