"""The verbs in Python: any form of spec in, a plan or data out."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import pickle
from pathlib import Path
from typing import Annotated, Literal

import pandas as pd
import pyarrow as pa
import pytest
from pydantic import BaseModel, Field, field_validator

import fabula as fb
from fabula.errors import CheckError, SourceError, SpecError, UsageError
from fabula.spec.loading import parse_spec
from fabula.testing.server import ChatServer
from tests.templates import template

LINE = "id key, name person.name, age int 18..90, plan choice free|pro"


class Patient(BaseModel):
    """A patient of a hospital."""

    id: int
    name: str
    age: int = Field(ge=0, le=110)
    ward: Literal["ICU", "ER", "Oncology"]
    visits: Annotated[int, fb.col.poisson(3)]


class Maker(BaseModel):
    town: str


@dataclasses.dataclass
class Point:
    x: Annotated[float, Field(ge=0, le=1)]
    y: Annotated[float, Field(ge=0, le=1)]


class Even(BaseModel):
    n: int = Field(ge=0, le=10_000)

    @field_validator("n")
    @classmethod
    def _even(cls, n: int) -> int:
        if n % 2:
            raise ValueError("n must be even")
        return n


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.yaml"
    path.write_text(template("shop"), encoding="utf-8")
    return path


TABLE = fb.TableSpec("users", n=3, columns={"id": fb.col.key()})


@pytest.mark.parametrize(
    "spec",
    [
        fb.DatasetSpec(tables={"users": TABLE}),
        TABLE,
        {"users": TABLE},
        {"tables": {"users": {"n": 3, "columns": {"id": {"kind": "key"}}}}},
        "id key",
        Patient,
        Point,
    ],
)
def test_every_form_of_spec_generates(spec: fb.DatasetSpec) -> None:
    data = fb.generate(spec, n=3)
    assert data.count() == 3


def test_a_file_is_a_spec_by_its_path_or_its_name(shop: Path, monkeypatch) -> None:
    assert fb.resolve(shop) == fb.resolve(str(shop)) == fb.load(shop)
    monkeypatch.chdir(shop.parent)
    assert fb.resolve("shop.yaml") == fb.load(shop)


def test_a_class_is_a_spec_by_its_module_and_name(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "things_of_a_test.py").write_text(
        "from pydantic import BaseModel\nclass Thing(BaseModel):\n    id: int\n    ok: bool\n"
    )
    monkeypatch.chdir(tmp_path)
    assert fb.generate("things_of_a_test:Thing", n=2).to_arrow().column_names == ["id", "ok"]
    with pytest.raises(UsageError, match="did you mean `Thing`"):
        fb.resolve("things_of_a_test:Think")
    with pytest.raises(UsageError, match="can't be imported"):
        fb.resolve("no_such_module:Thing")


@pytest.mark.parametrize("spec", [5, None, object(), int])
def test_what_is_no_spec_is_refused(spec: object) -> None:
    with pytest.raises(UsageError) as caught:
        fb.resolve(spec)
    assert caught.value.hint


def test_a_missing_file_names_the_one_that_is_near(shop: Path) -> None:
    with pytest.raises(SpecError, match=r"did you mean `shop\.yaml`"):
        fb.load(shop.with_name("shp.yaml"))
    with pytest.raises(SpecError, match="can't be read"):
        fb.load(shop.parent)


@pytest.mark.parametrize("raw", [b"PAR1\x00\xff\xfe", b"\x89PNG\r\n", bytes(range(256))])
def test_a_binary_file_is_told_as_such(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "data.parquet"
    path.write_bytes(raw)
    with pytest.raises(SpecError, match="no") as caught:
        fb.load(path)
    assert caught.value.code == "spec.unreadable"
    assert "fabula show" in (caught.value.hint or "")


def test_files_in_utf_16_as_some_shells_write_them_load(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text("tables: {t: {n: 1, columns: {größe: {kind: key}}}}", encoding="utf-16")
    assert list(fb.load(path).tables["t"].columns) == ["größe"]


def test_a_plan_draws_nothing_and_calls_nobody(shop: Path) -> None:
    plan = fb.plan(shop, n={"customers": 10})
    assert plan.order == ("products", "customers", "orders")
    assert plan["customers"].rows == 10
    assert fb.plan(LINE, 5).spec.tables["rows"].n == 5


def test_the_same_seed_gives_the_same_rows() -> None:
    first, second = fb.generate(LINE, 100, seed=3), fb.generate(LINE, 100, seed=3)
    assert first.to_arrow().equals(second.to_arrow())
    assert not first.to_arrow().equals(fb.generate(LINE, 100, seed=4).to_arrow())


def test_a_preview_is_small_and_its_references_hold(shop: Path) -> None:
    """Journey (a)."""
    data = fb.preview(shop, 4)
    assert {name: data.count(name) for name in data} == dict.fromkeys(data, 4)
    parents = set(data["customers"]["id"].to_pylist())
    assert set(data["orders"]["customer_id"].to_pylist()) <= parents
    assert data.checks.passed


def test_a_preview_takes_a_size_for_each_table(shop: Path) -> None:
    data = fb.preview(shop, {"orders": 2})
    assert {name: data.count(name) for name in data} == {
        "products": 10,
        "customers": 10,
        "orders": 2,
    }
    with pytest.raises(UsageError, match="did you mean `orders`"):
        fb.preview(shop, {"order": 2})
    with pytest.raises(UsageError, match="below 0"):
        fb.preview(shop, -1)


def test_a_preview_makes_no_more_rows_than_the_spec_asks_for() -> None:
    assert fb.preview(TABLE, 10).count() == 3
    assert fb.preview(LINE, 0).count() == 0


def test_a_preview_leaves_nothing_in_the_current_folder(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    fb.preview(LINE, 3)
    assert sorted(tmp_path.rglob("*")) == before


def test_output_is_written_and_returned(tmp_path: Path) -> None:
    data = fb.generate(LINE, 10, output=tmp_path / "out", format="csv", workers=2)
    assert (tmp_path / "out" / "manifest.json").exists()
    assert data.count() == 10


def test_a_class_validates_every_row() -> None:
    """Journey (b)."""
    data = fb.generate(Patient, n=500, seed=7)
    patients = data.to_models(Patient)
    assert len(patients) == 500
    assert {patient.ward for patient in patients} == {"ICU", "ER", "Oncology"}
    with pytest.raises(CheckError, match="`Even` refuses row") as caught:
        fb.generate(Even, n=50)
    assert "n must be even" in caught.value.message
    assert caught.value.exit_code == 1


def test_with_a_prompt_the_model_fills_what_has_no_column_of_its_own() -> None:
    plan = fb.plan(fb.resolve(Patient, prompt="patients of a ward"), 5)
    (calls,) = plan.calls
    assert calls.columns == ("id", "name", "age", "ward")
    data = fb.generate(Patient, 5, prompt="patients of a ward", model="fake")
    assert len(data.to_models(Patient)) == 5


def test_a_prompt_fills_in_for_tables_that_have_none() -> None:
    spec = fb.resolve({"a": TABLE, "b": TABLE.model_copy(update={"prompt": "b"})}, prompt="p")
    assert [table.prompt for table in spec.tables.values()] == ["p", "b"]


def test_validating_a_spec_tells_every_problem_with_its_line() -> None:
    spec = parse_spec(
        "tables:\n  t:\n    columns:\n      a: {kind: expr, sql: nope}\n"
        "      b: {kind: reference, to: nowhere}\n",
        file="t.yaml",
    )
    with pytest.raises(SpecError) as caught:
        fb.validate(spec)
    assert {item.line for item in caught.value.violations} <= {4, 5}
    assert {item.file for item in caught.value.violations} == {"t.yaml"}


def test_a_spec_without_sizes_is_coherent() -> None:
    assert len(fb.validate(LINE)) == 0


def test_data_is_held_against_the_checks(shop: Path, tmp_path: Path) -> None:
    data = fb.generate(shop, output=tmp_path / "out")
    assert fb.validate(shop, data).passed
    assert fb.validate(shop, tmp_path / "out").passed
    orders = data.to_pandas("orders")
    orders.loc[3, "total"] = -1
    results = fb.validate(shop, {**data, "orders": orders})
    assert [(item.table, item.failing) for item in results.failed] == [("orders", 1)]
    with pytest.raises(SourceError, match="no table `orders`"):
        fb.validate(shop, {name: data[name] for name in ("products", "customers")})


@pytest.mark.parametrize("form", [dict, pa.table, pd.DataFrame])
def test_a_single_table_may_come_in_any_form(form) -> None:
    spec = {"tables": {"t": {"columns": {"a": {"kind": "uniform"}}, "checks": [
        {"kind": "range", "column": "a", "max": 2}
    ]}}}  # fmt: skip
    (result,) = fb.validate(spec, form({"a": [1.0, 2.0, 9.0]})).failed
    assert result.failing == 1


def test_a_request_carries_every_field_of_the_class(monkeypatch) -> None:
    """Name, type, description, allowed values and bounds reach the model."""

    class Product(BaseModel):
        name: str = Field(description="a short product name", max_length=40)
        price: float = Field(ge=1, le=99)
        colour: Literal["teal", "ochre"]
        tags: list[str]
        released: dt.date | None
        maker: Maker

    with ChatServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
        data = fb.generate(Product, 3, prompt="a hardware store", model="openai:any")
        assert len(server.calls) == 1
    asked = json.dumps(server.calls[0].body)
    for part in ("a hardware store", "a short product name", "teal", "ochre", "town", "99", "40"):
        assert part in asked
    assert all(field in asked for field in Product.model_fields)
    assert {type(row["price"]) for row in data.to_dicts()} == {float}


def test_replies_are_kept_and_limits_stop_a_run(monkeypatch) -> None:
    """The same command twice makes no new request; a cap stops before the next call."""
    spec = {
        "tables": {"t": {"n": 6, "rows_per_call": 1, "columns": {"a": {"kind": "llm"}}}},
        "models": {"default": "openai:any"},
    }
    with ChatServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
        with pytest.raises(fb.FabulaError):
            fb.generate(spec, max_calls=2)
        assert len(server.calls) <= 2
        first = fb.generate(spec)
        asked = len(server.calls)
        assert fb.generate(spec).to_arrow().equals(first.to_arrow())
        assert len(server.calls) == asked


def test_an_error_travels_between_processes_whole() -> None:
    """A pool of processes hands on what went wrong."""
    with pytest.raises(fb.FabulaError) as caught:
        fb.validate({"tables": {"t": {"n": 5, "columns": {"a": {"kind": "chioce"}}}}})
    again = pickle.loads(pickle.dumps(caught.value))
    assert type(again) is type(caught.value)
    assert (str(again), again.hint, again.to_dict()) == (
        str(caught.value), caught.value.hint, caught.value.to_dict()
    )  # fmt: skip


@pytest.mark.parametrize("verb", ["plan", "preview", "generate", "rehearse", "program", "rows"])
def test_a_model_is_given_by_its_settings_to_every_verb(verb: str) -> None:
    """The settings are those of a spec, and a misspelt one is named."""
    calls = {"rows": {"prompt": "pets", "n": 2}}.get(verb, {"n": 2})
    spec = None if verb == "rows" else "pets: name, weight (kg)"
    with pytest.raises(UsageError, match="`base_ulr`") as caught:
        getattr(fb, verb)(spec, **calls, model={"name": "x", "base_ulr": "http://127.0.0.1:9/v1"})
    assert "`base_url`" in (caught.value.hint or "")


def test_a_model_given_by_its_settings_is_asked() -> None:
    with ChatServer(lambda _: '{"rows": [{"name": "Rex"}, {"name": "Mia"}]}') as server:
        settings = {"name": "x", "base_url": server.url}
        rows = fb.generate("pets: name", n=2, model=settings)
    assert rows.to_dicts() == [{"name": "Rex"}, {"name": "Mia"}]


def test_a_run_is_reported_beside_its_data(tmp_path: Path) -> None:
    """As `--report` does; a run that breaks a check has its report, too."""
    data = fb.generate("age int 18..90", n=20, output=tmp_path / "run", report=True)
    assert "age" in (tmp_path / "run/report.html").read_text(encoding="utf-8")
    assert data.manifest["passed"]
    with pytest.raises(CheckError):
        fb.generate(
            "age int 18..90", n=20, output=tmp_path / "t.csv", checks=["age < 19"], report=True
        )
    assert (tmp_path / "t.csv.report.html").exists()
    with pytest.raises(UsageError, match="needs an `output`"):
        fb.generate("age int 18..90", n=20, report=True)
