"""The parent's handle on the warm process: started at the first run, one per process of ours.

Importing pandas and pyarrow takes half a second; a fork of a process that has them takes a few
milliseconds. The parent itself can't be forked for that: it has threads, secrets and open files.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fabula.errors import PrerequisiteError

NEEDED = ("numpy", "pyarrow", "pandas", "py_landlock", "pyseccomp")
PATIENCE = 60.0
"""Seconds that imports may take on a busy machine."""
CALM = {
    "PYTHONHASHSEED": "0",
    "PYTHONUTF8": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "ARROW_IO_THREADS": "1",
    "TZ": "UTC",
    "LANG": "C.UTF-8",
}
"""The whole environment of a run: fixed order of sets, one thread a library, one time zone."""
START = """
import sys
sys.path.insert(0, sys.argv[2])
import fabula  # this copy of it, whichever is installed
del sys.path[0]
sys.path += sys.argv[3:]
from fabula.sandbox import fork_server_main
fork_server_main.main(int(sys.argv[1]))
"""


class Template:
    """One warm process, ready to fork children."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._sending = threading.Lock()
        with theirs, tempfile.TemporaryFile() as errors:
            self._process = subprocess.Popen(
                # `-I` would do, but it ignores PYTHONHASHSEED; the environment is ours alone
                [sys.executable, "-P", "-s", "-c", START, str(theirs.fileno()), *_roots()],
                env=CALM,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
            theirs.close()
            if not self._is_ready():
                self.close()
                errors.seek(0)
                reason = errors.read().decode(errors="replace").strip().splitlines()
                raise PrerequisiteError(
                    f"the sandbox's process does not start: {(reason or ['no answer'])[-1]}",
                    code="sandbox.unavailable",
                    hint="pip install --force-reinstall 'fabula[programs]'",
                )

    def start(self, order: Mapping[str, Any], fds: list[int]) -> None:
        """Have a child forked; the file descriptors remain the caller's to close.

        Raises:
            OSError: The warm process is gone.
        """
        with self._sending:
            socket.send_fds(self._control, [json.dumps(order).encode()], fds)

    def close(self) -> None:
        """End the warm process and all its children."""
        self._control.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def forget(self) -> None:
        """Let go without ending it: it belongs to the process that this one was forked from."""
        self._control.close()
        self._process.returncode = 0

    def _is_ready(self) -> bool:
        self._control.settimeout(PATIENCE)
        try:
            return self._control.recv(16) == b"ready"
        except OSError:
            return False
        finally:
            with contextlib.suppress(OSError):
                self._control.settimeout(None)


def _roots() -> list[str]:
    """Folders that hold the packages a run needs, wherever this installation has them."""
    places = [importlib.util.find_spec(name) for name in NEEDED]
    origins = [Path(place.origin) for place in places if place and place.origin]
    folders = [path.parent if path.name != "__init__.py" else path.parents[1] for path in origins]
    return list(dict.fromkeys(map(str, [Path(__file__).parents[2], *folders])))


_current: Template | None = None
_starting = threading.Lock()


def template() -> Template:
    """The warm process of this process, started if there is none."""
    global _current
    with _starting:
        if _current is None:
            _current = Template()
        return _current


def discard(dead: Template) -> None:
    """End a warm process that does not answer; the next run starts another."""
    global _current
    with _starting:
        if _current is dead:
            _current = None
        dead.close()


def _close_at_exit() -> None:
    if _current is not None:
        _current.close()


def _forget_after_fork() -> None:
    global _current, _starting
    _starting = threading.Lock()
    if _current is not None:
        _current.forget()
        _current = None


atexit.register(_close_at_exit)
os.register_at_fork(after_in_child=_forget_after_fork)
