"""Keys that are found in tables."""

from __future__ import annotations

from uuid import UUID

import numpy as np
import pyarrow as pa
import pytest

import fabula as fb
from fabula.inference.infer import infer
from fabula.relationships.keys import ForeignKey, find_keys

SHOP = {
    "Customers": pa.table({"CustomerID": ["A", "B", "C"], "City": ["Bonn", "Rome", "Bonn"]}),
    "Employees": pa.table({"employee_id": [1, 2, 3], "ReportsTo": [None, 1, 1]}),
    "Orders": pa.table(
        {
            "OrderID": [10, 11, 12],
            "BillingCustomerId": ["A", "A", "C"],
            "employee_id": [1, 2, 2],
            "quantity": [1, 2, 3],
        }
    ),
    "OrderLines": pa.table(
        {"OrderID": [10, 10, 11], "LineNo": [1, 2, 1], "price": [1.5, 2.5, 1.5]}
    ),
    "Shipments": pa.table({"shipment_id": [1, 2], "OrderID": [10, 11], "LineNo": [2, 1]}),
}


def test_keys_are_found_in_any_spelling_with_self_reference_and_composite_keys() -> None:
    """What points where is read from names and confirmed by all values."""
    keys = find_keys(SHOP)
    assert keys.primary == {
        "Customers": ("CustomerID",),
        "Employees": ("employee_id",),
        "Orders": ("OrderID",),
        "OrderLines": ("OrderID", "LineNo"),
        "Shipments": ("shipment_id",),
    }
    assert set(keys.foreign) == {
        ForeignKey("Employees", ("ReportsTo",), "Employees", ("employee_id",)),
        ForeignKey("Orders", ("BillingCustomerId",), "Customers", ("CustomerID",)),
        ForeignKey("Orders", ("employee_id",), "Employees", ("employee_id",)),
        ForeignKey("OrderLines", ("OrderID",), "Orders", ("OrderID",)),
        ForeignKey("Shipments", ("OrderID",), "Orders", ("OrderID",)),
        ForeignKey("Shipments", ("OrderID", "LineNo"), "OrderLines", ("OrderID", "LineNo")),
    }


def test_a_value_that_no_parent_has_means_no_key() -> None:
    """A name alone is not enough."""
    parents = pa.table({"id": [1, 2]})
    children = pa.table({"id": [1, 2, 3], "parent_id": [1, 2, 9]})
    assert find_keys({"parents": parents, "children": children}).foreign == ()


def test_tables_without_rows_or_keys_have_none() -> None:
    """Empty tables, repeated and missing values."""
    tables = {
        "empty": pa.table({"id": pa.array([], pa.int64())}),
        "repeated": pa.table({"id": [1, 1]}),
        "missing": pa.table({"id": [1, None], "empty_id": pa.array([None, None], pa.int64())}),
    }
    keys = find_keys(tables)
    assert (dict(keys.primary), keys.foreign) == ({}, ())


def test_inferred_specs_declare_the_keys_that_the_data_has() -> None:
    """`init --from` a folder of tables."""
    spec = infer(SHOP).spec
    orders, lines = spec.tables["Orders"], spec.tables["OrderLines"]
    assert orders.columns["BillingCustomerId"].kind == "reference"
    assert spec.tables["Employees"].columns["ReportsTo"].nulls > 0
    assert lines.key == ("OrderID", "LineNo")
    assert spec.tables["Customers"].key == ("CustomerID",)


def test_values_that_cannot_be_shared_by_chance_tell_a_key_of_any_name() -> None:
    """UUIDs under a name that says nothing, and a column that is called like the table."""
    ids = [f"{at:08x}-0000-4000-8000-{at:012x}" for at in range(40)]
    tables = {
        "patients": pa.table({"Id": ids, "sex": ["f", "m"] * 20}),
        "visits": pa.table({"Id": [f"{text[:-1]}f" for text in ids], "PATIENT": ids[::-1]}),
        "letters": pa.table({"page": list(range(40)), "whom": ids[:20] * 2}),
    }
    assert set(find_keys(tables).foreign) == {
        ForeignKey("visits", ("PATIENT",), "patients", ("Id",)),
        ForeignKey("letters", ("whom",), "patients", ("Id",)),
    }


def test_numbers_point_where_their_name_says_in_any_habit() -> None:
    """A verb of the table's name, and a role that its rows play; a measure is not a key."""
    tables = {
        "shippers": pa.table({"shipperID": [1, 2, 3]}),
        "employees": pa.table({"employeeID": list(range(1, 9))}),
        "orders": pa.table(
            {
                "orderID": list(range(10, 22)),
                "shipVia": [1, 2, 3] * 4,
                "SupportRepId": [3, 4, 5] * 4,
                "ship_days": [1, 2, 3] * 4,
            }
        ),
    }
    assert set(find_keys(tables).foreign) == {
        ForeignKey("orders", ("shipVia",), "shippers", ("shipperID",)),
        ForeignKey("orders", ("SupportRepId",), "employees", ("employeeID",)),
    }


