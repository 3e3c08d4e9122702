"""Step 3 of 3 of a pattern: the tree becomes byte tables that are gathered for all rows at once.

A string is a row of a byte matrix. A `Table` fills a few neighbouring columns with one gather,
several characters at a time; a `Choice` fills the same columns with another part for each group
of rows. Bytes that a shorter string leaves over hold `BLANK`, which never occurs in UTF-8, and
are squeezed out at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import prod
from typing import Protocol, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.fakers.joining import strings_from_bytes
from fabula.fakers.regex_syntax import Alt, Chars, Node
from fabula.streams import BLOCK_ROWS, mix

BLANK = 0xFF
RANK_LIMIT = 2**62
"""Strings beyond this many can't be told apart by a 64-bit index."""

_ENTRY_LIMIT = 20_000
"""Most entries of a merged table: larger ones leave the processor's cache."""
_WIDTH_LIMIT = 8
"""Widest merged table in bytes: what numpy moves as one machine word."""
_CELL_LIMIT = 2**24
"""Most bytes of a matrix that is filled at once."""

Bytes: TypeAlias = NDArray[np.uint8]
Index: TypeAlias = NDArray[np.uint64]
Rows: TypeAlias = NDArray[np.intp]


class Source(Protocol):
    """Where the decisions of a group of rows come from."""

    def split(self, size: int, /) -> Source:
        """The decisions of the next part, which has `size` strings."""

    def entries(self, size: int) -> NDArray[np.unsignedinteger]:
        """An entry of a table for each row."""

    def branches(self, sizes: Sequence[int]) -> list[tuple[Rows, Source]]:
        """The rows that take each branch, and their decisions inside it."""


@dataclass(frozen=True)
class Drawn:
    """Decisions drawn at random, every entry and every branch equally likely."""

    rng: np.random.Generator
    rows: int

    def split(self, _size: int, /) -> Drawn:
        """The same stream continues."""
        return self

    def entries(self, size: int) -> NDArray[np.unsignedinteger]:
        """Uniform entries, in the smallest type that is fast to draw."""
        if size <= 2**16:
            return self.rng.integers(0, size, self.rows, dtype=np.uint16)
        return self.rng.integers(0, size, self.rows, dtype=np.uint32)

    def branches(self, sizes: Sequence[int]) -> list[tuple[Rows, Source]]:
        """Uniform branches, whatever their sizes."""
        small = len(sizes) <= 2**16
        kind = np.uint16 if small else np.uint32
        branch = self.rng.integers(0, len(sizes), self.rows, dtype=kind)
        groups = [np.flatnonzero(branch == number) for number in range(len(sizes))]
        return [(rows, Drawn(self.rng, len(rows))) for rows in groups]


