"""Sampling a saved model where packages are not installed, as far as Python can tell."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_CODE = """
import sys
for package in sys.argv[2].split(","):
    sys.modules[package] = None
import fabula
print(fabula.load_synthesizer(sys.argv[1]).sample(50, seed=3).to_pylist())
"""


def sampled_without(packages: str, path: Path) -> str:
    """50 rows of a saved model as text, from a process that can't import the packages."""
    command = [sys.executable, "-c", _CODE, str(path), packages]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
