"""Rules with exceptions, rates by label, tiers and fees are kept at their rate."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from fabula.synthesizers.fitting import fit
from fabula.synthesizers.synthesizer import Synthesizer

SIZE = 4_000
RATES = {"AT": 0.2, "DE": 0.19, "CH": 0.081, "FR": 0.2}

Columns = dict[str, NDArray[np.float64]]
Rule = Callable[[Columns], NDArray[np.bool_]]


def _orders() -> Columns:
    rng = np.random.default_rng(1)
    price, other = (np.round(np.exp(rng.normal(3, 0.5, SIZE)), 2) for _ in range(2))
    return {
        "quantity": rng.poisson(2, SIZE) + 1.0,
        "price": price,
        "other": other,
        "discount": np.where(rng.random(SIZE) < 0.3, 0.1, 0.0),
        "country": rng.choice(list(RATES), SIZE),
        "status": rng.choice(["paid", "open"], SIZE, p=[0.7, 0.3]),
        "u": rng.random(SIZE),
    }


def _net(x: Columns) -> NDArray[np.float64]:
    return np.round(x["quantity"] * x["price"], 2)


def _rate(x: Columns) -> NDArray[np.float64]:
    return np.array([RATES[country] for country in x["country"].tolist()])


def _tax(x: Columns) -> NDArray[np.float64]:
    return np.where(x["price"] > 25, 0.3 * x["price"] - 5, 0.1 * x["price"])


MADE: dict[str, Callable[[Columns], NDArray[np.float64]]] = {
    "exceptions": lambda x: np.where(x["u"] < 0.02, np.round(0.4 * x["other"], 2), _net(x)),
    "many exceptions": lambda x: np.where(x["u"] < 0.3, x["other"], _net(x)),
    "rate by country": lambda x: np.round(x["price"] * _rate(x), 2),
    "tiers": lambda x: np.round(_tax(x), 2),
    "fee": lambda x: np.where(x["status"] == "paid", np.round(0.03 * x["price"], 2), 0.0),
    "fee or none": lambda x: np.where(
        x["status"] == "paid", np.round(0.03 * x["price"], 2), np.nan
    ),
    "largest": lambda x: np.maximum(x["price"], x["other"]),
    "three factors": lambda x: np.round(x["quantity"] * x["price"] * (1 - x["discount"]), 2),
    "default": lambda x: np.where(x["u"] < 0.2, x["price"], np.round(1.3 * x["other"] + 0.17, 2)),
}

KEPT: dict[str, Rule] = {
    "exceptions": lambda x: np.isclose(x["y"], _net(x), atol=0.006),
    "many exceptions": lambda x: np.isclose(x["y"], _net(x), atol=0.006),
    "rate by country": lambda x: np.isclose(x["y"], x["price"] * _rate(x), atol=0.006),
    "tiers": lambda x: np.isclose(x["y"], _tax(x), atol=0.006),
    "fee": lambda x: np.isclose(
        x["y"], np.where(x["status"] == "paid", 0.03 * x["price"], 0), atol=0.006
    ),
    "fee or none": lambda x: np.where(
        x["status"] == "paid", np.isclose(x["y"], 0.03 * x["price"], atol=0.006), np.isnan(x["y"])
    ),
    "largest": lambda x: np.isclose(x["y"], np.maximum(x["price"], x["other"])),
    "three factors": lambda x: np.isclose(
        x["y"], x["quantity"] * x["price"] * (1 - x["discount"]), atol=0.006
    ),
    "default": lambda x: x["y"] == x["price"],
}


def _table(columns: Columns) -> pa.Table:
    shown = {name: values for name, values in columns.items() if name != "u"}
    return pa.table({**shown, "y": pa.array(shown["y"], from_pandas=True)})


def _columns(table: pa.Table) -> Columns:
    found = {name: table.column(name).to_numpy() for name in table.column_names}
    return found | {"y": np.asarray(found["y"], float)}


@pytest.mark.parametrize("name", list(MADE))
def test_a_rule_holds_in_samples_as_often_as_in_the_real_rows(name: str, tmp_path: Path) -> None:
    real = _orders()
    real["y"] = MADE[name](real)
    model = fit(_table(real), seed=1, holdout=0, rounds=30)
    made = model.sample(SIZE, seed=2)
    wanted, found = KEPT[name](real).mean(), KEPT[name](_columns(made)).mean()
    spread = 5 * np.sqrt(2 * max(wanted * (1 - wanted), 1e-4) / SIZE)
    assert abs(found - wanted) <= spread + 0.01, model.card()
    assert "on every row y: " in str(model.card())
    model.save(tmp_path / "model.fabula")
    again = Synthesizer.load(tmp_path / "model.fabula").sample(SIZE, seed=2)
    assert again.equals(made)


def test_no_rule_is_found_where_there_is_none() -> None:
    rng = np.random.default_rng(3)
    x = np.round(np.exp(rng.normal(3, 0.5, SIZE)), 2)
    table = pa.table(
        {
            "x": x,
            "near": np.round(x * rng.uniform(0.9, 1.1, SIZE), 2),
            "age": rng.integers(18, 90, SIZE),
            "hours": rng.integers(18, 90, SIZE),
        }
    )
    assert "of the rows" not in str(fit(table, seed=1, holdout=0, rounds=5).card())


def test_a_number_that_is_asked_for_is_met_by_the_rate_of_its_label() -> None:
    real = _orders()
    real["y"] = MADE["rate by country"](real)
    model = fit(_table(real), seed=1, holdout=0, rounds=20)
    made = _columns(model.sample(300, seed=2, given={"y": "2..4", "country": "CH"}))
    assert KEPT["rate by country"](made).all()
    assert ((made["y"] >= 2) & (made["y"] <= 4)).all()