def test_one_to_one_tables_point_one_way() -> None:
    """The table that the key is named after is the parent, whatever the order."""
    ids = list(range(1, 31))
    tables = {
        "links": pa.table({"movieId": ids[::-1], "tmdb": [at * 977 for at in ids]}),
        "movies": pa.table({"movieId": ids}),
    }
    assert find_keys(tables).foreign == (ForeignKey("links", ("movieId",), "movies", ("movieId",)),)


def test_a_number_within_foreign_keys_completes_a_primary_key_of_any_name() -> None:
    """`loan_number` counts the loans of a user; payments point at both columns."""
    users = [at // 2 for at in range(60)]
    tables = {
        "accounts": pa.table({"account_id": list(range(30))}),
        "loans": pa.table({"account_id": users, "which": [1, 2] * 30}),
        "payments": pa.table(
            {"account_id": users * 2, "which": [1, 2] * 60, "part": [1] * 60 + [2] * 60}
        ),
    }
    keys = find_keys(tables)
    assert keys.primary["loans"] == ("account_id", "which")
    assert keys.primary["payments"] == ("account_id", "which", "part")
    wanted = ForeignKey("payments", ("account_id", "which"), "loans", ("account_id", "which"))
    assert wanted in keys.foreign


def test_numbers_in_the_thousands_are_keys_and_so_are_years() -> None:
    """Years point at a table of years."""
    numbers = list(range(1950, 2010))
    tables = {
        "users": pa.table({"user_id": numbers}),
        "loans": pa.table({"loan_id": list(range(60)), "user_id": numbers}),
        "seasons": pa.table({"year": numbers}),
        "races": pa.table({"race_id": list(range(120)), "year": numbers * 2}),
    }
    found = find_keys(tables)
    assert found.foreign == (
        ForeignKey("loans", ("user_id",), "users", ("user_id",)),
        ForeignKey("races", ("year",), "seasons", ("year",)),
    )


def test_what_nearly_is_a_foreign_key_is_told() -> None:
    """A name that says nothing, and a share of values that is too small."""
    tables = {
        "people": pa.table({"people_id": list(range(1, 41))}),
        "notes": pa.table({"note_id": list(range(40)), "thing_id": list(range(40, 0, -1))}),
        "calls": pa.table(
            {"call_id": list(range(40)), "people_id": [*range(1, 31), *range(90, 100)]}
        ),
    }
    found = find_keys(tables)
    told = {miss.key.name: miss.why for miss in found.near}
    assert found.foreign == ()
    assert told == {
        "notes.thing_id": "its name does not tell that it points there",
        "calls.people_id": "25.0 % of its values are none of its keys",
    }


def test_uuids_in_capitals_point_at_the_same_ones_in_small_letters() -> None:
    """The case of a UUID says nothing."""
    rng = np.random.default_rng(8)
    ids = [str(UUID(bytes=rng.bytes(16))) for _ in range(120)]
    visits = [ids[at].upper() for at in rng.integers(0, 120, 400)]
    tables = {
        "patient": pa.table({"Id": ids, "sex": ["f", "m"] * 60}),
        "visit": pa.table({"visit": list(range(400)), "PATIENT": visits}),
    }
    (link,) = find_keys(tables).foreign
    assert (link.child, link.columns, link.parent) == ("visit", ("PATIENT",), "patient")
    made = fb.fit(tables, seed=1).sample(1.0, seed=2)
    assert {*made["visit"]["PATIENT"].to_pylist()} <= {*made["patient"]["Id"].to_pylist()}


@pytest.mark.parametrize("kind", ["text", "date", "time"])
def test_a_calendar_has_its_days_as_the_key_and_people_do_not_have_their_birthdays(kind):
    rng = np.random.default_rng(1)

    def days(numbers):
        found = pa.array(np.asarray(numbers, np.int32)).cast(pa.date32())
        return {"text": pa.string(), "date": pa.date32(), "time": pa.timestamp("us")}[kind], found

    def column(numbers):
        to, found = days(numbers)
        return found.cast(to)

    born = rng.permutation(12_000)[:40]
    keys = find_keys({
        "days": pa.table({"day": column(18_000 + np.arange(200)), "open": rng.random(200) < 0.9}),
        "months": pa.table({"until": column([int(d) for d in (
            np.arange("2020-01", "2021-01", dtype="M8[M]").astype("M8[D]").astype(int))])}),
        "people": pa.table({"born": column(born), "size": rng.normal(170, 9, 40)}),
        "sales": pa.table({"day": column(18_000 + rng.integers(0, 200, 900)),
                           "sum": rng.random(900)}),
    })  # fmt: skip
    assert keys.primary == {"days": ("day",), "months": ("until",)}
    assert keys.foreign == ()
