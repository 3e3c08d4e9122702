"""The state of a simulation at the end of a step: one file, whole or not there, without code."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.io.arrays import empty_table
from fabula.io.places import replacing
from fabula.simulation.populations import as_array, as_numpy
from fabula.streams import BLOCK_ROWS

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
    arrays: list[NDArray[Any]] = []
    text = json.dumps(_put(state, arrays))
    head = pa.schema([], metadata={"state": text, "tables": json.dumps([*waiting])})
    with replacing(path) as temporary, pa.OSFile(str(temporary), "wb") as sink:
        pa.ipc.new_stream(sink, head).close()
        for array in arrays:
            _write_array(sink, array)
        for pieces in waiting.values():
            table = pa.concat_tables([*pieces] or [empty_table(pa.schema([]))])
            with pa.ipc.new_stream(sink, table.schema) as writer:
                writer.write_table(table)


def _write_array(sink: pa.NativeFile, array: NDArray[Any]) -> None:
    """Write an array a block at a time: a whole one would be copied first."""
    size = max(1, len(array)) if array.dtype == object else BLOCK_ROWS  # of texts, one type
    pieces = (as_array(array[at : at + size]) for at in range(0, max(1, len(array)), size))
    first = next(pieces)
    schema = pa.schema([(_ARRAY, first.type)])
    with pa.ipc.new_stream(sink, schema) as writer:
        for piece in chain([first], pieces):
            writer.write_batch(pa.RecordBatch.from_arrays([piece], schema=schema))


def read_checkpoint(path: Path) -> tuple[dict[str, Any], dict[str, list[pa.Table]]] | None:
    """A kept state with its rows; None if there is none, or it is damaged."""
    try:
        with pa.OSFile(str(path), "rb") as source:
            metadata = pa.ipc.open_stream(source).read_all().schema.metadata
            state = _taken(json.loads(metadata[b"state"]), source)
            waiting = {}
            for name in json.loads(metadata[b"tables"]):
                rows = pa.ipc.open_stream(source).read_all()
                waiting[name] = [rows] if rows.num_rows else []
    except (OSError, pa.ArrowException, ValueError, LookupError, TypeError):
        return None
    return state, waiting


def _put(value: Any, arrays: list[NDArray[Any]]) -> Any:
    """The value as JSON has it, its arrays put aside."""
    if isinstance(value, np.ndarray):
        arrays.append(value)
        return {_ARRAY: len(arrays) - 1}
    if isinstance(value, Mapping):
        return {name: _put(item, arrays) for name, item in value.items()}
    if isinstance(value, list):
        return [_put(item, arrays) for item in value]
    return value


def _taken(value: Any, source: pa.NativeFile) -> Any:
    """The value with its arrays, which follow in the file in the order in which they are met."""
    if isinstance(value, list):
        return [_taken(item, source) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {_ARRAY}:
        rows = pa.ipc.open_stream(source).read_all()
        return as_numpy(rows.column(_ARRAY).combine_chunks())
    return {name: _taken(item, source) for name, item in value.items()}
