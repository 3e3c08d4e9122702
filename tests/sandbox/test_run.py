"""Runs in the sandbox: what goes in and out, what repeats, what is refused as a whole."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

import fabula
from fabula.errors import FabulaError, PrerequisiteError
from fabula.sandbox import fork_server
from fabula.sandbox import run as sandbox
from fabula.sandbox.run import run
from tests.sandbox.naive import notes_of, run_naively, tree

EXECUTE = "fabula.sandbox.source:execute"
SOURCE = str(Path(fabula.__file__).parents[1])


def test_tables_go_in_and_come_out_as_they_were() -> None:
    """Every plain type, nulls, empty tables, names in any script."""
    table = pa.table(
        {
            "n": pa.array([1, None], pa.int32()),
            "x": [0.5, float("nan")],
            "größe": ["ä", None],
            "day": [dt.date(2024, 2, 29), None],
            "at": pa.array([dt.datetime(2024, 1, 1), None], pa.timestamp("us", "UTC")),
            "price": [Decimal("1.50"), None],
            "tags": [["a", "b"], []],
            "place": [{"city": "Rom"}, None],
            "yes": [True, None],
        }
    )
    given = {"t": table, "leer ☃": table.slice(0, 0)}
    source = "for name, table in tables.items(): emit(name, table)\nnotes['n'] = len(tables)"
    outcome = run(EXECUTE, {"source": source}, tables=given)
    assert outcome.fault is None
    assert list(outcome.tables) == list(given)
    assert outcome.tables["t"].schema == table.schema
    assert str(outcome.tables["t"].to_pylist()) == str(table.to_pylist())
    assert outcome.tables["leer ☃"].equals(given["leer ☃"])
    assert outcome.notes == {"n": 2}


def test_categories_come_out_as_their_values_and_pieces_as_one_table() -> None:
    source = (
        "import pandas as pd, pyarrow as pa\n"
        "frame = pd.DataFrame({'c': pd.Categorical(['a', 'b'])})\n"
        "for _ in range(3): emit('t', pa.Table.from_pandas(frame))"
    )
    table = run(EXECUTE, {"source": source}).tables["t"]
    assert table["c"].to_pylist() == ["a", "b"] * 3
    assert table.schema.metadata is None


def test_a_large_table_comes_out_whole() -> None:
    """A million rows of three columns, in many frames."""
    source = (
        "import numpy as np, pyarrow as pa\n"
        "n = 1_000_000\n"
        "i = np.arange(n)\n"
        "emit('t', pa.table({'i': i, 'x': i / 2, 'b': i % 2 == 0}))"
    )
    table = run(EXECUTE, {"source": source}).tables["t"]
    assert table.num_rows == 1_000_000
    assert table["i"][-1].as_py() == 999_999
    assert table["x"].chunk(table["x"].num_chunks - 1)[-1].as_py() == 499_999.5


def test_an_exception_names_the_line_and_shows_only_the_program() -> None:
    outcome = run(EXECUTE, {"source": "def f():\n    return 1 / 0\n\nf()\n"})
    assert outcome.fault is not None
    assert (outcome.fault.kind, outcome.fault.line) == ("exception", 2)
    assert outcome.fault.message == "ZeroDivisionError: division by zero"
    assert "return 1 / 0" in outcome.fault.traceback
    assert "fabula" not in outcome.fault.traceback


def test_a_syntax_error_names_the_line() -> None:
    fault = run(EXECUTE, {"source": "x = 1\ny = = 2\n"}).fault
    assert fault is not None
    assert (fault.kind, fault.line) == ("exception", 2)
    assert fault.message.startswith("SyntaxError")


def test_chance_repeats_by_seed_even_where_a_program_sets_none() -> None:
    """`random`, `numpy`, hashes, and generators that would ask the system."""
    source = (
        "import random, secrets, uuid, os, numpy as np\n"
        "notes.update(a=random.random(), b=np.random.rand(), c=np.random.default_rng().random(),\n"
        "    d=secrets.token_hex(), e=str(uuid.uuid4()), f=os.urandom(4).hex(), g=hash('x'),\n"
        "    h=list({'a', 'b', 'c', 'd'}), i=random.Random().random())"
    )
    first, again, other = (run(EXECUTE, {"source": source}, seed=s).notes for s in (1, 1, 2))
    assert first == again
    assert all(first[key] != other[key] for key in "abcdefi")
    assert all(first[key] == other[key] for key in "gh")


def test_a_child_holds_nothing_of_its_parent() -> None:
    """No file but its streams and the result pipe, no variable but the fixed ones."""
    source = (
        "import os\nheld = []\n"
        "for fd in range(256):\n"
        "    try: os.fstat(fd); held.append(fd)\n"
        "    except OSError: pass\n"
        "notes.update(held=held, names=sorted(os.environ))"
    )
    notes = run(EXECUTE, {"source": source}).notes
    assert notes["held"] == [0, 1, 2, 4]
    assert set(notes["names"]) <= {*fork_server.CALM, "HOME", "TMPDIR", "LC_CTYPE"}


def test_runs_go_on_side_by_side() -> None:
    """Eight threads; each gets its own answer."""
    source = "import time; time.sleep(0.2); notes['n'] = request"
    with ThreadPoolExecutor(8) as pool:
        outcomes = pool.map(lambda n: run(EXECUTE, {"source": source, "values": n}), range(8))
    assert [outcome.notes["n"] for outcome in outcomes] == list(range(8))


def test_a_warm_process_that_was_killed_is_started_again() -> None:
    """Between runs and in the middle of one."""
    run(EXECUTE, {"source": "pass"})
    warm = fork_server.template()._process.pid
    os.kill(warm, signal.SIGKILL)
    assert run(EXECUTE, {"source": "notes['n'] = 1"}).notes == {"n": 1}

    warm = fork_server.template()._process.pid
    threading.Timer(0.3, os.kill, (warm, signal.SIGKILL)).start()
    outcome = run(EXECUTE, {"source": "import time; time.sleep(0.6); notes['n'] = 2"})
    assert outcome.notes == {"n": 2}


@pytest.mark.slow
def test_a_warm_process_that_waits_uses_no_processor() -> None:
    assert run(EXECUTE, {"source": "print(1)"}).stdout == "1\n"
    warm = fork_server.template()._process.pid
    tree = [warm, *map(int, Path(f"/proc/{warm}/task/{warm}/children").read_text().split())]

    def ticks() -> int:
        return sum(
            sum(map(int, Path(f"/proc/{pid}/stat").read_text().split()[13:15])) for pid in tree
        )

    before = ticks()
    time.sleep(0.5)
    assert ticks() - before <= 5  # of the 50 that half a second has


def test_a_fork_of_the_parent_starts_its_own_warm_process() -> None:
    """And leaves the first one alone."""
    run(EXECUTE, {"source": "pass"})
    warm = fork_server.template()._process.pid
    script = (
        "import os; from fabula.sandbox.run import run\n"
        "from fabula.sandbox.fork_server import template\n"
        f"go = lambda: run('{EXECUTE}', {{'source': 'pass'}}) and template()._process.pid\n"
        "first = go(); read, write = os.pipe(); pid = os.fork()\n"
        "if pid == 0: os.write(write, str(go()).encode()); template().close(); os._exit(0)\n"
        "os.waitpid(pid, 0); print(first, os.read(read, 99).decode(), go())"
    )
    done = _python(script)
    first, of_fork, again = done.stdout.split()
    assert first == again != of_fork
    assert fork_server.template()._process.pid == warm


@pytest.mark.slow
def test_all_ends_when_the_parent_is_killed(tmp_path: Path) -> None:
    """Neither the warm process nor a running program outlives its parent."""
    script = (
        "from fabula.sandbox.run import run\n"
        "from fabula.sandbox.fork_server import template\n"
        f"go = lambda source: run('{EXECUTE}', {{'source': source}})\n"
        "go('pass'); print(template()._process.pid, flush=True); go('while True: pass')"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": SOURCE, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        warm = int(parent.stdout.readline())
        assert _soon(lambda: len(tree(warm)) > 2)  # the program runs
        left = tree(warm)
        parent.kill()
    assert _soon(lambda: not any(Path(f"/proc/{pid}").exists() for pid in left))


def test_an_entry_that_is_not_there_is_our_mistake() -> None:
    with pytest.raises(FabulaError) as caught:
        run("fabula.sandbox.source:nothing", {})
    assert caught.value.code == "sandbox.entry"


def test_the_probes_find_every_wall_open_without_the_sandbox(tmp_path: Path) -> None:
    """So that the test at start can fail."""
    source = (
        f"import sys; sys.path.insert(0, {SOURCE!r})\n"
        "from fabula.sandbox.probes import attempt\n"
        "notes['done'] = attempt(request, {}, None)['done']"
    )
    outside = tmp_path / "outside"
    outside.touch()
    values = {"outside": str(outside), "parent": os.getpid()}
    assert len(notes_of(run_naively(source, values, tmp_path))["done"]) == 9


def test_another_system_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Never a silent run without a sandbox."""
    monkeypatch.setattr(sandbox, "_tried", False)
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(PrerequisiteError) as caught:
        run(EXECUTE, {"source": "print('ran')"})
    assert caught.value.exit_code == 3
    assert "darwin" in caught.value.message
    assert "docker run" in str(caught.value.hint)