@dataclass
class Ranked:
    """Decisions decoded from each row's index, so that different indices give different strings.

    An index is a number in mixed radix: `split` takes the lowest digit. A pattern of more than
    `RANK_LIMIT` strings has digits above the index. The digit in which the index ends is shifted
    by a hash of the digits below it, so that it reaches every value and indices still differ;
    digits further up are a hash of the index.
    """

    rank: Index
    bound: int

    def __post_init__(self) -> None:
        self._whole, self._below = self.rank, 1

    def split(self, size: int, /) -> Ranked:
        """The lowest digit of the index, in base `size`."""
        if size == 1:
            return Ranked(np.zeros_like(self.rank), 1)
        if size < self.bound:
            digit = self.rank % np.uint64(size)
            self.rank, self.bound = self.rank // np.uint64(size), -(-self.bound // size)
            self._below *= size
            return Ranked(digit, size)
        base, last = min(size, RANK_LIMIT), self.rank
        if self.bound < base:
            lower = self._whole - self.rank * np.uint64(self._below)
            last = (last + mix(lower) % np.uint64(base)) % np.uint64(base)
        self._whole = self.rank = mix(self._whole + np.uint64(RANK_LIMIT)) % np.uint64(RANK_LIMIT)
        self.bound, self._below = RANK_LIMIT, 1
        return Ranked(last, base)

    def entries(self, size: int) -> NDArray[np.unsignedinteger]:
        """The whole remaining index, which is below `size`."""
        return self.rank % np.uint64(size)

    def branches(self, sizes: Sequence[int]) -> list[tuple[Rows, Source]]:
        """Branches by the range of numbers that the index falls into, as wide as their sizes."""
        ends = [self.bound * end // sum(sizes) for end in accumulate(sizes)]
        groups: list[tuple[Rows, Source]] = []
        for size, first, end in zip(sizes, [0, *ends], ends, strict=False):
            inside = (self.rank >= np.uint64(first)) & (self.rank < np.uint64(end))
            rows, base = np.flatnonzero(inside), min(size, RANK_LIMIT)
            rank, steps = self.rank[rows] - np.uint64(first), np.uint64(base // max(1, end - first))
            groups.append((rows, Ranked(rank * steps + mix(self.rank[rows]) % steps, base)))
        return groups


class Table:
    """Equally likely byte strings, padded to one width with `BLANK`."""

    def __init__(self, cells: Bytes) -> None:
        self.cells = cells
        self.size, self.width = cells.shape
        self.fixed = not (cells == BLANK).any()
        self._words = np.ascontiguousarray(cells).reshape(-1).view(f"V{max(self.width, 1)}")

    def fill(self, matrix: Bytes, column: int, rows: Rows | None, source: Source) -> None:
        """Write an entry into `width` columns of each row."""
        if not self.width:
            return
        target = matrix[:, column : column + self.width].view(self._words.dtype)[:, 0]
        words = self._words.take(source.entries(self.size))
        target[slice(None) if rows is None else rows] = words


@dataclass(frozen=True, eq=False)
class Chain:
    """Parts in neighbouring columns."""

    parts: tuple[Shape, ...]
    size: int
    width: int
    fixed: bool

    def fill(self, matrix: Bytes, column: int, rows: Rows | None, source: Source) -> None:
        """Write every part; the last one turns fastest, as digits do."""
        end = column + self.width
        for part in reversed(self.parts):
            end -= part.width
            part.fill(matrix, end, rows, source.split(part.size))


@dataclass(frozen=True, eq=False)
class Choice:
    """One of several branches, all starting at the same column."""

    branches: tuple[Shape, ...]
    size: int
    width: int
    fixed: bool

    def fill(self, matrix: Bytes, column: int, rows: Rows | None, source: Source) -> None:
        """Write each branch into the rows that take it."""
        groups = source.branches([branch.size for branch in self.branches])
        for branch, (inside, below) in zip(self.branches, groups, strict=True):
            chosen = inside if rows is None else rows[inside]
            branch.fill(matrix, column, chosen, below)
            if branch.width < self.width:
                matrix[chosen, column + branch.width : column + self.width] = BLANK


Shape: TypeAlias = Table | Chain | Choice


class Compiler:
    """Builds shapes out of nodes; what is shared in the tree is shared in the tables."""

    def __init__(self) -> None:
        self._shapes: dict[int | str, Shape] = {}
        self._merged: dict[tuple[int, int], Table | None] = {}

    def shape(self, node: Node) -> Shape:
        """The shape that fills the strings of a node."""
        key = node.chars if isinstance(node, Chars) else id(node)
        if key not in self._shapes:
            self._shapes[key] = self._build(node)
        return self._shapes[key]

    def _build(self, node: Node) -> Shape:
        if isinstance(node, Chars):
            return Table(_stack([char.encode() for char in node.chars]))
        if isinstance(node, Alt):
            return _choice([self.shape(branch) for branch in node.branches])
        return self._chain([self.shape(part) for part in node.parts])

    def _chain(self, shapes: Sequence[Shape]) -> Shape:
        parts: list[Shape] = []
        for shape in shapes:
            for part in shape.parts if isinstance(shape, Chain) else (shape,):
                merged = self._merge(parts[-1], part) if parts else None
                if merged is None:
                    parts.append(part)
                else:
                    parts[-1] = merged
        if not parts:
            return Table(np.empty((1, 0), np.uint8))
        if len(parts) == 1:
            return parts[0]
        return Chain(
            tuple(parts),
            prod(part.size for part in parts),
            sum(part.width for part in parts),
            all(part.fixed for part in parts),
        )

    def _merge(self, left: Shape, right: Shape) -> Table | None:
        """One table for two neighbours, if it stays small."""
        if not isinstance(left, Table) or not isinstance(right, Table):
            return None
        key = (id(left), id(right))
        if key not in self._merged:
            small = left.size * right.size <= _ENTRY_LIMIT
            narrow = left.width + right.width <= _WIDTH_LIMIT or left.size * right.size == 1
            self._merged[key] = _product(left, right) if small and narrow else None
        return self._merged[key]


def strings(shape: Shape, rows: int, source: Source) -> pa.StringArray:
    """Fill `rows` strings and hand their bytes to Arrow."""
    matrix = np.empty((rows, shape.width), np.uint8)
    shape.fill(matrix, 0, None, source)
    if shape.fixed:
        return strings_from_bytes(np.arange(rows + 1, dtype=np.int32) * shape.width, matrix)
    used = matrix != BLANK
    offsets = np.zeros(rows + 1, np.int32)
    np.cumsum(np.count_nonzero(used, axis=1), out=offsets[1:])
    return strings_from_bytes(offsets, matrix[used])


def rows_at_once(shape: Shape) -> int:
    """How many rows one matrix should hold."""
    return max(1, min(BLOCK_ROWS, _CELL_LIMIT // max(1, shape.width)))


def _choice(shapes: Sequence[Shape]) -> Shape:
    width = max(shape.width for shape in shapes)
    tables = [shape for shape in shapes if isinstance(shape, Table)]
    equal = len(tables) == len(shapes) and len({table.size for table in tables}) == 1
    if equal and len(tables) * tables[0].size <= _ENTRY_LIMIT:
        return Table(np.concatenate([_padded(table.cells, width) for table in tables]))
    return Choice(
        tuple(shapes),
        sum(shape.size for shape in shapes),
        width,
        all(shape.fixed and shape.width == width for shape in shapes),
    )


def _product(left: Table, right: Table) -> Table:
    heads = np.repeat(left.cells, right.size, axis=0)
    tails = np.tile(right.cells, (left.size, 1))
    return Table(np.concatenate([heads, tails], axis=1))


def _padded(cells: Bytes, width: int) -> Bytes:
    return np.pad(cells, ((0, 0), (0, width - cells.shape[1])), constant_values=BLANK)


def _stack(words: Sequence[bytes]) -> Bytes:
    width = max(map(len, words))
    text = b"".join(word.ljust(width, bytes([BLANK])) for word in words)
    return np.frombuffer(text, np.uint8).reshape(len(words), width)
