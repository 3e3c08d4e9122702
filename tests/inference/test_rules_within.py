"""Rules within a row in the specs that `init` writes: `generate` keeps all of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import fabula as fb

COUNTRY = {"Wien": "AT", "Graz": "AT", "Paris": "FR", "Lyon": "FR", "Roma": "IT", "Madrid": "ES"}


def sales(rows: int = 2_000) -> pd.DataFrame:
    """Lines of a shop whose columns follow from others in the ways that such tables have."""
    rng = np.random.default_rng(7)
    prices = {f"SKU-{at:04d}": round(float(rng.lognormal(3, 0.7)), 2) for at in range(120)}
    city, sku = rng.choice(list(COUNTRY), rows), rng.choice(list(prices), rows)
    quantity = rng.integers(1, 9, rows)
    price = np.array([prices[each] for each in sku])
    start = np.datetime64("2023-01-01") + rng.integers(0, 700, rows)
    days = rng.integers(0, 40, rows)
    low = np.round(rng.normal(10, 4, rows), 1)
    mean = np.round(low + rng.gamma(2, 1, rows), 1)
    net = np.round(rng.lognormal(4, 0.6, rows), 2)
    places = np.argsort(rng.random((rows, 3)), axis=1) + 1
    return pd.DataFrame({
        "city": city, "country": [COUNTRY[each] for each in city],
        "sku": sku, "price": price, "quantity": quantity, "total": np.round(price * quantity, 2),
        "start": start, "end": start + days, "days": days,
        "min": low, "mean": mean, "max": np.round(mean + rng.gamma(2, 1, rows), 1),
        "net": net, "tax": np.round(net * 0.2, 2), "gross": np.round(net + net * 0.2, 2),
        "first": places[:, 0], "second": places[:, 1], "third": places[:, 2],
    })  # fmt: skip


@pytest.fixture(scope="module")
def made() -> pd.DataFrame:
    """What the spec of these lines generates."""
    return fb.generate(fb.infer(sales()).spec, n=5_000, seed=1).to_pandas()


def test_labels_and_prices_follow_as_in_the_data(made: pd.DataFrame) -> None:
    real = sales()
    assert (made["country"] == made["city"].astype(str).map(COUNTRY)).all()
    prices = real.groupby("sku")["price"].first()
    assert np.allclose(made["price"], made["sku"].astype(str).map(prices))


def test_sums_and_products_are_exact(made: pd.DataFrame) -> None:
    assert (made["total"] - made["price"] * made["quantity"]).abs().max() < 0.00501
    assert (made["tax"] - 0.2 * made["net"]).abs().max() < 0.00501
    assert (made["gross"] - 1.2 * made["net"]).abs().max() < 0.00501


def test_orders_lengths_and_rankings_hold(made: pd.DataFrame) -> None:
    real = sales()
    assert (pd.to_datetime(made["end"]) - pd.to_datetime(made["start"])).dt.days.equals(
        made["days"].astype("int64")
    )
    assert ((made["min"] <= made["mean"]) & (made["mean"] <= made["max"])).all()
    assert made["max"].between(real["max"].min(), real["max"].max()).all()
    assert abs(made["mean"].mean() - real["mean"].mean()) < 0.3
    assert (np.sort(made[["first", "second", "third"]].to_numpy(), axis=1) == [1, 2, 3]).all()


def test_the_spec_says_what_each_column_follows_from() -> None:
    text = fb.infer(sales()).to_yaml()
    assert "follows from sku in all rows" in text
    assert "is price * quantity in all rows" in text
    assert "never below `min` in all rows" in text


@pytest.mark.parametrize("decimals", [0, 1])
def test_a_rounded_number_stays_above_a_finer_one(decimals: int) -> None:
    """A rounded sum of a finer number and a distance of 0 must not end below the number."""
    rng = np.random.default_rng(3)
    spent = np.round(rng.gamma(2, 3, 800), 4)
    grid = 10.0**-decimals
    earned = np.round((np.ceil(spent / grid) + rng.integers(0, 6, 800)) * grid, decimals)
    frame = pd.DataFrame({"spent": spent, "earned": earned.astype(int) if not decimals else earned})
    guess = fb.infer(frame)
    assert "never below `spent` in all rows" in guess.to_yaml()
    made = fb.generate(guess.spec, n=4_000, seed=1).to_pandas()
    assert (made["earned"] >= made["spent"]).all()
    assert abs((made["earned"] - made["spent"]).mean() - (earned - spent).mean()) < 0.2 * grid


def test_rules_with_exceptions_are_told_with_their_number() -> None:
    frame = sales()
    frame.loc[[3, 700], "total"] += 5
    text = fb.infer(frame).to_yaml()
    assert "is price * quantity in all rows but 2" in text


def test_noise_is_no_rule() -> None:
    """Columns that were drawn apart stay apart."""
    rng = np.random.default_rng(2)
    table = pa.table({
        "a": rng.normal(size=500), "b": rng.integers(0, 50, 500),
        "c": rng.choice(["x", "y", "z"], 500), "d": rng.gamma(2, 3, 500),
    })  # fmt: skip
    kinds = [column.kind for column in fb.infer(table).spec.tables["data"].columns.values()]
    assert "expr" not in kinds
    assert pc.count_distinct(table["c"]).as_py() == 3


def test_rules_hold_between_values_that_are_written_as_texts() -> None:
    """Dates, amounts and times with a zone: the columns of their values keep the rules."""
    rng = np.random.default_rng(4)
    start = np.datetime64("2023-01-01") + rng.integers(0, 700, 600)
    end, net = start + rng.integers(0, 30, 600), rng.integers(100, 90_000, 600) / 100
    frame = pd.DataFrame({
        "von": pd.to_datetime(start).strftime("%d.%m.%Y"),
        "bis": pd.to_datetime(end).strftime("%d.%m.%Y"),
        "netto": [f"{each:.2f} €".replace(".", ",") for each in net],
        "brutto": [f"{round(each * 1.2, 2):.2f} €".replace(".", ",") for each in net],
    })  # fmt: skip
    made = fb.generate(fb.infer(frame).spec, n=2_000, seed=1).to_pandas()
    assert list(made.columns) == list(frame.columns)
    days = [pd.to_datetime(made[name], format="%d.%m.%Y") for name in ("von", "bis")]
    assert (days[1] >= days[0]).all()
    amounts = [
        made[name].astype(str).str.removesuffix(" €").str.replace(",", ".").astype(float)
        for name in ("netto", "brutto")
    ]
    assert (amounts[1] - 1.2 * amounts[0]).abs().max() < 0.0051


def test_times_with_a_zone_are_written_as_the_file_writes_them(tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    rng = np.random.default_rng(4)
    times = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 10**7, 300), "s")
    texts = times.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    pd.DataFrame({"at": texts, "n": rng.integers(0, 9, 300)}).to_csv(path, index=False)
    made = fb.generate(fb.infer(path).spec, n=300, seed=1).to_pandas()
    assert made["at"].astype(str).str.fullmatch(r"2024-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z").all()


def test_rankings_and_orders_that_are_not_written_are_told() -> None:
    rng = np.random.default_rng(5)
    ranks = np.argsort(rng.random((400, 14)), axis=1) + 1
    low = np.round(rng.normal(10, 4, 400), 1)
    frame = pd.DataFrame({f"judge_{at}": ranks[:, at] for at in range(14)})
    frame["low"], frame["high"] = low, np.round(low + rng.gamma(2, 1, 400), 1)
    frame.loc[:20, "low"] = np.nan
    told = " ".join(fb.infer(frame).notes)
    assert "judge_12, judge_13 hold each of 1 … 14 once, not written: at most 12 columns" in told
    assert "not written: low <= high (`low` is missing in 21 rows)" in told
