"""Programs of strangers: what they hold, forge and leave behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest

from fabula.codegen.running import ProgramOptions, run_unchecked
from fabula.codegen.targets import Targets
from fabula.sandbox.arrow_check import received_table
from fabula.sandbox.compiled_modules import named_modules
from fabula.sandbox.messages import HEADER, FrameError, FrameReader
from fabula.sandbox.probes import namespace
from fabula.sandbox.run import Limits, enforced, run
from fabula.sandbox.scratch import scratch_folder, sweep
from tests.sandbox.naive import notes_of, run_naively

EXECUTE = "fabula.sandbox.source:execute"
LIMITS = Limits(seconds=6.0, memory=512 << 20, disk=10 << 20)

HELD = {
    "unlinked and open": (
        "import os\n"
        "for i in range(30):\n"
        "    f = os.open(f'f{i}', os.O_CREAT | os.O_RDWR); os.unlink(f'f{i}')\n"
        "    for _ in range(2): os.write(f, b'x' * (1 << 20))\n"
        "import time; time.sleep(1); notes['done'] = True"
    ),
    "unlinked, mapped and closed": (
        "import mmap, os, time\nkept = []\n"
        "for i in range(30):\n"
        "    f = os.open(f'f{i}', os.O_CREAT | os.O_RDWR); os.ftruncate(f, 2 << 20)\n"
        "    m = mmap.mmap(f, 2 << 20); m[:] = bytes(2 << 20); kept.append(m)\n"
        "    os.unlink(f'f{i}'); os.close(f)\n"
        "time.sleep(1); notes['done'] = True"
    ),
}


@pytest.mark.parametrize("held", HELD)
def test_files_without_a_name_count_as_written(held: str, tmp_path: Path) -> None:
    """They go with the process; until then they take the disk of everybody."""
    source = HELD[held]
    assert run_naively(source, {}, tmp_path).returncode == 0
    outcome = run(EXECUTE, {"source": source}, limits=LIMITS)
    assert outcome.fault is not None
    assert outcome.fault.kind == "disk"


@pytest.mark.parametrize(
    "source",
    [
        "import numpy as np, pandas as pd; notes['done'] = int(pd.Series(np.arange(9)).sum())",
        "import decimal, uuid, statistics, json; notes['done'] = True",
        "open('a', 'wb').write(bytes(5 << 20)); notes['done'] = True",
        "import mmap; m = mmap.mmap(-1, 4096); m.madvise(mmap.MADV_DONTNEED); notes['done'] = True",
    ],
)
def test_honest_programs_still_run(source: str) -> None:
    outcome = run(EXECUTE, {"source": source}, limits=LIMITS)
    assert outcome.fault is None
    assert outcome.notes["done"]


def test_a_program_has_no_capability_left() -> None:
    source = (
        "import ctypes\nheader = (ctypes.c_uint32 * 2)(0x20080522, 0)\n"
        "data = (ctypes.c_uint32 * 6)(*[7] * 6)\n"
        "notes['caps'] = [ctypes.CDLL(None).capget(header, data), *data]"
    )
    outcome = run(EXECUTE, {"source": source}, limits=LIMITS)
    found = list(outcome.notes.get("caps", []))
    assert found in ([-1, *[7] * 6], [0] * 7)  # not even asked for, or none


@pytest.mark.parametrize("advice", [100, 101, 102])
def test_privileged_advice_about_memory_is_refused(advice: int) -> None:
    source = (
        "import ctypes, mmap\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        "m = mmap.mmap(-1, 4096); at = ctypes.addressof(ctypes.c_char.from_buffer(m))\n"
        f"notes['got'] = libc.madvise(ctypes.c_void_p(at), 4096, {advice})\n"
        "notes['errno'] = ctypes.get_errno()"
    )
    outcome = run(EXECUTE, {"source": source}, limits=LIMITS)
    assert outcome.notes == {"got": -1, "errno": 38}


MAPPED = {
    "a file": (
        "import mmap, os\nf = os.open('x', os.O_CREAT | os.O_RDWR); os.ftruncate(f, 4096)\n"
        "mmap.mmap(f, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC); notes['got'] = True"
    ),
    "a library": (
        "import mmap, os, sys, zlib\nimport pyarrow.lib as lib\n"
        "f = os.open(lib.__file__, os.O_RDONLY)\n"
        "mmap.mmap(f, 4096, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_EXEC)\n"
        "notes['got'] = True"
    ),
    "no file": (
        "import mmap\nmmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC)\n"
        "notes['got'] = True"
    ),
    "memory that was data": (
        "import ctypes, mmap, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        "m = mmap.mmap(-1, 4096); at = ctypes.addressof(ctypes.c_char.from_buffer(m))\n"
        "if libc.mprotect(ctypes.c_void_p(at), 4096, 5):\n"
        "    raise OSError(ctypes.get_errno(), 'refused')\n"
        "notes['got'] = True"
    ),
}


@pytest.mark.parametrize("what", MAPPED)
def test_no_memory_becomes_code_after_the_lock(what: str, tmp_path: Path) -> None:
    """Machine code of a program's own; without the sandbox each of these succeeds."""
    assert notes_of(run_naively(MAPPED[what], {}, tmp_path)) == {"got": True}
    outcome = run(EXECUTE, {"source": MAPPED[what]}, limits=LIMITS)
    assert outcome.fault is not None
    assert outcome.fault.kind == "refused"


