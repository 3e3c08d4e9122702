"""A trading company of six tables: nobody real comes out of any, and a planted one is named."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from faker import Faker

import fabula as fb

COUNTRIES = {"de_DE": "Germany", "fr_FR": "France", "en_US": "USA", "es_ES": "Spain"}
CUSTOMERS, SUPPLIERS, EMPLOYEES, SHIPPERS, PRODUCTS, ORDERS = 70, 24, 9, 3, 60, 500


def firms(count: int, seed: int) -> list[dict[str, str]]:
    """Companies of four countries with somebody to talk to."""
    fakes = [(Faker(code), country) for code, country in COUNTRIES.items()]
    for fake, _ in fakes:
        fake.seed_instance(seed)
    return [
        {
            "companyName": f"{fake.unique.last_name()} {fake.company()}",
            "contactName": f"{fake.first_name()} {fake.last_name()}",
            "address": fake.street_address(),
            "city": fake.city(),
            "postalCode": fake.postcode(),
            "country": country,
            "phone": fake.phone_number(),
        }
        for at in range(count)
        for fake, country in [fakes[at % len(fakes)]]
    ]


@pytest.fixture(scope="module")
def real():
    """Customers, suppliers, employees, shippers, products and orders."""
    rng, fake = np.random.default_rng(1), Faker("en_US")
    fake.seed_instance(3)
    customers, suppliers = firms(CUSTOMERS, 1), firms(SUPPLIERS, 2)
    who = rng.integers(0, CUSTOMERS, ORDERS)
    ship = {"shipName": "companyName", "shipAddress": "address", "shipCity": "city",
            "shipPostalCode": "postalCode", "shipCountry": "country"}  # fmt: skip
    ids = [row["companyName"].replace(" ", "")[:4].upper() + chr(65 + at % 26)
           for at, row in enumerate(customers)]  # fmt: skip
    return {
        "customers": pa.Table.from_pylist(
            [{"customerID": ids[at], **row} for at, row in enumerate(customers)]
        ),
        "suppliers": pa.Table.from_pylist(
            [{"supplierID": at + 1, **row} for at, row in enumerate(suppliers)]
        ),
        "employees": pa.table(
            {
                "employeeID": np.arange(EMPLOYEES) + 1,
                "lastName": [fake.unique.last_name() for _ in range(EMPLOYEES)],
                "firstName": [fake.unique.first_name() for _ in range(EMPLOYEES)],
                "address": [fake.street_address() for _ in range(EMPLOYEES)],
                "homePhone": [fake.phone_number() for _ in range(EMPLOYEES)],
            }
        ),
        "shippers": pa.table(
            {
                "shipperID": np.arange(SHIPPERS) + 1,
                "companyName": ["Speedy Express", "United Package", "Federal Shipping"],
            }
        ),
        "products": pa.table(
            {
                "productID": np.arange(PRODUCTS) + 1,
                "supplierID": rng.integers(1, SUPPLIERS + 1, PRODUCTS),
                "unitPrice": rng.lognormal(3, 1, PRODUCTS).round(2),
            }
        ),
        "orders": pa.table(
            {
                "orderID": np.arange(ORDERS) + 10_248,
                "customerID": [ids[at] for at in who],
                "employeeID": rng.integers(1, EMPLOYEES + 1, ORDERS),
                "shipVia": rng.integers(1, SHIPPERS + 1, ORDERS),
                **{name: [customers[at][of] for at in who] for name, of in ship.items()},
                "freight": rng.lognormal(3, 1, ORDERS).round(2),
            }
        ),
    }


@pytest.fixture(scope="module")
def made(real):
    """New tables."""
    return fb.fit(real, seed=1, rounds=10).sample(seed=2)


def texts(table: pa.Table) -> set[str]:
    """All texts of a table."""
    return {text for column in table.columns if pa.types.is_string(column.type)
            for text in column.to_pylist()}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("detail", ["companyName", "contactName", "address", "phone"])
def test_no_real_company_name_street_or_phone_is_in_any_table(real, made, detail):
    known = {text for name in ("customers", "suppliers", "employees")
             if detail in real[name].column_names
             for text in real[name][detail].to_pylist()}  # fmt: skip
    for name, table in made.items():
        assert known.isdisjoint(texts(table)), name


@pytest.mark.slow
def test_no_real_employee_or_customer_number_is_in_any_table(real, made):
    full = {f"{row['firstName']} {row['lastName']}" for row in real["employees"].to_pylist()}
    new = {f"{row['firstName']} {row['lastName']}" for row in made["employees"].to_pylist()}
    assert full.isdisjoint(new)
    ids = set(real["customers"]["customerID"].to_pylist())
    assert ids.isdisjoint(made["orders"]["customerID"].to_pylist())


@pytest.mark.slow
def test_orders_go_to_the_address_of_their_new_customer(made):
    of = {row["customerID"]: row for row in made["customers"].to_pylist()}
    for row in made["orders"].to_pylist():
        customer = of[row["customerID"]]
        assert (row["shipName"], row["shipAddress"]) == (
            customer["companyName"], customer["address"]
        )  # fmt: skip
        assert row["shipCountry"] == customer["country"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("table", "column", "detail"),
    [("orders", "shipName", "companyName"), ("suppliers", "contactName", "contactName"),
     ("employees", "address", "address")],
)  # fmt: skip
def test_a_real_value_that_is_planted_in_any_table_is_named(real, made, table, column, detail):
    assert fb.evaluate(made, real=real, gates=["privacy.sensitive_values"]).passed
    values = made[table][column].to_pylist()
    values[3] = real["customers"][detail][7].as_py()
    at = made[table].column_names.index(column)
    planted = {**made, table: made[table].set_column(at, column, pa.array(values))}
    report = fb.evaluate(planted, real=real, gates=["privacy.sensitive_values"])
    assert report.passed is False
    told = [result.sentence for part in report.tables if part.name == table
            for result in part.results if result.name == "sensitive_values"]  # fmt: skip
    assert f"in `{column}` (first in row 4)" in told[0]
