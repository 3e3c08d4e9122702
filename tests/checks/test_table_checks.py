"""Checks of whole tables and of relations between tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet
import pytest

from fabula.checks.evaluate import evaluate
from fabula.checks.results import CheckResults
from fabula.errors import CheckError
from fabula.spec.tables import DatasetSpec

KEY = {"kind": "key"}
NUMBER = {"kind": "uniform", "min": 0, "max": 1}


def spec_of(**tables: dict[str, Any]) -> DatasetSpec:
    return DatasetSpec.model_validate({"tables": tables})


def one_check(check: dict[str, Any], rows: dict[str, Any]) -> CheckResults:
    columns = dict.fromkeys(rows, NUMBER)
    spec = spec_of(t={"columns": columns, "checks": [check]})
    return evaluate(spec, {"t": pa.table(rows)})


def housing(**changes: Any) -> tuple[DatasetSpec, dict[str, pa.Table]]:
    """Types and their houses, as a program would write them, with some columns changed."""
    tables = {
        "types": {"id": [1, 2, 3], "name": ["Flat", "Villa", "Loft"], "houses": [2, 1, 0]},
        "houses": {"id": [1, 2, 3], "type_id": [1, 1, 2], "price": [100.0, 300.0, 900.0]},
    }
    for place, values in changes.items():
        table, column = place.split("__")
        tables[table][column] = values
    spec = spec_of(
        types={
            "columns": {"id": KEY, "name": NUMBER, "houses": NUMBER},
            "checks": [
                {"kind": "unique", "columns": ["name"]},
                {"kind": "aggregate", "column": "houses", "of": "houses"},
                {"kind": "count", "of": "houses", "max": 2},
            ],
        },
        houses={
            "columns": {
                "id": KEY,
                "type_id": {"kind": "reference", "to": "types"},
                "price": NUMBER,
            },
            "checks": [{"kind": "foreign_key", "column": "type_id", "to": "types"}],
        },
    )
    return spec, {name: pa.table(columns) for name, columns in tables.items()}


def failed(spec: DatasetSpec, tables: dict[str, pa.Table], **options: Any) -> dict[str, str]:
    return {r.kind: r.message for r in evaluate(spec, tables, **options).failed}


def test_good_tables_pass_every_check() -> None:
    """Keys unique, references resolve, declared counts are true."""
    results = evaluate(*housing(), structure=True)
    assert results.passed, results
    assert len(results) == 4 + 6  # declared, and implied: keys unique and present, reference
    assert results.error() is None


def test_a_repeated_value_is_named_with_its_count() -> None:
    """A duplicate house type."""
    message = failed(*housing(types__name=["Flat", "Villa", "Flat"]))["unique"]
    assert message == "`name`: 1 value occurs more than once: Flat (2 times)"


def test_declared_aggregates_that_lie_are_listed() -> None:
    """A declared number of children that is not the number of children."""
    message = failed(*housing(types__houses=[469, 1, 0]))["aggregate"]
    assert "1 of 3 rows break the rule: `houses` = count of `houses`" in message
    assert "`id` 1 says 469, not 2" in message


@pytest.mark.parametrize(
    ("function", "good"),
    [("sum", [400, 900, 0]), ("mean", [200, 900, None]), ("min", [100, 900, None])],
)
def test_every_aggregate_is_compared_with_the_children(function: str, good: list[Any]) -> None:
    """Sums are 0 and means unknown without children."""
    _, tables = housing()
    check = {"kind": "aggregate", "column": "x", "of": "houses.price", "function": function}
    spec = spec_of(
        types={"columns": {"id": KEY, "x": NUMBER}, "checks": [check]},
        houses={"columns": {"type_id": {"kind": "reference", "to": "types"}, "price": NUMBER}},
    )
    right = tables | {"types": pa.table({"id": [1, 2, 3], "x": pa.array(good, pa.float64())})}
    assert evaluate(spec, right).passed
    wrong = tables | {"types": pa.table({"id": [1, 2, 3], "x": [401.0, None, 0.5]})}
    assert evaluate(spec, wrong).failed[0].failing == 3


def test_orphans_are_named_with_table_column_values_and_count() -> None:
    """Orphan child ids."""
    message = failed(*housing(houses__type_id=[1, 77, 99]))["foreign_key"]
    assert message == "2 of 3 values of `houses.type_id` don't exist in `types.id`: 77, 99"


def test_a_key_of_another_type_can_not_match() -> None:
    """FK dtype str vs int."""
    message = failed(*housing(houses__type_id=["1", "1", "2"]))["foreign_key"]
    assert "`houses.type_id` holds text and `types.id` numbers" in message
    assert "none of 3 values can match" in message


def test_a_missing_reference_passes_unless_the_column_is_required() -> None:
    """NaN in a required foreign key."""
    spec, tables = housing(houses__type_id=pa.array([1, None, None], pa.int64()))
    assert "foreign_key" not in failed(spec, tables)
    assert "`type_id` never missing" in failed(spec, tables, structure=True)["not_null"]


def test_parents_without_children_are_found() -> None:
    """A parent with zero children when at least one is required; B3.4."""
    spec, tables = housing()
    check = {"kind": "count", "of": "houses", "min": 1, "max": 1}
    raw = spec.model_dump()
    raw["tables"]["types"]["checks"] = [check]
    message = failed(DatasetSpec.model_validate(raw), tables)["count"]
    assert "2 of 3 rows break the rule: each has exactly 1 rows in `houses`" in message
    assert "`id` 1 has 2, 3 has 0" in message


def test_a_link_table_with_repeated_pairs_is_found() -> None:
    """Composite key, many-to-many link table with duplicate pairs."""
    spec = spec_of(
        links={"primary_key": ["a", "b"], "columns": {"a": NUMBER, "b": NUMBER, "c": NUMBER}}
    )
    rows = pa.table({"a": [1, 1, 2, None], "b": [1, 1, 1, 1], "c": [1, 2, 3, 4]})
    messages = failed(spec, {"links": rows}, structure=True)
    assert messages["unique"] == "`a` and `b`: 1 value occurs more than once: 1 / 1 (2 times)"
    assert "1 of 4 rows" in messages["not_null"]


def test_a_self_reference_is_checked_like_any_other() -> None:
    """Self-reference."""
    spec = spec_of(staff={"columns": {"id": KEY, "boss": {"kind": "reference", "to": "staff"}}})
    good = pa.table({"id": [1, 2], "boss": pa.array([None, 1], pa.int64())})
    bad = pa.table({"id": [1, 2], "boss": pa.array([None, 3], pa.int64())})
    assert evaluate(spec, {"staff": good}, structure=True).passed
    assert "foreign_key" in failed(spec, {"staff": bad}, structure=True)


def test_tables_that_refer_to_each_other_are_checked_both_ways() -> None:
    """Circular FK, and a parent that was made after its child."""
    spec = spec_of(
        a={"columns": {"id": KEY, "b": {"kind": "reference", "to": "b", "nulls": 0.5}}},
        b={"columns": {"id": KEY, "a": {"kind": "reference", "to": "a"}}},
    )
    good = {
        "b": pa.table({"id": [1, 2], "a": [2, 2]}),
        "a": pa.table({"id": [1, 2], "b": pa.array([None, 2], pa.int64())}),
    }
    assert evaluate(spec, good, structure=True).passed
    bad = good | {"a": pa.table({"id": [1, 3], "b": [1, 7]})}
    messages = [r.message for r in evaluate(spec, bad, structure=True).failed]
    assert messages == [
        "1 of 2 values of `a.b` don't exist in `b.id`: 7",
        "2 of 2 values of `b.a` don't exist in `a.id`: 2",
    ]


def test_missing_tables_and_columns_are_named() -> None:
    """Missing columns."""
    spec, tables = housing()
    messages = failed(spec, {"houses": tables["houses"].drop(["type_id"])})
    assert "the data has no table `types`" in messages["unique"]
    assert "`houses` has no column `type_id`" in messages["foreign_key"]


@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_a_correlation_is_measured_where_it_is_asked(method: str) -> None:
    """By group; a shuffled column fails. The bound is 5 sigma of r at n = 2,000."""
    rng = np.random.default_rng(1)
    size = rng.normal(size=4000)
    kind = np.repeat(["OLED", "QLED"], 2000)
    price = np.where(kind == "OLED", size + 0.1 * rng.normal(size=4000), rng.normal(size=4000))
    rows = {"size": size, "price": price, "kind": kind}
    check = {"kind": "correlation", "columns": ["size", "price"], "method": method}
    good = one_check({**check, "where": "kind = 'OLED'", "at_least": 0.95}, rows)
    assert good.passed, good
    bad = one_check({**check, "where": "kind = 'QLED'", "at_least": 0.95}, rows)
    assert bad.failed[0].value == pytest.approx(0, abs=5 / 2000**0.5)
    assert "where kind = 'QLED' is" in bad.failed[0].message
    assert "not at least 0.95" in bad.failed[0].message


def test_spearman_shares_ranks_of_equal_values() -> None:
    """The same number as the textbook's for ties."""
    rows = {"a": [1, 2, 2, 3, 4], "b": [10, 30, 30, 20, 50]}
    check = {"kind": "correlation", "columns": ["a", "b"], "method": "spearman", "equals": 0}
    assert one_check(check, rows).failed[0].value == pytest.approx(13 / 19)


