"""Jobs of the worker process as the page sees them: a question, or a run that it watches."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from fabula.errors import UsageError
from fabula.web.worker import STOP

_PATIENCE = 60.0
"""Seconds that a check or a preview may take."""
_GRACE = 10.0
"""Seconds that a run has to stop by itself."""


class Worker:
    """One worker process, started when it is first asked; questions take turns."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def ask(self, job: Mapping[str, Any]) -> Mapping[str, Any]:
        """The answer to a job: `result` or `error`.

        Raises:
            UsageError: It takes too long; the worker is ended.
        """
        with self._lock:
            process = self._running()
            timer = threading.Timer(_PATIENCE, process.kill)
            timer.start()
            try:
                return _asked(process, job)
            except (OSError, ValueError) as exc:
                process.kill()
                raise UsageError(
                    f"the check ended without an answer, or needed more than {_PATIENCE:.0f} s",
                    code="view.timeout",
                    hint="try it on the command line: `fabula preview SPEC`",
                ) from exc
            finally:
                timer.cancel()

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            _closed(self._process)

    def _running(self) -> subprocess.Popen[str]:
        if self._process is not None and self._process.poll() is not None:
            _closed(self._process)
            self._process = None
        self._process = self._process or started()
        return self._process


def started() -> subprocess.Popen[str]:
    """A new worker process, which reads jobs."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "fabula.web.worker"],  # no module of the present folder
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
    )


def _asked(process: subprocess.Popen[str], job: Mapping[str, Any]) -> Mapping[str, Any]:
    _tell(process, job)
    assert process.stdout is not None
    answer: Mapping[str, Any] = json.loads(process.stdout.readline())
    return answer


def _tell(process: subprocess.Popen[str], line: Any) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(line) + "\n")
    process.stdin.flush()


def _closed(process: subprocess.Popen[str]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()
    process.wait()


@dataclass
class Run:
    """A run under way, or over.

    Attributes:
        job: What the worker was told.
        spec: The address of its spec.
        tables: Rows done and asked of each table.
        error: Why it ended early; None while it runs and when it is done.
        folder: Where it is, once it is done.
        started: When it began, on the monotonic clock.
        seconds: How long it took; None while it runs.
    """

    job: Mapping[str, Any]
    spec: str
    tables: dict[str, tuple[int, int]] = field(default_factory=dict)
    error: Mapping[str, Any] | None = None
    folder: str = ""
    started: float = field(default_factory=time.monotonic)
    seconds: float | None = None

    def __post_init__(self) -> None:
        self._process = started()
        _tell(self._process, self.job)
        self._thread = threading.Thread(target=self._watch, name="fabula-run", daemon=True)
        self._thread.start()

    @property
    def state(self) -> str:
        """`running`, `done`, `stopped` or `failed`."""
        if self.seconds is None:
            return "running"
        if self.error is None:
            return "done"
        return "stopped" if self.error.get("code") == "run.interrupted" else "failed"

    @property
    def left(self) -> float | None:
        """Seconds that it needs from now, by what it has done; None while nothing is known."""
        done, asked = (
            (sum(counts) for counts in zip(*self.tables.values(), strict=True))
            if self.tables
            else (0, 0)
        )
        spent = time.monotonic() - self.started
        return spent * (asked - done) / done if done and self.seconds is None else None

    def stop(self) -> None:
        """Interrupt it; what is finished stays, and the same run continues there."""
        with suppress(OSError, ValueError):
            _tell(self._process, STOP)

    def close(self) -> None:
        """Stop it and wait; a run that does not stop is killed."""
        self.stop()
        self._thread.join(_GRACE if self.seconds is None else 0)
        self._process.kill()
        _closed(self._process)

    def _watch(self) -> None:
        assert self._process.stdout is not None
        error: Mapping[str, Any] | None = {
            "code": "view.lost",
            "message": "the process that made the run ended",
            "hint": "continue the run",
        }
        with suppress(ValueError):
            for line in self._process.stdout:
                said = json.loads(line)
                if "table" in said:
                    self.tables[said["table"]] = (said["done"], said["asked"])
                else:
                    error = said.get("error")
                    self.folder = said.get("result", {}).get("folder", "")
                    break
        self.error, self.seconds = error, time.monotonic() - self.started
        with suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
