"""Where Fabula keeps what outlives a run: the ledger, keys and downloaded models."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path


def private_folder(path: Path) -> None:
    """Make a folder that only this user can read; restrict an existing one of Fabula's."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path == home():
        with suppress(OSError):  # another user's
            path.chmod(0o700)


def private_file(path: Path) -> None:
    """Make a file that only this user can read; restrict an existing one."""
    with suppress(OSError):  # another user's, or not a file: opening it says so
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        if path.is_file():
            path.chmod(0o600)


def home() -> Path:
    """Fabula's folder for this user: `FABULA_HOME`, or the platform's user data folder.

    The folder need not exist; whoever writes into it creates it.
    """
    named = os.environ.get("FABULA_HOME")
    if named:
        return Path(named).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "fabula"
    if sys.platform == "darwin":
        return Path.home() / "Library/Application Support/fabula"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "fabula"
