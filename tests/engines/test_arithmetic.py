"""Compiled expressions against DuckDB itself. C2.2."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from fabula.engines.arithmetic import compile_expression
from fabula.engines.expressions import evaluate
from fabula.io.expressions import parse_expression

ROWS = 4_000
TYPES = {"x": pa.float64(), "y": pa.float64(), "k": pa.int64(), "t": pa.timestamp("us")}
COMPILED = [
    "round(k * x, 2)",
    "round(x, 0)",
    "x + y * 2 - 0.35",
    "(x - y) * 1e3",
    "x < y",
    "x >= 0.5 AND (k <> 3 OR y < x)",
    "CASE WHEN x < 0 THEN x WHEN k > 2 THEN y * 2 ELSE x + 1.5 END",
    "CASE WHEN t < TIMESTAMP '2021-10-01' THEN 'old' WHEN x > y THEN 'even' ELSE 'new' END",
]
LEFT_TO_DUCKDB = [
    "k * k",
    "k + 0.5",
    "(1 - 0.2) * x",
    "x / y",
    "round(x)",
    "-x",
    "k > 0.5",
    "CASE WHEN x < 0 THEN 'a' END",
    "upper('a')",
    "t < TIMESTAMPTZ '2021-10-01'",
]


def columns() -> dict[str, pa.Array]:
    """Numbers with many ties, halves, signs and extremes."""
    rng = np.random.default_rng(5)
    x = np.round(rng.normal(0, 50, ROWS), 3)
    x[:6] = [0.49999999999999994, 2.5, -2.5, 1e300, -0.0, 0.005]
    y = np.where(rng.random(ROWS) < 0.3, x, rng.normal(0, 1, ROWS))
    times = rng.integers(1_600_000_000, 1_660_000_000, ROWS) * 1_000_000
    return {
        "x": pa.array(x),
        "y": pa.array(y),
        "k": pa.array(rng.integers(-3, 9, ROWS)),
        "t": pa.array(times).cast(pa.timestamp("us")),
    }


@pytest.mark.parametrize("text", COMPILED)
def test_compiled_expressions_give_duckdbs_values_to_the_bit(text: str) -> None:
    parsed = parse_expression(text)
    values = {name: columns()[name] for name in parsed.needs}
    compiled = compile_expression(parsed.sql, {name: TYPES[name] for name in parsed.needs})
    assert compiled is not None
    result = compiled(values, ROWS)
    expected = evaluate({"r": parsed.sql}, values, ROWS, where="")["r"]
    assert result is not None
    assert result.cast(expected.type).equals(expected)


@pytest.mark.parametrize("text", LEFT_TO_DUCKDB)
def test_what_has_other_rules_in_sql_is_left_to_duckdb(text: str) -> None:
    parsed = parse_expression(text)
    assert compile_expression(parsed.sql, {n: TYPES[n] for n in parsed.needs}) is None


def test_a_block_with_nulls_is_left_to_duckdb() -> None:
    compiled = compile_expression("x + 1.5", {"x": pa.float64()})
    assert compiled is not None
    assert compiled({"x": pa.array([1.0, None])}, 2) is None
