"""What goes with few rows of another table may differ without failing."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from fabula.evaluation.evaluate import evaluate
from fabula.evaluation.report import Report


def _shop(seed: int, *, shuffled: bool = False) -> dict[str, pa.Table]:
    """Orders, most of which are of a few products, whose prices are drawn."""
    rng = np.random.default_rng(seed)
    price = np.round(np.exp(rng.normal(4, 0.6, 60)), 2)
    weights = 1 / np.arange(1, 61)
    product = rng.choice(60, 1_500, p=weights / weights.sum())
    quantity = rng.poisson(1.5, 1_500) + 1
    total = np.round(quantity * price[product], 2)
    return {
        "products": pa.table({"id": np.arange(60) + 1, "price": price}),
        "orders": pa.table({
            "id": np.arange(1_500) + 1,
            "product_id": product + 1,
            "quantity": quantity,
            "total": rng.permutation(total) if shuffled else total,
        }),
    }  # fmt: skip


def _judged(made: dict[str, pa.Table], real: dict[str, pa.Table]) -> tuple[float | None, bool]:
    """The share of the dependence that is kept, and whether the default gate is passed."""
    report: Report = evaluate(made, real=real, metrics=["quality.dependence"])
    orders = next(table for table in report.tables if table.name == "orders")
    (result,) = orders.results
    failed = [gate for gate in report.gates if not gate.passed]
    return result.value, not any(gate.metric == "quality.dependence" for gate in failed)


def test_orders_of_other_products_pass() -> None:
    real = _shop(0)
    for seed in range(1, 5):
        value, passed = _judged(_shop(seed), real)
        assert passed, (seed, value)


def test_shuffled_totals_keep_nothing() -> None:
    value, _ = _judged(_shop(0, shuffled=True), _shop(0))
    assert value is not None
    assert value < 0.2
