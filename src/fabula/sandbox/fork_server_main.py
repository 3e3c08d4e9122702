"""The warm process: imports what programs use, then forks a child for every run.

Started by `fork_server` as `python -P -s -c …` with an empty environment and a socket. It has one
thread, keeps nothing of any run, and ends when its parent closes the socket or dies. It alone can
wait for children, so it tells the parent their end over the run's own socket, the leash; when the
parent lets go of a leash, that child and everything in its process group is killed.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
import time
from typing import Any

from fabula.sandbox.namespaces import enter_processes, number_in_proc
from fabula.sandbox.scratch import held_unnamed

PRELOADED = """
    pandas pyarrow.compute numpy.random py_landlock fabula.sandbox.child
    collections csv dataclasses datetime decimal fractions functools hashlib io itertools json
    math operator re secrets statistics string textwrap typing uuid zoneinfo
"""
GLANCE = 0.1
"""Seconds between two looks at what children hold."""
MESSAGE = 1 << 16
"""Bytes of the longest message between parent and warm process."""


def main(control_fd: int) -> None:
    """Serve runs until the parent is gone; orders come on a socket with each run's descriptors."""
    enter_processes(control_fd)  # first: what is imported below starts threads
    control = socket.socket(fileno=control_fd)
    for name in PRELOADED.split():
        importlib.import_module(name)
    from fabula.sandbox.compiled_modules import load_common
    from fabula.sandbox.syscalls import seccomp_library

    load_common()
    seccomp_library()
    gc.collect()
    gc.freeze()  # so that a child's collector does not touch, and copy, what all children share
    control.send(b"ready")
    Nursery(control).serve()


class Nursery:
    """The running children and the sockets that hold them."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._children: dict[int, socket.socket] = {}
        self._disk: dict[int, int] = {}
        self._shown: dict[int, int] = {}
        self._full: set[int] = set()
        self._looked = time.monotonic()
        self._selector = selectors.DefaultSelector()
        # Both ends are kept: a closed one would read as a wake-up for ever.
        self._wake, self._waker = socket.socketpair()
        for end in (self._wake, self._waker):
            end.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        self._selector.register(self._wake, selectors.EVENT_READ)
        self._selector.register(control, selectors.EVENT_READ)

    def serve(self) -> None:
        """Fork, kill and wait as asked, until the parent is gone."""
        while True:
            for key, _ in self._selector.select(GLANCE if self._children else None):
                if key.fileobj is self._wake:
                    self._wake.recv(MESSAGE)
                    self._bury()
                elif key.fileobj is self._control:
                    if not self._take_order():
                        self._kill_all()
                        return
                elif key.data in self._children:
                    kill_group(key.data)
            self._look()

    def _look(self) -> None:
        """Kill children that hold more bytes in files without a name than they may write."""
        now = time.monotonic()
        if now - self._looked < GLANCE:
            return
        self._looked = now
        for pid in self._children:
            if held_unnamed(self._shown[pid]) > self._disk[pid]:
                self._full.add(pid)
                kill_group(pid)

    def _take_order(self) -> bool:
        message, fds, _, _ = socket.recv_fds(self._control, MESSAGE, 5)
        if not message:
            return False
        order = json.loads(message)
        leash = socket.socket(fileno=fds.pop())
        try:
            self._fork(order, fds, leash)
        except Exception as error:
            leash.send(json.dumps({"problem": f"{type(error).__name__}: {error}"}).encode())
            leash.close()
        finally:
            for fd in fds:
                os.close(fd)
        return True

    def _fork(self, order: dict[str, Any], pipes: list[int], leash: socket.socket) -> None:
        from fabula.sandbox.child import child, entry_function

        entry_function(order["entry"])  # imported here once, for all children
        template = os.getpid()
        pid = os.fork()
        if pid == 0:
            child(order, pipes, template)
        self._children[pid], self._disk[pid] = leash, order["limits"]["disk"]
        self._shown[pid] = number_in_proc(pid)
        self._selector.register(leash, selectors.EVENT_READ, data=pid)

    def _bury(self) -> None:
        """Kill what is left of ended children's groups, and tell how they ended."""
        for pid, leash in list(self._children.items()):
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                continue
            kill_group(pid)  # while its number is still taken, so that it is nobody else's
            _, status, usage = os.wait4(pid, 0)
            del self._children[pid], self._disk[pid], self._shown[pid]
            self._selector.unregister(leash)
            end = {
                "exit": os.waitstatus_to_exitcode(status),
                "cpu": usage.ru_utime + usage.ru_stime,
                "full": pid in self._full,
            }
            self._full.discard(pid)
            with contextlib.suppress(OSError):  # the parent let go
                leash.send(json.dumps(end).encode())
            leash.close()

    def _kill_all(self) -> None:
        for pid in self._children:
            kill_group(pid)


def kill_group(pid: int) -> None:
    """Kill a child and everything in its process group."""
    for kill in (os.killpg, os.kill):  # it may not lead a group yet
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main(int(sys.argv[1]))
