"""Keys that are found in tables."""

from __future__ import annotations

import pyarrow as pa

from fabula.inference.infer import infer
from fabula.metrics.keys import ForeignKey, find_keys

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
    """C2.1: what points where is read from names and confirmed by all values."""
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
    """C2.1: a name alone is not enough."""
    parents = pa.table({"id": [1, 2]})
    children = pa.table({"id": [1, 2, 3], "parent_id": [1, 2, 9]})
    assert find_keys({"parents": parents, "children": children}).foreign == ()


def test_tables_without_rows_or_keys_have_none() -> None:
    """E: empty tables, repeated and missing values."""
    tables = {
        "empty": pa.table({"id": pa.array([], pa.int64())}),
        "repeated": pa.table({"id": [1, 1]}),
        "missing": pa.table({"id": [1, None], "empty_id": pa.array([None, None], pa.int64())}),
    }
    keys = find_keys(tables)
    assert (dict(keys.primary), keys.foreign) == ({}, ())


def test_inferred_specs_declare_the_keys_that_the_data_has() -> None:
    """C2.1: `init --from` a folder of tables."""
    spec = infer(SHOP).spec
    orders, lines = spec.tables["Orders"], spec.tables["OrderLines"]
    assert orders.columns["BillingCustomerId"].kind == "reference"
    assert spec.tables["Employees"].columns["ReportsTo"].nulls > 0
    assert lines.key == ("OrderID", "LineNo")
    assert spec.tables["Customers"].key == ("CustomerID",)
