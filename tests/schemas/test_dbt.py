"""A dbt manifest becomes a spec whose rows pass the project's tests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import fabula as fb
from fabula.errors import SourceError
from fabula.inference.infer import infer


def table(kind: str, name: str, columns: Mapping[str, Any], **more: Any) -> tuple[str, Any]:
    node = {"resource_type": kind, "name": name, "columns": columns, "description": "", **more}
    return f"{kind}.shop.{name}", node


def asked(model: str, kind: str, column: str | None = None, **given: Any) -> tuple[str, Any]:
    name = f"{kind}_{model}_{column}".replace(".", "_")
    node = {
        "resource_type": "test",
        "name": name,
        "attached_node": model,
        "column_name": column,
        "test_metadata": {"name": kind, "kwargs": {"column_name": column, **given}},
        "depends_on": {"nodes": [model]},
        "config": {},
    }
    return f"test.shop.{name}", node


CUSTOMERS, ORDERS = "seed.shop.customers", "model.shop.orders"
NODES = dict(
    [
        table(
            "seed",
            "customers",
            {
                "id": {"data_type": "integer", "description": "its number"},
                "email": {"data_type": "varchar(40)"},
            },
            description="People who buy.",
        ),
        table(
            "model",
            "orders",
            {
                "order_id": {},
                "customer_id": {"data_type": "integer"},
                "status": {},
                "line": {"data_type": "integer"},
                "discount": {"data_type": "numeric(4,2)"},
                "ordered_at": {"data_type": "timestamp"},
                "shipped_at": {"data_type": "timestamp"},
                "qty": {
                    "data_type": "integer",
                    "constraints": [
                        {"type": "not_null"},
                        {"type": "check", "expression": "qty > 2"},
                    ],
                },
            },
        ),
        table("model", "undocumented", {}),
        asked(CUSTOMERS, "unique", "id"),
        asked(CUSTOMERS, "not_null", "id"),
        asked(CUSTOMERS, "unique", "email"),
        asked(ORDERS, "unique", "order_id"),
        asked(ORDERS, "not_null", "order_id"),
        asked(ORDERS, "accepted_values", "status", values=["new", "paid"]),
        asked(ORDERS, "not_null", "customer_id"),
        asked(ORDERS, "relationships", "customer_id", to="ref('customers')", field="id"),
        asked(ORDERS, "accepted_range", "discount", min_value=0, max_value=0.5, inclusive=False),
        asked(ORDERS, "expression_is_true", None, expression="shipped_at >= ordered_at"),
        asked(ORDERS, "is_palindrome", "status"),
    ]
)
MANIFEST = {
    "metadata": {
        "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
        "adapter_type": "snowflake",
        "project_name": "shop",
    },
    "nodes": NODES,
    "sources": {},
}


def written(folder: Path, manifest: Mapping[str, Any] = MANIFEST) -> Path:
    path = folder / "manifest.json"
    path.write_text(json.dumps(manifest), encoding="utf-8")
    return path


def test_tests_and_contracts_of_a_project_are_kept_in_every_row(tmp_path: Path) -> None:
    drafted = infer(written(tmp_path))
    spec = drafted.spec
    assert spec.name == "shop"
    assert spec.tables["customers"].prompt == "People who buy."
    assert spec.tables["customers"].columns["id"].description == "its number"
    assert spec.tables["customers"].primary_key == ("id",)
    notes = " · ".join(drafted.notes)
    assert "the test `is_palindrome_model_shop_orders_status` is not kept" in notes
    assert "undocumented is left out: no column of it is documented" in notes

    data = fb.generate(spec, n={"customers": 40}, seed=2)
    customers, orders = (data[name].to_pylist() for name in ("customers", "orders"))
    emails = [row["email"] for row in customers if row["email"] is not None]
    assert len(set(emails)) == len(emails)
    assert len({row["order_id"] for row in orders}) == len(orders) > 0
    known = {row["id"] for row in customers}
    for row in orders:
        assert row["customer_id"] in known
        assert row["status"] in ("new", "paid", None)
        assert row["qty"] > 2
        assert row["discount"] is None or 0 < row["discount"] < 0.5
        if row["ordered_at"] and row["shipped_at"]:
            assert row["shipped_at"] >= row["ordered_at"]


def test_types_come_from_the_catalog_beside_the_manifest(tmp_path: Path) -> None:
    catalog = {"nodes": {"model.shop.undocumented": {"columns": {"DAY": {"type": "DATE"}}}}}
    (tmp_path / "catalog.json").write_text(json.dumps(catalog), encoding="utf-8")
    spec = infer(written(tmp_path)).spec
    assert spec.tables["undocumented"].columns["DAY"].arrow_type() == "date32"


def test_the_test_of_an_older_manifest_is_about_the_table_that_it_depends_on(
    tmp_path: Path,
) -> None:
    nodes = {key: {**node} for key, node in NODES.items()}
    for node in nodes.values():
        node.pop("attached_node", None)
    spec = infer(written(tmp_path, {**MANIFEST, "nodes": nodes})).spec
    assert spec.tables["orders"].columns["status"].allowed == ("new", "paid")


def test_a_project_that_documents_no_column_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="documents no columns"):
        infer(written(tmp_path, {**MANIFEST, "nodes": {}}))
