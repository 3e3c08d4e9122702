"""A plan as a whole: sizes, steps, checks, models, estimates, and ten thousand columns."""

from __future__ import annotations

import time
from typing import Any

import pytest

from fabula.errors import UsageError
from fabula.planning import make_plan
from fabula.planning.planner import expected_children
from fabula.spec.loading import build_spec
from fabula.spec.tables import PerParent
from tests.engines.builders import planned, violation, violations

KEY = {"kind": "key"}
X = {"kind": "uniform"}
TO_A = {"kind": "reference", "to": "a"}
SHOP: dict[str, Any] = {
    "a": {"n": 1_000, "columns": {"id": KEY, "x": X, "hidden": {**X, "drop": True}}},
    "b": {"per_parent": {"of": "a", "poisson": 3}, "columns": {"a": TO_A, "y": X}},
}


def with_checks(*checks: dict[str, Any]) -> dict[str, Any]:
    return {**SHOP, "a": {**SHOP["a"], "checks": list(checks)}}


def test_steps_make_what_is_needed_first() -> None:
    """Columns in any order of the spec."""
    columns = {
        "total": {"kind": "expr", "sql": "net + tax"},
        "tax": {"kind": "expr", "sql": "net * 0.2"},
        "net": {"kind": "normal", "mean": "size"},
        "size": X,
        "label": {"kind": "template", "text": "{{ total }}"},
    }
    plan = planned({"t": {"n": 1, "columns": columns}})["t"]
    assert plan.steps == (("size",), ("net",), ("tax",), ("total",), ("label",))
    assert plan.schema.names == list(columns)


def test_a_plan_knows_rows_bytes_and_seconds() -> None:
    """A plan is sane before anything is made."""
    plan = planned(SHOP)
    assert (plan["a"].rows, plan["a"].exact) == (1_000, True)
    assert (plan["b"].rows, plan["b"].exact) == (3_000, False)
    assert plan["a"].schema.names == ["id", "x"]
    assert plan.bytes == 1_000 * 16 + 3_000 * 16
    assert 0 < plan.seconds < 1
    assert plan.calls == ()
    larger = make_plan(plan.spec, n={"a": 10_000})
    assert (larger["b"].rows, larger.bytes) == (30_000, 10 * plan.bytes)
    with pytest.raises(KeyError):
        plan["c"]


@pytest.mark.parametrize(
    ("per_parent", "mean"),
    [
        ({"fixed": 3}, 3),
        ({"poisson": 10}, 10),
        ({"poisson": 10, "max": 4}, 4),
        ({"poisson": 1, "min": 2}, 2),
        ({"uniform": [2, 6]}, 4),
        ({"min": 1, "max": 5}, 3),
        ({"binomial": {"trials": 10, "p": 0.3}}, 3),
        ({"normal": {"mean": 7, "std": 1}}, 7),
        ({"lognormal": {"median": 2, "sigma": 1}}, 3.297),
        ({"gamma": {"shape": 2, "scale": 3}}, 6),
        ({"zipf": 1.5, "max": 20}, 3.499),
        ({"distribution": {"kind": "pareto", "shape": 3, "min": 2}}, 3),
        ({"distribution": {"kind": "exponential", "mean": 5}}, 5),
        ({"distribution": {"kind": "beta", "a": 1, "b": 3}}, 0.25),
    ],
)
def test_the_expected_number_of_children(per_parent: dict[str, Any], mean: float) -> None:
    assert expected_children(PerParent(of="a", **per_parent)) == pytest.approx(mean, abs=1e-3)


@pytest.mark.parametrize(
    ("n", "code", "message", "hint"),
    [
        (5, "usage.which-table", "the spec has 2 tables; `n` must say which one it", "-n a=5"),
        ({"aa": 5}, "usage.unknown-table", "there is no table `aa`", "did you mean `a`?"),
        ({"a": -1}, "usage.bad-size", "`n` must not be below 0, not -1", None),
        (
            {"b": 5},
            "usage.derived-size",
            "the rows of `b` follow from its parent (`per_parent`)",
            "change the rows of `a` instead",
        ),
    ],
)
def test_sizes_that_mean_nothing_are_errors_of_use(
    n: Any, code: str, message: str, hint: str | None
) -> None:
    with pytest.raises(UsageError) as caught:
        make_plan(build_spec({"tables": SHOP}), n=n)
    assert (caught.value.code, caught.value.hint) == (code, hint)
    assert message in caught.value.message


