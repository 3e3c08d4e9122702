"""The state of a simulation at the end of a step: one file, whole or not there, without code."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from fabula.io.arrays import array_of, empty_table
from fabula.io.places import replacing
from fabula.simulation.populations import as_array, as_numpy

_ARRAY = "array"


def write_checkpoint(
    path: Path, state: Mapping[str, Any], waiting: Mapping[str, Sequence[pa.Table]]
) -> None:
    """Keep a state, and the rows of events that are in no file yet.

    Args:
        path: The file.
        state: Plain values and numpy arrays.
        waiting: Pieces of each event table.
    """
    arrays: list[pa.Array] = []
    text = json.dumps(_put(state, arrays))
    fields = [(str(place), pa.list_(array.type)) for place, array in enumerate(arrays)]
    schema = pa.schema(fields, metadata={"state": text, "tables": json.dumps([*waiting])})
    ends = (array_of(np.array([0, len(array)], dtype=np.int32)) for array in arrays)
    lists = [*map(pa.ListArray.from_arrays, ends, arrays)]
    with replacing(path) as temporary, pa.OSFile(str(temporary), "wb") as sink:
        with pa.ipc.new_stream(sink, schema) as writer:
            writer.write_table(pa.Table.from_arrays(lists, schema=schema))
        for pieces in waiting.values():
            table = pa.concat_tables([*pieces] or [empty_table(pa.schema([]))])
            with pa.ipc.new_stream(sink, table.schema) as writer:
                writer.write_table(table)


def read_checkpoint(path: Path) -> tuple[dict[str, Any], dict[str, list[pa.Table]]] | None:
    """A kept state with its rows; None if there is none, or it is damaged."""
    try:
        with pa.OSFile(str(path), "rb") as source:
            table = pa.ipc.open_stream(source).read_all()
            metadata = table.schema.metadata
            arrays = [column.combine_chunks().flatten() for column in table.columns]
            state = _taken(json.loads(metadata[b"state"]), arrays)
            waiting = {}
            for name in json.loads(metadata[b"tables"]):
                rows = pa.ipc.open_stream(source).read_all()
                waiting[name] = [rows] if rows.num_rows else []
    except (OSError, pa.ArrowException, ValueError, LookupError, TypeError):
        return None
    return state, waiting


def _put(value: Any, arrays: list[pa.Array]) -> Any:
    """The value as JSON has it, its arrays put aside."""
    if isinstance(value, np.ndarray):
        arrays.append(as_array(value))
        return {_ARRAY: len(arrays) - 1}
    if isinstance(value, Mapping):
        return {name: _put(item, arrays) for name, item in value.items()}
    if isinstance(value, list):
        return [_put(item, arrays) for item in value]
    return value


def _taken(value: Any, arrays: Sequence[pa.Array]) -> Any:
    if isinstance(value, list):
        return [_taken(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {_ARRAY}:
        return as_numpy(arrays[value[_ARRAY]])
    return {name: _taken(item, arrays) for name, item in value.items()}
