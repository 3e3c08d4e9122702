"""A made-up table of trips and sales, most of whose columns follow from others."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

ZONES = {f"zone {number}": f"borough {number % 4}" for number in range(20)}


def trips(n: int = 1_500, seed: int = 0) -> pa.Table:
    """Sums, products, discounts, times and lookups; `tip` and `total` are missing together."""
    rng = np.random.default_rng(seed)
    seconds = rng.integers(100, 4_000, n)
    start = np.datetime64("2025-03-01T00:00:00") + rng.integers(0, 86_400 * 90, n)
    busy = rng.choice([8, 9, 17, 18, 22], n).astype("timedelta64[h]")
    start = start.astype("datetime64[D]") + busy + rng.integers(0, 3_600, n).astype("m8[s]")
    fare = np.round(rng.gamma(2, 8, n) + 3, 2)
    tip = np.round(fare * rng.choice([0, 0.1, 0.2], n) + rng.random(n), 2)
    tolls = rng.choice([0, 0, 5.76, 11.4], n)
    price, quantity = np.round(rng.lognormal(3, 0.7, n), 2), rng.integers(1, 9, n)
    discount = rng.choice([0, 0.05, 0.1, 0.2], n)
    gross = np.round(price * quantity, 2)
    zone = rng.choice(list(ZONES), n)
    unknown = rng.random(n) < 0.1
    times = pa.array(start.astype("datetime64[us]"))
    return pa.table(
        {
            "start": times,
            "end": pa.array((start + seconds).astype("datetime64[us]")),
            "seconds": seconds,
            "hour": pc.hour(times),
            "weekday": pc.strftime(times, "%A"),
            "fare": fare,
            "tip": pa.array(tip, mask=unknown),
            "tolls": tolls,
            "total": pa.array(np.round(fare + tip + tolls + 2.5, 2), mask=unknown),
            "price": price,
            "quantity": quantity,
            "discount": discount,
            "gross": gross,
            "net": np.round(gross * (1 - discount), 2),
            "log price": np.log(price),
            "zone": zone,
            "borough": [ZONES[name] for name in zone],
        }
    )


RELATIONS = {
    "hour": "hour of start",
    "weekday": "follows from weekday of start",
    "end": "start + seconds",
    "total": "fare + tip + tolls + 2.5",
    "gross": "price * quantity",
    "net": "gross * (1 - discount)",
    "log price": "log(price)",
    "borough": "follows from zone",
}
"""What the card is to tell of them."""


def broken(table: pa.Table) -> dict[str, int]:
    """How many rows break each relation."""
    n = {name: table.column(name).to_numpy() for name in table.column_names}
    off = {
        "hour": n["hour"] != pc.hour(table.column("start")).to_numpy(),
        "weekday": n["weekday"] != pc.strftime(table.column("start"), "%A").to_numpy(),
        "end": (n["end"] - n["start"]).astype("timedelta64[s]").astype(int) != n["seconds"],
        "total": np.isnan(n["tip"]) != np.isnan(n["total"]),
        "gross": np.abs(n["gross"] - n["price"] * n["quantity"]) > 0.005 + 1e-9,
        "net": np.abs(n["net"] - n["gross"] * (1 - n["discount"])) > 0.005 + 1e-9,
        "log price": ~np.isclose(n["log price"], np.log(n["price"]), rtol=1e-9),
        "borough": n["borough"] != np.array([ZONES[name] for name in n["zone"]]),
    }
    summed = np.abs(n["total"] - (n["fare"] + n["tip"] + n["tolls"] + 2.5)) > 1e-9
    return {name: int(rows.sum()) for name, rows in {**off, "sum": summed}.items() if rows.any()}
