"""The tables row by row in Python: what the usual faking libraries are used like."""

import datetime as dt
import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

COUNTRIES = ["US", "DE", "GB", "FR", "ES", "IT", "NL", "SE", "PL", "JP", "BR", "IN"]
WEIGHTS = [30, 14, 12, 10, 8, 7, 5, 4, 4, 3, 2, 1]


def write(
    folder: str, orders: int, name: Callable[[], str], email: Callable[[], str], fake: Any = None
) -> None:
    """Write customers (a tenth as many) and orders; `fake` is Faker where it draws all values."""
    rng = random.Random(7)
    customers = []
    for i in range(orders // 10):
        if fake:
            day = fake.date_between(dt.date(2020, 1, 1), dt.date(2025, 1, 1))
            country = fake.country_code()
        else:
            day = dt.date(2020, 1, 1) + dt.timedelta(days=rng.randrange(1827))
            country = rng.choices(COUNTRIES, WEIGHTS)[0]
        age = round(min(90, max(18, rng.gauss(42, 14))))
        segment = rng.choices(["consumer", "business", "reseller"], [7, 2, 1])[0]
        customers.append((i + 1, name(), email(), country, day, age, segment))
    keys = ["id", "name", "email", "country", "signed_up", "age", "segment"]
    _save(Path(folder) / "customers.parquet", keys, customers)
    rows = []
    for i in range(orders):
        customer = min(int(rng.paretovariate(0.1)), len(customers))
        day = customers[customer - 1][4]
        if fake:
            placed = fake.date_time_between(day, day + dt.timedelta(days=700))
            product, status = fake.random_int(1, 500), fake.random_element(("delivered", "new"))
        else:
            placed = dt.datetime.combine(day, dt.time()) + dt.timedelta(
                seconds=rng.randrange(700 * 86_400)
            )
            product, status = rng.randint(1, 500), "delivered" if placed.year < 2026 else "new"
        quantity = max(1, round(rng.expovariate(1 / 1.5)))
        price = round(30 * math.exp(rng.gauss(0, 0.6)), 2)
        total = round(quantity * price, 2)
        rows.append((i + 1, customer, placed, product, quantity, price, total, status))
    keys = ["id", "customer_id", "placed", "product_id", "quantity", "price", "total", "status"]
    _save(Path(folder) / "orders.parquet", keys, rows)


def _save(path: Path, keys: list[str], rows: list[tuple[Any, ...]]) -> None:
    columns = dict(zip(keys, map(list, zip(*rows, strict=True)), strict=True))
    pq.write_table(pa.table(columns), path)
