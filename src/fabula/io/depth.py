"""How deeply a JSON text is nested, found before anything is built from it.

A reader makes a type of every level: 18 kB of brackets become a gigabyte.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.errors import SourceError

MOST_DEPTH = 64
"""Levels of lists and objects in a row."""
_PIECE = 16 << 20
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)


def check_depth(path: Path, *, by_line: bool) -> None:
    """Make sure that a JSON file, or each line of it, is not nested too deeply.

    Raises:
        SourceError: It is; the error says in which line.
    """
    number, rest = 1, b""
    with pa.input_stream(str(path), compression="detect") as stream:
        while piece := stream.read(_PIECE):
            text = rest + piece
            whole = text.rfind(b"\n") + 1 if by_line else len(text)
            rest = text[whole:] if len(text) - whole <= _PIECE else b""
            line = _deep_line(text[:whole] or text, by_line=by_line)
            if line is not None:
                raise _too_deep(path, number + line if by_line else None)
            number += text[:whole].count(b"\n")
    line = _deep_line(rest, by_line=by_line)
    if line is not None:
        raise _too_deep(path, number + line if by_line else None)


def _deep_line(text: bytes, *, by_line: bool) -> int | None:
    """The first line, from 0, that is too deep; brackets in strings don't count."""
    if _most_openings(text, by_line=by_line) <= MOST_DEPTH:  # the common case, and fast
        return None
    for number, line in enumerate(text.split(b"\n") if by_line else [text]):
        bare = np.frombuffer(_STRINGS.sub(b"", line), np.uint8)
        steps = _is_open(bare).astype(np.int32) - np.isin(bare, (0x5D, 0x7D))
        if len(steps) and int(np.cumsum(steps).max()) > MOST_DEPTH:
            return number
    return None


def _most_openings(text: bytes, *, by_line: bool) -> int:
    opens = np.flatnonzero(_is_open(np.frombuffer(text, np.uint8)))
    if not by_line:
        return len(opens)
    ends = np.flatnonzero(np.frombuffer(text, np.uint8) == 0x0A)
    return int(np.bincount(np.searchsorted(ends, opens), minlength=1).max())


def _is_open(codes: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return np.isin(codes, (0x5B, 0x7B))


def _too_deep(path: Path, line: int | None) -> SourceError:
    return SourceError(
        f"`{path}` is nested more than {MOST_DEPTH} levels deep",
        code="source.too-deep",
        file=str(path),
        line=line,
        hint="keep what is below as text in one value",
    )
