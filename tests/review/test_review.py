"""Review by people: the sheet, what comes back, and what the next request is told."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

import fabula as fb
from fabula.errors import SheetError, SinkError, SourceError, UsageError
from fabula.review.notes import ReviewNotes
from fabula.review.review import agreement
from fabula.review.sheet import Judged
from fabula.testing import ChatServer

PETS = {
    "id": [1, 2, 3, 4],
    "name": ["Rex", "Ida, the 2nd", "Zoë\nBo", None],
    "kilos": [12.5, 3.25, 4.0, 1e-7],
}
Edit = Callable[[dict[str, dict[str, str]]], None]


@pytest.fixture
def filled(tmp_path: Path) -> Callable[..., Path]:
    """Fills in a sheet of all pets, given the cells of some rows, by number and column."""

    def fill(name: str, marks: dict[int, dict[str, str]], *, delimiter: str = ",") -> Path:
        path = tmp_path / name
        fb.review_export(PETS, path)
        explained, header, *rows = _split(path)
        for number, cells in marks.items():
            for column, value in cells.items():
                rows[number - 1][header.index(column)] = value
        text = io.StringIO()
        csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(
            [*explained, header, *rows]
        )
        path.write_text(text.getvalue(), encoding="utf-8")
        return path

    return fill


def _split(path: Path):
    lines = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")))
    start = next(place for place, cells in enumerate(lines) if cells[0] == "row")
    return [lines[:start], *lines[start:]]


def test_a_sheet_holds_a_seeded_sample_and_explains_itself(tmp_path):
    """The same seed gives the same sheet, another seed another one."""
    data = {"n": list(range(1000)), "word": [f"w{i}" for i in range(1000)]}
    texts = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert fb.review_export(data, tmp_path / name, n=30, seed=seed) == 30
        texts.append((tmp_path / name).read_text(encoding="utf-8-sig"))
    assert texts[0] == texts[1] != texts[2]
    explained, header, *rows = _split(tmp_path / "a")
    assert header == ["row", "verdict", "comment", "n", "fix:n", "word", "fix:word"]
    assert any("accept, reject or fix" in line[0] for line in explained)
    assert len(rows) == 30 == len({row[0] for row in rows})
    with pytest.raises(SinkError):
        fb.review_export(data, tmp_path / "a")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_rejected_rows_leave_and_fixed_rows_change(filled, tmp_path, delimiter):
    """Counts are told, other values and all types stay; also through a spreadsheet."""
    sheet = filled(
        "s.csv",
        {
            1: {"verdict": "Accept", "comment": "good; more like it"},
            2: {"verdict": "reject", "comment": "no titles"},
            3: {"verdict": "fix", "fix:name": "Bo", "fix:kilos": "4.5"},
        },
        delimiter=delimiter,
    )
    out = tmp_path / "reviewed.parquet"
    reviewed = fb.review_import(sheet, PETS, output=out)
    assert reviewed.rows.to_pydict() == {
        "id": [1, 3, 4],
        "name": ["Rex", "Bo", None],
        "kilos": [12.5, 4.5, 1e-7],
    }
    assert reviewed.counts == {"accept": 1, "reject": 1, "fix": 1, "not reviewed": 1}
    assert reviewed.notes.comments == ("good; more like it", "no titles")
    assert [row["id"] for row in reviewed.notes.examples] == [3, 1]
    assert fb.review_import(sheet, PETS, output=tmp_path / "again.csv").rows == reviewed.rows
    assert (tmp_path / "reviewed.review.json").is_file()
    with pytest.raises(SinkError):
        fb.review_import(sheet, PETS, output=out)


def test_no_text_runs_as_a_formula_in_a_spreadsheet(tmp_path):
    """Made text such as `=HYPERLINK(…)` is quoted; numbers are not, and nothing changes."""
    data = {"verdict": ["=1+1", "@x", "-3", "'=", "- a\n- b"], "row": [-1.5, -1e-7, 0.0, 1.0, 2.0]}
    fb.review_export(data, tmp_path / "s.csv")
    rows = _split(tmp_path / "s.csv")[2:]
    assert [row[3] for row in rows] == ["'=1+1", "'@x", "-3", "'=", "'- a\n- b"]
    assert [row[5] for row in rows[:2]] == ["-1.5", "-1e-07"]
    reviewed = fb.review_import(tmp_path / "s.csv", data)
    assert reviewed.rows.to_pydict() == data
    assert reviewed.counts == {"not reviewed": 5}


def test_fixes_take_the_type_of_their_column(tmp_path):
    """Dates, decimals, categories, lists, true and false, and no value at all."""
    data = pa.table(
        {
            "day": pa.array([dt.date(2024, 1, 1)]),
            "at": pa.array([1], pa.timestamp("ns")),
            "price": pa.array([Decimal("1.50")], pa.decimal128(6, 2)),
            "kind": pa.array(["a"]).dictionary_encode(),
            "tags": pa.array([["x"]]),
            "ok": pa.array([True]),
            "gone": pa.array([7]),
        }
    )
    path = tmp_path / "s.csv"
    fb.review_export(data, path)
    _, header, row = _split(path)
    fixes = ["2024-02-03", "2024-02-03 10:00:00", "2.25", "b", '["y", "z"]', "FALSE", "(empty)"]
    row[1] = "fix"
    row[4::2] = fixes
    text = io.StringIO()
    csv.writer(text).writerows([header, row])
    path.write_text(text.getvalue(), encoding="utf-8")
    made = fb.review_import(path, data).rows
    assert made.schema == data.schema
    assert made.drop_columns("at").to_pylist() == [
        {
            "day": dt.date(2024, 2, 3),
            "price": Decimal("2.25"),
            "kind": "b",
            "tags": ["y", "z"],
            "ok": False,
            "gone": None,
        }
    ]


def test_all_problems_of_all_sheets_come_at_once(filled):
    """Each with its file and line; nothing is written."""
    first = filled(
        "first.csv",
        {
            1: {"verdict": "acept"},
            2: {"row": "r2-00000000", "verdict": "reject"},
            3: {"verdict": "fix", "fix:kilos": "heavy"},
            4: {"row": "", "verdict": "fix"},
        },
    )
    second = filled(
        "second.csv",
        {
            1: {"fix:name": "Max"},
            2: {"verdict": "accept", "name": "Ida", "kilos": "3,25"},
            3: {"verdict": "accept", "kilos": "5"},
            4: {"verdict": "accept", "kilos": "1E-07"},
        },
    )
    with pytest.raises(SheetError) as caught:
        fb.review_import([first, second], PETS)
    found = [(Path(v.file).name, v.line, v.code) for v in caught.value.violations]
    assert found == [
        ("first.csv", 6, "review.verdict"),
        ("first.csv", 7, "review.row"),
        ("first.csv", 8, "review.value"),
        ("first.csv", 10, "review.row"),
        ("first.csv", 10, "review.fix"),
        ("second.csv", 6, "review.verdict"),
        ("second.csv", 7, "review.edited"),
        ("second.csv", 8, "review.edited"),
    ]
    assert "did you mean `accept`?" in str(caught.value)


def test_a_sheet_of_other_columns_or_other_data_is_refused(filled, tmp_path):
    """The columns are named; rows that changed since the export are not touched."""
    sheet = filled("s.csv", {1: {"verdict": "reject"}})
    with pytest.raises(SheetError, match=r"it lacks `age`, `fix:age`; .*unknown `kilos`"):
        fb.review_import(sheet, {"id": [1], "name": ["Rex"], "age": [3]})
    with pytest.raises(SheetError, match="is not a row of this data"):
        fb.review_import(sheet, {**PETS, "kilos": [0.0, 0.0, 0.0, 0.0]})
    twice = tmp_path / "twice.csv"
    twice.write_text(sheet.read_text() + sheet.read_text().splitlines()[5] + "\n")
    with pytest.raises(SheetError, match="occurs in the sheet twice"):
        fb.review_import(twice, PETS)
    for content in (b"", b"\xff\xfe\x00", b'row,"verdict\n'):
        twice.write_bytes(content)
        with pytest.raises((SheetError, SourceError)):
            fb.review_import(twice, PETS)
    with pytest.raises(UsageError):
        fb.review_import([sheet] * 3, PETS)
    with pytest.raises(SourceError):
        fb.review_export({"a": []}, tmp_path / "none.csv")


def test_two_reviewers_are_compared_and_both_are_heard(filled):
    """A row that either rejects leaves; a value fixed twice keeps the first fix."""
    first = filled(
        "first.csv", {1: {"verdict": "accept"}, 2: {"verdict": "fix", "fix:name": "Ida"}}
    )
    second = filled(
        "second.csv",
        {
            1: {"verdict": "reject"},
            2: {"verdict": "fix", "fix:name": "Ada", "fix:kilos": "3"},
            3: {"verdict": "accept"},
        },
    )
    reviewed = fb.review_import([first, second], PETS)
    assert reviewed.rows["name"].to_pylist() == ["Ida", "Zoë\nBo", None]
    assert reviewed.rows["kilos"].to_pylist() == [3.0, 4.0, 1e-7]
    assert reviewed.conflicts == 1
    assert reviewed.agreement is not None
    assert (reviewed.agreement.rows, reviewed.agreement.share) == (2, 0.5)


def test_kappa_is_cohens():
    """20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no: agreement 0.7, kappa 0.4."""
    pairs = [("accept", "accept")] * 20 + [("accept", "reject")] * 5
    pairs += [("reject", "accept")] * 10 + [("reject", "reject")] * 15
    first = [Judged(place, one, "", {}) for place, (one, _) in enumerate(pairs)]
    second = [Judged(place, other, "", {}) for place, (_, other) in enumerate(pairs)]
    found = agreement(first, second)
    assert (found.rows, found.share) == (50, 0.7)
    assert found.kappa == pytest.approx(0.4)
    alike = agreement(first[:20], second[:20])
    assert (alike.share, alike.kappa) == (1.0, None)
    assert str(agreement([], second)) == "no row was reviewed by both reviewers"


NOTES = ReviewNotes(
    ("name", "note"),
    ("no {braces} please", "names must be Finnish"),
    ({"name": "Aino Niemi", "note": "Calls on Mondays."},),
)


def test_the_next_request_holds_comments_and_examples(tmp_path, monkeypatch):
    """Asserted on what the server received, for joint columns and for prose."""
    spec = {
        "tables": {
            "guests": {
                "n": 2,
                "columns": {
                    "id": {"kind": "key"},
                    "name": {"kind": "llm"},
                    "note": {"kind": "text", "prompt": "A note on {{ name }}"},
                },
            }
        }
    }
    path = tmp_path / "n.review.json"
    path.write_text(NOTES.to_json(), encoding="utf-8")
    with ChatServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "k")
        fb.generate(spec, model="openai:m", review=path)
    joint = [call.prompt for call in server.calls if call.schema]
    prose = [call.prompt for call in server.calls if not call.schema]
    assert joint
    assert prose
    for prompt in (*joint, *prose):
        assert "no {braces} please; names must be Finnish" in prompt
    assert all('{"name": "Aino Niemi"}' in prompt for prompt in joint)
    assert all("Calls on Mondays." in prompt for prompt in prose)
    with ChatServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        fb.extend({"name": ["Ada", "Bo"]}, 2, model="openai:m", review=NOTES)
    prompt = server.calls[0].prompt
    assert "names must be Finnish" in prompt
    assert '{"name": "Aino Niemi"}' in prompt


def test_a_review_that_nothing_can_use_is_refused(tmp_path):
    """A spec without language models, other columns, a file that is not a review."""
    with pytest.raises(UsageError, match="no table has the reviewed columns"):
        fb.generate("name person.name, note choice a|b", n=2, review=NOTES)
    path = tmp_path / "x.review.json"
    for content in ("[1]", '{"columns": [1], "comments": [], "examples": []}', "{"):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(fb.FabulaError) as caught:
            fb.generate("name llm", n=2, model="fake", review=path)
        assert caught.value.file == str(path)
    with pytest.raises(SourceError, match="can't be read"):
        fb.generate("name llm", n=2, model="fake", review=tmp_path / "none.json")
