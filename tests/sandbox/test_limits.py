"""Programs that take too much: stopped at the limit, with its name; unstopped in plain Python."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from fabula.sandbox.run import Limits, run
from tests.sandbox.naive import notes_of, run_naively

EXECUTE = "fabula.sandbox.source:execute"
LIMITS = Limits(seconds=0.5, memory=512 << 20, output=10_000, result=1 << 20, disk=1 << 20)
MUCH = {"n": 1_000_000_000, "bytes": 10 << 30}
LITTLE = {"n": 200, "bytes": 64 << 20}

ENDLESS = {
    "loop for ever": "while True: pass",
    "sleep": "import time; time.sleep(60)",
    "stop itself": "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
    "refuse every signal": (
        "import signal\n"
        "for number in range(1, 32):\n"
        "    if number not in (9, 19): signal.signal(number, signal.SIG_IGN)\n"
        "while True: pass"
    ),
    "swallow every exception": (
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass"
    ),
    "wait for a lock": "import threading; threading.Lock().acquire() and threading.Event().wait()",
}

GREEDY = {
    "take memory": ("bytes(request['bytes']); notes['done'] = True", "memory"),
    "take memory in numpy": (
        "import numpy as np; np.ones(request['bytes'] // 8); notes['done'] = True",
        "memory",
    ),
    "flood the output": (
        "for _ in range(request['n']): print('x' * 1_000)\nprint(); notes['done'] = True",
        "output",
    ),
    "flood the errors": (
        "import sys\n"
        "for _ in range(request['n']): print('x' * 1_000, file=sys.stderr)\nnotes['done'] = True",
        "output",
    ),
    "fill a file": (
        "file = open('big', 'wb')\n"
        "for _ in range(request['bytes'] >> 16): file.write(bytes(1 << 16))\nnotes['done'] = True",
        "disk",
    ),
    "fill the folder": (
        "for i in range(request['n']): open(str(i), 'wb').write(bytes(10_000))\n"
        "notes['done'] = True",
        "disk",
    ),
    "make empty files": (
        "for i in range(request['n']): open(str(i), 'wb').close()\nnotes['done'] = True",
        "disk",
    ),
    "nest folders": (
        "import os\nfor i in range(request['n']): os.mkdir('a'); os.chdir('a')\n"
        "notes['done'] = True",
        "disk",
    ),
    "start threads": (
        "import threading, time\n"
        "for _ in range(request['n']):\n"
        "    threading.Thread(target=time.sleep, args=(3,), daemon=True).start()\n"
        "notes['done'] = True",
        "exception",
    ),
}


@pytest.mark.parametrize("attack", ENDLESS)
def test_a_program_that_does_not_end_is_ended(attack: str) -> None:
    outcome = run(EXECUTE, {"source": ENDLESS[attack]}, limits=LIMITS)
    assert outcome.fault is not None
    assert outcome.fault.kind == "time"
    assert "0.5 seconds" in outcome.fault.message
    assert outcome.seconds < 5


@pytest.mark.parametrize("attack", ENDLESS)
def test_a_program_that_does_not_end_goes_on_without_the_sandbox(
    attack: str, tmp_path: Path
) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        run_naively(ENDLESS[attack], {}, tmp_path, seconds=0.5)


@pytest.mark.parametrize("attack", GREEDY)
def test_a_program_that_takes_too_much_is_ended(attack: str) -> None:
    """The fault names the limit."""
    source, limit = GREEDY[attack]
    limits = Limits(**{**vars(LIMITS), "seconds": 20})
    outcome = run(EXECUTE, {"source": source, "values": MUCH}, limits=limits)
    assert outcome.fault is not None
    assert outcome.fault.kind == limit
    assert len(outcome.stdout) <= LIMITS.output
    assert len(outcome.stderr) <= LIMITS.output


@pytest.mark.parametrize("attack", GREEDY)
def test_a_program_that_takes_much_gets_it_without_the_sandbox(attack: str, tmp_path: Path) -> None:
    """More than the limits above, within bounds."""
    folder = tmp_path / "work"
    folder.mkdir()
    done = run_naively(GREEDY[attack][0], LITTLE, folder)
    assert notes_of(done)["done"]


def test_a_question_to_the_user_finds_no_user() -> None:
    outcome = run(EXECUTE, {"source": "x = 1\nname = input('who? ')"})
    assert outcome.fault is not None
    assert (outcome.fault.message, outcome.fault.line) == ("EOFError: EOF when reading a line", 2)


def test_a_crash_of_the_interpreter_is_a_fault() -> None:
    outcome = run(EXECUTE, {"source": "import ctypes; ctypes.string_at(0)"})
    assert outcome.fault is not None
    assert (outcome.fault.kind, outcome.fault.message) == ("killed", "it was killed by SIGSEGV")


def test_endless_recursion_is_an_exception_with_its_line() -> None:
    outcome = run(EXECUTE, {"source": "def f(n):\n    return f(n + 1)\n\nf(0)"})
    assert outcome.fault is not None
    assert (outcome.fault.kind, outcome.fault.line) == ("exception", 2)
    assert "previous line repeated" in outcome.fault.traceback.lower()


def test_leaving_early_is_a_fault() -> None:
    """`os._exit` hides the result, `sys.exit` is told as what it is."""
    quiet = run(EXECUTE, {"source": "import os; os._exit(0)"}).fault
    loud = run(EXECUTE, {"source": "import sys; sys.exit(3)"}).fault
    assert quiet is not None
    assert loud is not None
    assert (quiet.kind, loud.kind, loud.message) == ("exit", "exit", "SystemExit: 3")


def test_nothing_of_a_program_runs_after_its_end(world: dict[str, Any]) -> None:
    """Exit handlers, finalizers and threads end with the run."""
    source = (
        "import atexit, threading, time\n"
        "atexit.register(print, 'handler')\n"
        "class Late:\n    def __del__(self): print('finalizer')\n"
        "late = Late()\n"
        "threading.Thread(target=lambda: (time.sleep(0.5), print('thread'))).start()\n"
        "print('end')"
    )
    outcome = run(EXECUTE, {"source": source, "values": world})
    assert (outcome.fault, outcome.stdout) == (None, "end\n")
