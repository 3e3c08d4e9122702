"""Parquet files written part by part: each part ends as a file would, and the footers are joined.

Arrow begins each file at place 0, so the places in the footer of a part are moved to where the part
stands. Footers are structs in Thrift's compact protocol; everything else in them is copied.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

_MAGIC = b"PAR1"
_BYTE, _INTEGERS, _DOUBLE, _BINARY, _LISTS, _MAP, _STRUCT = 3, (4, 5, 6), 7, 8, (9, 10), 11, 12
"""Types of the compact protocol; 1 and 2 are true and false."""

_Node: TypeAlias = "dict[int, _Node] | None"
_PLACE: _Node = {}
_PLACES: _Node = {
    4: {
        1: {
            2: _PLACE, 4: _PLACE, 6: _PLACE,
            3: {9: _PLACE, 10: _PLACE, 11: _PLACE, 14: _PLACE},
        },
        5: _PLACE,
    }
}  # fmt: skip
"""Fields of a footer that are places in the file (parquet.thrift): those of row groups, and of
their column chunks with pages, indexes and filters."""


class Footer:
    """The footer of the row groups that a file has so far.

    Args:
        data: What `to_bytes` gave; empty for a file without any.
    """

    def __init__(self, data: bytes = b"") -> None:
        self._known = pq.read_metadata(pa.BufferReader(data)) if data else None

    def to_bytes(self) -> bytes:
        """The footer as that of a file without rows."""
        return b"" if self._known is None else _bytes_of(self._known)

    def append(self, file: IO[bytes], schema: pa.Schema, tables: Iterable[pa.Table]) -> None:
        """Write row groups to the end of a file."""
        start, footers = file.tell(), list[pq.FileMetaData]()
        with pq.ParquetWriter(file, schema, metadata_collector=footers) as writer:
            for table in tables:
                writer.write_table(table)
            end = file.tell()
        file.truncate(end)
        file.seek(end)
        content = _Moved(_bytes_of(footers[0])[len(_MAGIC) : -8], start).written()
        framed = [_MAGIC, content, len(content).to_bytes(4, "little"), _MAGIC]
        footer = pq.read_metadata(pa.BufferReader(b"".join(framed)))
        if self._known is None:
            self._known = footer
        else:
            self._known.append_row_groups(footer)

    def close(self, file: IO[bytes], schema: pa.Schema) -> None:
        """Write the footer, which makes a file of the row groups; one without rows is empty."""
        if self._known is None:
            self.append(file, schema, [schema.empty_table()])
        file.write(self.to_bytes()[len(_MAGIC) :])


def _bytes_of(footer: pq.FileMetaData) -> bytes:
    out = pa.BufferOutputStream()
    footer.write_metadata_file(out)
    return bytes(out.getvalue())


class _Moved:
    """A footer whose places are further on in the file.

    Args:
        data: The footer.
        by: By how many bytes.
    """

    def __init__(self, data: bytes, by: int) -> None:
        self._data, self._by = data, by
        self._at = 0
        self._out = bytearray()

    def written(self) -> bytes:
        """The new footer."""
        self._copy(_STRUCT, _PLACES)
        return bytes(self._out)

    def _copy(self, kind: int, node: _Node) -> None:
        if kind in _INTEGERS:
            self._number(moved=node is _PLACE)
        elif kind == _BINARY:
            self._bytes(self._number())
        elif kind == _STRUCT:
            self._struct(node)
        elif kind in _LISTS:
            head = self._bytes(1)
            size = self._number() if head >> 4 == 15 else head >> 4
            for _ in range(size):
                self._item(head & 15, node)
        elif kind == _MAP and (size := self._number()):
            kinds = self._bytes(1)
            for _ in range(size):
                self._item(kinds >> 4, None)
                self._item(kinds & 15, None)
        elif kind in (_BYTE, _DOUBLE):
            self._bytes(1 if kind == _BYTE else 8)

    def _item(self, kind: int, node: _Node) -> None:
        if kind in (1, 2):  # a truth value is a byte, which fields have in their head
            self._bytes(1)
        else:
            self._copy(kind, node)

    def _struct(self, node: _Node) -> None:
        field = 0
        while head := self._bytes(1):
            number = head >> 4
            field = field + number if number else _signed(self._number())
            self._copy(head & 15, (node or {}).get(field))

    def _bytes(self, count: int) -> int:
        """Copy bytes; the first one of them."""
        part = self._data[self._at : self._at + count]
        self._at += count
        self._out += part
        return part[0] if part else 0

    def _number(self, *, moved: bool = False) -> int:
        """Copy a number, or move a place."""
        value = shift = 0
        while True:
            byte = self._data[self._at]
            self._at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        written = value + 2 * self._by if moved else value
        while written > 127:
            self._out.append(written & 127 | 128)
            written >>= 7
        self._out.append(written)
        return value


def _signed(number: int) -> int:
    return number >> 1 ^ -(number & 1)