@pytest.mark.parametrize("rows", [{"a": [1, 1], "b": [1, 2]}, {"a": [1], "b": [2]}])
def test_a_correlation_without_a_value_fails_and_says_why(rows: dict[str, Any]) -> None:
    check = {"kind": "correlation", "columns": ["a", "b"], "at_least": -1}
    assert "has no value" in one_check(check, rows).failed[0].message


def test_text_is_no_number_for_a_correlation() -> None:
    check = {"kind": "correlation", "columns": ["a", "b"], "at_least": -1}
    results = one_check(check, {"a": ["x", "y"], "b": [1, 2]})
    assert "a column holds no numbers" in results.failed[0].message


@pytest.mark.parametrize(
    ("check", "passed", "value"),
    [
        ({"column": "fraud", "value": True, "equals": 0.02}, True, 0.02),
        ({"column": "fraud", "value": True, "at_most": 0.01}, False, 0.02),
        ({"column": "fraud", "value": None, "equals": 0.5}, True, 0.5),
        ({"sql": "fraud AND amount > 0", "equals": 0.02, "tolerance": 0.001}, True, 0.02),
    ],
)
def test_a_share_is_over_all_rows(check: dict[str, Any], passed: bool, value: float) -> None:
    """2 % fraud, met exactly; rows with nulls count too."""
    rows = {"fraud": [True, True, *[False] * 48, *[None] * 50], "amount": [1] * 100}
    (result,) = one_check({"kind": "share", **check}, rows)
    assert (result.passed, result.value) == (passed, pytest.approx(value))


