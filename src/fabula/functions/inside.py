"""Inside the sandbox: runs a function for the rows of a block."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from fabula.sandbox.child import Emit
from fabula.sandbox.tracebacks import compiled

TYPES = {
    "str": (pa.string(), str),
    "int": (pa.int64(), int),
    "float": (pa.float64(), float),
    "bool": (pa.bool_(), bool),
    "date": (pa.date32(), dt.date),
}


class WrongValuesError(Exception):
    """What a function gave is not one value of its type for each row."""


def fill(request: Mapping[str, Any], tables: Mapping[str, pa.Table], emit: Emit) -> None:
    """Compute the values of a column and emit them as table `values`."""
    names: dict[str, Any] = {"__name__": "program"}
    exec(compiled(request["source"]), names)
    rng = np.random.default_rng(request["seed"])
    values = _values(names, tables["rows"], request["n"], request["start"], rng)
    kind, plain = TYPES[request["type"]]
    array = pa.array([_plain(value, plain, row) for row, value in enumerate(values)], kind)
    emit("values", pa.table({"values": array}))


def _values(
    names: Mapping[str, Any], rows: pa.Table, n: int, start: int, rng: np.random.Generator
) -> list[Any]:
    column: Callable[..., Any] | None = names.get("column")
    value: Callable[..., Any] | None = names.get("value")
    if callable(column):
        index = pd.RangeIndex(start, start + n)
        frame = rows.to_pandas().set_axis(index) if rows.num_columns else pd.DataFrame(index=index)
        made = column(frame, rng)
        values = made.tolist() if hasattr(made, "tolist") else list(made)
    elif callable(value):
        values = [value(row, rng) for row in (rows.to_pylist() or [{}] * n)]
    else:
        raise WrongValuesError("there is no function `column(rows, rng)` or `value(row, rng)`")
    if len(values) != n:
        raise WrongValuesError(f"{len(values)} values for {n} rows")
    return values


def _plain(value: Any, kind: type, row: int) -> Any:
    """A value as its type has it; None if it is missing."""
    if value is None or value is pd.NaT or value is pd.NA or value != value:  # noqa: PLR0124
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if kind is float and isinstance(value, int):
        return float(value)
    if kind is int and isinstance(value, float) and value.is_integer():
        return int(value)
    if kind is dt.date and isinstance(value, dt.datetime):
        return value.date()
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise WrongValuesError(
            f"row {row}: {value!r:.200} is a {type(value).__name__}, not a {kind.__name__}"
        )
    return value
