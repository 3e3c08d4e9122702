"""A first spec from what there is: a class, a frame, a file, or several tables.

What comes out is meant to be edited: every guess has a reason, written behind its line.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from fabula.inference.arrays import guess_array, listed_values
from fabula.inference.inferred import Inferred
from fabula.inference.pydantic_models import guessed_table
from fabula.inference.speclike import class_of
from fabula.io.frames import as_table
from fabula.io.sources import read_tables
from fabula.spec import col
from fabula.spec.columns import AbstractColumn
from fabula.spec.sources import Source
from fabula.spec.tables import DatasetSpec, TableSpec


def infer(source: Any, *, prompt: str | None = None) -> Inferred:
    """Guess a spec.

    Args:
        source: A Pydantic class or dataclass, `module:Class`, a frame, a mapping of names to
            frames, a data file, or a folder of data files.
        prompt: What the rows are about; with a class, see `generate`.

    Raises:
        SourceError: The data can't be read.
        SpecError: The class has fields that can't be columns.

    Examples:
        >>> infer({"n": [1, 2, 3], "ok": [True, True, False]})
        data: 2 columns (1 key, 1 bernoulli)
    """
    cls = class_of(source)
    if cls is not None:
        table, reasons = guessed_table(cls, prompt=prompt)
        spec = DatasetSpec(name=table.name, tables={table.name: table})
        places = {f"tables.{table.name}.columns.{name}": why for name, why in reasons.items()}
        return Inferred(spec.written_in(Source(row_class=cls)), MappingProxyType(places))
    return _from_tables(_tables(source), prompt or "")


def _tables(source: Any) -> dict[str, pa.Table]:
    if isinstance(source, str | os.PathLike):
        found = read_tables(Path(source))
        return {name: as_table(rows, name=name) for name, rows in found.items()}
    if isinstance(source, Mapping) and source and not any(map(_is_column, source.values())):
        return {str(name): as_table(data, name=str(name)) for name, data in source.items()}
    return {"data": as_table(source)}


def _is_column(value: Any) -> bool:
    """Whether a value of a mapping is one column rather than a table."""
    return isinstance(value, list | tuple | pa.Array | pa.ChunkedArray) or hasattr(value, "dtype")


def _from_tables(data: Mapping[str, pa.Table], prompt: str) -> Inferred:
    reasons: dict[str, str] = {}
    tables: dict[str, TableSpec] = {}
    for name, rows in data.items():
        columns: dict[str, AbstractColumn] = {}
        beside = frozenset(rows.column_names)
        for column in rows.column_names:
            made = guess_array(column, rows.column(column), owner=_singular(name), beside=beside)
            columns[column] = made.column
            reasons[f"tables.{name}.columns.{column}"] = made.reason
        tables[name] = TableSpec(name, n=rows.num_rows, columns=columns, prompt=prompt)
    for name, column, parent in _references(data, tables):
        nulls = tables[name].columns[column].nulls
        linked = {**tables[name].columns, column: col.reference(parent, nulls=nulls)}
        tables[name] = tables[name].model_copy(update={"columns": linked})
        reasons[f"tables.{name}.columns.{column}"] = f"every value is a key of `{parent}`"
    title = next(iter(data)) if len(data) == 1 else "dataset"
    return Inferred(DatasetSpec(name=title, tables=tables), MappingProxyType(reasons))


def _references(
    data: Mapping[str, pa.Table], tables: Mapping[str, TableSpec]
) -> list[tuple[str, str, str]]:
    """Columns that are named after another table and hold only its keys."""
    keys = {
        parent: listed_values(data[parent].column(table.key[0]))
        for parent, table in tables.items()
        if table.key
    }
    return [
        (name, column, parent)
        for name, table in tables.items()
        for column in table.columns
        for parent in keys
        if parent != name
        and re.fullmatch(rf"{re.escape(_singular(parent))}_?(id|key)", column, re.IGNORECASE)
        and listed_values(data[name].column(column)) <= keys[parent]
    ]


def _singular(name: str) -> str:
    """`countries` as `country`, `boxes` as `box`, `orders` as `order`."""
    for ending, single in (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("s", "")):
        if name.lower().endswith(ending) and not name.lower().endswith("ss"):
            return name[: -len(ending)] + single
    return name
