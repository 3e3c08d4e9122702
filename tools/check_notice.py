"""NOTICE tells the origin of each file in the wheel that is not Python."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path

from tools.check_repo import repository_files

_ENTRY = re.compile(r"^- (src/\S+): \S", re.MULTILINE)
"""`- src/fabula/templates/*.yaml: written for Fabula.`"""


def problems(root: Path) -> list[str]:
    """Files without an entry in NOTICE, and entries without a file."""
    files = [name for name in repository_files(root) if name.startswith("src/")]
    told = _ENTRY.findall((root / "NOTICE").read_text(encoding="utf-8"))
    without = [
        f"{name}: has no entry in NOTICE; add `- {name}: ORIGIN (LICENCE)`"
        for name in files
        if not name.endswith(".py") and not any(fnmatchcase(name, each) for each in told)
    ]
    stale = [each for each in told if not any(fnmatchcase(name, each) for name in files)]
    return without + [f"NOTICE: no file is called `{each}`" for each in stale]
