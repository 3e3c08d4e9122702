"""How programs of a model are run without a sandbox: `exec` in a plain child process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HARNESS = """
import json, sys
given = json.loads(sys.stdin.readline())
names = {"request": given["values"], "notes": {}, "__name__": "__main__"}
try:
    exec(compile(given["source"], "program.py", "exec"), names)
finally:
    print(json.dumps(names["notes"]), flush=True)
"""


def run_naively(
    source: str, values: Mapping[str, Any], folder: Path, *, seconds: float = 20
) -> subprocess.CompletedProcess[str]:
    """Run a program in plain Python.

    Raises:
        subprocess.TimeoutExpired: It runs longer than `seconds`.
    """
    given = json.dumps({"source": source, "values": dict(values)})
    return subprocess.run(
        [sys.executable, "-c", HARNESS],
        input=given + "\n",
        capture_output=True,
        text=True,
        timeout=seconds,
        cwd=folder,
        check=False,
    )


def notes_of(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """What the program left in `notes`."""
    assert done.stdout.strip(), done.stderr
    notes: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return notes


def tree(process: int) -> list[int]:
    """A process, its children, theirs, and so on."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [process, *(found for child in children for found in tree(int(child)))]