CASES = {
    "no size": (
        {"a": {"columns": {"id": KEY}}},
        "spec.no-size",
        "table `a` does not say how many rows it has",
        "add `n: 100`, or pass `-n a=100`",
    ),
    "nothing written": (
        {"a": {"n": 1, "columns": {"id": {**KEY, "drop": True}}}},
        "spec.nothing-written",
        "all columns of `a` are dropped",
        None,
    ),
    "unknown key": (
        {"a": {**SHOP["a"], "primary_key": ["idd"]}},
        "spec.unknown-column",
        "table `a` has no column `idd`",
        "did you mean `id`?",
    ),
    "unknown correlated column": (
        {"a": {**SHOP["a"], "correlations": [{"columns": ["x", "why"], "r": 0}]}},
        "spec.unknown-column",
        "table `a` has no column `why`",
        None,
    ),
    "unknown checked column": (
        with_checks({"kind": "not_null", "column": "idd"}),
        "spec.unknown-column",
        "table `a` has no column `idd`",
        "did you mean `id`?",
    ),
    "unknown column in SQL": (
        with_checks({"kind": "row", "sql": "xx > 1"}),
        "spec.unknown-column",
        "the check uses `xx`, which no column defines",
        "did you mean `x`?",
    ),
    "bad SQL": (
        with_checks({"kind": "row", "sql": "x >"}),
        "spec.bad-sql",
        'the check\'s SQL: the SQL is not valid: syntax error at or near ">"',
        None,
    ),
    "no condition": (
        with_checks({"kind": "row", "sql": "x + 1"}),
        "spec.bad-check",
        "the condition must be true or false",
        None,
    ),
    "aggregate in a check": (
        with_checks({"kind": "row", "sql": "sum(x) > 1"}),
        "spec.bad-sql",
        "the check's SQL: it must not combine other rows (no aggregates)",
        "for a parent's count or sum over its children use an `aggregate` check; in a `window`"
        " check write `avg(price) OVER ()`",
    ),
    "dropped column": (
        with_checks({"kind": "unique", "columns": ["hidden"]}),
        "spec.dropped-column",
        "a `unique` check looks at the written rows, and `hidden` is dropped",
        "keep `hidden`",
    ),
    "dropped column in SQL": (
        with_checks({"kind": "share", "sql": "hidden > 0.5", "at_least": 0.1}),
        "spec.unknown-column",
        "the check uses `hidden`, which no column defines",
        None,
    ),
    "repair of no row": (
        with_checks({"kind": "share", "column": "x", "value": 1, "at_most": 1, "repair": "drop"}),
        "spec.bad-repair",
        "`repair: drop` can't repair a `share` check, which no single row breaks",
        "use `repair: resample` or `fail`",
    ),
    "unknown table of a check": (
        with_checks({"kind": "count", "of": "bb"}),
        "spec.unknown-table",
        "there is no table `bb`",
        "did you mean `b`?",
    ),
    "sum of no column": (
        with_checks({"kind": "aggregate", "column": "x", "of": "b", "function": "sum"}),
        "spec.bad-check",
        "`sum` needs a column of `b`",
        "write `of: b.COLUMN`",
    ),
    "unknown column of a check's table": (
        with_checks({"kind": "aggregate", "column": "x", "of": "b.yy", "function": "sum"}),
        "spec.unknown-column",
        "table `b` has no column `yy`",
        "did you mean `y`?",
    ),
    "unknown model": (
        {"a": {**SHOP["a"], "model": "opena:gpt"}},
        "spec.unknown-model",
        "there is no model `opena:gpt`",
        ...,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_a_table_can_not_be_is_named(case: str) -> None:
    """Code, message and hint."""
    tables, code, message, hint = CASES[case]
    found = {item.message: item for item in violations(tables)}[message]
    assert found.code == code
    assert hint in (..., found.hint)
    assert str(found.where).startswith("tables.a")


def test_problems_of_all_kinds_are_found_at_once() -> None:
    """Every violation, not the first only."""
    columns = {
        "id": KEY,
        "bad": {"kind": "normal", "std": -1},
        "lost": {"kind": "reference", "to": "nowhere"},
        "sql": {"kind": "expr", "sql": "nope + 1"},
        "text": {"kind": "template", "text": "{{ nope"},
        "few": {"kind": "bernoulli", "unique": True},
    }
    checks = [{"kind": "row", "sql": "id >"}]
    found = violations({"a": {"n": 9, "columns": columns, "model": "no", "checks": checks}})
    assert {item.code for item in found} >= {
        "spec.bad-number",
        "spec.unknown-reference",
        "spec.unknown-column",
        "spec.bad-template",
        "spec.bad-sql",
        "spec.unknown-model",
    }


def test_an_output_names_tables_that_exist() -> None:
    spec = build_spec({"tables": SHOP, "outputs": [{"format": "csv", "tables": ["aa"]}]})
    with pytest.raises(Exception, match="there is no table `aa`"):
        make_plan(spec)


def test_a_plan_takes_another_seed_and_model() -> None:
    llm = {"kind": "llm", "model": "openai:gpt-4o-mini"}
    spec = build_spec({"tables": {"a": {"n": 20, "columns": {"name": llm}}}})
    plan = make_plan(spec, seed=9, model="fake")
    assert plan.seed == 9
    (calls,) = plan.calls
    assert (calls.table, calls.columns, calls.rows) == ("a", ("name",), 20)
    assert plan.spec.models["default"] == "fake"
    assert plan.spec.tables["a"].columns["name"].model is None


@pytest.mark.slow
def test_ten_thousand_columns_plan_in_reasonable_time() -> None:
    """A wide table with expressions, templates and dependent numbers."""
    columns: dict[str, Any] = {f"x{i}": X for i in range(8_000)}
    columns |= {f"e{i}": {"kind": "expr", "sql": f"x{i} + x{i + 1}"} for i in range(1_000)}
    columns |= {f"t{i}": {"kind": "template", "text": f"{{{{ x{i} }}}}"} for i in range(500)}
    columns |= {f"n{i}": {"kind": "normal", "mean": f"x{i}"} for i in range(500)}
    spec = build_spec({"tables": {"t": {"n": 10, "columns": columns}}})
    start = time.process_time()
    plan = make_plan(spec)
    assert time.process_time() - start < 20
    assert len(plan["t"].columns) == 10_000
    assert len(plan["t"].steps) == 2


def test_one_violation_is_one_error() -> None:
    """The builder of these tests holds."""
    assert violation({"a": {"columns": {"id": KEY}}}).where == "tables.a"
