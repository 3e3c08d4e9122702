"""Every verb takes data in every form, and means the same by it.

The forms hold the same 60 rows of one table; each verb gives one outcome for all of them.
"""

from __future__ import annotations

import csv
import gzip
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import datasets
import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet
import pytest
from pydantic import BaseModel

import fabula as fb
from fabula.errors import SourceError
from fabula.io.tables import as_table
from fabula.runs.dataset import Dataset

WORDS = ("red", "green", "blue")
COLUMNS = {
    "id": list(range(1, 61)),
    "age": [18 + i * 7 % 50 for i in range(60)],
    "text": [f"the {WORDS[i % 3]} house of number {i * i}" for i in range(60)],
}
TABLE = pa.table(COLUMNS)
ROWS = TABLE.to_pylist()


@dataclass
class Home:
    id: int
    age: int
    text: str


class HomeModel(BaseModel):
    id: int
    age: int
    text: str


class HomeTuple(NamedTuple):
    id: int
    age: int
    text: str


def csv_file(path: Path) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([list(COLUMNS), *([*row.values()] for row in ROWS)])
    return path


def written(folder: Path, name: str) -> Path:
    Dataset({"homes": TABLE}).write(folder / name)
    return folder / name


def json_file(path: Path) -> Path:
    path.write_text(json.dumps(ROWS), encoding="utf-8")
    return path


def packed(path: Path) -> Path:
    path.write_bytes(gzip.compress(csv_file(path.with_suffix("")).read_bytes()))
    path.with_suffix("").unlink()
    return path


