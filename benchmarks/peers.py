"""Other tools, each in a virtual environment of its own under `.cache/peers`, installed once."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

PEERS = Path(__file__).parent.parent / ".cache" / "peers"


def python_of(name: str, *packages: str) -> str | None:
    """A Python that has some packages; None where they can't be installed.

    Args:
        name: The environment's name.
        packages: What to install; by default the package of that name.
    """
    python = PEERS / name / "bin" / "python"
    if python.exists():
        return str(python)
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv is None:
        return None
    try:
        make = [uv, "venv", "--quiet", str(python.parent.parent)]
        subprocess.run(make, check=True, capture_output=True)
        install = [uv, "pip", "install", "--quiet", "--python", str(python), *(packages or (name,))]
        subprocess.run(install, check=True, capture_output=True)
    except subprocess.CalledProcessError:
        shutil.rmtree(python.parent.parent, ignore_errors=True)
        return None
    return str(python)
