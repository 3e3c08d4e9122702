"""Verbs that make data: validate, plan, preview, generate."""

from __future__ import annotations

import csv
import io
import json
import os

import pyarrow.parquet
import pytest

from fabula.cli.arguments import read_share, read_sizes
from fabula.errors import UsageError
from fabula.testing import ChatServer

LINE = "name person.name, age int 18..90, plan choice free|pro"


def test_a_coherent_spec_is_called_so(run):
    """The verdict is data: it goes to stdout, also as JSON."""
    ended = run("validate", "shop.yaml")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == "`shop.yaml` is coherent: 2 tables, 7 columns, 1 check\n"
    assert json.loads(run("validate", "shop.yaml", "--format", "json").out)["passed"] is True


def test_an_unknown_kind_is_shown_as_promised(run, shop):
    """The message names file, line and place, and the nearest kind; exit 2."""
    shop.write_text(shop.read_text().replace("kind: choice", "kind: chioce"))
    line = (
        shop.read_text().splitlines().index("      country: {kind: chioce, values: [SE, ES, DE]}")
        + 1
    )
    ended = run("validate", "shop.yaml")
    assert (ended.code, ended.out) == (2, "")
    head, place, empty, hint = ended.err.splitlines()
    assert head == "error[spec.unknown-kind]: column kind `chioce` does not exist"
    assert place == f"  --> shop.yaml:{line}  tables.customers.columns.country.kind"
    assert empty == ""
    assert hint.startswith("hint: did you mean `choice`? `fabula kinds` lists all ")


def test_every_problem_of_a_spec_is_told_at_once(run, shop):
    """Two faults give two messages, and two violations in JSON."""
    text = shop.read_text().replace("kind: lognormal", "kind: lognormel")
    shop.write_text(text.replace("kind: choice", "kind: chioce"))
    assert run("validate", "shop.yaml").err.count("error[") == 2
    error = json.loads(run("plan", "shop.yaml", "--format", "json").err)
    assert len(error["violations"]) == 2


def test_a_spec_comes_from_stdin_too(run, shop):
    """`-` is standard input."""
    assert "2 tables" in run("validate", "-", stdin=shop.read_text()).out


def test_a_plan_makes_nothing(run, tmp_path):
    """--dry-run is the plan; 0 files, 0 calls."""
    planned = run("plan", "shop.yaml", "-n", "orders=70")
    assert planned.out.startswith("Order: customers → orders\n")
    assert "customer_id → customers" in planned.out
    assert run("generate", "shop.yaml", "-n", "orders=70", "--dry-run").out == planned.out
    values = json.loads(run("plan", "shop.yaml", "--format", "json", "--seed", "7").out)
    assert (values["seed"], values["tables"]["orders"]["rows"]) == (7, 50)
    assert [path.name for path in tmp_path.iterdir()] == ["shop.yaml"]


def test_a_plan_tells_what_models_are_asked(run, shop):
    """Calls, tokens and cost of each model are ranges, printed before anything is called."""
    text = shop.read_text() + "      note: {kind: llm, description: a short note}\n"
    shop.write_text(text.replace('    checks:\n      - {kind: row, sql: "total >= 5"}\n', ""))
    planned = run("plan", "shop.yaml", "--model", "fake")
    assert planned.code == 0, planned.err
    assert "orders: note" in planned.out
    (call,) = json.loads(run("plan", "shop.yaml", "--format", "json").out)["models"]
    assert call["calls"][0] <= call["calls"][1]


def test_a_preview_is_rows_on_stdout_and_talk_on_stderr(run, tmp_path):
    """Nothing is written; the seed is always told."""
    ended = run("preview", "shop.yaml", "-n", "2", "--seed", "3")
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert len(lines) == 6
    assert lines[0].split() == ["customers", "id", "name", "country", "signed_up"]
    assert ended.err.startswith("Checks: 1 passed · seed 3 · ")
    assert ended.err.endswith(" · nothing written\n")
    assert run("preview", "shop.yaml", "-n", "2", "--seed", "3").out == ended.out
    assert run("preview", "shop.yaml", "-n", "2", "--seed", "3", "--quiet").err == ""
    assert [path.name for path in tmp_path.iterdir()] == ["shop.yaml"]


