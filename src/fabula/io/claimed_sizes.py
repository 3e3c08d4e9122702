"""What a data file claims to hold, against what it has: bombs are refused before they unpack."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from fabula.errors import SourceError

MOST_COLUMNS = 10_000
"""Columns of a table."""
FREE_BYTES = 64 << 20
"""Bytes that any compressed file may unpack to."""
MOST_RATIO = 100
"""Times its size that a larger one may unpack to; data has 30 at most, a bomb has 1,000."""
FREE_ROWS = 10_000_000
"""Rows that any columnar file may bring into memory."""
_PIECE = 4 << 20


def check_unpacked(path: Path) -> None:
    """Make sure that a compressed file does not unpack to far more than data does.

    Raises:
        SourceError: It does.
        OSError: It is damaged.
    """
    most = max(FREE_BYTES, MOST_RATIO * path.stat().st_size)
    unpacked = 0
    with pa.input_stream(str(path), compression="detect") as stream:
        while piece := stream.read(_PIECE):
            unpacked += len(piece)
            if unpacked > most:
                raise _bomb(path, f"it unpacks to more than {MOST_RATIO} times its size")


def check_members(path: Path) -> None:
    """Make sure that the members of a zip file do not claim far more bytes than data does.

    Raises:
        SourceError: They do.
    """
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        claimed = sum(member.file_size for member in archive.infolist())
    if claimed > max(FREE_BYTES, MOST_RATIO * path.stat().st_size):
        raise _bomb(path, f"it unpacks to more than {MOST_RATIO} times its size")


def check_columns(count: int, path: Path) -> None:
    """Make sure that a table is not wider than tables are.

    Raises:
        SourceError: It is.
    """
    if count > MOST_COLUMNS:
        raise _bomb(path, f"it has more than {MOST_COLUMNS:,} columns")


def check_rows(rows: int, files: Sequence[Path]) -> None:
    """Make sure that a columnar file's rows are more than a claim, before they get memory.

    A constant column is stored once and read as often as the file says.

    Raises:
        SourceError: They are not.
    """
    size = sum(file.stat().st_size for file in files)
    if rows > max(FREE_ROWS, size):
        raise _bomb(files[0], f"it claims {rows:,} rows in {size:,} bytes")


def _bomb(path: Path, why: str) -> SourceError:
    return SourceError(
        f"`{path}` is not read: {why}",
        code="source.too-large",
        file=str(path),
        hint="if you trust it, split it into smaller files",
    )
