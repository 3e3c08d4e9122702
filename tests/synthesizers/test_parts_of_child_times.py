"""What follows, inside a row, from a time that is made from its parent's or a sibling's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import fabula as fb
from fabula.synthesizers.multitable.database import RelationalSynthesizer, fit_tables

DAY = 86_400_000_000


def shop(*, signed: bool, seed: int = 0) -> dict[str, pa.Table]:
    """160 customers with four orders each on weekdays, in business hours; nothing on weekends.

    Args:
        signed: Whether customers have a time that no order is before.
        seed: Decides the numbers.
    """
    rng = np.random.default_rng(seed)
    start = rng.integers(0, 400 * 1_440, 160) * 60_000_000 + 19_000 * DAY
    customer = np.repeat(np.arange(160), 4)
    day = start[customer] // DAY + rng.integers(1, 200, 640)
    day += np.where((day + 3) % 7 >= 5, 2, 0)  # day 0 was a Thursday
    ordered = day * DAY + rng.integers(540, 1_080, 640) * 60_000_000
    paid = ordered + rng.integers(0, 40, 640) * 60_000_000
    shipped = paid + rng.exponential(4_320, 640).astype(int) * 60_000_000
    times = [pa.array(x).cast(pa.timestamp("us")) for x in (ordered, paid, shipped)]
    orders = {
        "order_id": np.arange(1_000, 1_640),
        "customer_id": customer,
        **dict(zip(("ordered", "paid", "shipped"), times, strict=True)),
        "day": times[0].cast(pa.date32(), safe=False),
        "weekday": pc.strftime(times[0], "%A"),
        "month": pc.month(times[0]),
        "hour": pc.hour(times[0]),
        "days": shipped // DAY - ordered // DAY,
        "amount": np.round(rng.gamma(2, 20, 640), 2),
    }
    customers = {"customer_id": np.arange(160), "tier": rng.choice(["a", "b"], 160)}
    if signed:
        customers["signed_up"] = pa.array(start).cast(pa.timestamp("us"))
    return {"customers": pa.table(customers), "orders": pa.table(orders).take(rng.permutation(640))}


@pytest.mark.slow
@pytest.mark.parametrize("signed", [True, False], ids=["after the parent", "after siblings"])
def test_what_follows_from_the_times_of_children_does_in_every_row(
    signed: bool, tmp_path: Path
) -> None:
    """Weekday, month, hour, day and days between; orders of times; business hours."""
    fit_tables(shop(signed=signed), seed=1).save(tmp_path / "m")
    fitted = RelationalSynthesizer.load(tmp_path / "m")
    assert "on every row days: calendar days from" in fitted.card()
    made = fitted.sample(3.0, seed=2)
    orders = made["orders"]
    assert orders.column_names == list(shop(signed=signed)["orders"].column_names)
    ordered = orders["ordered"]
    assert orders["day"].equals(ordered.cast(pa.date32(), safe=False))
    assert orders["weekday"].to_pylist() == pc.strftime(ordered, "%A").to_pylist()
    assert set(orders["weekday"].to_pylist()).isdisjoint({"Saturday", "Sunday"})
    assert orders["month"].equals(pc.month(ordered).cast(orders["month"].type))
    assert orders["hour"].equals(pc.hour(ordered).cast(orders["hour"].type))
    between = pc.days_between(ordered, orders["shipped"])
    assert orders["days"].equals(between)
    for low, high in (("ordered", "paid"), ("paid", "shipped")):
        assert pc.all(pc.less_equal(orders[low], orders[high])).as_py()
    if signed:
        since = dict(
            zip(
                *(made["customers"][n].to_pylist() for n in ("customer_id", "signed_up")),
                strict=True,
            )
        )
        pairs = zip(orders["customer_id"].to_pylist(), ordered.to_pylist(), strict=True)
        assert all(time >= since[customer] for customer, time in pairs)


def test_hours_of_child_times_stay_busy_without_a_column_of_their_own() -> None:
    """No order lies outside the hours of training, and none on a weekend."""
    tables = shop(signed=True)
    tables["orders"] = tables["orders"].drop_columns(["day", "weekday", "month", "hour", "days"])
    ordered = fit_tables(tables, seed=1).sample(2.0, seed=2)["orders"]["ordered"]
    hours = np.asarray(pc.hour(ordered))
    assert ((hours >= 9) & (hours < 18)).mean() > 0.97
    assert (np.asarray(pc.day_of_week(ordered)) < 5).mean() > 0.97


@pytest.mark.slow
def test_a_time_moved_to_its_hour_keeps_the_least_and_the_longest_distance(tmp_path):
    """No visit comes sooner, or later, after its start than any real one, in a row and across."""
    rng, day, minute = np.random.default_rng(1), 86_400_000_000, 60_000_000
    start = 1_600_000_000_000_000 // day * day + rng.integers(0, 900, 1_500) * day
    whose = rng.integers(0, 1_500, 2_500)
    apart = rng.integers(30, 4_000, 2_500) * minute

    def times(values):
        return pa.array(values, pa.timestamp("us"))

    tables = {
        "starts": pa.table({"start_id": np.arange(1_500) + 1, "start": times(start)}),
        "visits": pa.table({
            "visit_id": np.arange(2_500) + 1, "start_id": whose + 1,
            "seen": times(start[whose] + apart),
        }),
    }  # fmt: skip
    fb.fit(tables, seed=1).save(tmp_path / "m")
    made = {name: t.to_pandas() for name, t in fb.load_synthesizer(tmp_path / "m").sample().items()}
    visits = made["visits"].merge(made["starts"], on="start_id")
    alone = fb.fit(
        pa.table({"start": times(start[whose]), "seen": times(start[whose] + apart)}), seed=1
    )
    for rows in (visits, alone.sample(4_000).to_pandas()):
        between = (rows["seen"] - rows["start"]).dt.total_seconds() / 60
        assert apart.min() / minute <= between.min() < 150
        assert 3_800 < between.max() <= apart.max() / minute
