"""SQL of a spec: what is refused, and that a spec reaches no file, network, setting or clock."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pyarrow as pa
import pytest

from fabula.errors import SpecError
from fabula.io.expressions import (
    ExpressionError,
    expression_type,
    parse_expression,
    unrepeatable_among,
)
from fabula.io.sql import locked_connection
from tests.engines.builders import made, violation

A = {"kind": "uniform", "min": 1, "max": 2}


def with_sql(sql: str) -> dict[str, Any]:
    return {"t": {"n": 3, "columns": {"a": A, "x": {"kind": "expr", "sql": sql}}}}


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("", "the SQL is not valid: SELECT clause without selection list"),
        ("-- nothing", "the SQL is not valid: SELECT clause without selection list"),
        ("(a", 'the SQL is not valid: syntax error at or near "a"'),
        ("a, a", "it must be one expression, not a query"),
        ("a FROM b", "it must be one expression, not a query"),
        ("a WHERE true", "it must be one expression, not a query"),
        ("a UNION SELECT 1", "it must be one expression, not a query"),
        ("1; SELECT 2", "it must be one expression, not a query"),
        (
            "1; ATTACH 'x.db'",
            "the SQL is not valid: Only SELECT statements can be serialized to json!",
        ),
        ("COPY x TO 'y'", 'the SQL is not valid: syntax error at or near "TO"'),
        ("(SELECT 1)", "it must not contain a query"),
        ("EXISTS(SELECT 1)", "it must not contain a query"),
        ("a IN (SELECT content FROM read_text('/etc/passwd'))", "not contain a query"),
        ("sum(a)", "it must not combine other rows (no aggregates)"),
        ("count(*)", "it must not combine other rows (no aggregates)"),
        ("row_number() OVER ()", "it must not look at other rows (no window functions)"),
        ("sum(a) OVER ()", "it must not look at other rows (no window functions)"),
        ("*", "it must name its columns (no `*`)"),
        ("COLUMNS(*)", "it must name its columns (no `*`)"),
        ("unnest([1, 2])", "`unnest` gives several rows; an expression gives one value per row"),
        ("?", "it must not have a parameter (`?` or `$1`)"),
        ("random()", "`random` gives a different result each time"),
        ("main.RANDOM()", "`random` gives a different result each time"),
        ("a + uuid()::INT", "`uuid` gives a different result each time"),
        ("now()", "`now` gives a different result each time"),
        ("age(TIMESTAMP '2020-01-01')", "`age` gives a different result each time"),
        ("current_date", "`current_date` gives a different result each time"),
        ("localtimestamp", "`localtimestamp` gives a different result each time"),
        ("getenv('HOME')", "`getenv` reads the database, not the row"),
        ("current_setting('threads')", "`current_setting` reads the database, not the row"),
        ("write_log('x')", "`write_log` reads the database, not the row"),
        ("read_csv('/etc/passwd')", "is a table function"),
        ("read_text('http://127.0.0.1:1/')", "is a table function"),
        ("query('SELECT 1')", "`query` reads the database, not the row"),
        ("t.a", "`t.a` is not a column: `t` is not a reference of this table"),
        ("nope(a)", "Scalar Function with name nope does not exist!"),
        ("date_trunc('day', a)", "No function matches the given name and argument types"),
    ],
)
def test_sql_that_is_no_repeatable_expression_is_refused(sql: str, message: str) -> None:
    """One expression over the row, nothing else."""
    found = violation(with_sql(sql))
    assert found.code == "spec.bad-sql"
    assert message in found.message


def test_every_function_that_can_not_repeat_is_refused() -> None:
    """Whatever DuckDB itself calls volatile is refused, in this version too."""
    query = """
        SELECT function_name FROM duckdb_functions() WHERE function_type IN ('scalar', 'macro')
        GROUP BY ALL HAVING bool_and(stability <> 'CONSISTENT')
    """
    for (name,) in locked_connection().execute(query).fetchall():
        if name == "error":
            continue
        with pytest.raises(ExpressionError):
            parse_expression(f"{name}()")


@pytest.mark.parametrize(
    ("sql", "hint"),
    [
        ("A", "did you mean `a`?"),
        ("aa + 1", "did you mean `a`?"),
        ("rowid", None),
        ("current_user", None),
    ],
)
def test_an_unknown_name_is_a_violation(sql: str, hint: str | None) -> None:
    found = violation(with_sql(sql))
    assert (found.code, found.hint) == ("spec.unknown-column", hint)
    assert found.message == f"column `x` uses `{sql.split(maxsplit=1)[0]}`, which no column defines"
    assert found.where == "tables.t.columns.x.sql"


def test_a_parents_unknown_column_names_the_parent() -> None:
    parent = {"n": 2, "columns": {"id": {"kind": "key"}, "price": A}}
    columns = {"p": {"kind": "reference", "to": "parents"}, "x": {"kind": "expr", "sql": "p.prise"}}
    found = violation({"parents": parent, "t": {"n": 1, "columns": columns}})
    assert found.message == "column `x` uses `p.prise`, but `parents` has no `prise`"
    assert found.hint == "did you mean `price`?"


def test_a_path_over_two_references_is_a_violation_with_the_way_out() -> None:
    parent = {"n": 2, "columns": {"id": {"kind": "key"}, "price": A}}
    columns = {
        "p": {"kind": "reference", "to": "parents"},
        "x": {"kind": "expr", "sql": "p.q.price"},
    }
    found = violation({"parents": parent, "t": {"n": 1, "columns": columns}})
    assert found.message == "column `x`: `p.q.price` follows more than one reference"
    assert found.hint == "give the parent table an `expr` column that holds `q.price`"


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ({"kind": "normal", "mean": "'x'"}, "`mean` must be a number, not string"),
        ({"kind": "normal", "std": "a > 1"}, "`std` must be a number, not bool"),
        ({"kind": "datetime", "start": "a", "within": "1d"}, "`start` must be a time, not double"),
    ],
)
def test_a_parameter_of_the_wrong_type_is_named(column: dict[str, Any], message: str) -> None:
    found = violation({"t": {"n": 3, "columns": {"a": A, "x": column}}})
    assert (found.code, found.message) == ("spec.wrong-type", f"column `x`: {message}")


def test_columns_that_need_each_other_are_a_cycle_with_its_path() -> None:
    columns = {
        "a": {"kind": "expr", "sql": "b + 1"},
        "b": {"kind": "normal", "mean": "c"},
        "c": {"kind": "expr", "sql": "a * 2"},
    }
    found = violation({"t": {"n": 3, "columns": columns}})
    assert found.code == "plan.cycle"
    assert found.hint == "define one of them without the other"
    assert found.message in {
        f"{path}: these columns depend on each other"
        for path in ("t.a → t.b → t.c → t.a", "t.b → t.c → t.a → t.b", "t.c → t.a → t.b → t.c")
    }


@pytest.mark.parametrize(
    ("sql", "first"),
    [
        ("a AS b", None),
        ("a;", None),
        ("a -- why", None),
        ("a /* why */ + 0", None),
        ("list_sum(list_transform([1, 2], lambda x: x + 1))", 5),
        ("list_sum([y * 2 for y in [1, 2]])", 6),
        ("list_filter([1, 5], lambda v: v > a)[1]", 5),
        ("CASE WHEN a > 5 THEN 'much' END", None),
        ("NULL", None),
        ("a / 0", float("inf")),
        ("1::HUGEINT", 1.0),
        ("12.50", 12.5),
        ("true", True),
        ("'{{ a }}'", "{{ a }}"),
    ],
)
def test_expressions_that_are_fine_work(sql: str, first: Any) -> None:
    table = made(with_sql(sql)["t"]["columns"], 3)
    expected = table["a"][0].as_py() if first is None and sql.startswith("a") else first
    assert table["x"][0].as_py() == expected


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("CAST(a AS BIGINT) * 9223372036854775807 * 2", "Overflow in multiplication"),
        ("a // 0", "Division by zero"),
        ("CAST('x' || a AS INT)", "Could not convert string"),
        ("repeat('x', 100000000000)", "repeat over its limit of 100,000"),
        ("a + 'x'", "Could not convert string 'x' to"),
        ("error('boom')", "boom"),
    ],
)
def test_sql_that_fails_on_the_data_is_an_error_of_the_spec(sql: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        made(with_sql(sql)["t"]["columns"], 3)
    assert caught.value.code == "engine.sql"
    assert message in caught.value.message
    assert str(caught.value.where).startswith("tables.t")


@pytest.mark.parametrize("text", ["a.b", " Sold_to.Since ", "date.year", "a.select"])
def test_a_parents_column_is_parsed_without_the_engine_as_by_it(text: str) -> None:
    reference = text.strip().partition(".")[0]
    by_engine = parse_expression(f"({text})", [reference])
    parsed = parse_expression(text, [reference])
    assert (parsed.sql, parsed.needs) == (by_engine.sql.strip("()"), by_engine.needs)


def test_types_of_a_sole_column_are_those_that_the_engine_gives() -> None:
    kinds = (pa.int64(), pa.float64(), pa.bool_(), pa.string(), pa.date32(), pa.timestamp("us"))
    for kind in (*kinds, pa.timestamp("s"), pa.int16(), pa.decimal128(9, 2)):
        column = {"a.b": kind}
        assert expression_type('"a.b"', column) == expression_type('("a.b")', column)


def test_a_function_with_one_form_that_depends_on_the_time_zone_may_be_used() -> None:
    forms = [
        ("+", "scalar", "CONSISTENT", None),
        ("+", "scalar", "CONSISTENT_WITHIN_QUERY", None),
        ("now", "scalar", "CONSISTENT_WITHIN_QUERY", None),
        ("random", "scalar", "VOLATILE", None),
        ("later", "macro", None, "now() + INTERVAL 1 DAY"),
        ("sooner", "macro", None, "(a + b)"),
    ]
    assert unrepeatable_among(forms) == {"now", "random", "later"}


@pytest.mark.slow
def test_a_time_with_a_zone_reads_the_same_on_every_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code = (
        "import fabula as fb\n"
        "columns = {'t': {'kind': 'expr', 'sql': \"hour(TIMESTAMPTZ '2024-01-01 00:30:00+00')\"}}\n"
        "print(fb.generate({'tables': {'a': {'n': 1, 'columns': columns}}})['a']['t'][0])\n"
    )
    for zone in ("UTC", "Asia/Tokyo"):
        monkeypatch.setenv("TZ", zone)
        told = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
        assert told.stdout == b"0\n"
