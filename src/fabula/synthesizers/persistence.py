"""The file of a fitted synthesizer: a zip archive of plain values, nothing that runs.

::

    model.json             format, version, the model's name and settings, each column's codec,
                           the card, and a SHA-256 of every other member
    schema.arrow           names and types of the columns, an Arrow schema message
    columns/3/grid.npy     arrays of the codec of column 3; labels are `.arrow` files
    exact/0/keys.arrow     arrays of relation 0 between columns
    model/trees.npy        arrays of the model

Arrays are little-endian, members carry no times, so equal models make equal files, and a file
made on one machine samples the same rows on another.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.errors import SourceError
from fabula.io.claims import read_array, read_arrow, read_members
from fabula.io.fitted import SCHEMA_MEMBER
from fabula.io.names import missing_file
from fabula.io.places import replacing
from fabula.synthesizers.codecs.codec import CodecState
from fabula.synthesizers.model import State
from fabula.types import Path as PathLike

FORMAT, VERSION = "fabula-synthesizer", 4

UNREADABLE = (
    OSError,
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
    RuntimeError,
    ValueError,
    LookupError,
    EOFError,
    pa.ArrowException,
    MemoryError,
)
"""What libraries raise for archives and tables that are damaged."""
UNSOUND = (
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    MemoryError,
    RecursionError,
    OSError,
    pa.ArrowException,
)
"""What is raised where the values of a file don't fit each other."""
_EPOCH = (1980, 1, 1, 0, 0, 0)
ABOUT = "model.json"


@dataclass(frozen=True)
class Saved:
    """All that a file contains.

    Attributes:
        model: The model's name in the catalogue.
        state: The model.
        schema: Names and types of the columns.
        codecs: The columns' codecs by name.
        card: What is told about the model, JSON-ready; `left_out` and `checks` are here too.
        relations: Exact relations between the columns.
    """

    model: str
    state: State
    schema: pa.Schema
    codecs: Mapping[str, CodecState]
    card: Mapping[str, Any]
    relations: tuple[CodecState, ...] = ()


def write_saved(path: PathLike, saved: Saved) -> None:
    """Write a file; an existing one is replaced when the new one is complete.

    Raises:
        SinkError: The place can't be written.
    """
    members = {SCHEMA_MEMBER: saved.schema.serialize().to_pybytes()}
    for number, name in enumerate(saved.schema.names):
        for array, values in saved.codecs[name].arrays.items():
            members |= _member(f"columns/{number}/{array}", values)
    for number, relation in enumerate(saved.relations):
        for array, values in relation.arrays.items():
            members |= _member(f"exact/{number}/{array}", values)
    for array, values in saved.state.arrays.items():
        members |= _member(f"model/{array}", values)
    about = {
        "format": FORMAT,
        "version": VERSION,
        "model": saved.model,
        "settings": saved.state.settings,
        "columns": [
            {"name": name, "family": codec.family, "settings": codec.settings}
            for name, codec in ((name, saved.codecs[name]) for name in saved.schema.names)
        ],
        "exact": [{"family": item.family, "settings": item.settings} for item in saved.relations],
        "card": saved.card,
        "sha256": {name: hashlib.sha256(data).hexdigest() for name, data in members.items()},
    }
    text = json.dumps(about, indent=1, ensure_ascii=False).encode()
    with replacing(Path(path)) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, data in {ABOUT: text, **members}.items():
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)


