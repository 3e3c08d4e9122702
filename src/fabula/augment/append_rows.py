"""New rows at the end of a frame, in the frame's own library: same columns, order and types.

The old rows are never converted, so they come out exactly as they went in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from fabula.inference.row_classes import objects_of


def appended(data: Any, new: pa.Table, table: pa.Table) -> Any:
    """The data with new rows at its end, in its own library; an Arrow table for paths."""
    library = type(data).__module__.partition(".")[0]
    if library == "pandas":
        return _to_pandas(data, new)
    if library == "polars":
        return _to_polars(data, new)
    if isinstance(data, Mapping):
        return {name: [*data[name], *new.column(str(name)).to_pylist()] for name in data}
    if isinstance(data, Sequence) and not isinstance(data, str):
        rows = new.to_pylist()
        (cls, *others) = {type(row) for row in data} or {dict}
        if others or issubclass(cls, Mapping):
            return [*data, *rows]
        return [*data, *objects_of(cls, rows)]
    return pa.concat_tables([table, new])


def _to_pandas(data: Any, new: pa.Table) -> Any:
    import pandas as pd

    rows = new.to_pandas(date_as_object=True)
    rows.columns = data.columns
    if not len(data):
        return rows.astype(data.dtypes.to_dict())
    return pd.concat([data, rows.astype(data.dtypes.to_dict())], ignore_index=True)


def _to_polars(data: Any, new: pa.Table) -> Any:
    import polars as pl

    rows = pl.DataFrame(new).cast(dict(data.schema))
    return pl.concat([data, rows])
