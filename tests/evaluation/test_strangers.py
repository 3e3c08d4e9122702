"""What strangers pass to `evaluate`: one clear error or a warning that names what is odd."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pytest

import fabula as fb
from fabula.errors import FabulaError
from tests.evaluation.metrics.people import people

REAL, MADE, HELD = (people(n, seed).drop(["id"]) for n, seed in ((200, 1), (200, 2), (60, 3)))
VOID = pa.table({name: pa.nulls(200, REAL.schema.field(name).type) for name in REAL.column_names})
NULLS = pa.table({name: pa.nulls(200) for name in REAL.column_names})
OTHER = pa.table({"foo": range(200), "bar": ["x"] * 200})
FIXED = pa.table({"a": [1] * 100, "b": ["x"] * 100})


def said(made: pa.Table, real: pa.Table, holdout: pa.Table | None = None) -> str:
    report = fb.evaluate(made, real=real, holdout=holdout)
    [table] = report.tables
    assert report.to_html()
    assert report.to_json()
    return " ".join([*table.warnings, *table.notes])


@pytest.mark.parametrize(
    ("made", "real", "holdout", "words"),
    [
        (MADE.slice(0, 1), REAL, HELD, "synthetic table has only 1 row"),
        (MADE, REAL.slice(0, 1), None, "real table has only 1 row"),
        (MADE, REAL, HELD.slice(0, 1), "A holdout of 1 row is too small"),
        (VOID, REAL, HELD, "synthetic table has no value in `sex`"),
        (MADE, VOID, None, "real table has no value in `sex`"),
        (MADE, REAL, VOID.slice(0, 50), "holdout table has no value in `sex`"),
        (NULLS, NULLS, None, "No column has values that can be compared"),
        (MADE.drop(["sex"]).append_column("more", MADE["age"]), REAL, None, "lacks `sex`, which"),
        (HELD, REAL, HELD, "60 of the 60 synthetic rows equal a row of the holdout"),
    ],
)
def test_odd_tables_are_measured_and_what_is_odd_is_named(
    made: pa.Table, real: pa.Table, holdout: pa.Table | None, words: str
) -> None:
    assert words in said(made, real, holdout)


@pytest.mark.parametrize(
    ("made", "real", "holdout", "code"),
    [
        (MADE.slice(0, 0), REAL, None, "evaluate.empty"),
        (MADE, REAL.slice(0, 0), None, "evaluate.empty"),
        (MADE, REAL, HELD.slice(0, 0), "evaluate.empty"),
        (OTHER, REAL, None, "evaluate.no-shared-column"),
        (MADE, REAL, OTHER, "evaluate.no-shared-column"),
        (MADE, REAL, REAL, "evaluate.holdout-is-real"),
    ],
)
def test_tables_that_prove_nothing_are_refused(
    made: pa.Table, real: pa.Table, holdout: pa.Table | None, code: str
) -> None:
    with pytest.raises(FabulaError) as caught:
        fb.evaluate(made, real=real, holdout=holdout)
    assert caught.value.code == code


def test_an_outcome_without_a_value_is_refused() -> None:
    with pytest.raises(FabulaError, match="`hired` has no value"):
        fb.evaluate(MADE, real=VOID, target="hired", protected=["sex"], sections=["bias"])


def test_the_real_table_itself_fails_and_a_table_of_one_value_does_not() -> None:
    copied = fb.evaluate(REAL, real=REAL, holdout=HELD, sections=["privacy"])
    failing = {result.name for result in copied.failing}
    assert {"exact_copies", "near_copies", "membership", "sensitive_values"} <= failing
    assert [result.key for result in fb.evaluate(FIXED, real=FIXED).failing] == []


def test_rows_that_equal_held_back_ones_by_chance_are_no_warning() -> None:
    few = pa.table({"a": ["x", "y"] * 60, "b": [1, 1, 2, 2] * 30})
    assert "equal a row of the holdout" not in said(few, few, few.slice(0, 20))


def test_the_table_of_several_that_is_odd_is_named(tmp_path: Path) -> None:
    for name in ("real", "made"):
        (tmp_path / name).mkdir()
        pyarrow.csv.write_csv(REAL, tmp_path / name / "people.csv")
        (tmp_path / name / "towns.csv").write_text("town,size\n", encoding="utf-8")
    with pytest.raises(FabulaError, match=r"towns: the synthetic table has no rows"):
        fb.evaluate(tmp_path / "made", real=tmp_path / "real")
    (tmp_path / "made" / "towns.csv").write_text("", encoding="utf-8")
    with pytest.raises(FabulaError, match=r"towns\.csv` is empty"):
        fb.evaluate(tmp_path / "made", real=tmp_path / "real")
