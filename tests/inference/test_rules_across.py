"""Rules across tables in the specs that `init` writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

import fabula as fb
from fabula.spec import col

HOUR = 3_600_000_000


def shop() -> dict[str, pa.Table]:
    """Orders, and lines that copy a currency, a price and a day, and are sent afterwards."""
    rng = np.random.default_rng(2)
    order, product = np.sort(rng.integers(0, 60, 300)), rng.integers(0, 90, 300)
    placed = 1_700_000_000_000_000 + rng.integers(0, 9_000, 60) * HOUR
    price = np.round(rng.uniform(1, 90, 90), 2)
    return {
        "orders": pa.table(
            {
                "id": np.arange(60),
                "placed": pa.array(placed, pa.timestamp("us")),
                "currency": rng.choice(["EUR", "USD", "GBP"], 60),
                "total price": np.round(
                    np.bincount(order, weights=price[product], minlength=60), 2
                ),
            }
        ),
        "products": pa.table({"id": np.arange(90), "price": price}),
        "lines": pa.table(
            {
                "order_id": order,
                "product_id": product,
                "order": pa.array(placed[order], pa.timestamp("us")).cast(pa.date32(), safe=False),
                "price": price[product],
                "gross": np.round(price[product] * 1.2, 2),
                "sent": pa.array(
                    placed[order] + rng.integers(0, 70, 300) * HOUR, pa.timestamp("us")
                ),
            }
        ),
    }


def test_a_guessed_spec_keeps_and_checks_what_holds_across_the_tables(tmp_path: Path) -> None:
    data = shop()
    guessed = fb.infer(data)
    text = guessed.to_yaml()
    lines = guessed.spec.tables["lines"]
    assert lines.columns["order"] == col.expr("CAST(order_id.placed AS DATE)")
    assert lines.columns["price"] == col.expr("product_id.price")
    assert lines.columns["gross"] == col.expr("round(1.2 * product_id.price, 2)")
    assert lines.columns["sent"] == col.datetime("order_id.placed", within="3d", step="1h")
    rules = [check.sql for check in lines.checks]
    assert rules == [
        "price = product_id.price",
        "abs(gross - 1.2 * product_id.price) <= 0.005000001",
        '"order" = CAST(order_id.placed AS DATE)',
        "sent >= order_id.placed",
    ]
    (tmp_path / "shop.yaml").write_text(text)
    assert fb.validate(tmp_path / "shop.yaml", data=data).passed
    assert fb.generate(tmp_path / "shop.yaml", seed=1).checks.passed


def test_a_total_of_children_is_told_with_the_check_that_states_it(tmp_path: Path) -> None:
    data = shop()
    text = fb.infer(data).to_yaml()
    total = next(line for line in text.splitlines() if "total price:" in line)
    said, _, check = total.partition("a spec can't make that, but it can check it: ")
    assert "orders.total price = sum of lines.price, in all 60 rows by order_id; " in said
    spec = text.replace("\n\n  products:", f"\n    checks:\n      - {check}\n\n  products:")
    (tmp_path / "shop.yaml").write_text(spec)
    assert fb.validate(tmp_path / "shop.yaml", data=data).passed
    wrong = data | {"lines": data["lines"].slice(1)}
    broken = fb.validate(tmp_path / "shop.yaml", data=wrong).failed
    assert [result.kind for result in broken] == ["aggregate"]


def test_times_written_as_texts_keep_their_order_across_tables(tmp_path: Path) -> None:
    """The columns of their values follow the parent's; each is written in the file's form."""
    data = shop()
    for table, column, form in (
        ("orders", "placed", "%Y-%m-%dT%H:%M:%S"),
        ("lines", "sent", "%d.%m.%Y %H:%M:%S"),
    ):
        texts = pc.strftime(data[table][column].cast(pa.timestamp("s")), form)
        suffix = "Z" if table == "orders" else ""
        texts = pc.binary_join_element_wise(texts, suffix, "")
        at = data[table].column_names.index(column)
        rows = data[table].set_column(at, column, texts)
        csv.write_csv(rows, tmp_path / f"{table}.csv")
    csv.write_csv(data["products"], tmp_path / "products.csv")
    made = {k: v.to_pandas() for k, v in fb.generate(fb.infer(tmp_path).spec, seed=1).items()}
    lines = made["lines"].merge(made["orders"], left_on="order_id", right_on="id")
    sent = pd.to_datetime(lines["sent"], format="%d.%m.%Y %H:%M:%S")
    placed = pd.to_datetime(lines["placed"].astype(str).str.removesuffix("Z"))
    assert (sent >= placed).all()
    assert ((sent - placed).dt.days <= 3).all()
