"""The sandbox's entry for programs that make tables: runs the code and sends its tables out.

Called in the locked child. A failure of the code leaves as an exception.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from fabula.codegen.inside.finding import Found, in_files, in_functions, in_variables, scratch
from fabula.codegen.inside.printed import Printed, in_printed
from fabula.codegen.inside.surroundings import furnish
from fabula.sandbox.outcome import PROGRAM
from fabula.sandbox.tracebacks import compiled


def run(
    request: Mapping[str, Any],
    tables: Mapping[str, pa.Table],
    emit: Callable[[str, pa.Table], None],
) -> dict[str, Any]:
    """Run the program `source` and send its tables, under the names `0`, `1` and so on.

    Returns for each table sent, in order, where it was and what it is called there.
    """
    del tables
    source, seed = str(request["source"]), int(request["seed"])
    code, printed = compiled(source), Printed(sys.stdout)
    furnish()

    def execute() -> dict[str, Any]:
        random.seed(seed)
        np.random.seed(seed % 2**32)
        module = ModuleType("__main__")
        module.__file__ = PROGRAM
        sys.modules["__main__"] = module
        try:
            with redirect_stdout(printed):
                exec(code, vars(module))
        except SystemExit as ended:
            if ended.code not in (None, 0):
                raise
        return vars(module)

    found = in_variables(execute()) or in_files(scratch()) or in_printed(printed.text)
    if not found:
        found = in_functions(execute, PROGRAM) or in_files(scratch())
    return {"found": [_sent(item, number, emit) for number, item in enumerate(found)]}


def _sent(item: Found, number: int, emit: Callable[[str, pa.Table], None]) -> dict[str, Any]:
    emit(str(number), as_arrow(item.frame))
    return {"how": item.how, "place": item.place, "name": item.name, "function": item.function}


def as_arrow(frame: pd.DataFrame) -> pa.Table:
    """A frame as Arrow: a named index becomes columns, values of mixed types become text.

    Raises:
        ValueError: Two columns have one name.
    """
    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()
    names = [
        "_".join(str(part) for part in name) if isinstance(name, tuple) else str(name)
        for name in frame.columns
    ]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"a table has more than one column called {', '.join(repeated)}")
    columns = [_column(frame.iloc[:, place]) for place in range(len(names))]
    return pa.table(columns, names=names)


def _column(values: pd.Series[Any]) -> pa.Array[Any]:
    try:
        column = pa.array(values, from_pandas=True)
    except (TypeError, ValueError, pa.ArrowException):
        texts = [None if pd.isna(value) else str(value) for value in values]
        column = pa.array(texts, pa.string())
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.timestamp("us", column.type.tz), safe=False)
    return column.cast(pa.string()) if pa.types.is_large_string(column.type) else column
