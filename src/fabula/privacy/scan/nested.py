"""Objects and lists inside the columns of real tables, as columns and tables of plain values."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from fabula.io.arrays import is_text


def plain_tables(tables: Mapping[str, pa.Table]) -> Iterator[tuple[str, pa.Table]]:
    """The tables with fields of objects as columns, `address.city`, and lists as further tables.

    JSON in columns of texts is read, too.

    Args:
        tables: Tables by name.
    """
    for name, table in tables.items():
        plain: dict[str, pa.ChunkedArray] = {}
        lists: dict[str, pa.Table] = {}
        open_columns = dict(zip(table.column_names, table.columns, strict=True))
        while open_columns:
            column = next(iter(open_columns))
            values = _read(open_columns.pop(column))
            kind = values.type
            if pa.types.is_struct(kind):
                fields = zip([kind.field(at).name for at in range(kind.num_fields)],
                             values.flatten(), strict=True)  # fmt: skip
                inner = {f"{column}.{field}": part for field, part in fields}
                open_columns = inner | open_columns
            elif pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_map(kind):
                items = pa.chunked_array(
                    [_items(chunk) for chunk in values.chunks], _item_type(kind)
                )
                struct = pa.types.is_struct(items.type)
                lists[f"{name}.{column}"] = (
                    pa.Table.from_arrays(items.flatten(), schema=pa.schema(list(items.type)))
                    if struct
                    else pa.table({column.rpartition(".")[2]: items})
                )
            else:
                plain[column] = values
        yield name, pa.table(plain) if plain else table.select([])
        yield from plain_tables(lists)


def _item_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_map(kind):
        return pa.struct([kind.key_field, kind.item_field])
    return kind.value_type


def _items(values: pa.Array) -> pa.Array:
    if not pa.types.is_map(values.type):
        return pc.list_flatten(values)
    return pa.StructArray.from_arrays(
        [values.keys, values.items], fields=list(_item_type(values.type))
    )


def _read(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """What JSON in texts holds; all other columns as they are."""
    if not is_text(values.type):
        return values
    texts = values.cast(pa.large_string())
    known = texts.drop_null()
    written = pc.match_substring_regex(known, r"^\s*[\[{]")
    if not len(known) or not pc.all(written).as_py():
        return values
    try:
        rows = [None if text is None else _texts(json.loads(text)) for text in texts.to_pylist()]
    except ValueError:
        return values
    try:
        return pa.chunked_array([pa.array(rows)])
    except pa.ArrowException:  # an object in one row, a text in another
        leaves = [list(_leaves(row)) for row in rows]
        return pa.chunked_array([pa.array(leaves, pa.list_(pa.string()))])


def _texts(value: Any) -> Any:
    """JSON whose numbers are texts: some rows have a number where others have a text."""
    if isinstance(value, dict):
        return {key: _texts(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_texts(each) for each in value]
    return None if value is None else str(value)


def _leaves(value: Any) -> Iterator[str]:
    """All texts in JSON."""
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _leaves(each)
    elif value is not None:
        yield value
