"""Panels: each store has a row for each month of each year, and a station one for each hour."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from fabula.relationships.keys import ForeignKey, Keys
from fabula.synthesizers.fitting import fit
from fabula.synthesizers.multitable.foreign_keys import links_of, row_links
from fabula.synthesizers.multitable.panels import Panel
from fabula.synthesizers.synthesizer import load_synthesizer

MONTHS = [(year, month) for year in range(2019, 2023) for month in range(1, 13)]


def sales(stores: int = 12, gone: int = 0) -> dict[str, pa.Table]:
    """The sales of stores by year and month, December three times June; some rows are missing."""
    rng = np.random.default_rng(4)
    keys = [(store, *month) for store in range(1, stores + 1) for month in MONTHS]
    kept = np.sort(rng.permutation(len(keys))[gone:])
    store, year, month = np.array(keys)[kept].T
    level = rng.normal(100, 10, stores)[store - 1]
    amount = level * (2 - np.cos((month - 6) * np.pi / 6)) * rng.normal(1, 0.05, len(kept))
    return {
        "stores": pa.table({"store_id": np.arange(stores) + 1,
                            "area": rng.normal(500, 50, stores).round()}),
        "sales": pa.table({"store_id": store, "year": year, "month": month,
                           "amount": amount.round(2)}),
    }  # fmt: skip


def keys_of(table: pa.Table) -> list[tuple[int, ...]]:
    """The key of each row."""
    names = ("store_id", "year", "month")
    return list(zip(*(table[name].to_pylist() for name in names), strict=True))


def test_each_store_has_each_month_once_and_its_season(tmp_path: Path) -> None:
    """A month number does not count beyond 12, and the amounts depend on it."""
    fitted = fit(sales(), seed=1)
    assert "year, month: each parent's of 48 combinations" in fitted.card()
    fitted.save(tmp_path / "sales")
    made = load_synthesizer(tmp_path / "sales").sample(1.0, seed=2)["sales"]
    assert made.num_rows == 12 * 48
    rows = keys_of(made)
    assert len(set(rows)) == len(rows)
    assert {row[1:] for row in rows} == set(MONTHS)
    found = made.group_by("month").aggregate([("amount", "mean")]).to_pylist()
    means = {row["month"]: row["amount_mean"] for row in found}
    assert 2.4 < means[12] / means[6] < 3.6  # 3 in the real rows


def test_stores_that_lack_months_have_the_others_once() -> None:
    """Nine in ten of the combinations are there: no store gets one twice."""
    made = fit(sales(gone=60), seed=1, rounds=5).sample(seed=2)["sales"]
    rows = keys_of(made)
    assert len(set(rows)) == len(rows)
    assert {row[1:] for row in rows} <= set(MONTHS)


def test_few_of_all_combinations_are_no_panel() -> None:
    """Where stores have a third of the months, each part of the key stands for itself."""
    tables = sales(gone=400)
    key = ForeignKey("sales", ("store_id",), "stores", ("store_id",))
    primary = ("store_id", "year", "month")
    keys = Keys({"stores": ("store_id",), "sales": primary}, (key,), ())
    rows = {key: row_links(tables, key)}
    links = links_of(tables, keys, rows)["sales"]
    assert Panel.of(tables["sales"], primary, links, rows[key]) is None