def read_saved(path: PathLike) -> Saved:
    """Read a file.

    Raises:
        SourceError: It is missing, damaged, of a later version, or no synthesizer's file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = read_members(archive)
    except FileNotFoundError as exc:
        raise missing_file(Path(path)) from exc
    except UNREADABLE as exc:
        raise damaged(path, str(exc)) from exc
    try:
        about = json.loads(members.pop(ABOUT))
        if about["format"] != FORMAT:
            raise damaged(path, "it is of another format")
        check_version(about["version"], VERSION, path)
        sums = {name: hashlib.sha256(data).hexdigest() for name, data in members.items()}
        if sums != about["sha256"]:
            raise damaged(path, "its checksums differ")
        return _saved(about, members)
    except UNSOUND as exc:
        raise damaged(path, f"{type(exc).__name__}: {exc}") from exc


@contextmanager
def sound(path: PathLike) -> Iterator[None]:
    """Tell what fails while a file is read as a fault of the file.

    Args:
        path: The file.

    Raises:
        SourceError: What the file contains does not fit together.
    """
    try:
        yield
    except UNSOUND as exc:
        why = f"what it holds does not fit together ({type(exc).__name__}: {exc})"
        raise damaged(path, why) from exc


@contextmanager
def drawing(path: PathLike | None) -> Iterator[None]:
    """Tell what fails while rows are drawn from a file that was read without a fault.

    Args:
        path: The file; None for a model that was fitted here, whose failures are our own.

    Raises:
        SourceError: Drawing fails; the file may have been changed by hand, or Fabula is at fault.
    """
    try:
        yield
    except UNSOUND as exc:
        if path is None:
            raise
        raise SourceError(
            f"no rows can be drawn from `{path}`: {type(exc).__name__}: {exc}",
            code="synthesizer.failed",
            where=str(path),
            hint="the file is complete, so Fabula may have a bug: fit it again with `fabula fit"
            " DATA -o model.fabula`, and if the new file fails, too, please report this message",
        ) from exc


def _saved(about: Mapping[str, Any], members: Mapping[str, bytes]) -> Saved:
    schema = pa.ipc.read_schema(pa.py_buffer(members[SCHEMA_MEMBER]))
    codecs = {
        column["name"]: CodecState(
            column["family"], column["settings"], _arrays(members, f"columns/{number}/")
        )
        for number, column in enumerate(about["columns"])
    }
    state = State(about["settings"], _arrays(members, "model/"))
    relations = tuple(
        CodecState(told["family"], told["settings"], _arrays(members, f"exact/{number}/"))
        for number, told in enumerate(about.get("exact", ()))
    )
    return Saved(about["model"], state, schema, codecs, about["card"], relations)


def _member(name: str, values: NDArray[Any] | pa.Array) -> dict[str, bytes]:
    """An array as a member: `.npy` for numbers, `.arrow` for labels."""
    if isinstance(values, np.ndarray):
        buffer = io.BytesIO()
        little = values.astype(values.dtype.newbyteorder("<"), copy=False)
        np.lib.format.write_array(buffer, np.ascontiguousarray(little), allow_pickle=False)
        return {f"{name}.npy": buffer.getvalue()}
    table = pa.table({"values": values})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return {f"{name}.arrow": sink.getvalue().to_pybytes()}


def _arrays(members: Mapping[str, bytes], folder: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, data in members.items():
        if not name.startswith(folder):
            continue
        stem, _, ending = name.removeprefix(folder).rpartition(".")
        if ending == "npy":
            found[stem] = read_array(data)
        else:
            found[stem] = read_arrow(pa.py_buffer(data)).column("values").combine_chunks()
    return found


def check_version(written: int, known: int, path: PathLike, *, oldest: int | None = None) -> None:
    """Make sure that a synthesizer is of a version that this Fabula reads.

    Args:
        written: The version of the file.
        known: The version that is written today.
        path: The file.
        oldest: The earliest version that is read; by default `known`.

    Raises:
        SourceError: It is of another one; the hint says what to do.
    """
    if written < (known if oldest is None else oldest):
        raise SourceError(
            f"`{path}` was written by an earlier Fabula, and this version can't read it",
            code="synthesizer.version",
            where=str(path),
            hint="fit it again: `fabula fit DATA -o MODEL`",
        )
    if written > known:
        raise SourceError(
            f"`{path}` was written by a newer Fabula",
            code="synthesizer.version",
            where=str(path),
            hint="pip install --upgrade fabula",
        )


def damaged(path: PathLike, why: str) -> SourceError:
    """The error of a file that holds no synthesizer; a table may be meant to be learned first."""
    data = str(path) if Path(path).suffix in (".csv", ".parquet", ".jsonl", ".xlsx") else "DATA"
    return SourceError(
        f"`{path}` can't be read as a synthesizer: {why}",
        code="synthesizer.damaged",
        where=str(path),
        hint=f"fit it: `fabula fit {data} -o {Path(data).with_suffix('.fabula')}`",
    )
