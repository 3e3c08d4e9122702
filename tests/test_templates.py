"""The ready-made specs and the demo: each plans, previews and generates under its checks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pytest

import fabula as fb
from fabula.spec.loading import parse_spec
from fabula.spec.tables import DatasetSpec
from tests.templates import TEMPLATES, template

DEMO = Path(__file__).parents[1] / "examples" / "shop.yaml"
WITHOUT_MODEL = [name for name in TEMPLATES if name != "tickets"]


def spec_of(name: str) -> DatasetSpec:
    return parse_spec(template(name), file=f"{name}.yaml")


@pytest.mark.parametrize("name", WITHOUT_MODEL)
def test_only_texts_ask_a_model(name: str) -> None:
    assert fb.plan(spec_of(name)).calls == ()


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_template_keeps_its_checks_for_any_seed(name: str, seed: int) -> None:
    data = fb.generate(spec_of(name), seed=seed, model="fake")
    assert data.checks.passed
    assert len(data.checks) >= sum(len(table.checks) for table in spec_of(name).tables.values())
    assert data.rejected == ()


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_begins_by_saying_what_it_is(name: str) -> None:
    lines = template(name).splitlines()
    assert lines[0] == "# yaml-language-server: $schema=./fabula.schema.json"
    assert lines[2].startswith("# ")
    assert max(map(len, lines)) <= 100
    assert spec_of(name).name == name


@pytest.mark.parametrize("n", [50, 1_000, 20_000])
def test_exactly_two_percent_of_payments_are_fraud(n: int) -> None:
    """The class share is met exactly."""
    data = fb.generate(spec_of("fraud"), n={"payments": n})
    assert pc.sum(data["payments"]["fraud"]).as_py() == n * 2 // 100


def test_stations_have_each_day_once_and_warm_summers() -> None:
    """A dated series with seasons."""
    readings = fb.generate(spec_of("climate"))["readings"]
    assert readings.num_rows == 8 * 365
    day, high = readings["date"], readings["high_c"]
    months = pc.month(day)
    july, january = high.filter(pc.equal(months, 7)), high.filter(pc.equal(months, 1))
    assert pc.mean(july).as_py() > pc.mean(january).as_py() + 10
    assert len(day.slice(0, 365).unique()) == 365
    rain = (readings["rain_mm"].to_numpy() > 0).reshape(8, 365)
    assert rain[:, 1:][rain[:, :-1]].mean() > 1.3 * rain.mean()  # wet days follow wet days
    assert (rain[0] == rain[1]).mean() > 0.6  # the weather reaches several stations


def test_a_qled_costs_twice_an_oled_of_its_size() -> None:
    """The price ratio of each size lies within 1.8 and 2.2."""
    tvs = fb.generate(spec_of("tvs"), n=600)["tvs"]
    means = tvs.group_by(["size", "type"]).aggregate([("price", "mean")]).to_pylist()
    price = {(row["size"], row["type"]): row["price_mean"] for row in means}
    assert all(1.8 < price[size, "QLED"] / price[size, "OLED"] < 2.2 for size, _ in price)


def test_the_demo_runs_under_its_checks() -> None:
    data = fb.generate(DEMO, model="fake")
    assert data.checks.passed
    assert {name: data.count(name) for name in data} == {
        "products": 12,
        "customers": 1_000,
        "orders": 10_000,
    }


def test_weather_lasts_from_day_to_day() -> None:
    """Independent days would change by 5 degrees, and rain as often after dry days as after wet."""
    readings = fb.generate(spec_of("climate"))["readings"].sort_by(
        [("station_id", "ascending"), ("date", "ascending")]
    )
    same = np.diff(readings["station_id"].to_numpy()) == 0
    for name in ("high_c", "low_c"):
        change = np.diff(readings[name].to_numpy(zero_copy_only=False))[same]
        assert np.nanstd(change) < 4
    wet = readings["rain_mm"].to_numpy() > 0
    before, after = wet[:-1][same], wet[1:][same]
    assert after[before].mean() > after[~before].mean() + 0.2
