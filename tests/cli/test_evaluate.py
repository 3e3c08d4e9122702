"""`fabula evaluate` prints a verdict, writes a page, and blocks a build."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.csv
import pyarrow.parquet
import pytest

from tests.cli.conftest import Run
from tests.evaluation.metrics.people import people
from tests.evaluation.test_planted import orders, planted


@pytest.fixture
def files(tmp_path: Path) -> Path:
    pyarrow.csv.write_csv(people(200, seed=1), tmp_path / "real.csv")
    pyarrow.parquet.write_table(people(200, seed=2), tmp_path / "made.parquet")
    return tmp_path


def test_a_file_is_held_against_a_real_one(run: Run, files: Path) -> None:
    """Quality, privacy and bias of any file, without a language model."""
    ended = run(
        "evaluate", "made.parquet", "--real", "real.csv", "--target", "hired",
        "--protected", "sex", "-o", "report.html", "--charts", "charts",
    )  # fmt: skip
    assert ended.code == 0
    assert "column shapes" in ended.out
    assert "four-fifths rule" in ended.out
    assert "Wrote `report.html`" in ended.err
    assert (files / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert (files / "charts" / "scatter.svg").exists()


def test_a_failed_gate_writes_the_report_and_exits_with_one(run: Run, files: Path) -> None:
    """The exit code is non-zero on failure."""
    ended = run(
        "evaluate", "real.csv", "--real", "real.csv", "--gate", "privacy.exact_copies<=1%",
        "-o", "report.md", "--format", "json",
    )  # fmt: skip
    assert ended.code == 1
    assert json.loads(ended.out)["passed"] is False
    assert json.loads(ended.err.splitlines()[-1])["code"] == "gate.failed"
    assert "NOT RELEASABLE" in (files / "report.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["missing.csv"], "source.missing"),
        (["made.parquet", "--real", "missing.csv"], "source.missing"),
        (["made.parquet", "--protected", "sx"], "evaluate.unknown-column"),
        (["made.parquet", "--sections", "looks"], "evaluate.unknown-section"),
        (["made.parquet", "--holdout", "real.csv"], "evaluate.no-real"),
    ],
)
@pytest.mark.usefixtures("files")
def test_what_can_not_be_evaluated_is_said(run: Run, arguments: list[str], code: str) -> None:
    ended = run("evaluate", *arguments, "--error-format", "json")
    assert ended.code == 2
    assert json.loads(ended.err.splitlines()[-1])["code"] == code


def test_a_run_can_be_evaluated_with_its_spec(run: Run, shop: Path) -> None:
    assert run("generate", str(shop), "-o", "out").code == 0
    ended = run("evaluate", "out", "--spec", str(shop))
    assert ended.code == 0
    assert "Checks: " in ended.out
    assert "customers" in ended.out


def test_training_rows_beside_the_whole_file_end_with_exit_code_one(run: Run, files: Path) -> None:
    """The holdout that fitting wrote is part of the whole file; a copy of the rest must fail."""
    whole = people(500, seed=1)
    pyarrow.csv.write_csv(whole, files / "real.csv")
    pyarrow.csv.write_csv(whole.slice(0, 100), files / "kept.csv")
    pyarrow.parquet.write_table(whole.slice(100), files / "made.parquet")
    ended = run(
        "evaluate", "made.parquet", "--real", "real.csv", "--holdout", "kept.csv",
        "--gate", "privacy.exact_copies", "--gate", "privacy.near_copies",
    )  # fmt: skip
    assert ended.code == 1
    assert "note: All 100 rows of the holdout" in ended.out
    assert "Gates: 0 of 2 passed" in ended.out


def test_the_documented_commands_name_a_planted_person(run: Run, tmp_path: Path) -> None:
    """`fit`, `sample`, `evaluate` as the guide writes them; 0 real people, then one."""
    real = orders(1)
    pyarrow.csv.write_csv(real, tmp_path / "real.csv")
    run("fit", "real.csv", "-o", "m.fabula", "--model", "copula", "--holdout-output", "kept.csv")
    run("sample", "m.fabula", "-n", "900", "-o", "made.csv")
    evaluate = ["--real", "real.csv", "--holdout", "kept.csv", "--sections", "privacy",
                "--gate", "privacy.sensitive_values", "--model", "m.fabula"]  # fmt: skip
    ended = run("evaluate", "made.csv", *evaluate)
    assert ended.code == 0, ended.out + ended.err
    made = planted(pyarrow.csv.read_csv(tmp_path / "made.csv"), "c2", real["c2"][7].as_py())
    pyarrow.csv.write_csv(made, tmp_path / "planted.csv")
    ended = run("evaluate", "planted.csv", *evaluate)
    assert ended.code == 1
    assert "sensitive values: 1 synthetic row (0.1 %) holds a real value of `c2`" in ended.out
