"""What a run in the sandbox may use, and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pyarrow as pa

PROGRAM = "program.py"
"""Name under which a program's source is compiled, by which its lines are found in tracebacks."""

MOST_MESSAGE, MOST_TRACEBACK = 2_000, 8_000
"""Characters of a fault's texts."""

FaultKind = Literal[
    "exception", "time", "memory", "output", "result", "disk", "refused", "exit", "killed"
]


@dataclass(frozen=True)
class Limits:
    """What one run may use.

    Attributes:
        seconds: Wall time, and CPU time too.
        memory: Bytes of address space on top of what the warm process holds.
        output: Bytes of standard output and of standard error, each.
        result: Bytes of all that comes back: tables as Arrow, notes as JSON.
        disk: Bytes in the scratch folder, and of each file in it.
    """

    seconds: float = 60.0
    memory: int = 4 << 30
    output: int = 64 << 10
    result: int = 2 << 30
    disk: int = 1 << 30


@dataclass(frozen=True)
class Fault:
    """Why a run has no result.

    Attributes:
        kind: `exception` the program raised; `refused` it tried what the sandbox does not allow;
            `time`, `memory`, `output`, `result` and `disk` name the limit it broke (`result` also
            where what it sent can't be read); `exit` it ended itself; `killed` by a signal.
        message: What happened, in one line.
        traceback: Python's own, of the program's frames alone; empty if there is none.
        line: The line of the program's source, from 1.
    """

    kind: FaultKind
    message: str
    traceback: str = ""
    line: int | None = None


@dataclass(frozen=True)
class SandboxResult:
    """What came out of a run.

    Attributes:
        tables: Tables that were emitted, by name; empty when there is a fault.
        notes: What the entry function returned.
        stdout: What was printed, cut at the limit.
        stderr: What was written to standard error, cut at the limit.
        fault: Why there is no result; None when the run ended well.
        seconds: Wall time of the run.
        cpu: CPU time of the child, seconds.
    """

    tables: Mapping[str, pa.Table] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)
    stdout: str = ""
    stderr: str = ""
    fault: Fault | None = None
    seconds: float = 0.0
    cpu: float = 0.0
