"""Checks that are Python functions: judged in runs and on other data, counted, never silent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fabula as fb
from fabula import DatasetSpec, TableSpec, col
from fabula.errors import CheckError, FabulaError, SpecError
from fabula.runs.fingerprint import spec_sha256

COLUMNS = {
    "price": col.uniform(1, 9, decimals=2),
    "quantity": col.uniform(1, 9, decimals=0),
    "plan": col.choice(["free", "pro"], nulls=0.2),
}
N = 300


def is_fair(price: float, quantity: int) -> bool:
    """The order stays below 40."""
    return price * quantity < 40


def are_fair(price: Any, quantity: Any) -> Any:
    return price * quantity < 40


def spec_of(*checks: Any, **columns: Any) -> DatasetSpec:
    """A table of orders with checks."""
    table = TableSpec("t", n=N, columns={**COLUMNS, **columns}, checks=checks)
    return DatasetSpec(tables={"t": table})


def check(function: Callable[..., Any], **given: Any) -> dict[str, Any]:
    """A check in its full form."""
    return {"kind": "function", "function": function, **given}


def broken() -> int:
    """Rows of the table that are not fair."""
    rows = fb.generate(spec_of()).to_arrow("t").to_pylist()
    return sum(row["price"] * row["quantity"] >= 40 for row in rows)


def test_a_plain_function_is_a_check_whose_breaches_are_counted_and_shown() -> None:
    with pytest.raises(CheckError) as caught:
        fb.generate(spec_of(is_fair))
    assert caught.value.dataset is not None
    (result,) = caught.value.dataset.checks
    assert (result.failing, result.rows, result.kind) == (broken(), N, "function")
    assert result.message == f"{broken()} of {N} rows break the rule: The order stays below 40"
    assert all(row["price"] * row["quantity"] >= 40 for row in result.examples)


@pytest.mark.parametrize("how", [{}, {"sandboxed": True}, {"blocks": True}])
def test_a_function_judges_rows_or_blocks_here_or_in_the_sandbox(how: dict[str, Any]) -> None:
    function = are_fair if how.get("blocks") else is_fair
    made = fb.generate(spec_of(check(function, repair="drop", **how)), max_rejects=1.0)
    assert made.to_arrow("t").num_rows == N - broken()
    assert [item.failing for item in made.checks] == [0]
    assert [item.repaired for item in made.checks] == [broken()]


def test_rows_that_a_function_refuses_are_drawn_again() -> None:
    made = fb.generate(spec_of(check(is_fair, repair="resample")))
    assert made.to_arrow("t").num_rows == N
    assert made.checks.passed
    assert made.to_arrow("t").equals(
        fb.generate(spec_of(check(is_fair, repair="resample"))).to_arrow("t")
    )


def test_rules_beside_relations_are_given_as_functions_too() -> None:
    with pytest.raises(CheckError, match="The order stays below 40"):
        fb.generate(spec_of(), checks=[is_fair])


def test_other_data_is_checked_by_functions() -> None:
    rows = fb.generate(spec_of()).to_arrow("t")
    results = fb.validate(spec_of(is_fair), rows)
    (result,) = results.failed
    assert result.failing == broken()
    first = result.examples[0]
    assert rows.to_pylist()[first["row"]]["price"] == first["price"]
    report = fb.evaluate({"t": rows}, spec=spec_of(is_fair))
    assert [item.failing for item in report.checks] == [broken()]


def test_columns_of_other_names_and_labels_are_given() -> None:
    def known(label: str | None) -> bool:
        return label in (None, "free", "pro")

    assert fb.generate(spec_of(check(known, of=["plan"]))).checks.passed
    with pytest.raises(SpecError, match="has no column `label`"):
        fb.generate(spec_of(known))


def test_a_dropped_column_is_seen_while_rows_are_made() -> None:
    def low(cost: int) -> bool:
        return cost < 5

    hidden = {"cost": {"kind": "uniform", "min": 1, "max": 4, "decimals": 0, "drop": True}}
    assert fb.generate(spec_of(low, **hidden)).checks.passed


def nothing(price: float) -> Any:
    del price


def number(price: float) -> Any:
    return price


def failing(price: float) -> Any:
    return 1 / (price - price)


def leaving(price: float) -> Any:
    raise SystemExit(price and 0)


def one(price: Any) -> Any:
    return bool(price.all())


def half(price: Any) -> Any:
    return np.ones(len(price) // 2, dtype=bool)


@pytest.mark.parametrize(
    ("function", "blocks", "told"),
    [
        (nothing, False, "gives nothing for row 1, and not True or False"),
        (number, False, "values are not bool: they are double"),
        (failing, False, "fails in row 1: ZeroDivisionError"),
        (leaving, False, "fails in row 1: SystemExit"),
        (one, True, "values are not bool"),
        (half, True, f"{N // 2} values for {N} rows"),
        (number, True, "values are not bool: they are double"),
    ],
)
def test_what_is_not_a_verdict_is_an_error_with_its_place(
    function: Callable[..., Any], blocks: bool, told: str
) -> None:
    spec = spec_of(check(function, blocks=blocks))
    rows = fb.generate(spec_of()).to_arrow("t")
    for verb in (lambda: fb.generate(spec), lambda: fb.validate(spec, rows)):
        with pytest.raises(SpecError, match=told) as caught:
            verb()
        assert "tables.t.checks.0" in str(caught.value)


def noisy(rng: np.random.Generator) -> bool:
    return bool(rng.random() < 0.5)


def any_of(*rows: Any) -> bool:
    return any(rows)


def test_a_verdict_of_chance_and_of_any_number_of_columns_is_refused() -> None:
    with pytest.raises(SpecError, match="a check can't take `rng`"):
        fb.resolve({"tables": {"t": {"columns": COLUMNS, "checks": [check(noisy)]}}})
    with pytest.raises(ValueError, match="parameters must be named"):
        TableSpec("t", columns=COLUMNS, checks=[any_of])


def test_another_function_is_another_run() -> None:
    assert spec_sha256(spec_of(is_fair)) == spec_sha256(spec_of(is_fair))
    assert spec_sha256(spec_of(is_fair)) != spec_sha256(spec_of(are_fair))


def test_a_synthesizer_says_that_its_file_holds_no_function() -> None:
    rows = fb.generate(spec_of()).to_arrow("t")
    with pytest.raises(FabulaError, match="can't hold the function `The order stays below 40`"):
        fb.fit(rows, spec=spec_of(is_fair))


def test_answers_of_a_model_are_asked_again_until_a_function_accepts_them() -> None:
    seen: list[int] = []

    def third(age: int) -> bool:
        """Ages come in threes."""
        seen.append(age)
        return age % 3 == 0

    columns = {"age": col.llm("an age", type="int")}
    table = TableSpec("t", n=4, columns=columns, checks=[check(third, repair="resample")])
    try:
        made = fb.generate(table, model="fake")
    except FabulaError as error:
        made = error.dataset  # type: ignore[attr-defined]
    assert seen
    assert all(age % 3 == 0 for age in made.to_arrow("t")["age"].to_pylist())
