"""Tables larger than memory: read piece by piece into a file without a name, which is mapped.

All pieces get the types that the whole file has: where some differ, all are read again.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryFile
from typing import TypeAlias, cast

import pyarrow as pa

LARGE = 256 << 20
"""Bytes above which a table lies in a file."""

_PIECE = 64 << 20
_PACKED = 8
"""Times its size that compressed text usually has."""
_MOST_READINGS = 5

Fields: TypeAlias = "Mapping[str, pa.Field]"


def is_large(path: Path) -> bool:
    """Whether a text file is read piece by piece."""
    return path.stat().st_size * (_PACKED if path.suffix.lower() == ".gz" else 1) > LARGE


def mapped(blocks: Iterable[pa.Table], most: int | None = None) -> pa.Table:
    """Blocks of the same columns as one table; above `most` bytes (`LARGE`), it lies in a file.

    The file takes the space of the rows in the folder for temporary files, and goes with the
    table or the process. On POSIX systems it has no name, so that a killed process leaves none.

    Raises:
        OSError: There is no space.
    """
    blocks, held, size = iter(blocks), list[pa.Table](), 0
    for block in blocks:
        held.append(block)
        size += block.nbytes
        if size > (LARGE if most is None else most):
            break
    else:
        return pa.concat_tables(held)
    with TemporaryFile(prefix="fabula-rows-") as file:
        with pa.ipc.new_file(file, held[0].schema) as writer:
            while held:
                writer.write_table(held.pop(0))
            for block in blocks:
                writer.write_table(block)
        file.flush()
        view = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return pa.ipc.open_file(pa.py_buffer(view)).read_all()


def text_pieces(stream: pa.NativeFile, end: Callable[[bytes], int]) -> Iterator[bytes]:
    """A text in pieces of whole rows.

    Args:
        stream: The text.
        end: Tells where the last whole row of a part ends; 0 if none does.
    """
    rest = b""
    while chunk := stream.read(_PIECE):
        text = rest + chunk
        whole = end(text)
        if whole:
            yield text[:whole]
        rest = text[whole:]
    if rest:
        yield rest


def in_common(
    read: Callable[[Fields], Iterator[pa.Table]],
    common: Callable[[pa.Field, pa.Field], pa.Field],
) -> pa.Table:
    """The rows of all pieces as one table.

    Args:
        read: Reads the pieces; columns of given fields get their types.
        common: The field that values of two others fit.

    Raises:
        ArrowInvalid: The pieces have no types in common.
    """
    given: dict[str, pa.Field] = {}
    for _ in range(_MOST_READINGS):
        known = dict(given)
        differ: set[str] = set()
        table = mapped(_alike(read(given), known, differ, common))
        if not differ:
            return table
        given = known
    raise pa.ArrowInvalid(f"values of {', '.join(sorted(differ))} have no type in common")


def _alike(
    pieces: Iterator[pa.Table],
    known: dict[str, pa.Field],
    differ: set[str],
    common: Callable[[pa.Field, pa.Field], pa.Field],
) -> Iterator[pa.Table]:
    """The pieces, up to one with other columns; after it, `known` alone learns from the others."""
    schema = None
    for piece in pieces:
        fields = {field.name: field for field in piece.schema}
        if schema is None:
            schema = piece.schema
            known.update(fields)
        for name in dict.fromkeys([*known, *fields]):
            old, new = known.get(name), fields.get(name)
            if old is None or new is None:
                known[name] = cast("pa.Field", old or new)
            elif old.type != new.type:
                known[name] = common(old, new)
            else:
                continue
            differ.add(name)
        if not differ:
            yield pa.Table.from_arrays(piece.columns, schema=schema)