@pytest.mark.parametrize(
    "source",
    [
        "import sqlite3, decimal, lzma, bz2, zlib, ctypes, unicodedata, zoneinfo, hashlib, array",
        "from numpy.fft import fft; fft([1, 2, 3])",
        "import pandas as pd\npd.DataFrame({'a': [1]}).to_parquet('x'); pd.read_parquet('x')",
        "import pyarrow.csv, pyarrow.json, pyarrow.feather, pyarrow.dataset",
        "import duckdb, pyarrow as pa",
        "import threading\nt = threading.Thread(target=list); t.start(); t.join()",
        "def f():\n    from mimesis import Person\n    return Person().name()\nf()",
    ],
)
def test_compiled_modules_that_programs_use_are_there_before_the_lock(source: str) -> None:
    outcome = run(EXECUTE, {"source": source}, limits=Limits(seconds=60))
    assert outcome.fault is None


def test_a_compiled_module_that_nobody_loaded_is_a_clear_error() -> None:
    source = "import importlib; importlib.import_module('numpy._core._umath_tests')"
    outcome = run(EXECUTE, {"source": source}, limits=LIMITS)
    assert outcome.fault is not None
    assert "the sandbox loads no compiled module after its start" in outcome.fault.message
    assert outcome.fault.line == 1


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import scipy.stats as s, os", ["scipy.stats"]),
        ("  from scipy import stats, special as x", ["scipy", "scipy.stats", "scipy.special"]),
        ("import antigravity, pip, webbrowser, numpy.f2py.__main__, pandas.conftest", []),
        ("import numpy.distutils, numpy._core.tests, pandas.tests.x, setuptools", []),
        ("x = 'import duckdb'", []),
    ],
)
def test_only_modules_of_known_packages_are_loaded_for_a_program(
    source: str, names: list[str]
) -> None:
    """What is imported before the lock runs without it."""
    assert list(named_modules(source)) == names


@pytest.mark.parametrize(
    ("name", "short", "flags"),
    [("network", "net", 0x50000000), ("processes", "pid", 0x30000000), ("IPC", "ipc", 0x18000000)],
)
def test_a_program_has_namespaces_of_its_own_where_the_kernel_gives_them(
    name: str, short: str, flags: int
) -> None:
    """Behind the filter of system calls; `fabula doctor` says which of these walls stand."""
    code = f"import ctypes, sys; sys.exit(ctypes.CDLL(None).unshare({flags}) != 0)"
    given = subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    source = f"import os; notes['seen'] = os.readlink('/proc/self/ns/{short}')"
    outcome = run(EXECUTE, {"source": source}, limits=LIMITS)
    assert (outcome.notes["seen"] != namespace(name)) is given
    assert (name in enforced().partition("own namespaces")[2]) is given


DATABASES = [
    "import duckdb\nnotes['n'] = duckdb.sql('select sum(a) from range(4) t(a)').fetchall()[0][0]",
    "import duckdb, pandas as pd\nrows = pd.DataFrame({'a': range(4)})\n"
    "notes['n'] = int(duckdb.connect().sql('select sum(a) from rows').fetchall()[0][0])",
    "import duckdb\nc = duckdb.connect('own.db'); c.sql('create table t as select 6 a')\n"
    "notes['n'] = c.sql('select a from t').fetchall()[0][0]",
    "import sqlite3\nnotes['n'] = sqlite3.connect('own.db').execute('select 6').fetchall()[0][0]",
    "import polars as pl\nnotes['n'] = pl.DataFrame({'a': [1, 2, 3]})['a'].sum()",
]


