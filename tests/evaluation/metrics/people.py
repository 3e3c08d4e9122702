"""Small real-looking tables with known relations, and what a bad synthesizer makes of them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

ROWS = 1_200


def people(n: int = ROWS, seed: int = 0) -> pa.Table:
    """People whose income follows age and schooling, with some values missing."""
    rng = np.random.default_rng(seed)
    age = rng.normal(42, 13, n).clip(18, 90)
    school = rng.choice(["basic", "middle", "high"], n, p=[0.3, 0.5, 0.2])
    bonus = np.select([school == "high", school == "middle"], [30, 10], 0)
    income = np.round(12 + 0.6 * age + bonus + rng.normal(0, 6, n), 2)
    hours = np.round(rng.gamma(8, 5, n), 1)
    hired = rng.random(n) < 1 / (1 + np.exp(-(income - 48) / 6))
    return pa.table(
        {
            "id": np.arange(n) + 1,
            "sex": rng.choice(["f", "m"], n),
            "age": np.round(age, 1),
            "school": school,
            "income": income,
            "hours": pa.array(hours, mask=rng.random(n) < 0.1),
            "hired": np.where(hired, "yes", "no"),
            "name": [f"Ada{seed} Number{at:05d}" for at in range(n)],
        }
    )


def shuffled(table: pa.Table, seed: int = 0) -> pa.Table:
    """Every column by itself is perfect, and no two belong together."""
    rng = np.random.default_rng(seed)
    return pa.table(
        {
            name: table[name].take(pa.array(rng.permutation(table.num_rows)))
            for name in table.column_names
        }
    )


def noise(table: pa.Table, seed: int = 0) -> pa.Table:
    """Uniform values between the ends of every column."""
    rng, n, columns = np.random.default_rng(seed), table.num_rows, {}
    for name in table.column_names:
        values = table[name].drop_null()
        if pa.types.is_string(values.type):
            labels = np.array(values.unique().to_pylist())
            columns[name] = rng.choice(labels, n)
        else:
            numbers = values.to_numpy()
            columns[name] = rng.uniform(numbers.min(), numbers.max(), n).astype(numbers.dtype)
    return pa.table(columns)
