"""JSON and JSON Lines whose other bytes stay unchanged: keys, order, spaces, numbers, escapes.

The objects of a list are their own table, `customers.contacts`, each row below its customer;
nested objects are columns: `address.city`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.errors import SourceError
from fabula.io.arrays import array_of
from fabula.privacy.files.json_tokens import ITEM, NotJsonError, Tokens, end_of_rows, tokens_of
from fabula.privacy.files.splice import Places, pieces, spliced

BLOCK_BYTES = 4 << 20
OUTER = "^"
"""Begins the names of columns that a table of a list has from the object around the list."""

_LONGEST_ROW = 256 << 20
_MARK = b"\xef\xbb\xbf"
_SAMPLED = 20_000
_FEW = 40
_NUMBER = r"^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$"


@dataclass(frozen=True)
class JsonBlock:
    """Some rows of a file.

    Attributes:
        text: Their bytes, and those between them.
        tokens: Where their values are.
    """

    text: bytes
    tokens: Tokens

    @cached_property
    def levels(self) -> dict[str, dict[str, NDArray[np.bool_]]]:
        """Which values belong to each column of each level: the rows, and each list in them."""
        found: dict[str, dict[str, NDArray[np.bool_]]] = {"": {}}
        for number in np.unique(self.tokens.paths).tolist():
            level, column = placed(self.tokens.names[number])
            columns, at = found.setdefault(level, {}), self.tokens.paths == number
            columns[column] = columns[column] | at if column in columns else at
        return found

    def table(self, level: str, outer: Sequence[str] = ()) -> pa.Table:
        """The columns of a level as texts; what is missing or null is null.

        Args:
            level: The path of a list, or nothing for the rows themselves.
            outer: Columns of the rows that are wanted beside those of the list.

        Raises:
            NotJsonError: An object has a key twice.
        """
        rows, roots = self._rows(level)
        columns = {
            name: self._column(at, self._places(at, rows, level), len(rows))
            for name, at in self.levels.get(level, {}).items()
        }
        for name in outer:
            own = self.levels[""].get(name)
            whole = pa.nulls(self.tokens.count, pa.large_string())
            if own is not None:
                whole = self._column(own, self.tokens.roots[own], self.tokens.count)
            columns[OUTER + name] = whole.take(array_of(roots))
        return pa.table(columns) if columns else pa.table({"": pa.nulls(len(rows))})

    def written(
        self,
        new: Mapping[str, Mapping[str, pa.Array]],
        dropped: Mapping[str, Sequence[str]],
    ) -> pa.Buffer:
        """The bytes of the rows with new values.

        Args:
            new: New texts by level and column.
            dropped: Columns to leave out, by level.
        """
        tokens = self.tokens
        gone = np.zeros(len(tokens.starts), bool)
        for level, names in dropped.items():
            for name in names:
                gone |= self.levels.get(level, {}).get(name, np.False_)
        begins, ends = tokens.removed(gone)
        nothing = pa.repeat(pa.scalar(b"", pa.large_binary()), len(begins))
        starts, stops, texts = [begins], [ends], [nothing]
        for level, columns in new.items():
            rows, _ = self._rows(level)
            for name, values in columns.items():
                at = self.levels.get(level, {}).get(name)
                if at is None or not at.any():
                    continue
                place = array_of(self._places(at, rows, level))
                written, changed = self._written(at, values.cast(pa.large_string()).take(place))
                starts.append(tokens.starts[at][changed])
                stops.append(tokens.ends[at][changed])
                texts.append(written.filter(array_of(changed)))
        order = np.argsort(np.concatenate(starts), kind="stable")
        if not len(order):
            return pa.py_buffer(self.text)
        parts = pa.concat_arrays(texts).take(array_of(order))
        return spliced(
            self.text, np.concatenate(starts)[order], np.concatenate(stops)[order], [parts]
        )

    def _rows(self, level: str) -> tuple[Places, Places]:
        """The objects of a level that have values, and the row that each is in."""
        if not level:
            rows = np.arange(self.tokens.count)
            return rows, rows
        at = np.zeros(len(self.tokens.objects), bool)
        for column in self.levels.get(level, {}).values():
            at |= column
        objects, first = np.unique(self.tokens.objects[at], return_index=True)
        return objects, self.tokens.roots[at][first]

    def _places(self, at: NDArray[np.bool_], rows: Places, level: str) -> Places:
        """The rows of some values of a level."""
        if not level:
            return self.tokens.roots[at]
        return np.searchsorted(rows, self.tokens.objects[at])

    def _column(self, at: NDArray[np.bool_], places: Places, size: int) -> pa.Array:
        order = np.full(size, -1)
        order[places] = np.arange(len(places))
        if (order >= 0).sum() != len(places):
            raise NotJsonError("an object has a key twice", int(self.tokens.starts[at][0]))
        texts = self._texts(at)
        return texts.take(array_of(np.maximum(order, 0), missing=order < 0))

    def _texts(self, at: NDArray[np.bool_]) -> pa.Array:
        """Values as texts: strings without quotes and escapes, others as written."""
        written = pieces(self.text, self.tokens.starts[at], self.tokens.ends[at])
        try:
            texts = written.cast(pa.large_string())
        except pa.ArrowInvalid as exc:
            raise NotJsonError("a string is not UTF-8", int(self.tokens.starts[at][0])) from exc
        quoted = pc.starts_with(texts, '"')
        inner = pc.utf8_slice_codeunits(texts, 1, -1)
        escaped = np.flatnonzero(pc.match_substring(inner, "\\").to_numpy(zero_copy_only=False))
        if len(escaped):
            plain = [_unescaped(text) for text in texts.take(array_of(escaped)).to_pylist()]
            mask = np.zeros(len(inner), bool)
            mask[escaped] = True
            inner = pc.replace_with_mask(inner, array_of(mask), pa.array(plain, inner.type))
        texts = pc.if_else(quoted, inner, texts)
        null = pc.and_(pc.invert(quoted), pc.equal(texts, "null"))
        return pc.if_else(null, pa.scalar(None, texts.type), texts)

    def _written(self, at: NDArray[np.bool_], new: pa.Array) -> tuple[pa.Array, NDArray[np.bool_]]:
        """New values as JSON of the type of the old ones, and which of them are others."""
        old = self._texts(at)
        signs = np.frombuffer(self.text, np.uint8)
        quoted = array_of(signs[self.tokens.starts[at]] == ord('"'))
        number = pc.replace_substring_regex(new, r"^(-?)0+(\d)", r"\1\2")
        fits = pc.fill_null(pc.match_substring_regex(number, _NUMBER), False)
        number = pc.if_else(fits, number, "null")
        inner = new
        for sign in ("\\", '"'):
            inner = pc.replace_substring(inner, sign, "\\" + sign)
        rare = pc.fill_null(pc.match_substring_regex(inner, r"[\x00-\x1f]"), False)
        if pc.any(rare).as_py():
            plain = [json.dumps(text)[1:-1] for text in new.filter(rare).to_pylist()]
            inner = pc.replace_with_mask(inner, rare, pa.array(plain, inner.type))
        mark, none = pa.scalar('"', inner.type), pa.scalar("", inner.type)
        string = pc.fill_null(pc.binary_join_element_wise(mark, inner, mark, none), "null")
        made = pc.if_else(quoted, string, number).cast(pa.large_binary())
        same = pc.fill_null(pc.equal(old, new), pc.is_null(old))
        return made, ~np.asarray(pc.fill_null(same, False).to_numpy(zero_copy_only=False), bool)


@dataclass(frozen=True, eq=False)
class JsonFile:
    """A file of JSON Lines, or of one list of objects; gzipped or not.

    Attributes:
        path: The file.
    """

    path: Path

    @cached_property
    def head(self) -> bytes:
        """The bytes before the first row: the bracket that opens a list of rows.

        Raises:
            SourceError: It does not begin with an object, or with a list of them.
        """
        with pa.input_stream(str(self.path), compression="detect") as stream:
            start = bytes(stream.read(BLOCK_BYTES))
        if start[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in start[:4]:
            raise self._bad("is not UTF-8", start, 0)
        before = len(_MARK) * start.startswith(_MARK)
        space = before + len(start[before:]) - len(start[before:].lstrip())
        sign = start[space : space + 1]
        if sign not in (b"{", b"[", b""):
            raise self._bad("does not begin with an object or a list", start, space)
        return start[: space + 1] if sign == b"[" else start[:space]

    def blocks(self, start: int = 0, size: int = BLOCK_BYTES) -> Iterator[tuple[JsonBlock, int]]:
        """Blocks of rows, and where the file is read up to after each.

        Args:
            start: Where to begin, as a call before has told; 0 for the first row.
            size: How many bytes are read at a time.

        Raises:
            SourceError: The file is not JSON, or a row is not an object.
        """
        at = start or len(self.head)
        with pa.input_stream(str(self.path), compression="detect") as stream:
            left = at
            while left > 0 and (read := stream.read(min(left, size))):
                left -= len(read)
            rest = b""
            while True:
                chunk = stream.read(size)
                text = rest + chunk
                end = end_of_rows(text)
                if not chunk:
                    end = self._last(text, end, at)
                elif not end and len(text) > _LONGEST_ROW:
                    raise self._bad("has a row that does not end", text, 0, at)
                if end:
                    yield self._block(text[:end], at), at + end
                    at += end
                rest = text[end:]
                if not chunk:
                    return

    def tail(self, start: int) -> bytes:
        """The bytes after the last row, which ends at a place."""
        with pa.input_stream(str(self.path), compression="detect") as stream:
            while start > 0 and (read := stream.read(min(start, BLOCK_BYTES))):
                start -= len(read)
            return bytes(stream.read())

    @cached_property
    def levels(self) -> dict[str, pa.Table]:
        """A sample of each level of all rows; every column that occurs anywhere is in it."""
        parts: dict[str, list[pa.Table]] = {"": []}
        seen: dict[tuple[str, str], int] = {}
        size = self.path.stat().st_size
        step = max(1, size // (1 << 25))
        self.rows.clear()
        for number, (block, _) in enumerate(self.blocks()):
            for level in block.levels:
                table = self.read(block, level)
                self.rows[level] = self.rows.get(level, 0) + len(table)
                rare = [c for c in table.column_names if seen.get((level, c), 0) < _FEW]
                if number % step and rare:
                    known = [pc.is_valid(table.column(name)) for name in rare]
                    any_known = known[0]
                    for each in known[1:]:
                        any_known = pc.or_(any_known, each)
                    table = table.filter(any_known).slice(0, _FEW)
                elif number % step:
                    continue
                for name in table.column_names:
                    count = len(table) - table.column(name).null_count
                    seen[level, name] = seen.get((level, name), 0) + count
                parts.setdefault(level, []).append(table)
        return {
            level: pa.concat_tables(tables, promote_options="default") if tables else pa.table({})
            for level, tables in parts.items()
        }

    rows: dict[str, int] = field(default_factory=dict)

    def read(self, block: JsonBlock, level: str, outer: Sequence[str] = ()) -> pa.Table:
        """The columns of a level in a block.

        Raises:
            SourceError: An object has a key twice, or a string is not UTF-8.
        """
        try:
            return block.table(level, outer)
        except NotJsonError as error:
            raise self._bad(str(error), block.text, error.at) from error

    def _block(self, text: bytes, at: int) -> JsonBlock:
        try:
            return JsonBlock(text, tokens_of(text))
        except NotJsonError as error:
            raise self._bad(str(error), text, error.at, at) from error

    def _last(self, text: bytes, end: int, at: int) -> int:
        """Where the last row of the file ends."""
        closing = b"]" if self.head.endswith(b"[") else b""
        if text[end:].strip() == closing:
            return end
        self._block(text.rstrip().removesuffix(closing), at)  # tells what is wrong inside it
        raise self._bad("does not end as it begins", text, end, at)

    def changed(self) -> SourceError:
        """The error that the file is another one than before."""
        return SourceError(
            f"`{self.path}` was changed while it was read",
            code="source.changed",
            file=str(self.path),
            hint="run the same command again",
        )

    def _bad(self, told: str, text: bytes, at: int, before: int = 0) -> SourceError:
        line = text.count(b"\n", 0, at) + 1
        place = f"line {line:,}" if not before else f"byte {before + at:,}"
        return SourceError(
            f"`{self.path}`: {told}, at {place}",
            code="source.bad-json",
            file=str(self.path),
            hint="write its rows as JSON Lines: one object a line, in UTF-8",
        )


@dataclass(frozen=True, eq=False)
class JsonSource:
    """One level of a file: its rows, or the items of a list in them.

    Attributes:
        file: The file.
        level: The path of the list, or nothing.
        outer: Columns of the rows that tell whose items they are.
    """

    file: JsonFile
    level: str = ""
    outer: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """Its columns, those of the rows around it last."""
        own = self.file.levels[self.level].column_names
        return [*own, *(OUTER + name for name in self.outer)]

    def sample(self) -> pa.Table:
        """Rows from all parts of it."""
        return self.file.levels[self.level]

    def about_rows(self) -> int:
        """How many rows there are."""
        return self.file.rows.get(self.level, 0)

    def tables(self, names: Sequence[str]) -> Iterator[pa.Table]:
        """Blocks of some columns."""
        return (self.of(block).select(names) for block, _ in self.file.blocks())

    def of(self, block: JsonBlock) -> pa.Table:
        """The rows of a block, with all columns.

        Raises:
            SourceError: The file has a column that it did not have before.
        """
        table = self.file.read(block, self.level, self.outer)
        has, names = set(table.column_names) - {""}, self.names
        if has - set(names):
            raise self.file.changed()
        missing = pa.nulls(len(table), pa.large_string())
        return pa.table({n: table.column(n) if n in has else missing for n in names})


def placed(path: Sequence[str]) -> tuple[str, str]:
    """The level of a value, and the name of its column there, by its path."""
    ends = [at for at, key in enumerate(path) if key == ITEM]
    if not ends:
        return "", ".".join(path)
    level = [key for key in path[: ends[-1]] if key != ITEM]
    column = path[ends[-1] + 1 :] or level[-1:] or ("item",)
    return ".".join(level) or "items", ".".join(column)


def _unescaped(text: str) -> str:
    found: str = json.loads(text)
    return found
