"""What goes wrong in a program goes back to its model, with the line."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fabula.errors import BudgetReached, ProgramError
from fabula.testing import ChatServer
from tests.codegen.builders import GOOD, HEAD, QUICK, fenced, made, ran

FRAME = "df = pd.DataFrame(columns)\n"
FAULTS = {
    "syntax error": (GOOD.replace("size=100)\n", "size=100\n", 1), "was never closed"),
    "runtime error": (GOOD + "share = 1 / 0\n", "ZeroDivisionError", "`share = 1 / 0`"),
    "missing package": ("import nothing_such\n" + GOOD, "No module named 'nothing_such'"),
    "exit with a code": (GOOD + "import sys\nsys.exit(3)\n", "SystemExit: 3"),
    "input": ("name = input()\n" + GOOD, "EOFError"),
    "endless loop": (GOOD + "while True:\n    pass\n", "(time)"),
    "10 GB": (GOOD + "hold = bytearray(10 * 2**30)\n", "(memory)"),
    "1 GB of output": (GOOD + "for _ in range(10**9):\n    print('x' * 1000)\n", "(output)"),
    "fork bomb": (GOOD + "import os\nwhile True:\n    os.fork()\n", "Operation not permitted"),
    "writes outside": (GOOD + "open('/tmp/out.csv', 'w')\n", "Permission denied"),
    "reads a secret": (
        GOOD + "import os\nopen(os.path.expanduser('~root/.ssh/id_rsa'))\n",
        "program.py",
    ),
    "a socket": (
        GOOD + "import socket\nsocket.create_connection(('127.0.0.1', 80))\n",
        "(refused)",
    ),
    "deletes files": (GOOD + "import os\nos.remove('/etc/passwd')\n", "Permission denied"),
    "starts a process": (GOOD + "import subprocess\nsubprocess.run(['ls'])\n", "Permission"),
}


@pytest.mark.parametrize("case", FAULTS.values(), ids=FAULTS)
def test_a_program_that_fails_is_stopped_and_says_why(case):
    """Each failure is named for the model, with the line where there is one."""
    broken, *told = case
    problem = ran(broken, replace(QUICK, seconds=2.0) if "(time)" in told else QUICK).problem
    assert problem.startswith("The program fails (")
    for words in told:
        assert words in problem


def test_a_program_that_fails_is_mended_with_its_own_error():
    """First a syntax error, then right: 2 calls; call 2 holds traceback, line and program."""
    broken, _ = FAULTS["syntax error"]
    with ChatServer([fenced(broken), fenced(GOOD)]) as server:
        assert made(server).num_rows == 100
    assert len(server.calls) == 2
    problem = server.calls[1].texts[-1]
    assert "Line 3 of the program" in problem or "Line 4 of the program" in problem
    assert "Traceback:" in problem
    assert fenced(broken).strip() in server.calls[1].prompt


TABLES = {
    "98 rows": (GOOD.replace("100", "98").replace("101", "99"), "98 rows, not 100"),
    "a missing column": (
        GOOD.replace('    "location"', '    # "location"'),
        "columns: missing `location`",
    ),
    "an extra column": (
        GOOD.replace("columns = {", 'columns = {"garden": 1,'),
        "columns: not asked for `garden`",
    ),
    "a renamed column": (
        GOOD.replace('"house price"', '"cost"'),
        "columns: missing `house price`; not asked for `cost`",
    ),
    "ids from 0": (GOOD.replace("range(1, 101)", "range(100)"), "does not count from 1 to 100"),
    "an id twice": (
        GOOD.replace("range(1, 101)", "[1, *range(1, 100)]"),
        "occurs more than once: 1 (2",
    ),
    "text for a number": (
        GOOD.replace("(size * 3_000).round(2)", '[f"{x} EUR" for x in size]'),
        "`house price` holds text",
    ),
    "no frame": (HEAD + "x = 1\n", "the program produces no table"),
    "an empty frame": (GOOD + "df = df.head(0)\n", "0 rows, not 100"),
}


@pytest.mark.parametrize("case", TABLES.values(), ids=TABLES)
def test_tables_that_are_not_right_go_back_with_values_and_counts(case):
    """98 rows, missing, extra and renamed columns, ids 0..99, no frame."""
    broken, told = case
    problem = ran(broken).problem
    assert problem.startswith("The program runs, but its tables are not right:\n- housing_data: ")
    assert told in problem


def test_more_rows_than_asked_are_cut_and_told():
    """The first ones stay, and the run says so."""
    more = GOOD.replace("100", "120").replace("101", "121")
    with ChatServer(fenced(more)) as server:
        data = made(server)
    assert data.num_rows == 100
    assert (
        "the program made 120 rows; the first 100 are kept" in data.manifest["program"]["notes"][0]
    )


def test_of_two_frames_the_one_that_was_asked_for_is_taken():
    """Two frames."""
    other = GOOD + 'prices = pd.DataFrame({"year": range(30), "index": range(30)})\n'
    with ChatServer(fenced(other)) as server:
        data = made(server)
    assert data.num_rows == 100
    assert data.manifest["program"]["notes"] == ["`prices` of the program is not a requested table"]


def test_after_the_last_round_program_and_traceback_are_kept(tmp_path):
    """Bounded by `rounds`; exit 1; nothing is lost."""
    broken = GOOD + "share = 1 / 0\n"
    with ChatServer(lambda _: fenced(broken)) as server, pytest.raises(ProgramError) as caught:
        made(server, rounds=2, output=tmp_path / "out")
    assert (len(server.calls), caught.value.exit_code) == (3, 1)
    assert "after 3 replies" in caught.value.message
    assert caught.value.folder == tmp_path / "out"
    assert (tmp_path / "out" / "program.py").read_text(encoding="utf-8") == broken
    trace = (tmp_path / "out" / "traceback.txt").read_text(encoding="utf-8")
    assert "`share = 1 / 0`" in trace
    assert "ZeroDivisionError" in trace
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_tables_that_never_pass_are_written_and_marked(tmp_path):
    """98 of 100 rows after all rounds: exit 1, the rows stay, requested = written + lost."""
    short = fenced(TABLES["98 rows"][0])
    with ChatServer(lambda _: short) as server, pytest.raises(ProgramError) as caught:
        made(server, rounds=1, output=tmp_path / "out")
    manifest = caught.value.dataset.manifest
    table = manifest["tables"]["housing_data"]
    assert [table[key] for key in ("requested", "written", "rejected")] == [100, 98, 2]
    assert table["reasons"] == {"the program made 98 of 100 rows": 2}
    assert not manifest["passed"]
    assert "housing_data: 98 rows, not 100" in caught.value.message


def test_a_failed_run_goes_on_when_the_command_is_repeated(tmp_path):
    """The same folder; known replies are not paid for twice."""
    replies = [fenced(GOOD + "1 / 0\n")] * 2
    with ChatServer([*replies, fenced(GOOD)]) as server:
        with pytest.raises(ProgramError):
            made(server, rounds=1, output=tmp_path / "out")
        with pytest.raises(BudgetReached):
            made(server, rounds=1, output=tmp_path / "out", fresh=True, max_calls=0)
        made(server, rounds=2, output=tmp_path / "out", overwrite=True)
    assert len(server.calls) == 3
    assert not (tmp_path / "out" / "traceback.txt").exists()


def test_what_was_best_is_kept_when_later_programs_are_worse():
    """General rule 2: a fault after a run with tables does not throw these away."""
    short = fenced(TABLES["98 rows"][0])
    with ChatServer([short, fenced("1 / 0\n")]) as server, pytest.raises(ProgramError) as caught:
        made(server, rounds=1)
    assert caught.value.dataset.num_rows == 98


def test_a_limit_reached_between_rounds_keeps_the_program(tmp_path):
    """--max-calls: exit 4; the same command with more continues from the ledger."""
    with ChatServer([fenced(GOOD + "1 / 0\n"), fenced(GOOD)]) as server:
        with pytest.raises(BudgetReached):
            made(server, output=tmp_path / "out", max_calls=1)
        assert (tmp_path / "out" / "program.py").is_file()
        assert made(server, output=tmp_path / "out").num_rows == 100
    assert len(server.calls) == 2


@pytest.mark.parametrize(
    ("code", "told"),
    [("while True: pass\n", "(time)"), ("print('hello')\n", "produces no table")],
)
def test_a_program_without_a_frame_is_kept_with_what_is_wrong(tmp_path, code, told):
    """It is code, if not much: it runs, and the model is told what it lacks."""
    with ChatServer(lambda _: fenced(code)) as server, pytest.raises(ProgramError) as caught:
        made(server, rounds=1, output=tmp_path / "run", limits=replace(QUICK, seconds=2.0))
    assert told in str(caught.value)
    assert code.strip() in (tmp_path / "run" / "program.py").read_text()
    assert len(server.calls) == 2
    assert told in server.calls[1].prompt
