"""DuckDB SQL with repeatable hashes instead of `random()`, one thread."""

import json
import sys
from importlib import resources
from pathlib import Path

import duckdb

CUSTOMERS = 100_000


def u(salt: int, row: str = "i") -> str:
    """A uniform number for a row."""
    return f"((hash({row}, {salt}) >> 11) / 9007199254740992.0)"


def normal(salt: int) -> str:
    """A normal number for a row (Box and Muller)."""
    return f"(sqrt(-2 * ln({u(salt)} + 1e-18)) * cos(2 * pi() * {u(salt + 1)}))"


def pick(labels: dict[str, float], salt: int) -> str:
    """A weighted label for a row."""
    total, reached, cases = sum(labels.values()), 0.0, []
    for label, weight in labels.items():
        reached += weight / total
        cases.append(f"WHEN {u(salt)} < {reached} THEN '{label}'")
    return f"CASE {' '.join(cases[:-1])} ELSE '{list(labels)[-1]}' END"


def main(folder: Path, orders: int) -> None:
    """Make and write both tables."""
    text = resources.files("mimesis.datasets.en").joinpath("person.json").read_text("utf-8")
    data = json.loads(text)
    first = sorted(set(data["names"]["female"]) | set(data["names"]["male"]))
    db = duckdb.connect(config={"threads": 1})
    db.execute(
        "CREATE TABLE lists AS SELECT ?::VARCHAR[] AS f, ?::VARCHAR[] AS l",
        [first, sorted(data["surnames"])],
    )
    countries = {
        "US": 30,
        "DE": 14,
        "GB": 12,
        "FR": 10,
        "ES": 8,
        "IT": 7,
        "NL": 5,
        "SE": 4,
        "PL": 4,
        "JP": 3,
        "BR": 2,
        "IN": 1,
    }
    db.execute(
        f"""CREATE TABLE customers AS SELECT i + 1 AS id, g || ' ' || s AS name,
        lower(g || '.' || s) || (i + 1) || '@example.com' AS email, country, signed_up, age,
        segment FROM (SELECT i, f[1 + floor({u(1)} * len(f))::INT] AS g,
        l[1 + floor({u(2)} * len(l))::INT] AS s, {pick(countries, 3)} AS country,
        DATE '2020-01-01' + floor({u(4)} * 1827)::INT AS signed_up,
        round(greatest(18, least(90, 42 + 14 * {normal(5)})))::INT AS age,
        {pick({"consumer": 7, "business": 2, "reseller": 1}, 7)} AS segment
        FROM range({CUSTOMERS}) t(i), lists)"""
    )
    db.execute(f"COPY customers TO '{folder}/customers.parquet'")
    top = f"({CUSTOMERS + 0.5} ** -0.1 - 1)"
    db.execute(
        f"""COPY (SELECT i + 1 AS id, customer_id, placed, product_id, quantity, price,
        round(quantity * price, 2) AS total,
        CASE WHEN placed < TIMESTAMP '2025-06-01' THEN 'delivered'
        WHEN placed < TIMESTAMP '2026-01-01' THEN 'shipped' ELSE 'new' END AS status FROM (
        SELECT i, customer_id, signed_up + to_seconds(floor({u(9)} * 700 * 86400)) AS placed,
        product_id, quantity, price FROM (SELECT i,
        least({CUSTOMERS}, greatest(1, floor((1 + {u(8)} * {top}) ** -10)))::BIGINT AS customer_id,
        1 + floor({u(10)} * 500)::INT AS product_id,
        CASE WHEN {u(11)} < 0.5578 THEN 1 WHEN {u(11)} < 0.8088 THEN 2 WHEN {u(11)} < 0.9344 THEN 3
        WHEN {u(11)} < 0.9814 THEN 4 ELSE 5 END AS quantity,
        round(30 * exp(0.6 * {normal(12)}), 2) AS price FROM range({orders}) t(i))
        JOIN customers ON customers.id = customer_id))
        TO '{folder}/orders.parquet'"""
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
