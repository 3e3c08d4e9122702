"""Names, values and numbers that break naive code."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from fabula.errors import CheckError
from fabula.io.sql import locked_connection, thread_connection
from fabula.kinds.base.sql import quoted
from tests.engines.builders import drawn, made, made_tables, numbers, violation

X = {"kind": "uniform", "min": 0, "max": 1}
NAMES = [
    "select", "from", "table", "order", "null", "true", "Case", "index", "class", "block", "_",
    "0", "1", " ", "a b", 'q"q', "d.ot", "br{ace}", "co,mma", "a;b", "--", "/*", "'", "count(*)",
    "a\nb", "ünï", "名前", "😀", "x" * 1_000, "self", "None", "nulls", "per_parent",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES, ids=[f"{i}" for i in range(len(NAMES))])
def test_a_column_may_have_any_name(name: str) -> None:
    """SQL keywords, spaces, quotes, dots, braces, unicode; in every place a name stands."""
    sql = quoted(name)
    columns = {
        name: X,
        "more": {"kind": "expr", "sql": f"{sql} + 1"},
        "near": {"kind": "normal", "mean": sql, "std": 0},
        "only": {"kind": "normal", "decimals": 2},
    }
    checks = [{"kind": "range", "column": name, "max": 0.9, "repair": "resample"}]
    table = made(columns, 200, checks=checks, unique=[[name, "only"]])
    assert table.schema.names == list(columns)
    assert numbers(table, name).max() <= 0.9
    assert (numbers(table, "more") == numbers(table, name) + 1).all()
    assert (numbers(table, "near") == numbers(table, name)).all()


def test_a_table_and_its_references_may_have_any_name() -> None:
    for name in ("select", "a b", 'q"q', "ünï"):
        column, weight = f"{name} id", quoted('w"w')
        tables = made_tables(
            {
                name: {"n": 5, "columns": {"id": {"kind": "key"}, 'w"w': X}},
                "child": {
                    "n": 9,
                    "columns": {
                        column: {"kind": "reference", "to": name},
                        "w": {"kind": "expr", "sql": f"{quoted(column)}.{weight}"},
                    },
                },
            }
        )
        weights = tables[name]['w"w'].to_pylist()
        assert tables["child"]["w"].to_pylist() == [
            weights[key - 1] for key in tables["child"][column].to_pylist()
        ]


def test_names_that_differ_only_by_case_work_without_sql() -> None:
    """Columns of a table are told apart by case."""
    columns = {
        "size": X,
        "Size": {"kind": "uniform", "min": 10, "max": 20},
        "text": {"kind": "template", "text": "{{ size }}|{{ Size }}"},
    }
    for row in made(columns, 20).to_pylist():
        assert row["size"] < 10 <= row["Size"]
        assert row["text"] == f"{row['size']}|{row['Size']}"


@pytest.mark.parametrize(
    "table",
    [
        {"columns": {"y": {"kind": "expr", "sql": "upper(size || 'x')"}}},
        {"columns": {"y": {"kind": "normal", "mean": "size"}}},
        {"columns": {"y": X}, "checks": [{"kind": "row", "sql": "size > 0"}]},
        {"columns": {"y": X}, "checks": [{"kind": "range", "column": "Size", "min": 0}]},
        {"columns": {"y": X}, "unique": [["size", "y"]]},
    ],
)
def test_names_that_sql_can_not_tell_apart_are_named(table: dict[str, Any]) -> None:
    """SQL ignores case; never the wrong column silently."""
    columns = {"size": X, "Size": {"kind": "uniform", "min": 10, "max": 20}, **table["columns"]}
    found = violation({"t": {**table, "n": 2, "columns": columns}})
    assert (found.code, found.hint) == ("spec.ambiguous-name", "rename one of them")
    assert found.message == "SQL can't tell `Size` from `size`"
    assert found.where == "tables.t.columns.size"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "COPY (SELECT 1) TO '/tmp/fabula-leak.csv'",
        "ATTACH '/tmp/fabula-leak.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SELECT * FROM read_text('http://127.0.0.1:9/')",
        "SET enable_external_access = true",
        "SET threads = 8",
        "SET lock_configuration = false",
        "PRAGMA memory_limit = '1GB'",
        "EXPORT DATABASE '/tmp/fabula-leak'",
    ],
)
def test_a_locked_connection_reaches_nothing(sql: str) -> None:
    """No file, network, extension or setting, should a query ever get so far."""
    with pytest.raises(Exception, match=r"(?i)permission|disabled|locked|cannot|not exist"):
        locked_connection().execute(sql).fetchall()


def test_sql_sees_no_python_variable() -> None:
    secret = np.arange(3)
    with pytest.raises(Exception, match="secret"):
        locked_connection().execute("SELECT * FROM secret").fetchall()
    assert len(secret) == 3


def test_every_thread_has_its_own_connection() -> None:
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(thread_connection()))
    thread.start()
    thread.join()
    assert found[0] is not thread_connection()
    assert thread_connection() is thread_connection()


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ({"kind": "normal", "std": "a - 50"}, "`std` of column `x` is -"),
        ({"kind": "normal", "mean": "a * 1e308 * 10"}, "`mean` of column `x` is inf in row"),
        ({"kind": "normal", "std": "a / 0"}, "`std` of column `x` is inf in row 1"),
        ({"kind": "poisson", "mean": "-a"}, "`mean` of column `x` is -"),
        ({"kind": "poisson", "mean": "a * 1e300"}, "`mean` of column `x` is "),
        ({"kind": "binomial", "trials": "a - 50", "p": 0.5}, "`trials` of column `x` is -"),
        ({"kind": "bernoulli", "p": "a"}, "`p` of column `x` is "),
        ({"kind": "gamma", "shape": "a - a"}, "`shape` of column `x` is 0 in row 1"),
        ({"kind": "exponential", "mean": "-1 * a"}, "`mean` of column `x` is -"),
        ({"kind": "lognormal", "median": "-a"}, "`median` of column `x` is -"),
        ({"kind": "pareto", "shape": 2, "min": "-a"}, "`min` of column `x` is -"),
        ({"kind": "uniform", "min": "a", "max": 50}, "no value of column `x` fits its bounds in"),
        ({"kind": "normal", "min": "a", "max": 50}, "no value of column `x` fits its bounds in"),
    ],
)
def test_a_parameter_that_can_not_be_names_its_row(column: dict[str, Any], message: str) -> None:
    a = {"kind": "uniform", "min": 1, "max": 100}
    with pytest.raises(CheckError) as caught:
        drawn(column, 1_000, a=a)
    assert caught.value.code == "engine.bad-parameter"
    assert message in caught.value.message
    assert caught.value.message.split()[-2] == "row"
    assert str(caught.value.where).startswith("tables.t.columns.x.")
    assert "bound" in str(caught.value.hint)


def test_a_missing_parameter_makes_a_missing_value() -> None:
    """Null and not-a-number alike."""
    a = {"kind": "choice", "values": [1, None]}
    columns = {
        "a": a,
        "x": {"kind": "normal", "mean": "a"},
        "y": {"kind": "uniform", "min": "a", "max": "a + 5", "decimals": 0},
        "z": {"kind": "bernoulli", "p": "a"},
        "w": {"kind": "normal", "mean": "CASE WHEN a = 1 THEN 1.0 ELSE 'nan'::DOUBLE END"},
    }
    table = made(columns, 500)
    for name in "xyzw":
        assert table[name].is_null().equals(table["a"].is_null()), name


def test_numbers_that_no_integer_holds_are_an_error() -> None:
    """No wrap-around."""
    with pytest.raises(CheckError) as caught:
        drawn({"kind": "normal", "mean": 1e30, "decimals": 0}, 10)
    assert caught.value.code == "engine.too-large"
    assert "in row 1: the number has more than 18 digits" in caught.value.message
    assert caught.value.hint == "bound it by `max`, or leave out `decimals`"


@pytest.mark.parametrize("start", [2**63 - 3, 2**62, 2**70, -(2**70)])
def test_keys_that_no_integer_holds_are_an_error(start: int) -> None:
    """No wrap-around in keys."""
    column = {"kind": "key", "start": start, "step": 2**60}
    found = violation({"t": {"n": 9, "columns": {"id": column}}})
    assert (found.code, found.where) == ("spec.bad-number", "tables.t.columns.id")
    assert found.message == "the steps exceed 64-bit whole numbers"


@pytest.mark.parametrize("seed", [-1, 0, 2**64 - 1, 2**64, 2**200, -(2**70)])
def test_any_whole_number_is_a_seed(seed: int) -> None:
    """Determinism."""
    assert np.array_equal(drawn(X, 5, seed=seed), drawn(X, 5, seed=seed))


def test_huge_texts_pass_through() -> None:
    """A megabyte in one cell."""
    columns = {
        "x": {"kind": "constant", "value": "é" * 1_000_000},
        "y": {"kind": "template", "text": "{{ x }}!"},
        "z": {"kind": "expr", "sql": "length(x)"},
        "r": {"kind": "pattern", "regex": "[a-z]" * 5_000},
    }
    (row,) = made(columns, 1).to_pylist()
    assert (len(row["y"]), row["z"], len(row["r"])) == (1_000_001, 1_000_000, 5_000)


@pytest.mark.parametrize("n", [0, 1, 65_535, 65_536, 65_537])
def test_tables_of_any_size_are_exact(n: int) -> None:
    """N = 0, 1, a block and one more."""
    columns = {"id": {"kind": "key"}, "x": X, "y": {"kind": "expr", "sql": "x + 1"}}
    table = made(columns, n)
    assert table["id"].to_pylist() == list(range(1, n + 1))
    assert str(table.schema.field("y").type) == "double"