def test_one_line_gives_rows_for_a_pipe(run):
    """Rows of a one-line spec as CSV, JSON Lines and JSON hold the same values."""
    table = run("preview", LINE, "-n", "5", "--format", "csv")
    assert table.code == 0, table.err
    rows = list(csv.DictReader(io.StringIO(table.out)))
    assert [set(row) for row in rows] == [{"name", "age", "plan"}] * 5
    lines = [
        json.loads(line)
        for line in run("preview", LINE, "-n", "5", "--format", "jsonl").out.splitlines()
    ]
    assert [row["name"] for row in lines] == [row["name"] for row in rows]
    (values,) = json.loads(run("preview", LINE, "-n", "5", "--format", "json").out).values()
    assert values == lines


def test_a_form_of_one_table_asks_which(run):
    """CSV of two tables is refused with the option to add."""
    ended = run("preview", "shop.yaml", "--format", "csv")
    assert (ended.code, ended.out) == (2, "")
    assert "hint: add `--table customers`" in ended.err
    chosen = run("preview", "shop.yaml", "--format", "csv", "--table", "orders", "-n", "1")
    assert chosen.out.splitlines()[0] == '"id","customer_id","total"'
    assert "did you mean `orders`?" in run("preview", "shop.yaml", "--table", "order").err


def test_a_run_writes_its_folder_and_says_what_is_in_it(run, tmp_path):
    """Requested = written + rejected; the summary is talk, stdout stays empty."""
    ended = run("generate", "shop.yaml", "-n", "customers=30", "-o", "out")
    assert (ended.code, ended.out) == (0, "")
    lines = ended.err.splitlines()
    assert lines[0].startswith("customers  30 rows")
    assert "Checks: 1 passed · requested 80 = written 80 + rejected 0" in lines
    assert any(
        line.startswith("Wrote `out/` (2 Parquet files, manifest.json) · seed 0") for line in lines
    )
    assert lines[-1].startswith("hint: look at it with `fabula view out`, or in the terminal")
    assert lines[-1].endswith("`--report` adds a page to send")
    assert pyarrow.parquet.read_table(tmp_path / "out" / "customers.parquet").num_rows == 30
    assert "customers · 30 rows" in run("show", "out").out
    listed = run("runs", "list").out
    assert "shop" in listed
    assert "finished" in listed
    assert json.loads(run("runs", "show", "out", "--format", "json").out)["seed"] == 0
    assert "Checks: 1 passed" in run("runs", "show", "out").out


def test_a_run_does_not_go_to_stdout(run):
    """`-o -` names the command that prints rows."""
    ended = run("generate", "shop.yaml", "-o", "-")
    assert (ended.code, ended.out) == (2, "")
    assert "fabula preview SPEC" in ended.err


def test_a_run_can_write_its_report(run, tmp_path):
    """`--report` adds one HTML file, and the summary names it."""
    ended = run("generate", "shop.yaml", "-o", "out", "--report")
    assert ended.code == 0
    assert "(2 Parquet files, manifest.json, report.html)" in ended.err
    assert "orders: 50 rows" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_without_a_folder_the_run_goes_below_out(run, shop):
    """The folder is named after the spec, else after its file, else `dataset`."""
    assert "Wrote `out/shop/`" in run("generate", "shop.yaml").err
    shop.write_text(shop.read_text().replace("name: shop\n", "").replace("n: 20", "n: 21"))
    shop.rename(shop.with_name("tiny.yaml"))
    assert "Wrote `out/tiny/`" in run("generate", "tiny.yaml").err


