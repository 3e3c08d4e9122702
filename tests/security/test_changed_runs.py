"""Files of a run that somebody changed: every reader names them, and none takes them for the run's.

The manifest has the hash of every file; a byte that differs, of the same length or not, is told.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import fabula as fb
from fabula.cli.main import main
from fabula.errors import FabulaError, SourceError
from fabula.runs.belongings import STATE

SPEC = "a int 1..5, b choice x|y"
FORMS = ["csv", "parquet", "jsonl", "arrow"]
READERS = {
    "show": "show d",
    "evaluate": "evaluate d --real real.csv",
    "evaluate, as real data": "evaluate real.csv --real d",
    "fit": "fit d -o m.fabula --model copula",
    "extend": "extend d -n 2 --model fake -o e.csv",
    "export": "export d -o x.csv",
    "init": "init --from d -o s.yaml",
    "run again": f"generate '{SPEC}' -n 60 -o d --format {{form}}",
}


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def changed_run(form: str, change: str) -> Path:
    """A run in the folder `d` whose table has one byte that it was not written with."""
    fb.generate(SPEC, n=60, output="d", format=form)
    fb.generate(SPEC, n=60, seed=1, output="real.csv")
    (table,) = Path("d").glob(f"*.{form}")
    data = table.read_bytes()
    half = len(data) // 2
    table.write_bytes(
        {
            "a byte": data[:half] + bytes([data[half] ^ 1]) + data[half + 1 :],
            "another run's": Path("real.csv").read_bytes(),
            "shorter": data[: half - 5],
        }[change]
    )
    return table


@pytest.mark.parametrize("form", ["csv", "parquet"])
@pytest.mark.parametrize("reader", READERS)
def test_every_command_that_reads_a_run_names_the_changed_file(
    reader: str, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    table = changed_run(form, "a byte")
    words = [word.strip("'") for word in READERS[reader].format(form=form).replace(
        f"'{SPEC}'", SPEC.replace(" ", "\0")).split()]  # fmt: skip
    before = table.read_bytes()
    assert main([word.replace("\0", " ") for word in words]) == 2
    told = capsys.readouterr().err
    assert f"`{table}` has changed since its run wrote it" in told
    assert table.read_bytes() == before


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("change", ["a byte", "another run's", "shorter"])
def test_python_readers_name_the_changed_file(form: str, change: str) -> None:
    table = changed_run(form, change)
    for use in (lambda data: data.to_arrow(), lambda data: data.head(), lambda data: data.count()):
        with pytest.raises(SourceError, match=f"`{table}` has changed"):
            use(fb.Dataset.open("d"))
    with pytest.raises(SourceError, match=f"`{table}` has changed"):
        fb.evaluate("d", real="real.csv")


def test_what_the_error_says_to_do_works() -> None:
    table = changed_run("csv", "a byte")
    assert main(["show", str(table)]) == 0
    shutil.move(table, "kept.csv")
    assert main(["generate", SPEC, "-n", "60", "-o", "d", "--format", "csv", "--fresh"]) == 0
    assert main(["show", "d"]) == 0


def test_a_changed_part_of_an_unfinished_run_is_not_taken_and_not_replaced() -> None:
    fb.generate(SPEC, n=60, output="d")
    (table,) = Path("d").glob("*.parquet")
    record = f'{{"table": "rows", "part": 0, "attempt": 0, "asked": 60, "rows": 60, "files": [\
{{"name": "{table.name}", "rows": 60, "bytes": {table.stat().st_size}, "sha256": "0"}}]}}'
    Path("d/manifest.json").unlink()
    Path("d", STATE).mkdir()
    Path("d", STATE, "rows-00000.json").write_text(record)
    before = table.read_bytes()
    with pytest.raises(SourceError, match="has changed since its run wrote it"):
        fb.generate(SPEC, n=60, output="d")
    assert table.read_bytes() == before


def test_a_changed_file_of_a_run_of_one_file_is_not_replaced(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = ["generate", SPEC, "-n", "60", "-o", "one.csv"]
    assert main(run) == 0
    Path("one.csv").write_text("a,b\n1,mine\n")
    assert main(run) == 2
    assert "has changed since its run wrote it" in capsys.readouterr().err
    assert "mine" in Path("one.csv").read_text()
    assert main([*run, "--overwrite"]) == 0
    assert "mine" not in Path("one.csv").read_text()


@pytest.mark.parametrize("name", ["report.html"])
def test_a_changed_report_is_named_when_its_run_goes_on(name: str) -> None:
    assert main(["generate", SPEC, "-n", "60", "-o", "d", "--report"]) == 0
    Path("d", name).write_text("other")
    with pytest.raises(FabulaError, match=f"`d/{name}` has changed"):
        fb.generate(SPEC, n=60, output="d")
    Path("d", name).unlink()  # a report that nobody wants is not a loss
    assert fb.generate(SPEC, n=60, output="d").num_rows == 60