def test_a_missing_package_is_named_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "_tried", False)
    monkeypatch.setitem(sys.modules, "pyseccomp", None)
    with pytest.raises(PrerequisiteError) as caught:
        run(EXECUTE, {"source": "print('ran')"})
    assert caught.value.hint == "pip install 'fabula[programs]'"


@pytest.mark.parametrize(
    "call",
    [
        pytest.param("landlock_create_ruleset", marks=pytest.mark.slow),
        pytest.param("landlock_restrict_self", marks=pytest.mark.slow),
        "seccomp",
    ],
)
def test_a_kernel_without_a_wall_runs_nothing(call: str) -> None:
    """The kernel itself is made to lack the call, for a process and its children."""
    script = (
        "from pyseccomp import ALLOW, EQ, ERRNO, Arg, SyscallFilter\n"
        "rules = SyscallFilter(ALLOW)\n"
        f"rules.add_rule(ERRNO(38), {call!r})\n"
        "rules.add_rule(ERRNO(22), 'prctl', Arg(0, EQ, 22))\n"
        "rules.load()\n"
        "from fabula.sandbox.run import run\n"
        f"print(run('{EXECUTE}', {{'source': 'print(1)'}}))"
    )
    done = _python(script)
    assert "sandbox.unavailable" in done.stderr
    assert "SandboxResult" not in done.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="runs as root, to become an ordinary user")
