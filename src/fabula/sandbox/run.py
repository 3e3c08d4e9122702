r"""Run code that a language model wrote, behind walls that were tried first.

Examples:
    >>> outcome = run("fabula.sandbox.source:execute", {"source": "print(6 * 7)"})
    >>> outcome.stdout
    '42\n'
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from fabula.errors import FabulaError, PrerequisiteError
from fabula.sandbox.outcome import Fault, Limits, SandboxResult

__all__ = ["Fault", "Limits", "SandboxResult", "enforced", "require_sandbox", "run"]

NO_TABLES: Mapping[str, pa.Table] = MappingProxyType({})
_trying = threading.Lock()
_tried = False
_namespaces: list[str] = []


def run(
    entry: str,
    request: Mapping[str, Any],
    *,
    tables: Mapping[str, pa.Table] = NO_TABLES,
    seed: int = 0,
    limits: Limits | None = None,
) -> SandboxResult:
    """Call one of our functions in a locked child process, and give what came out.

    Args:
        entry: `package.module:function`. The module is imported before the child locks itself. The
            function takes `request`, `tables` and `emit`; rows go back by `emit(name, table)`, and
            the JSON values that it returns become the result's `notes`. A program's source is a
            string in `request` that the function executes.
        request: JSON values for the function.
        tables: Tables for the function.
        seed: Sets `random`, `numpy.random`, and what unseeded generators ask the system.
        limits: What the run may use.

    Returns:
        Tables and notes, or a fault: what a program does wrong raises nothing.

    Raises:
        PrerequisiteError: The sandbox is not available here; nothing was run.
    """
    from fabula.sandbox.fork_server import discard, template
    from fabula.sandbox.supervisor import TemplateDiedError, conduct

    require_sandbox()
    for _ in range(2):
        warm = template()
        try:
            return conduct(
                warm, entry, request, tables=tables, seed=seed, limits=limits or Limits()
            )
        except TemplateDiedError:  # somebody killed it; a run leaves nothing behind, so again
            discard(warm)
    raise FabulaError("the sandbox's process died twice", code="sandbox.died")


def require_sandbox() -> None:
    """Try the walls, once per process.

    Raises:
        PrerequisiteError: A part is missing or a wall does not hold; says what to install.
    """
    global _tried, _namespaces
    with _trying:
        if _tried:
            return
        from fabula.sandbox.supervisor import unavailable

        if sys.platform != "linux":
            raise unavailable(f"Fabula can't lock a process on {sys.platform}")
        if not all(map(find_spec, ("pandas", "py_landlock", "pyseccomp"))):
            raise PrerequisiteError.for_extra("programs", needed_by="running generated programs")
        from fabula.sandbox.fork_server import template
        from fabula.sandbox.probes import open_walls

        holes, _namespaces = open_walls(template())
        if holes:
            raise unavailable(f"a locked process could still {', '.join(holes)}")
        _tried = True


def enforced() -> str:
    """What locks a program on this machine, in a line; call `require_sandbox` first."""
    from py_landlock import get_abi_version

    abi = get_abi_version()
    more = [name for least, name in ((4, "TCP"), (6, "signals, abstract sockets")) if abi >= least]
    landlock = f"Landlock {abi} ({', '.join(['files', *more])})"
    own = f"own namespaces ({', '.join(_namespaces)})"
    if not _namespaces:
        own = "no namespaces of its own (the kernel gives none)"
    return f"{landlock}, seccomp (system calls by allow-list), {own}, limits, no environment"
