"""Columns of kind `program`: one function, asked for once, tried, repaired, run for every row."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import fabula as fb
from fabula import col
from fabula.errors import OutputError, SinkError, SpecError
from fabula.testing import ChatServer
from fabula.testing.replies import refusal

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox needs Linux")

GOOD = """\
def column(rows, rng):
    digits = rng.integers(0, 10_000, len(rows))
    return [c[:3].upper() + f"-{d:04d}" for c, d in zip(rows["category"], digits)]
"""
BY_ROW = """\
def value(row, rng):
    return f"{row['category'][:3].upper()}-{rng.integers(0, 10_000):04d}"
"""


def fenced(source: str) -> str:
    """A reply as models write it."""
    return f"Here is the function.\n\n```python\n{source}```\nIt uses the category."


def shop(
    server: ChatServer | None, n: int = 100, *, check: str | None = None, **code: Any
) -> dict[str, Any]:
    """A spec whose column `code` is a program's."""
    asked = {
        "kind": "program",
        "prompt": "three capitals of the category, a dash, four digits",
        "examples": ["TOO-0042"],
        **code,
    }
    table: dict[str, Any] = {
        "n": n,
        "columns": {
            "id": {"kind": "key"},
            "category": {"kind": "choice", "values": ["tools", "garden"]},
            "code": asked,
        },
    }
    if check:
        table["checks"] = [{"kind": "row", "sql": check, "repair": "resample"}]
    default: Any = "fake"
    if server is not None:
        default = {"provider": "openai", "name": "m", "base_url": server.url}
    return {"models": {"default": default}, "tables": {"products": table}}


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")


def made(replies: Sequence[Any], n: int = 100, **options: Any) -> tuple[list[Any], list[str]]:
    """The values of `code`, and the last message of each call."""
    with ChatServer(replies) as server:
        dataset = fb.generate(shop(server, n, **options), seed=3)
    return dataset["products"]["code"].to_pylist(), [call.prompt for call in server.calls]


def test_one_function_makes_all_rows() -> None:
    """70,000 rows in two blocks, one call; the values agree with the row's category."""
    with ChatServer([fenced(GOOD)]) as server:
        table = fb.generate(shop(server, 70_000), seed=3)["products"]
    rows = table.to_pylist()
    assert len(server.calls) == 1
    assert all(row["code"][:4] == f"{row['category'][:3].upper()}-" for row in rows)
    assert len({row["code"] for row in rows}) > 19_000  # of 20,000 codes, drawn 70,000 times
    assert rows[:1_000] != rows[65_536:66_536]


def test_a_function_may_see_one_row_at_a_time() -> None:
    values, prompts = made([fenced(BY_ROW)])
    assert {value[:4] for value in values} == {"TOO-", "GAR-"}
    assert len(prompts) == 1


def test_the_model_sees_the_columns_before_it_and_the_examples() -> None:
    _, (prompt,) = made([fenced(GOOD)])
    asked = json.loads(prompt[prompt.index("{\n") :])
    assert asked["values"] == "three capitals of the category, a dash, four digits"
    assert asked["examples"] == ["TOO-0042"]
    assert set(asked["rows"]) == {"id", "category"}
    assert set(asked["rows"]["category"]["values"]) == {"tools", "garden"}


