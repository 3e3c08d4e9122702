"""Columns that a Python function computes: row by row, in blocks, in the sandbox."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest

from fabula.errors import SpecError
from fabula.planning.planner import make_plan
from fabula.runs.fingerprint import spec_sha256
from fabula.spec import col
from fabula.spec.loading import parse_spec
from fabula.spec.tables import DatasetSpec, TableSpec
from fabula.spec.writing import to_yaml
from tests.engines.builders import blocks_of

PLAN = {"price": col.uniform(1, 9, decimals=2), "quantity": col.uniform(1, 5, decimals=0)}


def total(price: float, quantity: int) -> float:
    return price * quantity


def noisy(price: Any, rng: np.random.Generator) -> Any:
    return price + rng.normal(0, 1, len(price))


def code(rng: np.random.Generator) -> str:
    return f"K{rng.integers(10, 99)}"


def spec_of(**columns: Any) -> DatasetSpec:
    """A table of prices and quantities with more columns."""
    return DatasetSpec(tables={"t": TableSpec("t", n=100, columns={**PLAN, **columns})})


def made(**columns: Any) -> dict[str, list[Any]]:
    """The values of that table."""
    values: dict[str, list[Any]] = blocks_of(make_plan(spec_of(**columns)))["t"][
        0
    ].table.to_pydict()
    return values


def test_a_function_of_one_row_takes_the_columns_that_its_parameters_name() -> None:
    found = made(total=col.function(total))
    assert found["total"] == [p * q for p, q in zip(found["price"], found["quantity"], strict=True)]


def test_columns_of_other_names_are_given_in_order() -> None:
    column = col.function(total, of=("quantity", "quantity"))
    assert made(square=column)["square"][:3] == [q * q for q in made()["quantity"][:3]]


def test_a_function_of_whole_blocks_repeats_by_the_generator_that_it_takes() -> None:
    column = col.function(noisy, type="float", blocks=True)
    assert made(x=column)["x"] == made(x=column)["x"]
    assert made(x=column)["x"] != made()["price"]


def test_a_function_of_one_row_may_take_the_generator_alone() -> None:
    values = made(k=col.function(code))["k"]
    assert values == made(k=col.function(code))["k"]
    assert len(set(values)) > 10


def test_functions_in_the_sandbox_give_what_they_give_outside() -> None:
    inside = col.function(total, sandboxed=True)
    assert made(x=inside)["x"] == pytest.approx(made(x=col.function(total))["x"])
    blocks = col.function(noisy, type="float", blocks=True, sandboxed=True)
    assert made(x=blocks)["x"] == made(x=blocks)["x"]


def test_the_sandbox_keeps_a_function_from_files() -> None:
    def read() -> str:
        import pathlib

        return pathlib.Path("/etc/hostname").read_text()

    column = col.function(read, sandboxed=True)
    with pytest.raises(SpecError, match="the function fails in the sandbox"):
        made(x=column)


def test_what_fails_is_told_with_its_row() -> None:
    def inverse(quantity: int) -> float:
        return 1 / (quantity - quantity)

    with pytest.raises(SpecError, match="the function fails in row 1: ZeroDivisionError"):
        made(x=col.function(inverse))


@pytest.mark.parametrize(
    ("returned", "wanted"), [("x", "int"), (1.5, "int"), (True, "int"), (1, "bool"), ([1], "float")]
)
def test_values_of_another_type_are_refused(returned: Any, wanted: Any) -> None:
    with pytest.raises(SpecError, match="the function's values are not"):
        made(x=col.function(lambda: returned, type=wanted))


def test_a_block_of_another_length_is_refused() -> None:
    with pytest.raises(SpecError, match="3 values for 100 rows"):
        made(x=col.function(lambda price: price[:3], type="float", blocks=True))


def test_missing_values_and_dates_pass() -> None:
    def day(quantity: int) -> dt.date | None:
        return None if quantity > 3 else dt.date(2024, 1, quantity)

    values = made(x=col.function(day, type="date"))["x"]
    assert None in values
    assert dt.date(2024, 1, 1) in values


def test_an_unknown_column_and_an_unknown_type_are_told() -> None:
    with pytest.raises(SpecError, match="uses `colour`, which no column defines"):
        made(x=col.function(lambda colour: colour, type="int"))
    with pytest.raises(SpecError, match="say what the function returns"):
        col.function(lambda price: price)


def test_another_function_is_another_run() -> None:
    def once(price: float) -> float:
        return price

    def twice(price: float) -> float:
        return price * 2

    hashes = {spec_sha256(spec_of(x=col.function(item))) for item in (once, twice, once)}
    assert len(hashes) == 2


def test_a_file_holds_a_digest_and_no_text_can_bring_code() -> None:
    text = to_yaml(spec_of(x=col.function(total)))
    assert "sha256:" in text
    with pytest.raises(SpecError, match="a spec file can't hold a Python function"):
        parse_spec(text)