def archive(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        file.write(csv_file(path.with_suffix(".csv")), "homes.csv")
    path.with_suffix(".csv").unlink()
    return path


def folder_of(path: Path, *parts: pa.Table) -> Path:
    """A folder of one file, or of the parts of one table."""
    path.mkdir()
    if len(parts) == 1:
        csv_file(path / "homes.csv")
    else:
        for number, part in enumerate(parts):
            pa.parquet.write_table(part, path / f"part-{number:05d}.parquet")
    return path


def run_folder(path: Path) -> Path:
    """A run whose only table has the 60 rows."""
    number = "id - 1"
    columns = {
        "id": {"kind": "key"},
        "age": {"kind": "expr", "sql": f"18 + ({number}) * 7 % 50"},
        "text": {
            "kind": "expr",
            "sql": f"'the ' || ['red', 'green', 'blue'][({number}) % 3 + 1] || "
            f"' house of number ' || ({number}) * ({number})",
        },
    }
    fb.generate({"tables": {"homes": {"n": 60, "columns": columns}}}, output=path, format="csv")
    return path


def address(path: Path) -> str:
    """A folder that is named by an address, as an object store is."""
    Dataset({"homes": TABLE}).write(f"file://{path}")
    return f"file://{path}"


Make = Callable[[Path], Any]

IN_MEMORY: dict[str, Make] = {
    "arrow table": lambda _: TABLE,
    "record batch": lambda _: TABLE.to_batches()[0],
    "arrow dataset": lambda _: pa.dataset.dataset(TABLE),
    "pandas": lambda _: pd.DataFrame(COLUMNS),
    "polars": lambda _: pl.DataFrame(COLUMNS),
    "duckdb": lambda _: duckdb.from_arrow(TABLE),
    "columns": lambda _: COLUMNS,
    "columns of series": lambda _: dict(pd.DataFrame(COLUMNS).items()),
    "rows": lambda _: ROWS,
    "dataclasses": lambda _: [Home(**row) for row in ROWS],
    "Pydantic objects": lambda _: [HomeModel(**row) for row in ROWS],
    "named tuples": lambda _: [HomeTuple(**row) for row in ROWS],
    "Dataset": lambda _: Dataset({"homes": TABLE}),
    "mapping of one frame": lambda _: {"homes": pd.DataFrame(COLUMNS)},
    "mapping of one path": lambda path: {"homes": csv_file(path / "homes.csv")},
    "datasets.Dataset": lambda _: datasets.Dataset.from_list(ROWS),
    "opened run": lambda path: Dataset.open(run_folder(path / "run")),
}
ON_DISK: dict[str, Make] = {
    "csv": lambda path: csv_file(path / "homes.csv"),
    "path as text": lambda path: str(csv_file(path / "homes.csv")),
    "parquet": lambda path: written(path, "homes.parquet"),
    "arrow": lambda path: written(path, "homes.arrow"),
    "json lines": lambda path: written(path, "homes.jsonl"),
    "json": lambda path: json_file(path / "homes.json"),
    "gzip": lambda path: packed(path / "homes.csv.gz"),
    "archive": lambda path: archive(path / "homes.zip"),
    "folder of one": lambda path: folder_of(path / "data", TABLE),
    "folder of parts": lambda path: folder_of(path / "homes", TABLE[:30], TABLE[30:]),
    "run folder": lambda path: run_folder(path / "run"),
    "address": lambda path: address(path / "lake"),
}
FORMS = IN_MEMORY | ON_DISK


def infer(data: Any, _: Path) -> Any:
    (table,) = fb.infer(data).spec.tables.values()
    return table.n, table.columns


def validate(data: Any, _: Path) -> Any:
    age = {"kind": "uniform", "min": 18, "max": 67, "decimals": 0}
    table = {
        "n": 60,
        "columns": {"age": age},
        "checks": [{"kind": "range", "column": "age", "max": 50}],
    }
    spec = {"tables": {"homes": table}}
    return [(check.table, check.passed, check.rows) for check in fb.validate(spec, data)]


def fit(data: Any, _: Path) -> Any:
    return rows_of(fb.fit(data, seed=1).sample(3))


def evaluate(data: Any, _: Path) -> Any:
    (table,) = fb.evaluate(data, sections=["diversity"]).tables
    return table.rows, [result.value for result in table.results]


def evaluate_real(data: Any, _: Path) -> Any:
    return fb.evaluate(TABLE[:40], real=data, sections=["diversity"]).tables[0].rows


def evaluate_holdout(data: Any, _: Path) -> Any:
    other = pa.table({"id": [-1] * 30, "age": [3] * 30, "text": ["none"] * 30})
    return fb.evaluate(TABLE, real=other, holdout=data, sections=["diversity"]).tables[0].rows


@cache
def model() -> fb.Synthesizer[pa.Table]:
    fitted = fb.fit(TABLE, seed=1, rounds=2)
    assert isinstance(fitted, fb.Synthesizer)
    return fitted


def impute(data: Any, _: Path) -> Any:
    return rows_of(model().impute(data))


def extend(data: Any, _: Path) -> Any:
    return rows_of(fb.extend(data, 2, model="fake"))


def export(data: Any, path: Path) -> Any:
    made = fb.export(data, path / "out.jsonl", user="age", assistant="text", format="chat-jsonl")
    return made.asked, made.left_out, (path / "out.jsonl").read_text()


def review(data: Any, path: Path) -> Any:
    sheet = path / "sheet.csv"
    return fb.review_export(data, sheet, n=7), rows_of(fb.review_import(sheet, data).rows)


def describe(data: Any, _: Path) -> Any:
    return fb.describe(data, columns=["age"], model="fake")


def extract(data: Any, _: Path) -> Any:
    return fb.extract(data, "colour str", column="text", model="fake")


def balance_plan(data: Any, _: Path) -> Any:
    planned = fb.balance_plan(data, text=["text"], topics=2)
    return planned.wanted, planned.calls


def pairs_examples(data: Any, _: Path) -> Any:
    asked = fb.Rehearsal()
    fb.pairs("age → text", n=2, examples=data, model="fake", rehearsal=asked)
    return [call.request for call in asked.calls]


def rows_examples(data: Any, _: Path) -> Any:
    asked = fb.Rehearsal()
    fb.rows({"properties": {"age": {}}}, prompt="homes", n=2, examples=data, model="fake",
            rehearsal=asked)  # fmt: skip
    return [call.request for call in asked.calls]


ONE_TABLE = [
    impute, extend, export, review, describe, extract, balance_plan, pairs_examples, rows_examples,
]  # fmt: skip
"""Verbs that want one table."""
VERBS = [infer, validate, fit, evaluate, evaluate_real, evaluate_holdout, *ONE_TABLE]


def rows_of(table: Any) -> Any:
    """Rows as plain values, whatever library they come in."""
    return as_table(table).to_pylist()


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    return {}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_takes_every_form(
    verb: Callable[[Any, Path], Any], form: str, tmp_path: Path, expected: dict[str, Any]
) -> None:
    """A form gives what an Arrow table of the same rows gives."""
    if verb.__name__ not in expected:
        (tmp_path / "arrow").mkdir()
        expected[verb.__name__] = verb(TABLE, tmp_path / "arrow")
    assert verb(FORMS[form](tmp_path), tmp_path) == expected[verb.__name__]


def two_files(path: Path) -> Path:
    for name in ("homes", "people"):
        csv_file(path / f"{name}.csv")
    return path


SEVERAL: dict[str, Make] = {
    "Dataset": lambda _: Dataset({"homes": TABLE, "people": TABLE}),
    "mapping of frames": lambda _: {"homes": pd.DataFrame(COLUMNS), "people": TABLE},
    "folder": two_files,
}


@pytest.mark.parametrize("form", SEVERAL)
@pytest.mark.parametrize("verb", ONE_TABLE)
def test_several_tables_where_one_is_wanted_are_refused_by_name(
    verb: Callable[[Any, Path], Any], form: str, tmp_path: Path
) -> None:
    with pytest.raises(SourceError, match=r"holds 2 tables.*`homes`, `people`"):
        verb(SEVERAL[form](tmp_path), tmp_path)


@pytest.mark.parametrize("form", SEVERAL)
def test_verbs_of_several_tables_take_them_in_every_form(form: str, tmp_path: Path) -> None:
    data = SEVERAL[form](tmp_path)
    assert list(fb.infer(data).spec.tables) == ["homes", "people"]
    assert [table.name for table in fb.evaluate(data).tables] == ["homes", "people"]
    fitted = fb.fit(data, rounds=2)
    assert isinstance(fitted, fb.RelationalSynthesizer)
    assert list(fitted.sample(0.5)) == ["homes", "people"]