def test_an_ordinary_user_has_the_same_walls() -> None:
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env"]
    pythons = [sys.executable, "/usr/bin/python3"]
    works = [python for python in pythons if _works([*nobody, python, "-c", "import ctypes"])]
    if shutil.which("setpriv") is None or not works:
        pytest.skip("no Python here that another user may start")
    script = (
        "import os; from fabula.sandbox.run import run\n"
        f"one = run('{EXECUTE}', {{'source': \"open('/etc/passwd')\"}})\n"
        f"two = run('{EXECUTE}', {{'source': 'print(6 * 7)'}})\n"
        "print(os.geteuid(), one.fault.kind, two.stdout)"
    )
    paths = f"{SOURCE}:{sysconfig.get_path('purelib')}"
    done = subprocess.run(
        [*nobody, works[0], "-c", script],
        env={"PYTHONPATH": paths, "PATH": os.defpath},
        capture_output=True,
        text=True,
        cwd="/",
        check=False,
    )
    if "No module named" in done.stderr:
        pytest.skip("another user's Python does not find the packages")
    assert done.stdout.split() == ["65534", "refused", "42"], done.stderr


def _soon(happens: Callable[[], bool]) -> bool:
    """Whether something happens within ten seconds."""
    deadline = time.monotonic() + 10
    while not happens() and time.monotonic() < deadline:
        time.sleep(0.05)
    return happens()


def _python(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": SOURCE},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _works(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, cwd="/", check=False).returncode == 0
    except OSError:
        return False
