"""Row checks: fail, drop, resample; nothing lost silently, nothing broken by a repair."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fabula.errors import CheckError, SpecError
from tests.engines.builders import blocks_of, five_sigma_share, made_tables, numbers, planned

KEY = {"kind": "key"}
X = {"kind": "uniform", "min": 0, "max": 100}


def tables_with(check: dict[str, Any], n: int = 10_000, **columns: Any) -> dict[str, Any]:
    return {"t": {"n": n, "columns": {"id": KEY, "x": X, **columns}, "checks": [check]}}


def test_a_check_that_fails_the_run_is_counted_and_loses_nothing() -> None:
    """The tally carries examples, the rows stay."""
    (block,) = blocks_of(planned(tables_with({"kind": "row", "sql": "x > 30"}, 1_000)))["t"]
    (tally,) = block.tallies
    broken = int((numbers(block.table, "x") <= 30).sum())
    assert (tally.check, tally.rows, tally.broken, tally.repaired) == (0, 1_000, broken, 0)
    assert block.table.num_rows == 1_000
    assert block.rejected == ()
    assert len(tally.examples) == 5
    assert all(example["x"] <= 30 for example in tally.examples)


def test_dropped_rows_are_rejected_with_their_reason() -> None:
    """Requested = kept + rejected."""
    check = {"kind": "row", "sql": "x > 30", "repair": "drop"}
    blocks = blocks_of(planned(tables_with(check, 100_000)))["t"]
    kept = np.concatenate([numbers(block.table, "id") for block in blocks])
    rejected = [item for block in blocks for item in block.rejected]
    assert len(kept) + len(rejected) == 100_000
    assert sorted([*(kept - 1).tolist(), *(item.row for item in rejected)]) == list(range(100_000))
    assert {item.reason for item in rejected} == {"breaks `x > 30`"}
    assert sum(block.tallies[0].broken for block in blocks) == len(rejected)
    assert abs(len(rejected) / 100_000 - 0.3) < five_sigma_share(0.3, 100_000)
    assert min(numbers(block.table, "x").min() for block in blocks) > 30


def test_resampled_rows_all_keep_the_check() -> None:
    """Every row, with its count, and no row lost."""
    check = {"kind": "row", "sql": "x > 30", "repair": "resample"}
    blocks = blocks_of(planned(tables_with(check, 100_000)))["t"]
    assert sum(block.table.num_rows for block in blocks) == 100_000
    values = np.concatenate([numbers(block.table, "x") for block in blocks])
    assert values.min() > 30
    assert all(block.tallies[0].repaired == block.tallies[0].broken for block in blocks)
    assert abs(values.mean() - 65) < 5 * 70 / np.sqrt(12 * 100_000)


def test_rows_that_keep_the_check_are_not_drawn_again() -> None:
    """Determinism: a repair touches broken rows only."""
    before = made_tables(tables_with({"kind": "row", "sql": "x >= 0"}))["t"]
    check = {"kind": "row", "sql": "x > 30", "repair": "resample"}
    after = made_tables(tables_with(check))["t"]
    good = numbers(before, "x") > 30
    assert np.array_equal(numbers(before, "x")[good], numbers(after, "x")[good])
    assert numbers(before, "id").tolist() == numbers(after, "id").tolist()


@pytest.mark.parametrize(
    "check",
    [
        {"kind": "range", "column": "x", "min": 20, "max": 80},
        {"kind": "not_null", "column": "gap"},
        {"kind": "in_set", "column": "colour", "values": ["red", "blue"]},
        {"kind": "pattern", "column": "code", "regex": "[A-M].*"},
        {"kind": "row", "sql": "later > earlier"},
    ],
)
def test_every_row_check_can_be_resampled(check: dict[str, Any]) -> None:
    """Conditional rules, date order."""
    moment = {"kind": "datetime", "start": "2024-01-01", "end": "2025-01-01"}
    columns = {
        "gap": {"kind": "normal", "nulls": 0.3},
        "colour": {"kind": "choice", "values": ["red", "blue", "green"]},
        "code": {"kind": "pattern", "regex": "[A-Z][0-9]"},
        "earlier": moment,
        "later": moment,
    }
    (block,) = blocks_of(planned(tables_with({**check, "repair": "resample"}, 2_000, **columns)))[
        "t"
    ]
    assert block.table.num_rows == 2_000
    assert block.tallies[0].broken > 200
    assert block.tallies[0].repaired == block.tallies[0].broken


def test_correlated_columns_are_resampled_together() -> None:
    """The remaining rows keep their dependence."""
    n = 50_000
    spec = tables_with({"kind": "row", "sql": "a + b > 0", "repair": "resample"}, n)
    spec["t"]["columns"] |= {"a": {"kind": "normal"}, "b": {"kind": "normal"}}
    spec["t"]["correlations"] = [{"columns": ["a", "b"], "r": 0.8}]
    table = made_tables(spec)["t"]
    difference = numbers(table, "a") - numbers(table, "b")
    assert (numbers(table, "a") + numbers(table, "b")).min() > 0
    assert abs(difference.std() - np.sqrt(0.4)) < 5 * np.sqrt(0.4) / np.sqrt(2 * n)


def test_a_repair_breaks_no_key_pair_or_derived_value() -> None:
    """What others rely on stays; what follows from it agrees with it."""
    check = {"kind": "row", "sql": "x > 50", "repair": "resample"}
    tables = made_tables(
        {
            "p": {"n": 50, "columns": {"id": KEY, "w": X}},
            "c": {
                "per_parent": {"of": "p", "min": 0, "max": 40},
                "primary_key": ["p", "q"],
                "unique": [["shelf", "place"]],
                "columns": {
                    "p": {"kind": "reference", "to": "p"},
                    "q": {"kind": "reference", "to": "p"},
                    "r": {"kind": "reference", "to": "p"},
                    "w": {"kind": "expr", "sql": "r.w"},
                    "code": {"kind": "uuid"},
                    "label": {"kind": "template", "text": "{{ code }}"},
                    "size": {"kind": "normal", "decimals": 3, "unique": True},
                    "double": {"kind": "expr", "sql": "size * 2"},
                    "shelf": {"kind": "choice", "values": list(range(60))},
                    "place": {"kind": "choice", "values": list(range(60))},
                    "x": X,
                    "y": {"kind": "expr", "sql": "x + size"},
                },
                "checks": [check],
            },
        }
    )
    table, n = tables["c"], tables["c"].num_rows
    assert numbers(table, "x").min() > 50
    for group in (["p", "q"], ["shelf", "place"], ["size"], ["code"]):
        assert table.group_by(group).aggregate([]).num_rows == n
    weights = dict(zip(tables["p"]["id"].to_pylist(), tables["p"]["w"].to_pylist(), strict=True))
    assert [weights[key] for key in table["r"].to_pylist()] == table["w"].to_pylist()
    assert table["label"].to_pylist() == table["code"].to_pylist()
    assert (numbers(table, "double") == numbers(table, "size") * 2).all()
    assert (numbers(table, "y") == numbers(table, "x") + numbers(table, "size")).all()


@pytest.mark.parametrize("repair", ["drop", "resample"])
def test_children_see_the_repaired_values_of_their_parents(repair: str) -> None:
    """What is written is what children copy."""
    parent = tables_with({"kind": "row", "sql": "x > 30", "repair": repair}, 70_000)["t"]
    child = {
        "n": 20_000,
        "columns": {
            "p": {"kind": "reference", "to": "t"},
            "x": {"kind": "expr", "sql": "p.x"},
            "text": {"kind": "template", "text": "{{ p.x }}"},
        },
    }
    tables = made_tables({"t": parent, "c": child})
    written = dict(zip(tables["t"]["id"].to_pylist(), tables["t"]["x"].to_pylist(), strict=True))
    expected = [written[key] for key in tables["c"]["p"].to_pylist()]
    assert tables["c"]["x"].to_pylist() == expected
    assert tables["c"]["text"].to_pylist() == [str(value) for value in expected]


@pytest.mark.parametrize(
    "sql", ["x > 1000", "x > x", "a > b AND b > a", "false"], ids=["range", "self", "both", "no"]
)
def test_an_impossible_rule_ends_in_bounded_time_and_is_named(sql: str) -> None:
    """A > b and b > a."""
    spec = tables_with({"kind": "row", "sql": sql, "repair": "resample"}, 5_000)
    spec["t"]["columns"] |= {"a": X, "b": X}
    with pytest.raises(CheckError) as caught:
        made_tables(spec)
    assert caught.value.code == "check.impossible"
    assert f"no row of `t` meets `{sql}` after" in caught.value.message
    assert caught.value.where == "tables.t.checks.0"
    assert caught.value.hint is not None


def test_rows_that_stay_broken_are_rejected_with_the_number_of_draws() -> None:
    """A rule that few rows can keep loses the rest, and says so."""
    columns = {"x": X, "w": {"kind": "choice", "values": ["ok", "no"], "unique": True}}
    spec = {
        "t": {
            "n": 2,
            "columns": columns,
            "checks": [{"kind": "row", "sql": "w = 'ok'", "repair": "resample"}],
        }
    }
    (block,) = blocks_of(planned(spec))["t"]
    assert block.table["w"].to_pylist() == ["ok"]
    (item,) = block.rejected
    assert item.reason == f"breaks `w = 'ok'` after {item.attempt} draws"


def test_unknown_counts_as_met() -> None:
    """Null is not a breach."""
    columns = {"gap": {"kind": "constant", "value": None}}
    spec = tables_with({"kind": "row", "sql": "gap > 1", "repair": "drop"}, 10, **columns)
    assert made_tables(spec)["t"].num_rows == 10


def test_several_checks_are_tallied_each() -> None:
    """By their position among all checks."""
    spec = tables_with({"kind": "row", "sql": "x > 10", "repair": "resample"}, 1_000)
    spec["t"]["checks"] += [
        {"kind": "unique", "columns": ["id"]},
        {"kind": "row", "sql": "x < 95", "repair": "drop"},
        {"kind": "range", "column": "x", "max": 50},
    ]
    (block,) = blocks_of(planned(spec))["t"]
    assert [tally.check for tally in block.tallies] == [0, 2, 3]
    assert block.table.num_rows + len(block.rejected) == 1_000
    assert block.tallies[0].repaired == block.tallies[0].broken
    assert block.tallies[2].broken > 300
    assert numbers(block.table, "x").max() < 95


def test_columns_that_a_check_does_not_touch_keep_their_values() -> None:
    """Determinism: only what the check looks at, and what follows from it, is drawn again."""
    columns = {"y": X, "twice": {"kind": "expr", "sql": "x * 2"}}
    before = made_tables(tables_with({"kind": "row", "sql": "x >= 0"}, **columns))["t"]
    check = {"kind": "row", "sql": "x > 50", "repair": "resample"}
    after = made_tables(tables_with(check, **columns))["t"]
    assert after["y"].equals(before["y"])
    assert numbers(after, "twice").min() > 100
    assert (numbers(after, "twice") == 2 * numbers(after, "x")).all()


def test_a_check_whose_sql_fails_on_the_data_is_an_error_of_the_spec() -> None:
    with pytest.raises(SpecError) as caught:
        made_tables(tables_with({"kind": "row", "sql": "CAST('n' || x AS INT) > 0"}, 10))
    assert caught.value.code == "engine.sql"
    assert str(caught.value.where).startswith("tables.t.checks")
