"""Frames of other libraries: in as Arrow tables, and back out in the library that they came in.

Frames of pandas, polars, DuckDB and others come in through the Arrow stream interface, so none
of those libraries is imported here until a frame of it goes back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_INDEX = re.compile(r"__index_level_\d+__")


def arrow_of(frame: Any) -> pa.Table:
    """A frame of any library as an Arrow table.

    Raises:
        TypeError: It is not a frame.
        pa.ArrowException: Arrow has no type for a column.
    """
    table = with_labels(_of_the_hub(frame)) if _library(frame) == "datasets" else pa.table(frame)
    labels = [name for name in table.column_names if _INDEX.fullmatch(str(name))]
    if labels:  # nameless row labels, which pandas passes as a column
        table = table.drop_columns(labels)
    schema = pa.schema([field.with_type(_without_views(field.type)) for field in table.schema])
    return table if schema.equals(table.schema) else table.cast(schema)


def is_frame(value: object) -> bool:
    """Whether a value is a table or rows of any library."""
    ways = ("__arrow_c_stream__", "__arrow_c_array__", "scanner")
    return any(hasattr(value, way) for way in ways) or _library(value) == "datasets"


def _library(frame: object) -> str:
    return type(frame).__module__.partition(".")[0]


def _of_the_hub(frame: Any) -> pa.Table:
    """A `datasets.Dataset`, with its rows in the order that it shows; or one that is streamed."""
    rows = frame.with_format("arrow")
    if hasattr(rows, "num_rows"):
        return rows[:]
    found = list(rows.iter(batch_size=10_000))
    return pa.concat_tables(found) if found else pa.table({})


def with_labels(table: pa.Table) -> pa.Table:
    """A table of `datasets` with the names of its class labels, which it stores as numbers."""
    told = (table.schema.metadata or {}).get(b"huggingface", b"{}")
    features = json.loads(told).get("info", {}).get("features", {})
    for place, field in enumerate(table.schema):
        names = _class_names(features.get(field.name))
        if names is not None:
            made = pa.chunked_array(
                [_named(chunk, names) for chunk in table.column(place).chunks],
                _named(pa.array([], field.type), names).type,
            )
            table = table.set_column(place, field.name, made)
    return table


def _class_names(feature: Any) -> list[str] | None:
    """The names of a class label, or of those in lists."""
    inner = feature.get("feature") if isinstance(feature, dict) else None
    feature = feature if inner is None else inner
    known = isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
    return feature.get("names") if known else None


def _named(codes: pa.Array, names: list[str]) -> pa.Array:
    """Numbers as the names that they stand for; -1 stands for none."""
    if pa.types.is_list(codes.type):
        inner = _named(codes.values, names)
        return pa.ListArray.from_arrays(codes.offsets, inner, mask=codes.is_null())
    known = pc.and_(pc.greater_equal(codes, 0), pc.less(codes, len(names)))
    return pa.array(names, pa.string()).take(pc.if_else(known, codes, None).cast(pa.int64()))


def _without_views(kind: pa.DataType) -> pa.DataType:
    """The type without views of text, which polars passes and Arrow can't take row by row."""
    if pa.types.is_string_view(kind):
        return pa.large_string()
    if pa.types.is_binary_view(kind):
        return pa.large_binary()
    if pa.types.is_dictionary(kind):
        return pa.dictionary(kind.index_type, _without_views(kind.value_type), kind.ordered)
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_without_views(field.type)) for field in kind])
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(_without_views(kind.value_type), kind.list_size)
    if pa.types.is_large_list(kind):
        return pa.large_list(_without_views(kind.value_type))
    if pa.types.is_list(kind):
        return pa.list_(_without_views(kind.value_type))
    return kind


def handed_back(data: object) -> Callable[[pa.Table], Any]:
    """How tables go back to a caller: in the library, and with the types, of what came in."""
    library = _library(data)
    if library == "pandas":
        return _pandas_like({str(name): kind for name, kind in data.dtypes.items()})  # type: ignore[attr-defined]
    if library == "polars":
        return _polars_like(dict(data.schema))  # type: ignore[attr-defined]
    return lambda table: table


def _pandas_like(types: Mapping[str, Any]) -> Callable[[pa.Table], Any]:
    def lacks_gaps(kind: Any) -> bool:
        """Whether a type of numpy has no missing values."""
        return isinstance(kind, np.dtype) and kind.kind in "iub"

    def frame(table: pa.Table) -> Any:
        import pandas as pd

        # As floats, whole numbers alongside gaps would lose their digits past the 15th
        kinds = {field.type for field in table.schema if table.column(field.name).null_count}
        exact = {kind: pd.ArrowDtype(kind) for kind in kinds if pa.types.is_integer(kind)}
        rows = table.to_pandas(date_as_object=True, types_mapper=exact.get)
        known = {
            name: kind
            for name, kind in types.items()
            if name in rows.columns and not (table.column(name).null_count and lacks_gaps(kind))
        }
        for name, kind in known.items():
            new = isinstance(kind, pd.CategoricalDtype) and ~rows[name].isin(kind.categories)
            if new is not False and (new & rows[name].notna()).any():
                known[name] = "category"  # a category that is new would become a gap
        return rows.astype(known)

    return frame


def _polars_like(schema: Mapping[str, Any]) -> Callable[[pa.Table], Any]:
    def frame(table: pa.Table) -> Any:
        import polars as pl

        rows = pl.DataFrame(table)
        known: Any = {name: kind for name, kind in schema.items() if name in rows.columns}
        for name, kind in known.items():
            if isinstance(kind, pl.Enum):
                labels = rows[name].cast(pl.String).drop_nulls()
                known[name] = kind if labels.is_in(kind.categories).all() else pl.Categorical()
        return rows.cast(known)

    return frame
