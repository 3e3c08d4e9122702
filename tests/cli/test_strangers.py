"""What strangers type and pass: every answer is a result or an error with a hint."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

import fabula as fb
from fabula.cli.console import pasted

LINE = "id key, age int 18..90"
FABULA = str(Path(sys.executable).with_name("fabula"))


@pytest.mark.parametrize(
    ("ending", "told"),
    [
        ("csv.gz", "there is no file format `gz`"),
        ("ods", "Excel files are read, not written"),
        ("avro", "there is no file format `avro`"),
    ],
)
def test_a_file_of_a_format_that_is_not_written_is_no_folder(run, tmp_path, ending, told):
    """`-o rows.ods` is refused instead of making a folder of that name."""
    ended = run("generate", LINE, "-n", "3", "-o", f"rows.{ending}")
    assert ended.code == 2
    assert told in ended.err
    assert not (tmp_path / f"rows.{ending}").exists()


def test_a_report_is_not_called_like_another_format(run):
    """No page of HTML ends up in `report.pdf`, and nothing is measured first."""
    assert run("generate", LINE, "-n", "30", "-o", "rows.csv").code == 0
    ended = run("evaluate", "rows.csv", "-o", "report.pdf")
    assert (ended.code, ended.out) == (2, "")
    assert "hint: write `-o report.html`, .md or .json" in ended.err


def test_a_run_of_one_file_is_listed_and_shown(run):
    """`runs` finds a run whose result is a file, also in a folder with spaces."""
    assert run("generate", LINE, "-n", "3", "-o", "my rows/neu ü.csv").code == 0
    listed = json.loads(run("runs", "list", "--format", "json").out)
    assert [(each["folder"], each["written"]) for each in listed] == [("my rows/neu ü.csv", 3)]
    shown = run("runs", "show", "my rows/neu ü.csv")
    assert shown.code == 0, shown.err
    assert "requested 3 = written 3 + rejected 0" in shown.out


def test_the_next_command_can_be_pasted(run):
    """A path with spaces is one word in the command that is named."""
    ended = run("generate", LINE, "-n", "3", "-o", "my rows/new.csv")
    assert "hint: look at it with `fabula view 'my rows/new.csv'`" in ended.err
    assert "in the terminal with `fabula show 'my rows/new.csv'`" in ended.err
    assert [pasted(path) for path in ("out/rows.csv", "ü.csv", "it's", "a b")] == [
        "out/rows.csv", "ü.csv", "'it'\"'\"'s'", "'a b'",
    ]  # fmt: skip


def test_a_table_without_rows_is_told_in_words(run, tmp_path):
    """Columns of a header alone are empty, and there is nothing to extend them by."""
    (tmp_path / "head.csv").write_text("name,age\n")
    assert "  name    empty" in run("show", "head.csv").out
    assert run("init", "--from", "head.csv").err.startswith("head: 2 columns (")
    ended = run("extend", "head.csv", "-n", "2", "--model", "fake")
    assert ended.code == 2
    assert "column `name` has no values to learn from" in ended.err


def test_one_column_is_not_called_columns(run, tmp_path):
    """A table of one column."""
    (tmp_path / "one.csv").write_text("x\r\n1\r\n2\r\n")
    assert run("init", "--from", "one.csv").err.startswith("one: 1 column (1 key)")


def test_a_column_without_a_name_is_called_by_its_place(run, tmp_path):
    """An index that another program wrote, and a comma at the end of each line."""
    (tmp_path / "frame.csv").write_text(",age,\n0,36,\n1,40,\n")
    shown = run("show", "frame.csv").out
    assert [line.split()[0] for line in shown.splitlines()[2:]] == ["column_1", "age", "column_3"]
    assert run("init", "--from", "frame.csv", "-o", "frame.yaml").code == 0
    assert run("preview", "frame.yaml").code == 0


def test_no_table_of_a_model_is_written_outside_of_the_folder(run, tmp_path):
    """Names of tables come from a file, and may hold anything."""
    shops = pa.table({"shop_id": range(30), "size": [i % 3 for i in range(30)]})
    sales = pa.table({"shop_id": [i % 30 for i in range(60)], "paid": [i % 7 for i in range(60)]})
    fb.fit({"../shops": shops, "sales": sales}).save(tmp_path / "model")
    before = sorted(path.name for path in tmp_path.iterdir())
    ended = run("sample", "model", "--scale", "1", "-o", "made", "--format", "csv")
    assert ended.code == 0, ended.err
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*before, "made"])
    assert len(list((tmp_path / "made").iterdir())) == 2


def test_a_choice_is_refused_in_our_words(run):
    """The words of the library that reads arguments are not shown."""
    ended = run("preview", LINE, "--format", "xml")
    assert "`--format`: `xml` is not one of `table`, `csv`, `jsonl`, `json`" in ended.err


def test_a_dry_run_knows_its_model(run, tmp_path):
    """An unknown model is an error also where nothing would be asked."""
    (tmp_path / "bios.csv").write_text("name\nAda\n")
    for verb in (("describe", "bios.csv"), ("extract", "bios.csv", "--schema", "name str")):
        ended = run(*verb, "--dry-run", "--model", "nosuch")
        assert (ended.code, ended.out) == (2, "")
        assert "error[model.unknown]" in ended.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("command", [("preview", LINE, "--format", "csv"), ("kinds",)])
def test_output_that_nobody_can_take_is_an_error(tmp_path, command):
    """A full disk behind stdout is named; it is not a fault of ours."""
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [FABULA, *command], cwd=tmp_path, env=os.environ, check=False,
            stdout=full, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
    assert ended.returncode == 2
    assert "error[sink.full]: can't write `standard output`" in ended.stderr


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="no /dev/null here")
def test_a_device_is_written_to_and_stays(run, tmp_path):
    """A report for a device, here behind a link, does not take the device's place."""
    (tmp_path / "nothing").symlink_to("/dev/null")
    assert run("generate", LINE, "-n", "30", "-o", "rows.csv").code == 0
    assert run("evaluate", "rows.csv", "-o", "nothing").code == 0
    assert (tmp_path / "nothing").is_symlink()
