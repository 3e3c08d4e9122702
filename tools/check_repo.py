"""No file names a package registry, a path of somebody's machine, or a secret."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

REGISTRY_HOSTS = (
    "pypi.org",
    "pythonhosted.org",
    "registry.npmjs.org",
    "crates.io",
    "deb.debian.org",
    "proxy.golang.org",
)

FORBIDDEN = {
    "a package registry's host": "|".join(re.escape(host) for host in REGISTRY_HOSTS),
    "a path of one machine": r"(?<![\w.~}-])/(?:work|root|home/\w+|Users/\w+)(?:/|\b)",
    "something that looks like a secret": (
        r"\b(?:sk-[A-Za-z0-9_-]{32,}|gh[pousr]_[A-Za-z0-9]{36}|AKIA[0-9A-Z]{16})\b"
        r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    ),
}
"""What no file may contain, each as a regular expression."""

UNWANTED_FILES = {"uv.lock"}
"""Files that name registry hosts by design; `requirements/*.lock` hold the pins instead."""


def problems(root: Path) -> list[str]:
    """Every line of a tracked or new file that holds something forbidden."""
    found: list[str] = []
    for name in repository_files(root):
        if Path(name).name in UNWANTED_FILES:
            found.append(f"{name}: must not be in the repository")
        path = root / name
        if path.samefile(__file__):
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        for what, pattern in FORBIDDEN.items():
            for match in re.finditer(pattern, text):
                line = text.count("\n", 0, match.start()) + 1
                found.append(f"{name}:{line}: holds {what}")
    return found


def repository_files(root: Path) -> list[str]:
    """Files that git tracks or would add, as paths below the root.

    The checkout may belong to another user than the one that runs this, as in containers.
    """
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    command += ["--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
    return [name for name in sorted(listed.stdout.split("\0")) if (root / name).is_file()]
