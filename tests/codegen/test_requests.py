"""Requests in people's words, and programs in the manner of chats and notebooks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import fabula as fb
from fabula.codegen.targets import wanted_of
from fabula.errors import ProgramError
from fabula.inference.prompt_tables import tables_from_prompt
from fabula.testing import ChatServer
from tests.codegen.builders import HEAD, fenced, made

THREE = """\
Create a Python program to generate 3 different pandas dataframes.

1. Flats data
I want 40 rows. Each row should include the following fields:
 - id (incrementing integer starting at 1)
 - flat size (m^2)
 - rent
 + any relevant foreign keys

2. Quarter
Each row should include the following fields:
 - id (incrementing integer starting at 1)
 - city
 + any relevant foreign keys

 3. Flat types
 - id (incrementing integer starting at 1)
 - flat type
 + any relevant foreign keys

Make sure that more size is usually higher rent.
"""
QUARTERS = """\
rng = np.random.default_rng(3)
quarter = pd.DataFrame({"id": range(1, 6), "city": ["Graz", "Linz", "Wien", "Bern", "Chur"]})
flat_types = pd.DataFrame({"id": [1, 2], "flat_type": ["loft", "studio"]})
size = rng.uniform(20, 90, 40).round(1)
flats = pd.DataFrame({"id": range(1, 41), "flat_size_m2": size, "rent": (size * 15).round(2)})
"""
LINKED = QUARTERS + (
    'flats["quarter_id"] = rng.integers(1, 6, 40)\nflats["flat_type_id"] = rng.integers(1, 3, 40)\n'
)


def written(code: str, request: str, **wanted: Any) -> Any:
    """What a program that a model wrote at once makes."""
    with ChatServer(lambda _: fenced(HEAD + code)) as server:
        return made(server, request, rounds=0, **wanted)


def test_prose_may_stand_between_a_tables_name_and_its_columns() -> None:
    wanted = wanted_of(THREE)
    assert [(table.name, table.rows) for table in wanted.tables] == [
        ("flats", 40),
        ("quarter", None),
        ("flat_types", None),
    ]
    assert wanted.any_links == {"flats", "quarter", "flat_types"}


def test_links_that_are_left_to_the_program_are_held_against_their_parents() -> None:
    dataset = written(LINKED, THREE)
    links = {check.name for check in dataset.checks.results if check.kind == "foreign_key"}
    assert links == {"`quarter_id` exists in `quarter`", "`flat_type_id` exists in `flat_types`"}
    with pytest.raises(ProgramError, match=r"don't exist in `quarter\.id`"):
        written(LINKED.replace("rng.integers(1, 6, 40)", "rng.integers(1, 9, 40)"), THREE)
    with pytest.raises(ProgramError, match="not asked for `mood`"):
        written(QUARTERS + 'flats["mood"] = 1\n', THREE)


def test_a_relation_said_in_the_request_is_checked() -> None:
    with pytest.raises(ProgramError, match="correlation of `flat size"):
        written(LINKED.replace("size * 15", "900 - size * 5"), THREE)


def test_what_is_not_checked_of_a_request_is_said() -> None:
    code = 'df = pd.DataFrame({"id": range(1, 5), "size": [5.5, 6, 7, 8]})\n'
    request = "4 rows of houses: id, size.\n{}"
    quiet, noted = (
        written(code, request.format(words)).manifest["program"]["notes"]
        for words in ("They stand in Graz.", "Large ones should be rare.")
    )
    assert not quiet
    assert "declare what must hold with `--check`" in noted[0]


@pytest.mark.parametrize(
    ("request_text", "tables"),
    [
        (
            "Make grades of 60 students and 5 courses as frames: students (student_id, name), "
            "courses (course_id, title) and grades (student_id, course_id, mark).",
            {"students": 60, "courses": 5, "grades": None},
        ),
        (
            "Write a script for a clinic: 200 patients (patient_id, name) and 800 visits "
            "(visit_id, patient_id, day).",
            {"patients": 200, "visits": 800},
        ),
        (
            "A set of 120 workers with teams. Workers: worker_id, name, team_id, salary. "
            "Teams: team_id, name. The head has no boss.",
            {"workers": 120, "teams": None},
        ),
    ],
)
def test_tables_in_sentences_are_read(request_text: str, tables: dict[str, int | None]) -> None:
    wanted = wanted_of(request_text)
    assert {table.name: table.rows for table in wanted.tables} == tables


def test_pieces_of_a_sentence_are_no_columns() -> None:
    """Then the program decides, instead of being refused."""
    wanted = wanted_of("Sensor readings: 10 devices, one reading every 15 minutes for 7 days.")
    assert wanted.tables == ()


def test_a_manager_is_a_row_of_the_same_table_and_above_no_manager_of_his() -> None:
    request = "workers (30 rows): worker_id, name, manager_id\nteams: team_id, name"
    spec = tables_from_prompt(request)
    assert spec is not None
    assert spec.tables["workers"].columns["manager_id"].kind == "reference"
    head = (
        'teams = pd.DataFrame({"team_id": ["A", "B"], "name": ["a", "b"]})\n'
        'workers = pd.DataFrame({"worker_id": range(1, 31), "name": "x"})\n'
    )
    tree = head + 'workers["manager_id"] = [None] + [1] * 29\n'
    assert written(tree, request).checks.passed
    with pytest.raises(ProgramError, match="has loops"):
        written(tree.replace("[None] + [1] * 29", "[None] + [3] + [2] * 28"), request)


@pytest.mark.parametrize("value", ['[f"A-{i}" for i in range(20)]', "range(501, 521)"])
def test_an_id_may_be_a_code_where_nothing_says_that_it_counts(value: str) -> None:
    code = f'df = pd.DataFrame({{"order_id": {value}, "price": 2.5}})\n'
    assert written(code, "20 rows of orders: order id, price").checks.passed
    with pytest.raises(ProgramError):
        written(code, "20 rows of orders: order id (incrementing integer), price")


def test_names_are_matched_as_in_replies() -> None:
    code = 'df = pd.DataFrame({"id": range(1, 5), "house_size": 50.5, "num_rooms": 3})\n'
    dataset = written(code, "4 rows of houses: id, house size (m^2), number of rooms")
    assert list(dataset.to_dicts()[0]) == ["id", "house size (m^2)", "number of rooms"]


FRAME = 'df = pd.DataFrame({"id": range(1, 5), "size": [5.5, 6, 7, 8]})\n'


@pytest.mark.parametrize(
    "code",
    [
        FRAME + "display(df)\n",
        "from IPython.display import display\n" + FRAME + "display(df)\n",
        "import argparse\n"
        "parser = argparse.ArgumentParser()\n"
        'parser.add_argument("--rows", type=int, default=4)\n'
        "args = parser.parse_args()\n" + FRAME + "assert len(df) == args.rows\n",
        "import sys\nassert len(sys.argv) == 1\n" + FRAME,
        "import os\n" + FRAME + 'os.makedirs("/mnt/data", exist_ok=True)\n'
        'df.to_csv("/mnt/data/houses.csv", index=False)\n',
        FRAME + 'df.to_json(path_or_buf="/content/houses.json")\n',
        "import sqlite3\n"
        'base = sqlite3.connect(":memory:")\n'
        + FRAME
        + 'df.to_sql("t", base, index=False)\ndf = pd.read_sql("SELECT * FROM t", base)\n',
    ],
    ids=["display", "IPython", "argparse", "argv", "folder of a chat", "by name", "sqlite3"],
)
def test_programs_of_chats_and_notebooks_run(code: str) -> None:
    assert written(code, "4 rows of houses: id, size").checks.passed


def test_a_number_beside_values_that_are_written_out_stays(tmp_path: Path) -> None:
    request = "workers (60 rows): worker_id, name, team_id\nteams: team_id, name"
    code = (
        'teams = pd.DataFrame({"team_id": range(1, 4), "name": ["a", "b", "c"]})\n'
        "n = 60\n"
        'workers = pd.DataFrame({"worker_id": np.arange(1, n + 1), "name": "x", '
        '"team_id": np.random.randint(1, 4, n)})\n'
    )
    written(code, request, output=tmp_path / "out")
    more = fb.run_program(tmp_path / "out", 180, output=tmp_path / "more")
    assert {name: more[name].num_rows for name in more} == {"workers": 180, "teams": 3}
