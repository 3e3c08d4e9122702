"""Times that are written as texts: times while tables are made, texts when they are handed out."""

from __future__ import annotations

import pyarrow as pa

from fabula.synthesizers.multitable.learning import TableModel


def made_schema(model: TableModel) -> pa.Schema:
    """The columns as they are made, times that are written as texts as times."""
    forms = model.written
    return pa.schema(
        pa.field(field.name, forms[field.name].type) if field.name in forms else field
        for field in model.schema
    )


def as_written(model: TableModel, table: pa.Table) -> pa.Table:
    """Made rows with times as texts, where the real ones are."""
    for name, form in model.written.items():
        if name in table.column_names:
            texts = form.write(table.column(name).combine_chunks())
            texts = texts.cast(model.schema.field(name).type)
            table = table.set_column(table.column_names.index(name), name, texts)
    return table
