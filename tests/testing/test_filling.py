"""Databases that are filled for one test and rolled back after it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from fabula.errors import SinkError, UsageError
from fabula.testing.filling import Filler

SHOP: dict[str, Any] = {
    "tables": {
        "customers": {
            "n": 9,
            "columns": {"id": {"kind": "key"}, "name": {"kind": "person", "field": "name"}},
        },
        "orders": {
            "per_parent": {"of": "customers", "fixed": 3},
            "columns": {
                "id": {"kind": "key"},
                "code": {"kind": "uuid"},
                "customer_id": {"kind": "reference", "to": "customers"},
                "status": {"kind": "choice", "values": ["new", "paid"]},
            },
        },
    }
}


@pytest.fixture
def engine() -> Iterator[sa.Engine]:
    made = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    with made.begin() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys = ON")
        for statement in (
            "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL)",
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, code CHAR(32), status TEXT,"
            " customer_id INTEGER NOT NULL REFERENCES customers)",
        ):
            connection.exec_driver_sql(statement)
    yield made
    made.dispose()


def _count(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM orders").scalar_one())


def test_rows_are_there_during_the_test_and_gone_after_it(engine: sa.Engine) -> None:
    with Filler(engine, seed=1) as filler:
        shop = filler.fill(SHOP, n={"customers": 20})
        order = shop["orders"].first(status="paid")
        found = shop.connection.execute(
            sa.text("SELECT status, customer_id FROM orders WHERE id = :id"), {"id": order["id"]}
        ).one()
        assert found == ("paid", order["customer_id"])
        assert len(shop["orders"]) == 60
        assert {row["status"] for row in shop["orders"].where(status="new")} == {"new"}
    assert _count(engine) == 0


def test_a_session_may_commit_on_the_connection(engine: sa.Engine) -> None:
    with Filler(engine) as filler:
        connection = filler.fill(SHOP).connection
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            session.execute(sa.text("DELETE FROM orders WHERE id > 2"))
            session.commit()
            assert session.execute(sa.text("SELECT count(*) FROM orders")).scalar_one() == 2
    assert _count(engine) == 0


def test_a_test_that_commits_the_rows_is_told_so(engine: sa.Engine) -> None:
    with pytest.raises(SinkError, match="the test committed the rows"), Filler(engine) as filler:
        filler.fill(SHOP).connection.commit()


def test_rows_of_the_users_own_transaction_stay(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql("INSERT INTO customers VALUES (77, 'Ada')")
        with Filler(connection) as filler:
            filler.fill(SHOP)
        left = connection.exec_driver_sql("SELECT id FROM customers").scalars().all()
        assert left == [77]
        connection.rollback()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"ordrs": SHOP["tables"]["customers"]}, "no table `ordrs`"),
        ({"customers": {"n": 2, "columns": {"nme": {"kind": "key"}}}}, "has no column `nme`"),
        ({"customers": {"n": 2, "columns": {"id": {"kind": "key"}}}}, "NOT NULL"),
        ({"orders": {"n": 2, "columns": {"customer_id": {"kind": "key"}}}}, "not in `customers`"),
    ],
)
def test_what_does_not_fit_the_database_is_said(
    engine: sa.Engine, change: dict[str, Any], told: str
) -> None:
    with pytest.raises(SinkError, match=told), Filler(engine) as filler:
        filler.fill({"tables": change})
    assert _count(engine) == 0


def test_tables_may_point_at_each_other(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE customers ADD best INTEGER REFERENCES orders")
    best = {"kind": "reference", "to": "orders", "nulls": 0.5}
    customers = {**SHOP["tables"]["customers"]["columns"], "best": best}
    tables = {**SHOP["tables"], "customers": {"n": 9, "columns": customers}}
    with Filler(engine) as filler:
        assert any(row["best"] for row in filler.fill({"tables": tables})["customers"])


def test_a_database_must_be_named() -> None:
    with pytest.raises(UsageError, match="no database is named"):
        Filler().fill(SHOP)
    with pytest.raises(UsageError, match="a `int` is not a database"):
        Filler(3).fill(SHOP)


def test_no_row_with_a_value_is_an_error_with_a_way_out(engine: sa.Engine) -> None:
    with Filler(engine) as filler:
        rows = filler.fill(SHOP)["orders"]
        with pytest.raises(UsageError, match="none of 27 rows has status = 'lost'"):
            rows.first(status="lost")
        with pytest.raises(UsageError, match="no column `statis`"):
            rows.first(statis="new")
