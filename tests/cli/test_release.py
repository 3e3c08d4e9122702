"""A release on the command line, from the file to the verdict."""

from __future__ import annotations

import pyarrow.csv
import pytest

from tests.privacy.test_release import patients


@pytest.mark.slow
def test_the_journey_from_a_file_to_the_verdict(run, tmp_path):
    pyarrow.csv.write_csv(patients(1_200), tmp_path / "patients.csv")
    learned = "diagnosis,cost"
    wanted = ("--synthesize", learned, "--drop", "email", "-o", "release.yaml")
    ended = run("init", "--from", "patients.csv", *wanted)
    assert ended.code == 0
    assert "Read 1,200 rows, 6 columns; nothing left this machine" in ended.err
    assert "3 columns stay REAL" in ended.err
    assert run("generate", "release.yaml", "-o", "release/").code == 0
    ended = run("evaluate", "release/", "--gate")
    assert "diagnosis guessed" in ended.out
    assert (tmp_path / "release" / "report.html").exists()
    assert ended.code == 0
    assert "marked RELEASABLE" in ended.err
    ended = run("evaluate", "release/", "--gate", "privacy.singled_out<=0")
    assert (ended.code == 1) == ("marked NOT RELEASABLE" in ended.err)


def test_people_who_stand_alone_block_a_release(run, tmp_path):
    table = patients(600)
    codes = pyarrow.array([f"{n:05}" for n in range(10_000, 10_600)])
    pyarrow.csv.write_csv(table.append_column("postcode", codes), tmp_path / "patients.csv")
    wanted = ("--synthesize", "diagnosis", "--drop", "email", "-o", "release.yaml")
    ended = run("init", "--from", "patients.csv", *wanted)
    assert "single out" in ended.err
    assert "add postcode to --synthesize, or `generalise: {postcode: " in ended.err
    assert run("generate", "release.yaml", "-o", "release/").code == 0
    ended = run("evaluate", "release/", "--gate")
    assert ended.code == 1
    assert "marked NOT RELEASABLE" in ended.err
    assert "rows singled out" in ended.err
    _, _, gates = ended.out.partition("Gates: ")
    assert "  FAIL" in gates
    assert "  pass" not in gates


def test_columns_that_do_not_exist_are_named(run, tmp_path):
    pyarrow.csv.write_csv(patients(100), tmp_path / "patients.csv")
    ended = run("init", "--from", "patients.csv", "--synthesize", "diagnoses")
    assert ended.code == 2
    assert "`diagnosis`" in ended.err
    assert run("init", "--synthesize", "diagnosis").code == 2
