"""The parent's side of one run: feeds the request, watches what comes back, ends it in any case.

Everything that comes out of the child is a stranger's: it is read up to the limits, and checked.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import selectors
import signal
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, get_args

import pyarrow as pa

from fabula.errors import FabulaError, PrerequisiteError
from fabula.sandbox.arrow_check import received_table
from fabula.sandbox.fork_server import Template
from fabula.sandbox.messages import (
    FAULT,
    LOCKED,
    NOTES,
    REQUEST,
    TABLE,
    Frame,
    FrameError,
    FrameReader,
    json_frame,
    json_of,
    named_stream,
    table_frames,
)
from fabula.sandbox.outcome import (
    MOST_MESSAGE,
    MOST_TRACEBACK,
    Fault,
    FaultKind,
    Limits,
    SandboxResult,
)
from fabula.sandbox.scratch import MOST_FILES, disk_used, scratch_folder

GLANCE = 0.1
"""Seconds between two looks at the clock and the scratch folder."""
LAST_WORDS = 2.0
"""Seconds that pipes may stay open after the child's end."""
PIPE = 1 << 20
"""Bytes that a pipe for tables holds, and that are moved at once."""
HINT = (
    "use Linux 5.13 or newer with Landlock, or a container: "
    'docker run --rm -v "$PWD":/data -w /data python:3.13 '
    "sh -c \"apt-get update && apt-get install -y libseccomp2 && pip install 'fabula[programs]' && "
    'fabula doctor"'
)


class TemplateDiedError(Exception):
    """The warm process ended in the middle of a run."""


def conduct(
    template: Template,
    entry: str,
    request: Mapping[str, Any],
    *,
    tables: Mapping[str, pa.Table],
    seed: int,
    limits: Limits,
) -> SandboxResult:
    """Run an entry function, `package.module:function`, in a child of the warm process.

    Raises:
        TemplateDiedError: The warm process is gone; nothing was run, or not to its end.
        PrerequisiteError: The child could not lock itself, so it ran nothing.
    """
    feed = chain(
        [json_frame(REQUEST, dict(request))],
        chain.from_iterable(table_frames(name, table) for name, table in tables.items()),
    )
    with scratch_folder() as scratch:
        run = _Run(limits, scratch, feed)
        order = {
            "entry": entry,
            "scratch": str(scratch),
            "seed": seed,
            "limits": asdict(limits),
        }
        try:
            run.start(template, order)
            run.watch()
        finally:
            run.close()
    return run.outcome()


