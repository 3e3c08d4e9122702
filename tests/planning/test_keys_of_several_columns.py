"""References to keys of several columns: planned, made, checked, written by init, used by fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import fabula as fb
from fabula.errors import SpecError
from fabula.relationships.keys import ForeignKey

LINK = ForeignKey("payments", ("user_id", "loan_number"), "loans", ("user_id", "loan_number"))


def bank() -> dict[str, Any]:
    """Loans are numbered within a user; payments point at both columns."""
    return {
        "tables": {
            "users": {"n": 12, "columns": {"user_id": {"kind": "key"}}},
            "loans": {
                "per_parent": {"of": "users", "min": 1, "max": 5},
                "primary_key": ["user_id", "loan_number"],
                "columns": {
                    "user_id": {"kind": "reference", "to": "users"},
                    "loan_number": {"kind": "sequence", "within": "user_id"},
                    "amount": {"kind": "uniform", "min": 1, "max": 9},
                },
            },
            "payments": {
                "n": 200,
                "columns": {
                    "id": {"kind": "key"},
                    "loan_number": {"kind": "reference", "to": "loans.loan_number"},
                    "user_id": {"kind": "expr", "sql": "loan_number.user_id"},
                    "paid": {"kind": "expr", "sql": "loan_number.amount / 2"},
                },
                "checks": [{"kind": "row", "sql": "paid <= loan_number.amount"}],
            },
        }
    }


def made() -> dict[str, pa.Table]:
    data = fb.generate(bank(), seed=1)
    return {name: data.to_arrow(name) for name in ("users", "loans", "payments")}


def test_every_row_holds_all_columns_of_one_key() -> None:
    """What is read through the reference is of the same row."""
    tables = made()
    loans = {
        (row["user_id"], row["loan_number"]): row["amount"] for row in tables["loans"].to_pylist()
    }
    assert len(loans) == tables["loans"].num_rows
    for row in tables["payments"].to_pylist():
        assert row["paid"] == pytest.approx(loans[row["user_id"], row["loan_number"]] / 2)


def test_a_pair_that_no_parent_has_is_found_in_files() -> None:
    """Each half of it exists."""
    tables = made()
    numbers = {row["user_id"]: 0 for row in tables["loans"].to_pylist()}
    for row in tables["loans"].to_pylist():
        numbers[row["user_id"]] += 1
    few, many = min(numbers, key=numbers.__getitem__), max(numbers.values())
    rows = tables["payments"].to_pylist()
    rows[0] |= {"user_id": few, "loan_number": many}
    assert fb.validate(bank(), tables).passed
    broken = [
        item.message
        for item in fb.validate(bank(), {**tables, "payments": pa.Table.from_pylist(rows)})
        if not item.passed
    ]
    assert any("1 of 200 values of `payments.user_id+loan_number`" in text for text in broken)


def test_a_lone_part_of_a_key_is_refused_with_the_line_that_completes_it() -> None:
    spec = bank()
    del spec["tables"]["payments"]["columns"]["user_id"]
    with pytest.raises(SpecError, match=r"user_id: \{kind: expr, sql: loan_number.user_id\}"):
        fb.plan(spec)


def test_fit_takes_the_key_of_a_spec() -> None:
    assert LINK in fb.fit(made(), spec=bank(), seed=0).keys.foreign


def test_init_writes_the_key_and_its_spec_keeps_it() -> None:
    """The other key of the user's number follows from this one, and is not missed."""
    rng = np.random.default_rng(2)
    users = np.repeat(np.arange(120), rng.integers(1, 4, 120))
    number = np.concatenate([np.arange(n) + 1 for n in np.bincount(users)])
    at = np.sort(rng.integers(0, len(users), 400))
    tables = {
        "users": pa.table({"user_id": np.arange(120)}),
        "loans": pa.table(
            {"user_id": users, "loan_number": number, "amount": rng.normal(size=len(users))}
        ),
        "payments": pa.table(
            {"user_id": users[at], "loan_number": number[at], "paid": rng.normal(size=400)}
        ),
    }
    inferred = fb.infer(tables)
    columns = inferred.spec.tables["payments"].columns
    assert (columns["loan_number"].to, columns["user_id"].sql) == (
        "loans.loan_number",
        "loan_number.user_id",
    )
    assert not inferred.notes
    data = fb.generate(inferred.spec, seed=3)
    pairs = [
        {(row["user_id"], row["loan_number"]) for row in data.to_arrow(name).to_pylist()}
        for name in ("payments", "loans")
    ]
    assert pairs[0] <= pairs[1]
