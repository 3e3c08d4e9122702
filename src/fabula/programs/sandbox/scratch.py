"""The one folder that a run may write: made before it, watched during it, gone after it."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

MOST_FILES = 2_000
BLOCK = 512
"""Bytes in the unit in which the system counts a file's blocks."""


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """An empty folder of this user alone, removed with all that is in it."""
    folder = Path(tempfile.mkdtemp(prefix="fabula-run-"))
    try:
        yield folder
    finally:
        _empty(folder)
        folder.rmdir()


def disk_used(folder: Path, most: int) -> int:
    """Bytes that a folder takes on disk; more than `most` as soon as that is known."""
    used, seen, waiting = 0, 0, [folder]
    while waiting and used <= most:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    seen += 1
                    if seen > MOST_FILES:
                        return most + 1
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(Path(entry.path))
                    with contextlib.suppress(FileNotFoundError):  # removed meanwhile
                        used += entry.stat(follow_symlinks=False).st_blocks * BLOCK
        except FileNotFoundError:
            continue
        except OSError:  # nested deeper than a path can say
            return most + 1
    return used


def _empty(folder: Path) -> None:
    """Remove everything in a folder, however deep: what is in folders is moved up first.

    A program can nest folders deeper than Python recurses and than a path is long.
    """
    top = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        while names := _names(top):
            for name in names:
                try:
                    os.unlink(name, dir_fd=top)
                except IsADirectoryError:
                    _flatten(name, top)
    finally:
        os.close(top)


def _names(folder: int) -> list[str]:
    with os.scandir(folder) as entries:
        return [entry.name for entry in entries]


def _flatten(name: str, top: int) -> None:
    os.chmod(name, 0o700, dir_fd=top)
    inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=top)
    try:
        for entry in _names(inner):
            os.rename(entry, secrets.token_hex(16), src_dir_fd=inner, dst_dir_fd=top)
    finally:
        os.close(inner)
    os.rmdir(name, dir_fd=top)
