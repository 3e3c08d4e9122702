"""What a program's exception tells: a line a person or a model can act on, and where it was."""

from __future__ import annotations

import errno
import linecache
import traceback
from types import CodeType
from typing import Any

from fabula.sandbox.messages import FAULT, json_frame
from fabula.sandbox.outcome import MOST_MESSAGE, MOST_TRACEBACK, PROGRAM, FaultKind

OUT_OF_MEMORY = json_frame(FAULT, {"kind": "memory", "message": "the memory limit was reached"})
"""Ready before it is needed: there is no memory left to make it then."""
_NOT_MAPPED = "failed to map segment"
_COMPILED = (
    "the sandbox loads no compiled module after its start, except those of packages that an import "
    "statement names"
)


def compiled(source: str) -> CodeType:
    """A program's code, without this file's own `__future__`; its lines are shown in tracebacks.

    Raises:
        SyntaxError: It is not Python.
    """
    linecache.cache[PROGRAM] = (len(source), None, source.splitlines(keepends=True), PROGRAM)
    return compile(source, PROGRAM, "exec", dont_inherit=True)


def fault_of(error: BaseException) -> dict[str, Any]:
    """An exception as the fields of a `Fault`."""
    frames = [
        item for item in traceback.extract_tb(error.__traceback__) if item.filename == PROGRAM
    ]
    line = frames[-1].lineno if frames else None
    if isinstance(error, SyntaxError) and error.filename == PROGRAM:
        line = error.lineno
    if isinstance(error, ImportError) and _NOT_MAPPED in str(error):
        error = ImportError(f"{_COMPILED}: {error.path or error.name or error}")
    last = traceback.format_exception_only(error)
    shown = "".join(["Traceback (most recent call last):\n", *traceback.format_list(frames), *last])
    return {
        "kind": _kind(error),
        "message": last[-1].strip()[:MOST_MESSAGE],
        "traceback": shown[-MOST_TRACEBACK:],
        "line": line,
    }


def _kind(error: BaseException) -> FaultKind:
    if isinstance(error, SystemExit):
        return "exit"
    if isinstance(error, OSError) and error.errno in (errno.EFBIG, errno.ENOSPC):
        return "disk"
    if isinstance(error, OSError) and error.errno in (errno.EPERM, errno.EACCES, errno.ENOSYS):
        return "refused"
    return "exception"
