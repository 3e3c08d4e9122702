"""What a careful engineer writes by hand: numpy → Arrow → Parquet, block by block."""

import json
import sys
from importlib import resources
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

BLOCK = 65_536
CUSTOMERS = 100_000
DAY = 86_400_000_000
COUNTRIES = ["US", "DE", "GB", "FR", "ES", "IT", "NL", "SE", "PL", "JP", "BR", "IN"]
SHARES = np.cumsum([30, 14, 12, 10, 8, 7, 5, 4, 4, 3, 2, 1]) / 100
SEGMENTS, SEGMENT_SHARES = ["consumer", "business", "reseller"], np.array([0.7, 0.9, 1.0])
STATUSES = ["delivered", "shipped", "new"]
EDGES = np.array(["2025-06-01", "2026-01-01"], dtype="datetime64[us]").astype(np.int64)


def names() -> tuple[pa.Array, pa.Array]:
    """First and last names."""
    text = resources.files("mimesis.datasets.en").joinpath("person.json").read_text("utf-8")
    data = json.loads(text)
    first = sorted(set(data["names"]["female"]) | set(data["names"]["male"]))
    return pa.array(first), pa.array(sorted(data["surnames"]))


def category(labels: list[str], index: np.ndarray) -> pa.Array:
    """Dictionary-encoded labels."""
    return pa.DictionaryArray.from_arrays(pa.array(index.astype(np.int8)), pa.array(labels))


def customers(path: Path, rng: np.random.Generator) -> np.ndarray:
    """Write the customers; return their signup days."""
    first, last = names()
    days = rng.integers(18_262, 20_089, CUSTOMERS, dtype=np.int32)
    writer = None
    for start in range(0, CUSTOMERS, BLOCK):
        n = min(BLOCK, CUSTOMERS - start)
        given = first.take(rng.integers(0, len(first), n))
        family = last.take(rng.integers(0, len(last), n))
        ids = np.arange(start + 1, start + n + 1)
        age = rng.normal(42, 14, n)
        while (bad := np.flatnonzero((age < 18) | (age > 90))).size:
            age[bad] = rng.normal(42, 14, bad.size)
        local = pc.utf8_lower(pc.binary_join_element_wise(given, family, "."))
        table = pa.table(
            {
                "id": ids,
                "name": pc.binary_join_element_wise(given, family, " "),
                "email": pc.binary_join_element_wise(
                    local, pa.array(ids).cast("string"), "@example.com", ""
                ),
                "country": category(
                    COUNTRIES, np.searchsorted(SHARES, rng.random(n), side="right")
                ),
                "signed_up": pa.array(days[start : start + n]).cast(pa.date32()),
                "age": np.rint(age).astype(np.int64),
                "segment": category(
                    SEGMENTS, np.searchsorted(SEGMENT_SHARES, rng.random(n), side="right")
                ),
            }
        )
        if writer is None:
            writer = pq.ParquetWriter(path, table.schema, use_dictionary=["country", "segment"])
        writer.write_table(table)
    assert writer is not None
    writer.close()
    return days


def orders(path: Path, rng: np.random.Generator, days: np.ndarray, count: int) -> None:
    """Write the orders."""
    weights = np.arange(1, CUSTOMERS + 1) ** -1.1
    cumulative = np.cumsum(weights) / weights.sum()
    writer = None
    for start in range(0, count, BLOCK):
        n = min(BLOCK, count - start)
        customer = np.minimum(np.searchsorted(cumulative, rng.random(n)), CUSTOMERS - 1)
        seconds = (rng.random(n) * 700 * 86_400).astype(np.int64)
        placed = days[customer].astype(np.int64) * DAY + seconds * 1_000_000
        quantity = np.maximum(rng.poisson(1.5, n), 1)
        price = np.round(np.exp(rng.standard_normal(n) * 0.6) * 30, 2)
        table = pa.table(
            {
                "id": np.arange(start + 1, start + n + 1),
                "customer_id": customer + 1,
                "placed": pa.array(placed).cast(pa.timestamp("us")),
                "product_id": rng.integers(1, 501, n),
                "quantity": quantity,
                "price": price,
                "total": np.round(quantity * price, 2),
                "status": category(STATUSES, np.searchsorted(EDGES, placed, side="right")),
            }
        )
        if writer is None:
            writer = pq.ParquetWriter(path, table.schema, use_dictionary=["status"])
        writer.write_table(table)
    assert writer is not None
    writer.close()


if __name__ == "__main__":
    folder, wanted = Path(sys.argv[1]), int(sys.argv[2])
    source = np.random.Generator(np.random.SFC64(7))
    signup = customers(folder / "customers.parquet", source)
    orders(folder / "orders.parquet", source, signup, wanted)
