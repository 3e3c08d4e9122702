"""Other tools, each in a virtual environment of its own under `.cache/peers`, installed once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

PEERS = Path(__file__).parent.parent / ".cache" / "peers"


def python_of(name: str, *packages: str) -> str:
    """A Python that has some packages.

    Args:
        name: The environment's name.
        packages: What to install; by default the package of that name.

    Raises:
        RuntimeError: They can't be installed; says why.
    """
    python = PEERS / name / "bin" / "python"
    if python.exists():
        return str(python)
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv is None:
        raise RuntimeError("there is no uv to install it with")
    try:
        make = [uv, "venv", "--quiet", "--python", sys.executable, str(python.parent.parent)]
        subprocess.run(make, check=True, capture_output=True)
        install = [uv, "pip", "install", "--quiet", "--python", str(python), *(packages or (name,))]
        subprocess.run(install, check=True, capture_output=True)
    except subprocess.CalledProcessError as error:
        shutil.rmtree(python.parent.parent, ignore_errors=True)
        said = error.stderr.decode(errors="replace").strip().splitlines()
        raise RuntimeError(f"it can't be installed: {(said or ['no reason'])[-1]}") from error
    return str(python)
