"""`fabula program`, `program run` and `init --prompt` with a model, as a user types them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fabula.testing import ChatServer
from fabula.testing.replies import slow
from tests.codegen.builders import GOOD, HOUSING, fenced


@pytest.fixture
def at_server(monkeypatch):
    """Point `openai:…` to a scripted server."""

    def point(server: ChatServer) -> None:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "a-key")

    return point


def test_a_sentence_becomes_a_table_and_a_program_that_makes_more(run, at_server, tmp_path):
    """The first journey; the same command again asks nothing."""
    command = (
        "program",
        HOUSING,
        "-n",
        "100",
        "--model",
        "openai:any",
        "--check",
        "house price ~ house size +",
    )
    with ChatServer(fenced(GOOD)) as server:
        at_server(server)
        first = run(*command, "-o", "out")
        again = run(*command, "-o", "other")
        same = run(*command, "-o", "out")
    assert first.code == again.code == same.code == 0, first.err
    assert len(server.calls) == 1
    assert "requested 100 = written 100 + rejected 0" in first.err
    assert "0 calls, 1 more answered from the ledger" in again.err
    files = [tmp_path / folder / "housing_data.parquet" for folder in ("out", "other")]
    assert files[0].read_bytes() == files[1].read_bytes()
    request = json.loads((tmp_path / "out" / "request.json").read_text(encoding="utf-8"))
    assert (request["prompt"], request["model"]) == (HOUSING, "openai:any")
    assert "larger houses" in (tmp_path / "out" / "assumptions.md").read_text(encoding="utf-8")
    assert "a-key" not in "".join(
        path.read_text(encoding="utf-8") for path in (tmp_path / "out").glob("*.json")
    )
    more = run("program", "run", "out", "-n", "100000", "--seed", "7", "-o", "many")
    assert more.code == 0, more.err
    assert "housing_data  100,000 rows" in more.err
    assert "100,000 rows" in run("show", "many").out


def test_an_edited_program_runs_as_it_is_edited(run, at_server, tmp_path):
    """Rows=100 → 1,000 by hand; other columns are held against the request."""
    with ChatServer(fenced(GOOD)) as server:
        at_server(server)
        run("program", HOUSING, "--model", "openai:any", "-o", "out")
    program = tmp_path / "out" / "program.py"
    text = program.read_text(encoding="utf-8")
    program.write_text(
        text.replace('"housing_data": 100', '"housing_data": 1_000'), encoding="utf-8"
    )
    assert "housing_data  1,000 rows" in run("program", "run", "out", "-o", "more").err
    program.write_text(text.replace('"location":', '"place":'), encoding="utf-8")
    ended = run("program", "run", "out", "-o", "changed")
    assert ended.code == 1
    assert "columns: missing `location`; not asked for `place`" in ended.err
    program.write_text(text.replace("df = ", "1 / 0\ndf = "), encoding="utf-8")
    ended = run("program", "run", "out", "-o", "fails")
    assert ended.code == 1
    assert "ZeroDivisionError" in ended.err
    assert (tmp_path / "fails" / "traceback.txt").is_file()


WRONG = {
    "no such file": (("run", "nothing.py"), 2, "source.missing"),
    "a spec": (("run", "shop.yaml"), 2, "usage.no-program"),
    "no Python": (("run", "README"), 2, "program.syntax"),
    "no word": ((" ",), 2, "usage.no-request"),
    "none in words": (("0 rows of houses: id, price",), 2, "usage.bad-size"),
    "no rows": ((HOUSING, "-n", "0"), 2, "usage.bad-size"),
    "fewer than none": ((HOUSING, "-n", "-5"), 2, "usage.rows"),
    "no such table": ((HOUSING, "-n", "houses=5"), 2, "usage.unknown-table"),
    "a small model": ((HOUSING, "--model", "local"), 3, "model.too-weak"),
    "no such model": ((HOUSING, "--model", "gtp"), 2, "model.unknown"),
    "a check of nothing": (("an online shop", "--check", "a > 1"), 2, "usage.no-columns"),
}


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
def test_what_can_not_be_done_is_said_early(run, case, tmp_path):
    """Usage errors exit 2, what is missing 3; each names a hint."""
    (tmp_path / "README").write_text("This is not a program.")
    arguments, code, name = case
    ended = run("program", *arguments)
    assert ended.code == code, ended.err
    assert f"error[{name}]" in ended.err
    assert "\nhint: " in ended.err


def test_a_wrong_model_does_not_take_the_folder(run):
    """Nothing was made, so the corrected command may continue there."""
    assert run("program", HOUSING, "--model", "local", "-o", "out").code == 3
    assert run("program", HOUSING, "--model", "fake", "-o", "out").code == 0


def test_ctrl_c_says_how_to_go_on(tmp_path):
    """130, nothing lost, and no traceback."""
    with ChatServer(slow(30.0)) as server:
        environment = {**os.environ, "OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "a-key"}
        words = ("program", HOUSING, "--model", "openai:any", "-o", "out")
        process = subprocess.Popen(
            [Path(sys.executable).with_name("fabula"), *words],
            cwd=tmp_path,
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        deadline = time.monotonic() + 60
        while not server.calls and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "error[run.interrupted]: stopped" in err
    assert "hint: run the same command to continue" in err


def test_a_round_says_what_was_wrong(run, at_server):
    """The first gate that failed, and how many more."""
    broken = GOOD.replace('"location":', '"place":')
    with ChatServer(fenced(broken)) as server:
        at_server(server)
        ended = run("program", HOUSING, "--model", "openai:any", "-o", "out", "--rounds", "0")
    assert ended.code == 1
    assert "round 1: housing_data: columns: missing `location`" in ended.err


def test_no_reply_moves_the_cursor_of_a_terminal(run, at_server):
    """Control characters of a model are shown, not sent on."""
    with ChatServer("\x1b[2Jno, thanks") as server:
        at_server(server)
        ended = run("program", HOUSING, "--model", "openai:any", "-o", "out", "--rounds", "0")
    assert ended.code == 4
    assert "\\x1b[2Jno, thanks" in ended.err
    assert "\x1b" not in ended.err


def test_no_rows_of_a_kept_program_are_no_rows(run, tmp_path):
    """N = 0, and from there to 3 again."""
    sizes = "ROWS = {'parents': 2, 'children': 8}\nSEED = 0\n"
    frames = (
        f"{name} = pd.DataFrame({{'id': range(ROWS['{name}'])}})\n"
        for name in ("parents", "children")
    )
    (tmp_path / "two.py").write_text("import pandas as pd\n" + sizes + "".join(frames))
    none = run("program", "run", "two.py", "-n", "0", "-o", "none")
    assert "requested 0 = written 0" in none.err
    some = run("program", "run", "none", "-n", "3", "-o", "some")
    assert "requested 6 = written 6" in some.err


def test_a_dry_run_shows_the_prompt_and_asks_nothing(run, at_server):
    """Every prompt, calls, tokens and cost; 0 requests."""
    with ChatServer(fenced(GOOD)) as server:
        at_server(server)
        ended = run("program", HOUSING, "--dry-run", "--model", "openai:gpt-4o-mini")
    assert ended.code == 0
    assert HOUSING in ended.out
    assert "1–4 calls" in ended.out
    assert "USD; nothing was called" in ended.out
    assert server.calls == []


def test_a_dry_run_refuses_what_the_run_would_refuse(run):
    """The embedded model writes no program, so there is nothing to estimate."""
    dry, real = (run("program", HOUSING, *more) for more in (("--dry-run",), ("-o", "out")))
    assert (dry.code, dry.out, dry.err) == (3, "", real.err)
    assert "error[model.too-weak]" in dry.err


def test_a_dry_run_estimates_for_the_model_of_the_spec(run, tmp_path):
    """The model that would be asked is the one that is named."""
    spec = {**SPEC, "fabula": 1, "models": {"default": "openai:gpt-4o-mini"}}
    (tmp_path / "asked.json").write_text(json.dumps(spec))
    ended = run("program", "asked.json", "--dry-run")
    assert ended.code == 0, ended.err
    assert "openai:gpt-4o-mini: 1–4 calls" in ended.out


def test_the_rows_of_a_sentence_without_columns_are_asked_for(run, at_server):
    """What a sentence says about its rows reaches a program, and a spec that a model writes."""
    ended = run("program", "10 rows of houses", "--dry-run", "--model", "fake")
    assert "Number of rows of the main table: 10\n" in ended.out
    several = run("program", "3 tables of a shop", "--dry-run", "--model", "fake")
    assert "Number of rows" not in several.out
    written = {
        "name": "houses",
        "tables": {"houses": {"n": 100, "columns": {"id": {"kind": "key"}}}},
    }
    with ChatServer(lambda _: written) as server:
        at_server(server)
        made = run("init", "--prompt", "10 rows of houses", "--model", "openai:any")
    assert made.code == 0, made.err
    assert run("preview", "houses.yaml", "-n", "99", "--format", "csv").out.count("\n") == 11


SPEC = {
    "name": "shop",
    "tables": {
        "customers": {"n": 20, "columns": {"id": {"kind": "key"}, "name": {"kind": "person"}}},
        "orders": {
            "n": 50,
            "columns": {
                "id": {"kind": "key"},
                "customer_id": {"kind": "reference", "to": "customers"},
                "total": {"kind": "lognormal", "median": 40, "sigma": 0.5},
            },
        },
    },
}


def broken(**orders):
    """The spec with other columns of its orders."""
    columns = {**SPEC["tables"]["orders"]["columns"], **orders}
    return {**SPEC, "tables": {**SPEC["tables"], "orders": {"n": 50, "columns": columns}}}


def test_a_model_writes_a_spec_that_is_mended_until_it_previews(run, at_server, tmp_path):
    """Deliverable 7: exact violations go back; the file that is written can be used."""
    replies = [
        "I would have customers and orders.",
        broken(total={"kind": "lognormall", "median": 40}),
        broken(customer_id={"kind": "reference", "to": "clients"}),
        {"spec": SPEC},
    ]
    prompt = "an online shop with customers, products, orders"
    with ChatServer(replies) as server:
        at_server(server)
        ended = run("init", "--prompt", prompt, "--model", "openai:any", "-o", "made.yaml")
        again = run("init", "--prompt", prompt, "--model", "openai:any", "-o", "again.yaml")
    assert ended.code == 0, ended.err
    assert len(server.calls) == 4
    told = [call.texts[-1] for call in server.calls]
    assert prompt in told[0]
    assert "holds no spec" in told[1]
    assert "lognormall" in told[2]
    assert "`clients`" in told[3]
    assert "openai:any: 4 calls" in ended.err
    assert "Wrote `made.yaml` — 2 tables, no model or key needed" in ended.err
    assert "0 calls, 4 more answered from the ledger" in again.err
    assert (tmp_path / "made.yaml").read_text() == (tmp_path / "again.yaml").read_text()
    assert run("generate", "made.yaml", "-o", "out").code == 0


def test_a_spec_that_never_holds_ends_in_a_named_error(run, at_server, tmp_path):
    """Bounded, exit 4, no file."""
    with ChatServer(lambda _: {"tables": {}}) as server:
        at_server(server)
        ended = run(
            "init", "--prompt", "a shop", "--model", "openai:any", "--rounds", "1", "-o", "x.yaml"
        )
    assert (ended.code, len(server.calls)) == (4, 2)
    assert "error[spec.unwritten]" in ended.err
    assert not (tmp_path / "x.yaml").exists()