@pytest.mark.parametrize("form", ["csv", "jsonl", "arrow"])
def test_every_file_format_can_be_asked_for(run, tmp_path, form):
    """The file's ending is the format."""
    assert run("generate", "shop.yaml", "--format", form, "-o", "out").code == 0
    assert (tmp_path / "out" / f"orders.{form}").is_file()
    assert "50 rows" in run("show", f"out/orders.{form}").out


def test_the_same_command_again_has_nothing_to_do(run):
    """Same command twice: the finished run is kept, the exit is 0."""
    assert run("generate", "shop.yaml", "-o", "out").code == 0
    again = run("generate", "shop.yaml", "-o", "out")
    assert again.code == 0
    assert "Nothing to do" in again.err


def test_another_run_in_the_folder_is_not_replaced_unasked(run):
    """A folder in use by another spec is refused; --overwrite replaces it."""
    assert run("generate", "shop.yaml", "-o", "out").code == 0
    ended = run("generate", "shop.yaml", "-o", "out", "--seed", "9")
    assert ended.code == 2
    assert "error[sink.exists]: `out` holds a finished run of another spec" in ended.err
    assert "hint: choose another folder, or pass --overwrite" in ended.err
    assert run("generate", "shop.yaml", "-o", "out", "--seed", "9", "--overwrite").code == 0


def test_files_that_no_run_made_are_never_touched(run, tmp_path):
    """A folder of the user's own is refused even with --overwrite."""
    own = tmp_path / "own"
    own.mkdir()
    (own / "thesis.txt").write_text("mine")
    assert run("generate", "shop.yaml", "-o", "own", "--overwrite").code == 2
    assert (own / "thesis.txt").read_text() == "mine"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_named(run, tmp_path):
    """A place that can't be written is an error of its own."""
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    ended = run("generate", "shop.yaml", "-o", "locked/out")
    assert ended.code == 2
    assert "error[sink.denied]" in ended.err


def test_a_place_below_a_file_can_not_be_written(run):
    """The output's parent is a file."""
    ended = run("generate", "shop.yaml", "-o", "shop.yaml/out")
    assert ended.code == 2
    assert "error[sink." in ended.err


def test_a_broken_check_exits_with_1_and_keeps_the_data(run, shop, tmp_path):
    """The data is written, the failed check is told with its numbers."""
    shop.write_text(shop.read_text().replace('sql: "total >= 5"', 'sql: "total >= 60"'))
    ended = run("generate", "shop.yaml", "-o", "out")
    assert ended.code == 1
    assert "  FAIL  orders: " in ended.err
    assert "Checks: 0 passed, 1 FAILED" in ended.err
    assert "error[check.failed]" in ended.err
    assert (tmp_path / "out" / "orders.parquet").is_file()
    assert run("validate", "shop.yaml", "--data", "out").code == 1


def test_data_is_held_against_the_checks_of_a_spec(run):
    """`validate --data` takes a run's folder; each check has a line."""
    assert run("generate", "shop.yaml", "-o", "out").code == 0
    ended = run("validate", "shop.yaml", "--data", "out")
    assert ended.code == 0
    assert " passed\n" in ended.out
    assert "  pass  orders: all 50 rows satisfy the rule: total >= 5\n" in ended.out


