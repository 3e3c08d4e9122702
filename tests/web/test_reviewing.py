"""Rows are reviewed in the page, into the sheets that `fabula review import` reads."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import fabula as fb
from tests.web.test_editor import poster
from tests.web.test_view import opened, place


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of two tables."""
    spec = """
fabula: 1
tables:
  pets:
    n: 30
    columns:
      id: {kind: key}
      name: {kind: choice, values: [Rex, Ida, "=1+1", "<i>Bo</i>"]}
      kilos: {kind: uniform, min: 1, max: 9, decimals: 1}
  visits:
    n: 5
    columns:
      pet: {kind: reference, to: pets}
"""
    fb.generate(spec, output=tmp_path / "run")
    return tmp_path / "run"


def test_two_reviewers_see_the_same_rows_and_their_sheets_apply(run: Path) -> None:
    with fb.view(run, open_browser=False) as shown:
        get, post = opened(shown), poster(shown)
        at = f"/{place(get)}/review/pets"
        assert post(at, reviewer="anna", n=8)[0] == 200
        assert post(at, reviewer="ben", n=3)[0] == 200
        rows = [line.partition(",")[0] for line in
                (run / "reviews/pets.anna.csv").read_text("utf-8-sig").splitlines()
                if line.startswith("r") and "-" in line[:6]]  # fmt: skip
        numbers = [int(row[1:].partition("-")[0]) for row in rows]
        assert len(numbers) == 8
        for reviewer, verdicts in (("anna", "aaar"), ("ben", "aarr")):
            for number, verdict in zip(numbers, verdicts, strict=False):
                word = {"a": "accept", "r": "reject"}[verdict]
                status, told = post(at, reviewer=reviewer, row=number, verdict=word)
                assert (status, told) == (200, {})
        fixes = {"name": "Zoë", "kilos": "2.5"}
        fix = {"row": numbers[4], "verdict": "fix", "fixes": fixes, "comment": 'No, "that"\nname.'}
        assert post(at, reviewer="anna", **fix)[0] == 200
        data = json.loads(get(f"{at}.json")[1])
        assert data["reviewers"]["anna"] == {"accept": 3, "reject": 1, "fix": 1, "not reviewed": 3}
        assert data["agreement"]["rows"] == 4
        assert data["agreement"]["share"] == 0.75
        text = get(f"{at}?reviewer=anna&row={numbers[4]}")[1]
        assert 'value="Zoë"' in text
        assert "<i>" not in text
        command = get(at)[1].partition("<code>fabula ")[2].partition("</code>")[0]
    sheets = [run / "reviews/pets.anna.csv", run / "reviews/pets.ben.csv"]
    assert all(str(sheet) in command for sheet in sheets)
    before = fb.Dataset.open(run).to_dicts("pets")
    reviewed = fb.review_import(sheets, run / "pets.parquet")
    left = {row["id"]: row for row in reviewed.rows.to_pylist()}
    assert set(left) == {row["id"] for row in before} - {numbers[2], numbers[3]}
    assert left[numbers[4]] == {"id": numbers[4], "name": "Zoë", "kilos": 2.5}
    assert reviewed.agreement.share == 0.75


def test_a_sheet_of_the_command_line_goes_on_in_the_page(run: Path) -> None:
    (run / "reviews").mkdir()
    fb.review_export(run / "pets.parquet", run / "reviews/pets.cleo.csv", n=4)
    with fb.view(run, open_browser=False) as shown:
        get = opened(shown)
        data = json.loads(get(f"/{place(get)}/review/pets.json")[1])
        assert data["reviewers"]["cleo"]["not reviewed"] == 4


def test_what_cannot_be_taken_is_told_and_not_written(run: Path) -> None:
    with fb.view(run, open_browser=False) as shown:
        get, post = opened(shown), poster(shown)
        at = f"/{place(get)}/review/pets"
        post(at, reviewer="anna", n=30)
        sheet = run / "reviews/pets.anna.csv"
        before = sheet.read_bytes()
        for wrong in (
            {"row": 1, "verdict": "fix", "fixes": {"kilos": "heavy"}},
            {"row": 1, "verdict": "fix"},
            {"row": 1, "verdict": "accept", "fixes": {"kilos": "2"}},
            {"row": 1, "verdict": "maybe"},
            {"row": 31, "verdict": "accept"},
            {"row": 0, "verdict": "accept"},
            {"row": "1", "verdict": "accept"},
            {"row": 1, "verdict": "accept", "fixes": [1]},
        ):
            status, told = post(at, reviewer="anna", **wrong)
            assert status in (200, 409), wrong
            assert told["problems"][0]["message"], wrong
        for name in ("", "../../etc/x", "a/b", "x" * 41, ".hidden", "a.b"):
            assert post(at, reviewer=name, n=5)[0] == 409
        for n in (0, 1_001, "5", None):
            assert post(at, reviewer="new", n=n)[0] == 409
        assert post(f"/{place(get)}/review/nothing", reviewer="anna")[0] == 409
        assert sheet.read_bytes() == before
        assert [path.name for path in (run / "reviews").iterdir()] == ["pets.anna.csv"]


def test_verdicts_that_come_at_once_are_all_kept(run: Path) -> None:
    with fb.view(run, open_browser=False) as shown:
        get, post = opened(shown), poster(shown)
        at = f"/{place(get)}/review/pets"
        post(at, reviewer="anna", n=30)
        with ThreadPoolExecutor(6) as pool:
            done = pool.map(
                lambda row: post(at, reviewer="anna", row=row, verdict="accept"), range(1, 31)
            )
            assert {status for status, _ in done} == {200}
        data = json.loads(get(f"{at}.json")[1])
        assert data["reviewers"]["anna"] == {"accept": 30}


def test_a_sheet_of_other_rows_is_named(run: Path) -> None:
    with fb.view(run, open_browser=False) as shown:
        get, post = opened(shown), poster(shown)
        at = f"/{place(get)}/review/pets"
        post(at, reviewer="anna", n=5)
        sheet = run / "reviews/pets.anna.csv"
        sheet.write_text(sheet.read_text("utf-8-sig").replace("-", "-0"))
        status, text = get(at)
        assert status == 500
        assert "is not a row of this data" in text
