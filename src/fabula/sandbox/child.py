"""The child of one run: reads the request, locks itself, calls the entry function, answers.

Starts right after the fork from the warm process and never returns to it. Whatever the program
does to the modules it can reach, it does to a copy that ends with it.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import importlib
import os
import random
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, TextIO

import numpy as np
import pyarrow as pa

from fabula.sandbox.compiled_modules import load_named
from fabula.sandbox.confine import lock
from fabula.sandbox.messages import (
    FAULT,
    LOCKED,
    NOTES,
    REQUEST,
    FrameReader,
    json_frame,
    json_of,
    named_stream,
    table_frames,
)
from fabula.sandbox.outcome import Limits
from fabula.sandbox.tracebacks import OUT_OF_MEMORY, fault_of

REQUESTS, RESULTS = 3, 4
"""File descriptors of a child, after its standard streams."""
PR_SET_PDEATHSIG = 1
UNLIMITED = 1 << 62

Emit = Callable[[str, pa.Table], None]
Entry = Callable[[Mapping[str, Any], Mapping[str, pa.Table], Emit], Mapping[str, Any] | None]


def entry_function(name: str) -> Entry:
    """The function of our own that `package.module:function` names, imported."""
    module, function = name.split(":")
    found: Entry = getattr(importlib.import_module(module), function)
    return found


def child(order: Mapping[str, Any], pipes: list[int], template: int) -> NoReturn:
    """Be the child of one run, to the end of the process."""
    code = 1
    try:
        _stand_alone(pipes, template)
        os.chdir(order["scratch"])
        os.environ.update(HOME=order["scratch"], TMPDIR=order["scratch"])
        request, tables = _request()
        entry = entry_function(order["entry"])
        load_named(request)
        _seed(order["seed"])
        lock(Path(order["scratch"]), Limits(**order["limits"]))
        _send([json_frame(LOCKED, {})])
        _answer(entry, request, tables)
        code = 0
    except BaseException as error:  # a wall that can't be built: no program has run
        os.write(2, f"{type(error).__name__}: {error}".encode())
    finally:
        os._exit(code)  # no exit handlers: nothing of the program runs after its end


def _stand_alone(pipes: list[int], template: int) -> None:
    """Cut every tie to the warm process but the pipes of this run."""
    os.setsid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != template:  # it died before the line above
        os._exit(1)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    requests, results, output, errors = pipes
    ends = (os.open(os.devnull, os.O_RDONLY), output, errors, requests, results)
    aside = [fcntl.fcntl(end, fcntl.F_DUPFD, 64) for end in ends]
    for place, end in enumerate(aside):
        os.dup2(end, place)
    for held in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
        if held > RESULTS:
            with contextlib.suppress(OSError):  # the one that the list was read from
                os.close(held)
    sys.stdout, sys.stderr = _text_stream(1), _text_stream(2)


def _text_stream(fd: int) -> TextIO:
    return open(fd, "w", buffering=1, encoding="utf-8", errors="replace", closefd=False)


def _request() -> tuple[dict[str, Any], dict[str, pa.Table]]:
    """What the parent sent: values, and tables by name."""
    reader = FrameReader(UNLIMITED)
    while reader.read(REQUESTS):
        pass
    os.close(REQUESTS)
    request: dict[str, Any] = {}
    pieces: dict[str, list[pa.Table]] = {}
    for frame in reader.frames:
        if frame.kind == REQUEST:
            request = json_of(frame)
        else:
            name, stream = named_stream(frame)
            pieces.setdefault(name, []).append(pa.ipc.open_stream(stream).read_all())
    return request, {name: pa.concat_tables(tables) for name, tables in pieces.items()}


def _seed(seed: int) -> None:
    """Make every source of chance repeat: seeded ones, and those that ask the system."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    noise = random.Random(f"entropy of {seed}").randbytes
    os.urandom = noise
    vars(random)["_urandom"] = noise  # what `secrets`, `uuid4` and numpy's generators ask
    seed_with = random.Random.seed

    def reseed(generator: random.Random, a: Any = None, version: int = 2) -> None:
        seed_with(generator, noise(16) if a is None else a, version)

    random.seed = partial(reseed, vars(random)["_inst"])
    generators: Any = random.Random
    generators.seed = reseed


def _answer(entry: Entry, request: Mapping[str, Any], tables: Mapping[str, pa.Table]) -> None:
    """Run the entry function, and send what it returns or why it failed."""
    try:
        notes = entry(request, tables, emit)
        reply = json_frame(NOTES, notes or {})
    except MemoryError:
        reply = OUT_OF_MEMORY
    except BaseException as error:
        reply = json_frame(FAULT, fault_of(error))
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):  # closed by the program
            continue
    _send([reply])


def emit(name: str, table: pa.Table) -> None:
    """Send rows of a table to the parent; a table may be sent in several pieces.

    Categories and string views go as plain strings.
    """
    _send(table_frames(name, _plain(table)))


def _plain(table: pa.Table) -> pa.Table:
    """A table without metadata, and with types that the parent accepts if there is one."""
    fields = [
        pa.field(field.name, _plain_type(field.type), field.nullable) for field in table.schema
    ]
    return table.replace_schema_metadata(None).cast(pa.schema(fields))


def _plain_type(of: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(of):
        return _plain_type(of.value_type)
    return {pa.string_view(): pa.string(), pa.binary_view(): pa.binary()}.get(of, of)


def _send(pieces: Iterable[bytes | memoryview]) -> None:
    for piece in pieces:
        rest = memoryview(piece)
        while rest:
            rest = rest[os.write(RESULTS, rest) :]