@pytest.mark.parametrize("source", DATABASES)
def test_a_program_may_use_a_database_of_its_own(source: str) -> None:
    """DuckDB reads what its control group may have, and ended the process without it."""
    outcome = run(EXECUTE, {"source": source}, limits=Limits(seconds=60))
    assert outcome.fault is None
    assert outcome.notes == {"n": 6}


@pytest.mark.parametrize("sql", ["from read_csv('/etc/passwd')", "install httpfs"])
def test_a_database_of_a_program_reaches_no_further_than_the_program(sql: str) -> None:
    source = f'import duckdb\nduckdb.sql("{sql}").fetchall()'
    outcome = run(EXECUTE, {"source": source}, limits=Limits(seconds=60))
    assert outcome.fault is not None
    assert outcome.fault.line == 2


def test_a_pipe_is_not_made_larger() -> None:
    source = (
        "import fcntl, os\ntry: fcntl.fcntl(os.pipe()[1], 1031, 1 << 20); notes['got'] = True\n"
        "except OSError: notes['got'] = False"
    )
    assert run(EXECUTE, {"source": source}, limits=LIMITS).notes == {"got": False}


FORGED = [
    b"{}", b'{"found": [{"evil": 1}]}', b'{"found": 5}', b'{"found": [5]}', b'{"found": {"a": 1}}',
    b'{"found": [{"how": 1, "place": 2, "name": 3, "function": 4}]}',
    b'{"found": [{"how": "a", "place": "b", "name": "c", "function": "d"}]}', b"[]", b"5", b"{",
]  # fmt: skip


@pytest.mark.parametrize("body", FORGED)
def test_a_forged_reply_is_a_fault_of_the_program(body: bytes) -> None:
    source = (
        f"import os\nbody = {body!r}\n"
        "os.write(4, b'N' + len(body).to_bytes(8, 'big') + body); os._exit(0)"
    )
    ran = run_unchecked(source, Targets("x", None, False, ()), ProgramOptions(limits=LIMITS))
    assert ran.outcome.fault is not None
    assert ran.outcome.fault.kind == "result"


def test_a_length_alone_takes_no_memory() -> None:
    """Nine bytes made the reader touch two gigabytes."""
    out, into = os.pipe()
    reader = FrameReader(1 << 40)
    os.write(into, HEADER.pack(b"T", 1 << 35) + bytes(100))
    began = time.thread_time()
    reader.read(out)
    reader.read(out)
    assert time.thread_time() - began < 0.1
    assert len(reader._body or b"") <= 1 << 20
    os.close(out)
    os.close(into)


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 5_000_000])
def test_frames_of_all_sizes_arrive_whole(size: int, tmp_path: Path) -> None:
    body = os.urandom(size)
    path = tmp_path / "frames"
    path.write_bytes(HEADER.pack(b"T", size) + body + HEADER.pack(b"N", 2) + b"{}")
    reader = FrameReader(1 << 30)
    pipe = os.open(path, os.O_RDONLY)
    while reader.read(pipe):
        pass
    os.close(pipe)
    assert [bytes(frame.body) for frame in reader.frames] == [body, b"{}"]


DAYS = pa.array([2**30], pa.int32()).cast(pa.date32())
REFUSED = {
    "decimal256": pa.array([1], pa.decimal256(76, 0)),
    "days in a list": pa.ListArray.from_arrays(pa.array([0, 1], pa.int32()), DAYS),
    "days in a structure": pa.StructArray.from_arrays([DAYS], ["d"]),
    "days in lists of structures": pa.ListArray.from_arrays(
        pa.array([0, 1], pa.int32()), pa.StructArray.from_arrays([DAYS], ["d"])
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_columns_that_readers_can_not_take_are_refused(kind: str) -> None:
    table = pa.table({"a": REFUSED[kind]})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(FrameError, match="column `a`"):
        received_table(memoryview(sink.getvalue()))


def test_what_killed_runs_left_is_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders of running processes, and young ones, stay."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    left, young = tmp_path / "fabula-run-left", tmp_path / "fabula-run-young"
    other = tmp_path / "fabula-run-link"
    for folder in (left, young):
        (folder / "deep").mkdir(parents=True)
        (folder / "deep" / "file").write_text("x")
    other.symlink_to(young)
    with scratch_folder() as held:
        for folder in (left, held):
            os.utime(folder, (0, 0))
        sweep()
        assert held.exists()
    assert not left.exists()
    assert (young / "deep" / "file").exists()
