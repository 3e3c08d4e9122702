"""What a run returns, and what its manifest says and does not say."""

from __future__ import annotations

import datetime as dt
import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pydantic import BaseModel

from fabula.errors import PrerequisiteError, SourceError, UsageError
from fabula.planning.plan import ModelCalls, Plan
from fabula.runs.dataset import Dataset
from fabula.runs.fingerprint import identity, public_spec, spec_sha256
from fabula.runs.progress import Tracker
from tests.runs.standin import StandIn, make_plan, run

PEOPLE = pa.table({"name": ["Ada", "<script>alert(1)</script>"], "age": [36, None]})


class Person(BaseModel):
    name: str
    age: int | None


def test_one_table_behaves_as_that_table() -> None:
    """Dataset: columns by name, frames of every library, rows as objects."""
    data = Dataset({"people": PEOPLE})
    assert data.num_rows == 2
    assert data["age"].to_pylist() == [36, None]
    assert pa.table(data).equals(PEOPLE)
    assert duckdb.sql("SELECT max(age) FROM data").fetchall() == [(36,)]
    assert isinstance(data.to_pandas(), pd.DataFrame)
    assert isinstance(data.to_polars(), pl.DataFrame)
    assert data.to_models(Person)[0] == Person(name="Ada", age=36)
    with pytest.raises(KeyError):
        data["gone"]


def test_several_tables_are_named() -> None:
    """Dataset: a mapping; leaving out the name is an error that lists them."""
    data = Dataset({"people": PEOPLE, "empty": PEOPLE.slice(0, 0)})
    assert list(data) == ["people", "empty"]
    assert repr(data) == "Dataset(people: 2 rows, empty: 0 rows)"
    assert data.to_pandas("people").shape == (2, 2)
    with pytest.raises(UsageError, match="say which table: `people`, `empty`"):
        data.to_arrow()
    with pytest.raises(UsageError, match="there is no table `poeple`") as caught:
        data.to_dicts("poeple")
    assert caught.value.hint == "did you mean `people`?"


