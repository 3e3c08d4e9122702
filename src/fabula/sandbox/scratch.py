"""The one folder that a run may write: made before it, watched during it, gone after it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_PREFIX = "fabula-run-"
_YOUNG = 60.0
"""Seconds for which a folder is left alone that nobody holds."""
MOST_FILES = 2_000
BLOCK = 512
"""Bytes in the unit in which the system counts a file's blocks."""


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """An empty folder of this user alone, removed with all that is in it."""
    sweep()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(held, fcntl.LOCK_SH)  # ends with this process, however that ends
        yield folder
    finally:
        _empty(folder)
        folder.rmdir()
        os.close(held)


def sweep() -> None:
    """Remove the folders of this user that killed processes left."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            facts = folder.lstat()
            if facts.st_uid != os.getuid() or time.time() - facts.st_mtime < _YOUNG:
                continue  # a young one may not be locked yet
            held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _empty(folder)
                folder.rmdir()
            finally:
                os.close(held)


def held_unnamed(process: int) -> int:
    """Bytes of files that a process still holds and that have no name any more."""
    found: dict[tuple[int, int], int] = {}
    with contextlib.suppress(OSError):
        for entry in Path(f"/proc/{process}/fd").iterdir():
            with contextlib.suppress(OSError):
                facts = entry.stat()
                if stat.S_ISREG(facts.st_mode) and facts.st_nlink == 0:
                    found[facts.st_dev, facts.st_ino] = facts.st_blocks * BLOCK
    mapped: dict[str, int] = {}
    with contextlib.suppress(OSError), Path(f"/proc/{process}/maps").open() as maps:
        for line in maps:
            if line.rstrip().endswith(" (deleted)") and _PREFIX in line:
                span, _, _, _, inode, _ = line.split(maxsplit=5)
                start, end = (int(part, 16) for part in span.split("-"))
                mapped[inode] = mapped.get(inode, 0) + end - start
    known = {str(inode) for _, inode in found}
    return sum(found.values()) + sum(size for at, size in mapped.items() if at not in known)


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