WRONG = {
    "no code": ("I would need more details.", "no function"),
    "a refusal": (refusal(), "no function"),
    "a syntax error": (fenced("def column(rows, rng)\n    return 1\n"), "line 1"),
    "a name that is not there": (fenced(GOOD.replace('"category"', '"kind"')), "KeyError: 'kind'"),
    "a package that is not there": (fenced("import nothing_here\n" + GOOD), "nothing_here"),
    "no function": (fenced("x = 1\n"), "there is no function"),
    "too few values": (fenced(GOOD + "\n_c = column\ncolumn = lambda r, g: _c(r, g)[1:]\n"), "99"),
    "another type": (fenced("def value(row, rng): return 3.5\n"), "row 0: 3.5 is a float"),
    "no values": (fenced("def value(row, rng): return None\n"), "no value for any row"),
    "another form": (fenced(GOOD.replace("upper", "lower")), "do not have the form"),
    "a clock": (
        fenced("import time\ndef value(row, rng): return f'TOO-{time.time_ns() % 10_000:04d}'\n"),
        "other values when it is called again",
    ),
    "a file": (
        fenced("def value(row, rng): return open('/etc/passwd').read()\n"),
        "refused): PermissionError",
    ),
    "an end": (fenced("import os\ndef value(row, rng): os._exit(0)\n"), "exited before"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_function_that_fails_goes_back_with_the_cause(wrong: str) -> None:
    """The second call holds what went wrong, and its function is used."""
    reply, words = WRONG[wrong]
    values, prompts = made([reply, fenced(GOOD)])
    assert len(prompts) == 2
    assert words in prompts[1]
    assert all(value[3] == "-" for value in values)


def test_a_traceback_names_the_line_and_shows_it() -> None:
    broken = GOOD.replace("c[:3]", "(c[:3] + 1)")
    _, prompts = made([fenced(broken), fenced(GOOD)])
    assert "in line 3 (exception): TypeError" in prompts[1]
    assert "(c[:3] + 1)" in prompts[1]


def test_a_function_that_never_works_ends_the_run_with_its_text() -> None:
    """One call and three repairs; the error holds the function and its fault."""
    broken = fenced("def column(rows, rng):\n    return 1 / 0\n")
    with ChatServer([broken] * 9) as server, pytest.raises(OutputError) as caught:
        fb.generate(shop(server))
    assert len(server.calls) == 4
    assert caught.value.exit_code == 4
    assert caught.value.where == "tables.products.columns.code"
    assert "return 1 / 0" in caught.value.message
    assert "ZeroDivisionError" in caught.value.message


def test_the_same_seed_gives_the_same_bytes_and_a_rerun_calls_nothing(tmp_path: Path) -> None:
    """In two folders; the reply comes from the ledger. Another seed gives other values."""
    with ChatServer([fenced(GOOD)]) as server:
        for name in ("a", "b"):
            fb.generate(shop(server, 66_000), seed=3, output=tmp_path / name)
        assert len(server.calls) == 1
        files = [(tmp_path / name / "products.parquet").read_bytes() for name in ("a", "b")]
        assert files[0] == files[1]
    with ChatServer([fenced(GOOD)]) as server:
        fb.generate(shop(server, 66_000), seed=4, output=tmp_path / "c")
    first, other = (pq.read_table(tmp_path / f / "products.parquet")["code"] for f in "ac")
    assert first != other


def test_the_source_is_kept_in_the_runs_folder(tmp_path: Path) -> None:
    """Alongside the data, and in the manifest with the model that wrote it."""
    with ChatServer([fenced(GOOD)]) as server:
        spec = shop(server)
        fb.generate(spec, output=tmp_path / "out")
        assert (tmp_path / "out" / "products.code.py").read_text().strip() == GOOD.strip()
        manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
        assert manifest["models"]["default"]["programs"] == {"products.code": GOOD.strip()}
        del spec["tables"]["products"]["columns"]["code"]
        fb.generate(spec, output=tmp_path / "out", overwrite=True)
    assert not (tmp_path / "out" / "products.code.py").exists()


def test_a_pattern_holds_for_every_value() -> None:
    """One value in a hundred is enough to send the function back."""
    odd = "def value(row, rng): return 'X' if row['id'] == 7 else 'A1'\n"
    right = "def value(row, rng): return 'A1'\n"
    values, prompts = made([fenced(odd), fenced(right)], pattern="[A-Z][0-9]", examples=[])
    assert set(values) == {"A1"}
    assert "1 of 100 values do not match the pattern `[A-Z][0-9]`, such as 'X'" in prompts[1]


@pytest.mark.parametrize(
    ("kind", "body", "value"),
    [
        ("int", "row['id'] * 2.0", 2),
        ("float", "row['id']", 1.0),
        ("bool", "row['id'] == 1", True),
        ("str", "'é☃' * row['id']", "é☃"),
        ("date", "__import__('datetime').date(2024, 2, 28 + row['id'])", "2024-02-29"),
    ],
)
def test_values_have_the_type_that_was_asked(kind: str, body: str, value: Any) -> None:
    reply = fenced(f"def value(row, rng): return {body}\n")
    values, _ = made([reply], 1, type=kind, examples=[])
    assert str(values[0]) == str(value)


def test_a_parents_column_can_be_used() -> None:
    """Through a reference, as in expressions."""
    source = "def column(rows, rng): return rows['house_id.town'] + '!'\n"
    with ChatServer([fenced(source)]) as server:
        spec = {
            "models": {"default": {"provider": "openai", "name": "m", "base_url": server.url}},
            "tables": {
                "houses": {
                    "n": 5,
                    "columns": {
                        "id": {"kind": "key"},
                        "town": {"kind": "choice", "values": ["Graz", "Wien"]},
                    },
                },
                "rooms": {
                    "n": 50,
                    "columns": {
                        "house_id": {"kind": "reference", "to": "houses"},
                        "label": {
                            "kind": "program",
                            "prompt": "the town and an exclamation mark",
                            "of": ["house_id.town"],
                        },
                    },
                },
            },
        }
        dataset = fb.generate(spec)
    towns = dict(
        zip(*(dataset["houses"][name].to_pylist() for name in ("id", "town")), strict=True)
    )
    assert all(row["label"] == towns[row["house_id"]] + "!" for row in dataset["rooms"].to_pylist())


def test_missing_values_and_repaired_rows_work_as_with_every_kind() -> None:
    """A share of nulls; rows that break a check are drawn again."""
    values, prompts = made([fenced(GOOD)], 2_000, nulls=0.25)
    assert 0.2 < values.count(None) / 2_000 < 0.3
    values, prompts = made([fenced(GOOD)], 2_000, check="code NOT LIKE '%-9%'")
    assert len(values) == 2_000
    assert not any("-9" in value for value in values)
    assert len(prompts) == 1


def test_rows_unlike_those_it_was_tried_on_end_the_run_in_words() -> None:
    """The block is named; nothing is made up."""
    late = "def value(row, rng):\n    return 'TOO-0042' if row['id'] < 60_000 else 1 / 0\n"
    with ChatServer([fenced(late)]) as server, pytest.raises(OutputError) as caught:
        fb.generate(shop(server, 70_000))
    assert caught.value.code == "program.failed"
    assert "block 0" in caught.value.message
    assert "line 2" in caught.value.message


def test_a_column_without_others_counts_on_its_row_number() -> None:
    """Nothing before it; the index of `rows` is the number of the row, in every block."""
    source = "def column(rows, rng): return list(rows.index)\n"
    with ChatServer([fenced(source)]) as server:
        model = {"provider": "openai", "name": "m", "base_url": server.url}
        number = {"kind": "program", "prompt": "0, 1, 2 …", "type": "int"}
        tables = {"t": {"n": 66_000, "columns": {"x": number}}}
        table = fb.generate({"models": {"default": model}, "tables": tables})["t"]
    assert table["x"].to_pylist() == list(range(66_000))


@pytest.mark.parametrize("kind", ["str", "int", "float", "bool", "date"])
def test_the_fake_model_writes_functions_too(kind: str) -> None:
    """Previews without a model of one's own."""
    values = fb.generate(shop(None, 20, type=kind, examples=[]))["products"]["code"]
    assert values.null_count == 0
    assert len(values) == 20


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ({"of": ["colour"]}, "`colour`, which no column defines"),
        ({"pattern": "[a-"}, "is not a regular expression"),
        ({"type": "table"}, "type"),
        ({"prompt": None}, "prompt"),
    ],
)
def test_a_wrong_spec_is_refused_before_anything_is_asked(
    column: dict[str, Any], words: str
) -> None:
    with pytest.raises(SpecError) as caught:
        fb.generate(shop(None, **column))
    assert words in str(caught.value)


