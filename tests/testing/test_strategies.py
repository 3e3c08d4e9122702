"""Hypothesis strategies from specs and classes."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

import pytest
from hypothesis import find, given, settings
from pydantic import BaseModel, Field, model_validator

import fabula as fb
from fabula.errors import SpecError, UsageError

ORDERS = {
    "tables": {
        "orders": {
            "columns": {
                "id": {"kind": "key"},
                "buyer": {"kind": "person", "field": "name"},
                "email": {"kind": "person", "field": "email"},
                "price": {"kind": "uniform", "min": 1, "max": 99, "decimals": 2},
                "amount": {"kind": "uniform", "min": 1, "max": 9, "decimals": 0},
                "total": {"kind": "expr", "sql": "round(price * amount, 2)"},
                "status": {"kind": "choice", "values": ["new", "paid"], "nulls": 0.2},
                "sku": {"kind": "pattern", "regex": r"[A-Z]{2}-\d{3}"},
                "placed": {"kind": "datetime", "start": "2024-01-01", "end": "2025-01-01"},
                "stars": {"kind": "uniform", "min": 0, "max": 5, "decimals": 0},
            },
        }
    }
}


@given(fb.strategy(ORDERS))
@settings(max_examples=60)
def test_rows_keep_the_spec(row: dict[str, Any]) -> None:
    """Columns that an expression names agree with it; free ones stay within their bounds."""
    assert row["total"] == pytest.approx(row["price"] * row["amount"], abs=0.006)
    assert row["status"] in ("new", "paid", None)
    assert row["sku"].isascii()
    assert row["sku"][2] == "-"
    assert dt.datetime(2024, 1, 1) <= row["placed"] < dt.datetime(2025, 1, 1)
    assert list(row) == list(ORDERS["tables"]["orders"]["columns"])


@pytest.mark.slow
def test_free_columns_shrink_and_reach_their_ends() -> None:
    rows = fb.strategy(ORDERS)
    assert find(rows, lambda row: row["stars"] >= 3)["stars"] == 3
    assert find(rows, lambda row: row["stars"] == 5)["sku"] == "AA-000"
    assert find(rows, lambda row: row["status"] is None)["status"] is None


@given(
    fb.strategy(
        {
            "tables": {
                "people": {"n": 5, "columns": {"id": {"kind": "key"}}},
                "visits": {
                    "n": 5,
                    "columns": {"person_id": {"kind": "reference", "to": "people"}},
                },
            }
        }
    )
)
@settings(max_examples=10)
def test_references_of_several_tables_resolve(tables: dict[str, list[dict[str, Any]]]) -> None:
    keys = {row["id"] for row in tables["people"]}
    assert keys
    assert {row["person_id"] for row in tables["visits"]} <= keys


class Stay(BaseModel):
    patient: str
    ward: Literal["eyes", "heart"]
    age: int = Field(ge=0, le=110)
    first: dt.date
    last: dt.date

    @model_validator(mode="after")
    def _in_order(self) -> Stay:
        if self.last < self.first:
            raise ValueError("the last day is before the first")
        return self


@given(fb.strategy(Stay))
@settings(max_examples=40)
def test_objects_are_accepted_by_their_class(stay: Stay) -> None:
    assert isinstance(stay, Stay)
    assert stay.first <= stay.last


def test_objects_shrink() -> None:
    assert find(fb.strategy(Stay), lambda stay: stay.age > 64).age == 65


def test_wrong_sources_are_refused_where_they_are_named() -> None:
    with pytest.raises(SpecError, match="chioce"):
        fb.strategy({"tables": {"a": {"columns": {"x": {"kind": "chioce"}}}}})
    with pytest.raises(UsageError, match="no fields"):
        fb.strategy(int)