def test_examples_stay_few_however_many_rows_are_wrong() -> None:
    rows = {"a": list(range(1000)), "b": [0] * 1000}
    (result,) = one_check({"kind": "unique", "columns": ["b"]}, rows)
    assert (result.failing, len(result.examples)) == (999, 1)
    (result,) = one_check({"kind": "row", "sql": "a < 0"}, rows)
    assert (result.failing, len(result.examples)) == (1000, 5)


def test_a_column_may_have_any_name() -> None:
    """(a column called `class`, `rows`, with comma or quote)."""
    for name in ("rows", "class", 'a,"b', "count(*)", "fabula row", "größe"):
        results = one_check({"kind": "unique", "columns": [name]}, {name: [5, 5]})
        assert "1 value occurs more than once: 5 (2 times)" in results.failed[0].message
        check = {"kind": "correlation", "columns": [name, name], "equals": 1}
        assert one_check(check, {name: [1, 2, 3]}).passed
        spec = spec_of(
            p={"columns": {name: KEY}},
            c={"columns": {name: {"kind": "reference", "to": f"p.{name}"}}},
        )
        tables = {"p": pa.table({name: [1]}), "c": pa.table({name: [1, 2]})}
        assert "values of `c." in failed(spec, tables, structure=True)["foreign_key"]


