"""A lock that one process holds on a folder and that dies with the process."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from fabula.errors import SinkError
from fabula.io.places import sink_error


class FolderLock:
    """Holds `path`, a file that it makes, for this process alone.

    Raises:
        SinkError: Another process holds it.
    """

    def __init__(self, path: Path, *, owner: Path) -> None:
        self._path = path
        try:
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as exc:
            raise sink_error(exc, path) from exc
        try:
            _lock(self._handle)
        except OSError as exc:
            os.close(self._handle)
            raise SinkError(
                f"another run is writing to `{owner}`",
                code="sink.in-use",
                where=str(owner),
                hint="wait for it to end, or choose another folder",
            ) from exc

    def release(self) -> None:
        """Let go of the folder."""
        os.close(self._handle)


def _lock(handle: int) -> None:
    """Take the lock or fail at once; the system frees it when the process ends."""
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