def test_the_kind_is_there_in_python_and_in_the_plan() -> None:
    """`col.program`; the plan says what it asks of the model."""
    column = col.program("a code", examples=["TOO-0042"], of=["category"])
    assert (column.kind, column.of, column.type) == ("program", ("category",), "str")
    (calls,) = fb.plan(shop(None, 1_000_000)).calls
    assert (calls.columns, calls.calls) == (("code",), (1, 4))


def test_a_run_that_ends_before_its_manifest_still_keeps_the_function(tmp_path: Path) -> None:
    """All parts are there and no record; the rerun writes the function down, asks nothing."""
    out = tmp_path / "out"
    code = out / "products.code.py"

    def stand_in_the_way(*_: object) -> None:
        code.mkdir(exist_ok=True)

    with ChatServer([fenced(GOOD)]) as server:
        spec = shop(server)
        with pytest.raises(SinkError):
            fb.generate(spec, seed=3, output=out, progress=stand_in_the_way)
        assert not (out / "manifest.json").exists()
        code.rmdir()
        again = fb.generate(spec, seed=3, output=out)
    assert again.reused == 100
    assert len(server.calls) == 1
    assert code.read_text().strip() == GOOD.strip()
    assert again.manifest["models"]["default"]["programs"] == {"products.code": GOOD.strip()}


def test_annotations_mean_what_they_mean_in_a_file() -> None:
    """A function is compiled as in its own file, without the `__future__` of ours."""
    typed = GOOD.replace("rows, rng)", "rows, rng: int)") + (
        "assert column.__annotations__ == {'rng': int}\n"
    )
    assert len(made([fenced(typed)])[1]) == 1