def test_large_files_are_streamed_in_passes(tmp_path: Path, monkeypatch: Any) -> None:
    """The same answer whether values are compared at once or in several passes."""
    rows = pa.table({"a": [*range(5000), 7, 7, 8], "d": ["x"] * 5003})
    pa.parquet.write_table(rows, tmp_path / "t.parquet")
    spec = spec_of(
        t={"columns": {"a": KEY, "d": NUMBER}, "checks": [{"kind": "unique", "columns": ["a"]}]}
    )
    data = pa.dataset.dataset(tmp_path / "t.parquet")
    (whole,) = evaluate(spec, {"t": data})
    monkeypatch.setattr("fabula.checks.kinds.unique._ROWS_AT_ONCE", 100)
    (passes,) = evaluate(spec, {"t": data})
    assert whole == passes
    assert (whole.value, whole.failing) == (2, 3)


def test_results_tell_everything_in_one_error() -> None:
    """Non-zero exit on failure, and a readable summary."""
    results = evaluate(*housing(types__houses=[469, 1, 0], houses__type_id=[1, 77, 99]))
    error = results.error()
    assert isinstance(error, CheckError)
    assert error.exit_code == 1
    assert error.code == "check.failed"
    assert "2 of 4 checks failed" in error.message
    assert "FAIL  types" in repr(results)
    assert CheckResults.from_dicts(results.to_dict()["checks"]) == results


@pytest.mark.parametrize(
    ("hits", "rows", "tolerance", "verdict"),
    [
        (0, 3, 0.05, "not judged"),  # no share of 3 rows is within 20 to 30 %
        (1, 3, 0.0, "not judged"),
        (10, 20, 0.05, "not judged"),  # chance alone breaks the rule as often as not
        (20, 20, 0.05, "FAIL"),  # which no chance does
        (2, 8, 0.0, "pass"),
        (3, 8, 0.0, "FAIL"),  # asked exactly, and within reach
        (150, 400, 0.05, "FAIL"),
        (100, 400, 0.05, "pass"),
    ],
)
def test_a_share_of_too_few_rows_is_not_judged(
    hits: int, rows: int, tolerance: float, verdict: str
) -> None:
    """A quarter of the rows is asked for."""
    check = {"kind": "share", "sql": "x > 0", "equals": 0.25, "tolerance": tolerance}
    (result,) = one_check(check, {"x": [1.0] * hits + [-1.0] * (rows - hits)})
    assert result.verdict == verdict
    if verdict == "not judged":
        assert "not judged (equal to 0.25" in result.message
        assert f"): {rows} rows are too few" in result.message


def test_a_share_that_rows_are_drawn_again_for_is_judged_at_any_size() -> None:
    check = {"kind": "share", "sql": "x > 0", "equals": 0.25, "tolerance": 0.05}
    results = one_check({**check, "repair": "resample"}, {"x": [1.0, -1.0, -1.0]})
    assert not results.passed


def test_children_of_a_key_of_several_columns_are_counted_and_combined() -> None:
    """Number 1 of one tenant is another customer than number 1 of the next."""
    checks = [
        {"kind": "count", "of": "orders", "min": 1, "max": 2},
        {"kind": "aggregate", "column": "spent", "of": "orders.sum", "function": "sum"},
    ]
    spec = spec_of(
        customers={
            "columns": {"tenant": NUMBER, "no": NUMBER, "spent": NUMBER},
            "primary_key": ["tenant", "no"],
            "checks": checks,
        },
        orders={
            "columns": {
                "no": {"kind": "reference", "to": "customers.no"},
                "tenant": {"kind": "expr", "sql": "no.tenant"},
                "sum": NUMBER,
            }
        },
    )
    orders = pa.table({"tenant": [1, 1, 2], "no": [1, 1, 1], "sum": [2.0, 3.0, 4.0]})
    good = {"tenant": [1, 2], "no": [1, 1], "spent": [5.0, 4.0]}
    assert evaluate(spec, {"customers": pa.table(good), "orders": orders}).passed
    bad = {"tenant": [1, 2, 2], "no": [1, 1, 2], "spent": [9.0, 4.0, 0.0]}
    found = failed(spec, {"customers": pa.table(bad), "orders": orders})
    assert "`tenant, no` 2, 2 has 0" in found["count"]
    assert "`tenant, no` 1, 1 says 9.0, not 5.0" in found["aggregate"]
