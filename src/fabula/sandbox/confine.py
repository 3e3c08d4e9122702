"""A child locks itself: limits, privileges, files and system calls, in this order, for good.

Runs in the forked child after everything it needs is imported and before a line of the program.
Nothing here needs a privilege, and nothing can be undone, by root neither.
"""

from __future__ import annotations

import ctypes
import math
import resource
import sys
import sysconfig
from pathlib import Path

from fabula.sandbox.namespaces import enter_namespaces
from fabula.sandbox.outcome import Limits
from fabula.sandbox.syscalls import refuse_all_but_allowed

PACKAGE = Path(__file__).parents[1]
OPEN_FILES = 256
PROCESSES = 1024
"""Threads and processes of the user, where the kernel counts them (not for root)."""
_PR_CAPBSET_DROP, _CAPABILITIES = 24, 64
_CAPABILITY_VERSION = 0x20080522
DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")
ZONES = "/usr/share/zoneinfo"
GROUPS = "/proc/self/cgroup"
BOUNDS = (
    "{}/cpu.max",
    "{}/memory.max",
    "/cpu{}/cpu.cfs_quota_us",
    "/cpu{}/cpu.cfs_period_us",
    "/memory{}/memory.limit_in_bytes",
)
"""Where control groups of both versions keep the bounds of a group."""


def lock(scratch: Path, limits: Limits) -> None:
    """Lock this process; from now on it can write in the `scratch` folder alone.

    Raises:
        Exception: The kernel or a library can't enforce a part; the process must end then.
    """
    limit_resources(limits)
    enter_namespaces()
    drop_capabilities()
    limit_files(scratch)
    refuse_all_but_allowed()


def limit_resources(limits: Limits) -> None:
    """Bound memory, CPU time, file sizes, open files and processes."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    for what, wanted in (
        (resource.RLIMIT_AS, pages * resource.getpagesize() + limits.memory),
        (resource.RLIMIT_CPU, math.ceil(limits.seconds) + 1),
        (resource.RLIMIT_FSIZE, limits.disk),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_NPROC, PROCESSES),
        (resource.RLIMIT_CORE, 0),
    ):
        highest = resource.getrlimit(what)[1]
        most = wanted if highest == resource.RLIM_INFINITY else min(wanted, highest)
        resource.setrlimit(what, (most, most))


def drop_capabilities() -> None:
    """Give up every privilege that root has, for good: what follows needs none.

    Raises:
        OSError: The kernel keeps one.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in range(_CAPABILITIES):
        libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)  # refused if there is none to drop
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    if libc.capset(header, (ctypes.c_uint32 * 6)()) != 0:
        raise OSError(ctypes.get_errno(), "capabilities can't be dropped")


def limit_files(scratch: Path) -> None:
    """Leave Python's own files to read and the scratch folder to write, and nothing else.

    Where the kernel knows them, Landlock's rules for TCP, abstract sockets and signals hold too,
    behind the filter of system calls that refuses the same.
    """
    from py_landlock import AccessFs, Landlock

    readable = AccessFs.READ_FILE | AccessFs.READ_DIR
    writable = (
        readable
        | AccessFs.WRITE_FILE
        | AccessFs.TRUNCATE
        | AccessFs.REFER
        | AccessFs.MAKE_REG
        | AccessFs.MAKE_DIR
        | AccessFs.REMOVE_FILE
        | AccessFs.REMOVE_DIR
    )
    rules = Landlock(strict=False)  # rights that an older kernel lacks are refused as calls
    rules.add_path_rule(*readable_folders(), access=readable)
    rules.add_path_rule(*filter(_exists, DEVICES), access=AccessFs.READ_FILE | AccessFs.WRITE_FILE)
    rules.add_path_rule(*own_bounds(), access=AccessFs.READ_FILE)
    rules.add_path_rule(scratch, access=writable)
    rules.apply()


def readable_folders() -> list[str]:
    """Python's standard library, its installed packages, this package, time zones."""
    installed = {path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")}
    python = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib")}
    return sorted(filter(_exists, installed | python | {str(PACKAGE), ZONES}))


def own_bounds() -> list[str]:
    """Files that say how much memory and CPU this process's control group may have.

    DuckDB reads them when a database is opened, and ends the process if one is there that it
    may not read.
    """
    try:
        groups = Path(GROUPS).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    nested = {parent for line in groups for parent in _parents(line.split(":", 2)[-1])}
    bounds = [f"/sys/fs/cgroup{bound.format(group)}" for group in nested for bound in BOUNDS]
    return [GROUPS, *sorted(filter(_exists, bounds))]


def _parents(group: str) -> set[str]:
    """A group's path and the paths above it, each without a slash at its end."""
    parts = group.split("/")
    return {"/".join(parts[:depth]) for depth in range(1, len(parts) + 1)}


def _exists(path: str) -> bool:
    return Path(path).exists()
