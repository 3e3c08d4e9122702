"""Where Fabula keeps what outlives a run: the ledger, keys and pulled models."""

from __future__ import annotations

import os
import sys
from pathlib import Path


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
