"""Tables that a program only prints: what goes to standard output is kept and read as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import TextIO

import pandas as pd
from typing_extensions import override

from fabula.codegen.inside.finding import Found

MOST_KEPT = 64 << 20
"""Characters of output that are kept."""
FEWEST_LINES = 3
"""A header and two rows: fewer lines with commas are prose."""


class Printed(io.TextIOBase):
    """Standard output that also remembers."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._kept: list[str] = []
        self._length = 0

    @property
    def text(self) -> str:
        """What was written."""
        return "".join(self._kept)

    @override
    def write(self, text: str, /) -> int:
        """Pass text on and keep it."""
        self._stream.write(text)
        if self._length < MOST_KEPT:
            self._kept.append(text)
            self._length += len(text)
        return len(text)

    @override
    def flush(self) -> None:
        """Pass on what waits."""
        self._stream.flush()


def in_printed(text: str) -> list[Found]:
    """Blocks of CSV in what was printed, each named like the line above it."""
    found = []
    for title, lines in _blocks(text.splitlines()):
        frame = pd.read_csv(io.StringIO("\n".join(lines)), skipinitialspace=True)
        found.append(Found("printed", "", title, frame))
    return found


def _blocks(lines: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Runs of lines with equally many fields, two at least, and the line before each."""
    title, width, block = "", 0, list[str]()
    for line in [*lines, ""]:
        fields = len(next(csv.reader([line]), []))
        if fields == width and fields > 1:
            block.append(line)
            continue
        if len(block) >= FEWEST_LINES:
            yield title, block
        elif block:
            title = block[-1]
        width, block = fields, [line] if fields > 1 else []
        if fields == 1:
            title = line
