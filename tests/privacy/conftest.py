"""Tables of people, and files of them, for the tests of masking."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

from fabula.fakers.people import People
from fabula.pii.check_digits import with_account_check, with_card_check
from fabula.privacy.secret import new_key
from fabula.streams import stream

ROWS = 400


def customers(rows: int = ROWS) -> pa.Table:
    """Customers whose names, e-mails, cards and the like were drawn, and so are known."""
    rng = np.random.default_rng(7)
    drawn = People("en").draw(
        lambda name: stream(11, "originals", name, 0),
        rows,
        ["name", "email", "street", "city", "postcode", "sex"],
    )
    born = np.datetime64("1950-01-01") + rng.integers(0, 18_000, rows)
    return pa.table(
        {
            "customer_id": pa.array(range(1, rows + 1)),
            "name": drawn["name"],
            "email": pa.array([f"user{n}@mail.test" for n in range(rows)]),
            "phone": pa.array([f"+44 20 7{n:03} {n:04}" for n in rng.integers(100, 999, rows)]),
            "street": drawn["street"],
            "city": drawn["city"],
            "postcode": drawn["postcode"],
            "sex": drawn["sex"],
            "born": pa.array(born.astype(str)),
            "card": pa.array(
                [with_card_check(f"4{n:014}0") for n in rng.integers(0, 10**14, rows)]
            ),
            "iban": pa.array(
                [with_account_check(f"DE00{n:018}") for n in rng.integers(0, 10**17, rows)]
            ),
            "balance": pa.array(np.round(rng.random(rows) * 1000, 2)),
        }
    )


def orders(rows: int = 3 * ROWS, people: int = ROWS) -> pa.Table:
    """Orders of the customers."""
    rng = np.random.default_rng(8)
    placed = np.datetime64("2024-01-01") + rng.integers(0, 700, rows)
    return pa.table(
        {
            "order_id": pa.array(range(50_001, 50_001 + rows)),
            "customer_id": pa.array(rng.integers(1, people + 1, rows)),
            "placed": pa.array(placed.astype(str)),
            "total": pa.array(np.round(rng.random(rows) * 90, 2)),
        }
    )


def write_csv(table: pa.Table, path: Path) -> Path:
    """Write a table as CSV without quotes."""
    options = pyarrow.csv.WriteOptions(quoting_style="needed")
    pyarrow.csv.write_csv(table, path, options)
    return path


def csv_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file, as texts."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A key file."""
    new_key(tmp_path / "mask.key")
    return tmp_path / "mask.key"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder of customers and their orders as CSV."""
    folder = tmp_path / "shop"
    folder.mkdir()
    write_csv(customers(), folder / "customers.csv")
    write_csv(orders(), folder / "orders.csv")
    return folder