def test_a_class_is_a_spec_too(run, tmp_path, monkeypatch):
    """`module:Class` is found from the current folder."""
    (tmp_path / "clinic_models.py").write_text(
        "from pydantic import BaseModel, Field\n\n\n"
        "class Patient(BaseModel):\n    id: int\n    age: int = Field(ge=0, le=110)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    ended = run("preview", "clinic_models:Patient", "-n", "3", "--model", "fake")
    assert ended.code == 0, ended.err
    assert "age" in ended.out


def test_rows_of_a_model_can_be_made_without_one(run, shop):
    """`--model fake` stands in for every model, and the summary tells its calls."""
    shop.write_text(
        shop.read_text().replace(
            "  orders:\n", "      motto: {kind: llm, description: a motto}\n  orders:\n"
        )
    )
    ended = run("generate", "shop.yaml", "--model", "fake", "-o", "out")
    assert ended.code == 0, ended.err
    assert " call" in ended.err
    assert "motto" in run("show", "out/customers.parquet").out


def test_a_budget_that_is_used_up_exits_with_4_and_goes_on_later(run, shop, monkeypatch):
    """Stops before the next call; the same command with more room finishes."""
    monkeypatch.setenv("OPENAI_API_KEY", "test-key")
    shop.write_text(
        shop.read_text().replace(
            "  orders:\n", "      motto: {kind: llm, description: a motto}\n  orders:\n"
        )
    )
    command = ("generate", "shop.yaml", "--model", "openai:any", "-o", "out")
    with ChatServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        ended = run(*command, "--max-calls", "0")
        assert ended.code == 4, ended.err
        assert "hint: " in ended.err
        assert not server.calls
        assert run(*command).code == 0
        assert server.calls
    assert "test-key" not in ended.err


def test_progress_is_one_line_a_table_away_from_a_terminal(run):
    """No bars and no colours in a log; none at all when they are not wanted."""
    ended = run("generate", "shop.yaml", "-o", "out")
    assert "\x1b" not in ended.err
    assert [line for line in ended.err.splitlines() if line.startswith("orders  50 rows")]
    silent = run("generate", "shop.yaml", "-o", "out2", "--no-progress")
    assert "orders  50 rows" not in silent.err
    assert run("generate", "shop.yaml", "-o", "out3", "--quiet").err == ""


def test_sizes_and_shares_are_read_as_people_write_them():
    """A number, a number for each table, a share in three forms."""
    assert read_sizes(None) is None
    assert read_sizes(["1_000"]) == 1000
    assert read_sizes(["a=1", "b=2"]) == {"a": 1, "b": 2}
    assert read_sizes(["odd=name=3"]) == {"odd=name": 3}
    assert (read_share(None), read_share("12"), read_share("0")) == (None, 12, 0)
    assert (read_share("5%"), read_share("0.05"), read_share("1.0")) == (0.05, 0.05, 1.0)


@pytest.mark.parametrize("texts", [["ten"], ["-5"], ["1.5"], ["a="], ["a=1", "2"], [""]])
def test_what_is_no_number_of_rows_is_refused(texts):
    """N negative, missing or mixed."""
    with pytest.raises(UsageError) as caught:
        read_sizes(texts)
    assert caught.value.hint


@pytest.mark.parametrize("text", ["", "x", "-1", "101%", "1.5", "nan", "5 %%"])
def test_what_is_no_share_is_refused(text):
    """A share lies between 0 and 1."""
    with pytest.raises(UsageError):
        read_share(text)


def test_rows_that_a_model_never_gives_are_counted_and_told(run, shop, monkeypatch):
    """Refusals end in rejects with reasons, exit 4, and a preview still shows the rest."""
    monkeypatch.setenv("OPENAI_API_KEY", "test-key")
    shop.write_text(
        "fabula: 1\nname: notes\ntables:\n  notes:\n    n: 3\n    columns:\n"
        "      id: {kind: key}\n      note: {kind: text, prompt: 'About {{ id }}'}\n"
    )
    with ChatServer({"About 2": "I cannot help with that.", "About": "A fine sentence."}) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        shown = run("preview", "shop.yaml", "--model", "openai:any")
        made = run("generate", "shop.yaml", "--model", "openai:any", "-o", "out")
        allowed = run(
            "generate", "shop.yaml", "--model", "openai:any", "-o", "out", "--max-rejects", "1"
        )
    assert (shown.code, made.code, allowed.code) == (4, 4, 0)
    assert "A fine sentence." in shown.out
    assert "requested 3 = written 2 + rejected 1" in made.err
    assert "error[run.rejects]" in made.err
    assert "rejects.jsonl" in made.err
