"""The same spec, seed and version give the same bytes: in any order, from any thread."""

from __future__ import annotations

import hashlib
import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pytest

from fabula.engines.generation import Generation
from tests.engines.builders import made, made_tables, planned

KEY = {"kind": "key"}
COLUMNS: dict[str, dict[str, Any]] = {
    "id": KEY,
    "uuid": {"kind": "uuid"},
    "step": {"kind": "sequence", "start": 10, "step": 5},
    "constant": {"kind": "constant", "value": "x"},
    "choice": {"kind": "choice", "values": {"a": 3, "b": 1}},
    "even": {"kind": "choice", "values": [1, 2, 3]},
    "exact": {"kind": "choice", "values": ["x", "y", "z"], "balance": "exact"},
    "uniform": {"kind": "uniform", "min": 5, "max": 9},
    "grid": {"kind": "uniform", "min": 0, "max": 99, "decimals": 0},
    "normal": {"kind": "normal", "mean": "uniform * 10", "std": 2},
    "cut": {"kind": "normal", "min": 1, "max": 1.2, "decimals": 3},
    "lognormal": {"kind": "lognormal", "median": 60, "sigma": 0.5},
    "exponential": {"kind": "exponential", "mean": 3, "nulls": 0.1},
    "gamma": {"kind": "gamma", "shape": 2, "scale": 3},
    "beta": {"kind": "beta", "a": 2, "b": 5},
    "pareto": {"kind": "pareto", "shape": 3},
    "poisson": {"kind": "poisson", "mean": 4},
    "poisson_by_row": {"kind": "poisson", "mean": "uniform", "min": 1},
    "binomial": {"kind": "binomial", "trials": 9, "p": 0.3},
    "bernoulli": {"kind": "bernoulli", "p": 0.2},
    "zipf": {"kind": "zipf", "max": 100},
    "mixture": {"kind": "mixture", "of": [{"kind": "normal"}, {"kind": "uniform", "weight": 2}]},
    "time": {"kind": "datetime", "start": "2024-01-01", "within": "90d"},
    "shaped": {"kind": "datetime", "start": "2024-01-01", "within": "90d", "hours": "9-17"},
    "date": {"kind": "datetime", "start": "2024-01-01", "within": "90d", "date": True},
    "pattern": {"kind": "pattern", "regex": "[A-Z]{3}-[0-9]{4}"},
    "template": {"kind": "template", "text": "{{ choice }}/{{ grid }}"},
    "jinja": {"kind": "template", "text": "{{ grid + 1 }}"},
    "expr": {"kind": "expr", "sql": "round(normal * 2, 2)"},
    "text": {"kind": "expr", "sql": "upper(pattern) || '!'"},
    "first": {"kind": "person", "field": "first_name"},
    "email": {"kind": "person", "field": "email", "unique": True},
    "unique": {"kind": "normal", "decimals": 7, "unique": True},
    "left": {"kind": "normal"},
    "right": {"kind": "gamma", "shape": 2, "scale": 1},
}
CORRELATIONS = [{"columns": ["left", "right"], "r": 0.6}]


def all_kinds(n: int = 70_000) -> dict[str, Any]:
    """A parent with every statistical kind and a child that uses it."""
    return {
        "parent": {
            "n": n,
            "columns": COLUMNS,
            "correlations": CORRELATIONS,
            "checks": [{"kind": "row", "sql": "uniform > 5.5", "repair": "resample"}],
        },
        "child": {
            "per_parent": {"of": "parent", "poisson": 1.2},
            "columns": {
                "id": KEY,
                "parent": {"kind": "reference", "to": "parent"},
                "other": {"kind": "reference", "to": "parent", "skew": 1.1},
                "heavy": {"kind": "reference", "to": "parent.uuid", "weights": "uniform"},
                "price": {"kind": "expr", "sql": "other.uniform * 2"},
                "above": {"kind": "reference", "to": "child", "nulls": 0.1},
            },
            "checks": [{"kind": "row", "sql": "price < 17.9", "repair": "drop"}],
        },
    }


@pytest.mark.slow
def test_blocks_are_the_same_in_any_order_and_from_any_thread() -> None:
    """Determinism: fresh makers, random orders, four threads over both tables at once."""
    spec = all_kinds(66_000)
    spec["parent"]["columns"] = {n: c for n, c in COLUMNS.items() if n != "jinja"}  # row by row
    plan = planned(spec)
    serial = Generation(plan).makers
    keys = [(name, block) for name, maker in serial.items() for block in range(maker.blocks)]
    expected = {(name, block): serial[name].make(block) for name, block in keys}
    for attempt in range(2):
        shuffled = keys * 2
        random.Random(attempt).shuffle(shuffled)
        makers = Generation(plan).makers
        with ThreadPoolExecutor(4) as pool:
            futures = [(key, pool.submit(makers[key[0]].make, key[1])) for key in shuffled]
            for key, future in futures:
                assert future.result(timeout=60) == expected[key], key


def test_a_seed_changes_every_drawn_column() -> None:
    """Determinism."""
    first, second = (made(COLUMNS, 500, seed=seed, correlations=CORRELATIONS) for seed in (1, 2))
    same = {name for name in first.schema.names if first[name].equals(second[name])}
    assert same == {"id", "step", "constant"}


@pytest.mark.parametrize("change", ["add", "remove", "reorder"])
def test_other_columns_do_not_change_with_the_columns_beside_them(change: str) -> None:
    """Determinism: streams have names, not positions."""
    before = made(COLUMNS, 3_000, correlations=CORRELATIONS)
    columns = dict(COLUMNS)
    if change == "add":
        columns = {"new": {"kind": "normal"}, **columns, "more": {"kind": "uuid"}}
    elif change == "remove":
        for name in ("choice", "template", "pattern", "text", "mixture", "first"):
            del columns[name]
    else:
        columns = dict(reversed(columns.items()))
    after = made(columns, 3_000, correlations=CORRELATIONS)
    for name in before.schema.names:
        assert name not in columns or after[name].equals(before[name]), name


def test_more_rows_leave_the_first_ones_as_they_were() -> None:
    """Determinism: but for what is exact over the whole table."""
    whole = {"exact", "unique", "email"}
    columns = {name: column for name, column in COLUMNS.items() if name != "jinja"}
    few, many = (made(columns, n, correlations=CORRELATIONS) for n in (65_536, 65_600))
    for name in set(few.schema.names) - whole:
        assert many[name].slice(0, 65_536).equals(few[name]) or name in whole, name


GOLDEN = {
    "parent": "8493097b019cc02fc227fa78a9ed61f813498a9d1cdc0b2fa027e4001fb52c46",
    "child": "2d14b40935ce843e8d4b5714a93043d03ed67c4a46cd88f9b518e973a444cf91",
}


def test_golden_bytes() -> None:
    """Determinism: these hashes change only with a deliberate change of streams or draws."""
    tables = made_tables(all_kinds(3_000), seed=7)
    assert {name: digest(table) for name, table in tables.items()} == GOLDEN


def digest(table: pa.Table) -> str:
    """A hash of a table's values; floats to nine digits, as processors differ in the last."""
    text = hashlib.sha256()
    for name in table.schema.names:
        values = table[name].combine_chunks()
        if pa.types.is_dictionary(values.type):
            values = values.dictionary_decode()
        plain = values.to_pylist()
        shown = [f"{item:.9g}" if isinstance(item, float) else str(item) for item in plain]
        text.update(f"{name}:{values.type}:{shown}".encode())
    return text.hexdigest()