class _Run:
    """One run in progress: its pipes, its clock, and the first limit that it broke."""

    def __init__(self, limits: Limits, scratch: Path, feed: Iterator[bytes | memoryview]) -> None:
        self._limits = limits
        self._scratch = scratch
        self._feed = feed
        self._unsent = memoryview(b"")
        self._selector = selectors.DefaultSelector()
        self._results = FrameReader(limits.result)
        self._printed = {"output": bytearray(), "errors": bytearray()}
        self._fault: Fault | None = None
        self._end: dict[str, Any] | None = None
        self._begun = self._ended = self._looked = time.monotonic()

    def start(self, template: Template, order: Mapping[str, Any]) -> None:
        """Have the child forked, holding its pipes and its leash."""
        requests, results, output, errors = (os.pipe() for _ in range(4))
        self._leash, far_leash = socket.socketpair()
        for fd, event, action in (
            (requests[1], selectors.EVENT_WRITE, self._write_request),
            (results[0], selectors.EVENT_READ, self._read_results),
            (output[0], selectors.EVENT_READ, partial(self._read_printed, "output")),
            (errors[0], selectors.EVENT_READ, partial(self._read_printed, "errors")),
            (self._leash.fileno(), selectors.EVENT_READ, self._read_end),
        ):
            os.set_blocking(fd, False)
            self._selector.register(fd, event, action)
        theirs = [requests[0], results[1], output[1], errors[1]]
        for fd in theirs[:2]:
            fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, PIPE)
        try:
            template.start(order, [*theirs, far_leash.fileno()])
        except OSError as error:
            raise TemplateDiedError from error
        finally:
            far_leash.close()
            for fd in theirs:
                os.close(fd)

    def watch(self) -> None:
        """Serve the pipes until the child has ended and they are empty."""
        while self._selector.get_map():
            for key, _ in self._selector.select(GLANCE):
                if key.fd in self._selector.get_map():
                    key.data(key.fd)
            now = time.monotonic()
            if self._end is None:
                self._check_limits(now)
            elif now > self._ended + LAST_WORDS:  # someone else still holds a pipe
                break

    def close(self) -> None:
        """Let go of the pipes; the child is killed if it still runs."""
        for key in list(self._selector.get_map().values()):
            self._drop(key.fd)
        self._selector.close()

    def outcome(self) -> SandboxResult:
        """What came out.

        Raises:
            PrerequisiteError: The child could not lock itself.
        """
        assert self._end is not None
        printed = {name: text.decode(errors="replace") for name, text in self._printed.items()}
        frames = self._results.frames
        if "problem" in self._end:
            raise FabulaError(self._end["problem"], code="sandbox.entry")
        if self._fault is None and (not frames or frames[0].kind != LOCKED):
            raise unavailable(printed["errors"] or f"its process ended with {self._end['exit']}")
        tables: Mapping[str, pa.Table] = {}
        notes: Mapping[str, Any] = {}
        fault = self._fault
        if fault is None:
            try:
                fault = _told_fault(frames) or _fault_of_end(frames, self._end["exit"])
                if fault is None:
                    tables, notes = _tables(frames), json_of(frames[-1])
            except FrameError as error:
                fault = Fault("result", f"it sent {error}")
        seconds, cpu = self._ended - self._begun, self._end["cpu"]
        return SandboxResult(
            tables, notes, printed["output"], printed["errors"], fault, seconds, cpu
        )

    def _check_limits(self, now: float) -> None:
        if now - self._begun > self._limits.seconds:
            self._stop("time", f"it ran longer than {self._limits.seconds:g} seconds")
        if now - self._looked > GLANCE:
            self._looked = now
            if disk_used(self._scratch, self._limits.disk) > self._limits.disk:
                self._stop(
                    "disk",
                    f"it wrote more than {self._limits.disk:,} bytes or {MOST_FILES:,} files",
                )

    def _stop(self, kind: FaultKind, message: str) -> None:
        """Note the first limit that was broken, and have the child killed."""
        if self._fault is None:
            self._fault = Fault(kind, message)
            with contextlib.suppress(OSError):
                self._leash.send(b"kill")

    def _drop(self, fd: int) -> None:
        self._selector.unregister(fd)
        if fd == self._leash.fileno():
            self._leash.close()
        else:
            os.close(fd)

    def _write_request(self, fd: int) -> None:
        self._unsent = self._unsent or memoryview(next(self._feed, b""))
        if not self._unsent:
            self._drop(fd)
            return
        try:
            self._unsent = self._unsent[os.write(fd, self._unsent[:PIPE]) :]
        except BrokenPipeError:  # the child ended without reading all
            self._drop(fd)

    def _read_results(self, fd: int) -> None:
        try:
            going_on = self._results.read(fd)
        except FrameError as error:
            self._stop("result", f"it sent {error}")
            going_on = False
        if not going_on:
            self._drop(fd)

    def _read_printed(self, name: str, fd: int) -> None:
        text, most = self._printed[name], self._limits.output
        got = os.read(fd, PIPE)
        if len(text) + len(got) > most:
            self._stop("output", f"it printed more than {most:,} bytes")
        text += got[: most - len(text)]
        if not got:
            self._drop(fd)

    def _read_end(self, fd: int) -> None:
        told = self._leash.recv(PIPE)
        self._drop(fd)
        if not told:
            raise TemplateDiedError
        self._end = json.loads(told)
        if self._fault is None and self._end.get("full"):
            held = f"it held more than {self._limits.disk:,} bytes in files without a name"
            self._fault = Fault("disk", held)
        self._ended = time.monotonic()


def unavailable(reason: str) -> PrerequisiteError:
    """The refusal to run anything, because the sandbox is not available."""
    return PrerequisiteError(
        f"there is no sandbox on this machine: {reason}",
        code="sandbox.unavailable",
        hint=HINT,
    )


def _told_fault(frames: Sequence[Frame]) -> Fault | None:
    """The fault that the child tells of itself."""
    told = json_of(frames[-1]) if frames[-1].kind == FAULT else None
    if told is None:
        return None
    kinds: dict[Any, FaultKind] = {kind: kind for kind in get_args(FaultKind)}
    line = told.get("line")
    return Fault(
        kinds.get(str(told.get("kind")), "exception"),
        str(told.get("message", ""))[:MOST_MESSAGE],
        str(told.get("traceback", ""))[:MOST_TRACEBACK],
        line if isinstance(line, int) else None,
    )


def _fault_of_end(frames: Sequence[Frame], code: int) -> Fault | None:
    """The fault of a child that ended without a last word."""
    if code == -signal.SIGXCPU:
        return Fault("time", "it used more CPU time than allowed")
    if code < 0:
        return Fault("killed", f"it was killed by {signal.Signals(-code).name}")
    if frames[-1].kind != NOTES:
        return Fault("exit", "it exited before it returned a result")
    return None


def _tables(frames: Sequence[Frame]) -> dict[str, pa.Table]:
    """The tables that were sent, by name, each put together from its pieces."""
    pieces: dict[str, list[pa.Table]] = {}
    for frame in frames:
        if frame.kind == TABLE:
            name, stream = named_stream(frame)
            pieces.setdefault(name, []).append(received_table(stream))
    try:
        return {name: pa.concat_tables(parts) for name, parts in pieces.items()}
    except pa.ArrowInvalid as error:
        raise FrameError(f"pieces of one table that differ: {error}") from error
