"""Times that are written as texts: times while tables are made, texts when they are handed out."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.arrays import array_of, is_text
from fabula.io.written.columns import written_form
from fabula.io.written.time_forms import TimeForm
from fabula.synthesizers.codecs.string_formats.texts import WrittenTexts, plain_texts, spread
from fabula.synthesizers.multitable.table_model import TableModel

Mistyped = Mapping[str, NDArray[np.bool_]]
"""The rows of each column whose text is no time."""


def read_times(
    table: pa.Table, *, but: Collection[str], protect: int
) -> tuple[pa.Table, dict[str, WrittenTexts], Mistyped]:
    """A table with its written dates and points in time as such, how they are written, and strays.

    Args:
        table: Rows.
        but: Columns that stay unchanged.
        protect: No own word for a missing value is kept that has fewer rows.
    """
    written: dict[str, WrittenTexts] = {}
    mistyped: dict[str, NDArray[np.bool_]] = {}
    for at, field in enumerate(table.schema):
        if field.name in but or not is_text(field.type):
            continue
        values = table.column(at).combine_chunks()
        found = written_form(plain_texts(values))
        if found is None or not isinstance(found.form, TimeForm) or not found.form.is_point:
            continue
        texts = WrittenTexts.of(values, found, protect=protect)
        read, stray = texts.look(values)
        table = table.set_column(at, field.name, read)
        written[field.name] = texts
        if stray.any():
            mistyped[field.name] = stray
    return table, written, mistyped


def settled_times(table: pa.Table, mistyped: Mistyped) -> pa.Table:
    """A table with times, or distances, of other rows where texts are mistyped.

    So a model does not learn that values are missing if none is.
    """
    for name, rows in mistyped.items():
        at = table.column_names.index(name)
        values = table.column(at).combine_chunks()
        known = values.drop_null()
        if not len(known):
            continue
        known = known.take(pc.sort_indices(known))
        there = np.flatnonzero(rows)
        picked = np.arange(len(values))
        picked[there] = len(values) + (spread(len(there)) * len(known)).astype(np.int64)
        settled = pa.concat_arrays([values, known]).take(array_of(picked))
        table = table.set_column(at, table.schema.field(at), settled)
    return table


def made_schema(model: TableModel) -> pa.Schema:
    """The columns as they are made, times that are written as texts as times."""
    written = model.written
    return pa.schema(
        pa.field(field.name, written[field.name].form.type) if field.name in written else field
        for field in model.schema
    )


def as_written(model: TableModel, table: pa.Table, rng: np.random.Generator) -> pa.Table:
    """Made rows with times as texts, where the real ones are, and without columns that are hidden.

    Args:
        model: What was learned of the table.
        table: Its made rows.
        rng: Chooses among the words for a missing time.
    """
    table = model.following.narrowed(table)
    for name, written in model.written.items():
        if name in table.column_names:
            texts = written.written(table.column(name).combine_chunks(), rng)
            table = table.set_column(table.column_names.index(name), name, texts)
    return table