def test_a_missing_library_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prerequisites: pandas and polars are extras."""
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(PrerequisiteError) as caught:
        Dataset({"people": PEOPLE}).to_polars()
    assert caught.value.hint == "pip install 'fabula[polars]'"


def test_the_notebook_form_is_short_and_escapes_data() -> None:
    """Dataset: at most twenty rows in all, nothing of the data as HTML, no script, no network."""
    names = [f"t{i}" for i in range(30)]
    page = Dataset({name: pa.concat_tables([PEOPLE] * 50) for name in names})._repr_html_()
    assert page.count("<tr><td") <= 20
    assert "and 20 more tables" in page
    page = Dataset({"<b>": pa.concat_tables([PEOPLE] * 50)})._repr_html_()
    assert page.count("<tr><td") == 20
    assert "… 80 more" in page
    assert "<script" not in page
    assert "<b>" not in page
    assert "http" not in page
    assert page.count("<svg") == 2
    assert len(page) < 20_000


def test_amounts_of_money_have_bars_as_other_numbers_do() -> None:
    """Decimals that never repeat are numbers, not texts."""
    amounts = pa.array(map(Decimal, range(100)), pa.decimal128(18, 2))
    page = Dataset({"bills": pa.table({"amount": amounts})})._repr_html_()
    assert "0.00 … 99.00" in page


def test_any_column_type_can_be_shown() -> None:
    """Dataset: no kind of value breaks the notebook form."""
    odd = {
        "nothing": pa.nulls(2),
        "infinite": [float("inf"), float("nan")],
        "wide": [-1e308, 1e308],
        "list": [[1], None],
        "time": [dt.time(1), None],
        "span": [dt.timedelta(1), None],
        "day": [dt.date(2024, 1, 1), None],
        "bytes": [b"\x00", None],
        "flag": [True, None],
        "long": ["x" * 1000, ""],
    }
    page = Dataset({"odd": pa.table(odd)})._repr_html_()
    assert "x" * 100 not in page
    assert Dataset({"odd": pa.table(odd).slice(0, 0)})._repr_html_()


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet", "arrow"])
def test_a_table_is_written_to_a_file_and_tables_to_a_folder(tmp_path: Path, ending: str) -> None:
    """Dataset.write."""
    data = Dataset({"people": PEOPLE})
    data.write(tmp_path / "new" / f"file.{ending}")
    assert (tmp_path / "new" / f"file.{ending}").stat().st_size
    both = Dataset({"people": PEOPLE, "a/b": PEOPLE})
    both.write(tmp_path / "folder", format=ending)
    assert sorted(path.name for path in (tmp_path / "folder").iterdir()) == [
        f"a%2Fb.{ending}",
        f"people.{ending}",
    ]
    with pytest.raises(UsageError, match="say which table"):
        both.write(tmp_path / f"file.{ending}")


def test_a_run_is_opened_again_from_its_folder(tmp_path: Path) -> None:
    """Dataset.open: files are found by the manifest; a missing one is named."""
    plan = make_plan(100)
    data = run(plan, StandIn(plan), output=tmp_path)
    again = Dataset.open(tmp_path)
    assert again["orders"].equals(data["orders"])
    assert again.checks.passed
    (tmp_path / "orders.parquet").unlink()
    with pytest.raises(SourceError) as caught:
        Dataset.open(tmp_path)
    assert caught.value.code == "source.missing"
    with pytest.raises(SourceError, match="holds no finished run"):
        Dataset.open(tmp_path / "nowhere")


def secretive_plan(**changes: Any) -> Plan:
    writer = {
        "name": "gpt",
        "base_url": "https://me:hunter2@llm.example/v1?key=abc123",
        "proxy": "http://user:hunter2@proxy.example:8080",
        "api_key_env": "LLM_KEY",
        "headers": {"X-Token": "hunter2"},
        "ca_file": "/srv/certificates/ca.pem",
    }
    return make_plan(100, models={"writer": writer | changes})


def test_no_secret_and_no_folder_of_this_machine_is_in_a_run(tmp_path: Path) -> None:
    """Names of keys only; headers, credentials in addresses and home folders stay out."""
    plan = secretive_plan()
    run(plan, StandIn(plan), output=tmp_path)
    text = "".join(path.read_text() for path in tmp_path.glob("*.json"))
    for secret in ("hunter2", "abc123", "/srv/certificates", str(tmp_path)):
        assert secret not in text
    writer = json.loads((tmp_path / "manifest.json").read_text())["spec"]["models"]["writer"]
    assert writer["base_url"] == "https://llm.example/v1"
    assert writer["proxy"] == "http://proxy.example:8080"
    assert writer["headers"] == {"X-Token": "***"}
    assert (writer["api_key_env"], writer["ca_file"]) == ("LLM_KEY", "ca.pem")
    assert public_spec(plan.spec) == public_spec(secretive_plan(headers={"X-Token": "new"}).spec)


def test_the_fingerprint_tells_runs_apart() -> None:
    """Resume: spec, seed, sizes and format decide; secrets do not."""
    plan = make_plan(100)
    known = identity(plan, "parquet")
    assert identity(make_plan(100), "parquet") == known
    others = [
        identity(make_plan(101), "parquet"),
        identity(make_plan(100, seed=8), "parquet"),
        identity(plan, "csv"),
        identity(make_plan(100, checks={"orders": [{"kind": "row", "sql": "TRUE"}]}), "parquet"),
    ]
    prints = {item["fingerprint"] for item in [known, *others]}
    assert len(prints) == 5
    assert spec_sha256(plan.spec) == known["spec_sha256"]


def test_data_of_the_fake_model_is_marked(tmp_path: Path) -> None:
    """`fake` output is watermarked in the manifest, also behind an alias."""
    plan = make_plan(100, models={"writer": "fake"})
    call = ModelCalls("orders", "writer", (), 1, (1, 1), (1, 1), None, (0.0, 0.0))
    for calls, marked in (((call,), True), ((), False)):
        asked = Plan(spec=plan.spec, seed=7, tables=plan.tables, calls=calls)
        run(asked, StandIn(asked), output=tmp_path / str(marked))
        manifest = json.loads((tmp_path / str(marked) / "manifest.json").read_text())
        assert manifest["fake"] is marked


def test_progress_is_told_in_rows() -> None:
    """Progress: from 0 to all, per table, never backwards, never above what was asked."""
    plan = make_plan(200_000)
    told: list[tuple[str, int, int]] = []
    run(plan, StandIn(plan), progress=lambda *step: told.append(step), workers=2)
    for table, rows in (("customers", 20_000), ("orders", 200_000)):
        steps = [(done, asked) for name, done, asked in told if name == table]
        assert steps[0] == (0, rows)
        assert steps[-1] == (rows, rows)
        assert steps == sorted(steps)


def test_rows_that_models_answer_count_at_once() -> None:
    """Progress: a block of a table that models fill is told while it is made."""
    told: list[tuple[str, int, int]] = []
    tracker = Tracker(lambda *step: told.append(step))
    tracker.start("turns", 0, 600)
    for rows in (100, 512):
        tracker.answered("turns", rows)
    assert tracker.safe == 512
    tracker.made("turns", 600)
    tracker.kept("turns", 600)
    assert tracker.safe == 600
    assert [done for _, done, _ in told] == [0, 100, 512, 600]


def test_a_stopped_run_notes_the_rows_that_it_tells() -> None:
    """Ctrl-C: `stopped after 100 rows` and `Continuing: 100 of 600` are the same rows."""
    notes: list[dict[str, int]] = []
    tracker = Tracker(None)
    tracker.resume({}, lambda rows: notes.append(dict(rows)))
    tracker.start("turns", 0, 600)
    tracker.answered("turns", 20)
    tracker.answered("turns", 100)
    tracker.stopped()
    assert tracker.safe == notes[-1]["turns"] == 100
