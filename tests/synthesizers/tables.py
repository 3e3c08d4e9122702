"""Made-up real tables whose columns depend on each other."""

from __future__ import annotations

import numpy as np
import pyarrow as pa


def shoppers(n: int = 2_000, seed: int = 0) -> pa.Table:
    """Numbers, labels, dates, gaps, a key and a text; `spent` depends on `plan` and `age`."""
    rng = np.random.default_rng(seed)
    plan = rng.choice(["free", "pro", "team"], n, p=[0.6, 0.3, 0.1])
    age = np.clip(rng.normal(np.where(plan == "team", 50, 32), 8), 18, 90).round()
    spent = np.where(plan == "free", 0.0, rng.lognormal(3 + age / 50, 0.4)).round(2)
    days = rng.integers(0, 900, n) + np.datetime64("2023-01-01")
    return pa.table(
        {
            "id": np.arange(1, n + 1),
            "plan": plan,
            "age": pa.array(age.astype(int), mask=rng.random(n) < 0.1),
            "spent": spent,
            "active": (spent > 20) ^ (rng.random(n) < 0.05),
            "joined": days,
            "note": [f"note {i} by a customer who likes things" for i in range(n)],
        }
    )
