"""Namespaces of the kernel: a wall behind the others, where the kernel gives one.

The warm process gets a namespace of processes, so that no program can name a process outside, and
all of them end with it. Each child gets empty ones of network, users, shared memory and host name.
`enforced` in `run` says which stand.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
from pathlib import Path

_USERS, _PROCESSES = 0x10000000, 0x20000000
_OF_A_CHILD = _USERS | 0x40000000 | 0x08000000 | 0x04000000
"""Users, network, IPC and host name, as `unshare` takes them."""
_PR_SET_PDEATHSIG = 1


def enter_namespaces() -> bool:
    """Leave the machine's network, users and shared memory; False if the kernel refuses."""
    return bool(ctypes.CDLL(None).unshare(_OF_A_CHILD) == 0)


def enter_processes(held: int) -> None:
    """Continue as the first process of a namespace; the process that was called waits for its end.

    Nothing changes where the kernel refuses. The descriptor `held` goes with the first process.
    """
    libc = ctypes.CDLL(None)
    if _handle(os.getpid()) is None:
        return  # nobody could tell which of the machine's processes a child is
    if libc.unshare(_PROCESSES) != 0 and not _enter_users(libc):
        return
    first = os.fork()
    if first:
        os.close(held)
        os.waitpid(first, 0)
        os._exit(0)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _enter_users(libc: ctypes.CDLL) -> bool:
    """Become, under the same number, a user of a namespace of its own, who may have processes."""
    user, group = os.getuid(), os.getgid()
    if user == 0:  # root without privileges may not keep its number, and children need one
        return False
    if libc.unshare(_USERS | _PROCESSES) != 0:
        return False
    with contextlib.suppress(OSError):  # children get no namespaces of their own then
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")
    return True


def number_in_proc(process: int) -> int:
    """The number under which `/proc` shows a child: it counts as the machine does."""
    handle = _handle(process)
    if handle is None:
        return process
    try:
        facts = Path(f"/proc/self/fdinfo/{handle}").read_text(encoding="ascii")
    finally:
        os.close(handle)
    return int(facts.partition("Pid:")[2].split(maxsplit=1)[0])


def _handle(process: int) -> int | None:
    """A file descriptor that stands for a process, or None if there is no such thing."""
    try:
        return os.pidfd_open(process)
    except (AttributeError, OSError):
        return None
