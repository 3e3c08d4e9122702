"""Times of a parent's rows: how far apart they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from fabula.synthesizers.multitable.database import RelationalSynthesizer, fit_tables
from fabula.synthesizers.multitable.timed import in_order
from fabula.synthesizers.multitable.timeline import Timeline


def readings(kind: pa.DataType) -> dict[str, pa.Table]:
    """Forty sensors, each with one reading on 30 to 60 of sixty days."""
    rng = np.random.default_rng(0)
    chosen = [np.sort(rng.choice(60, rng.integers(30, 61), replace=False)) for _ in range(40)]
    days = pa.array((np.concatenate(chosen) + 19_700).astype(np.int32), pa.date32())
    sensor = np.repeat(np.arange(40), list(map(len, chosen)))
    return {
        "sensors": pa.table({"sensor_id": np.arange(40)}),
        "readings": pa.table(
            {"sensor_id": sensor, "day": days.cast(kind), "value": rng.normal(size=len(sensor))}
        ),
    }


@pytest.mark.parametrize("kind", [pa.date32(), pa.string()], ids=str)
def test_no_parent_has_two_rows_at_a_time_where_none_had(kind: pa.DataType, tmp_path: Path) -> None:
    """Days of text, too; the card says so, and no day is after the last one."""
    fit_tables(readings(kind), seed=1).save(tmp_path / "m")
    fitted = RelationalSynthesizer.load(tmp_path / "m")
    assert "day: never twice under one readings.sensor_id" in fitted.card()
    for scale in (1.0, 2.0):
        made = fitted.sample(scale, seed=3)["readings"]
        pairs = made.group_by(["sensor_id", "day"]).aggregate([])
        assert pairs.num_rows == made.num_rows
        assert str(pc.max(made["day"])) <= "2024-02-08"


def test_rows_that_do_not_fit_before_the_latest_time_start_earlier() -> None:
    """Six rows of an entity that starts three days before the end."""
    timeline = Timeline("day", latest=100, step=1, apart=True)
    gaps = [None, 0, 0, 1, 0, 5, None, 2]
    starts = [97, None, None, None, None, None, 10, None]
    table = pa.table(
        {
            "day": pa.array(starts, pa.int32()).cast(pa.date32()),
            timeline.gap: pa.array(gaps, pa.int64()),
        }
    )
    made = timeline.restored(table, np.array([0, 1, 2, 3, 4, 5, 0, 1]))
    assert made["day"].cast(pa.int32()).to_pylist() == [95, 96, 97, 98, 99, 100, 10, 12]


def test_numbers_and_times_of_one_row_keep_their_order(tmp_path: Path) -> None:
    """In a parent's table, and in a child's next to the time that its rows are in order of."""
    rng = np.random.default_rng(1)
    placed = 1_700_000_000 + rng.integers(0, 400 * 86_400, 600)
    sent = placed + rng.integers(60, 200_000, 600)
    there = sent + rng.integers(60, 300_000, 600)
    low = rng.normal(50, 20, (2, 600)).round(1)
    high = (low + rng.exponential(20, (2, 600))).round(1)

    def times(seconds: np.ndarray) -> pa.Array:
        return pa.array(seconds, pa.timestamp("s"))

    tables = {
        "customers": pa.table({"customer_id": np.arange(600), "low": low[0], "high": high[0]}),
        "orders": pa.table(
            {
                "order_id": np.arange(600),
                "customer_id": rng.integers(0, 600, 600),
                "placed": times(placed),
                "sent": times(sent),
                "there": times(there),
                "low": low[1],
                "high": high[1],
            }
        ),
    }
    fit_tables(tables, seed=1).save(tmp_path / "m")
    fitted = RelationalSynthesizer.load(tmp_path / "m")
    assert fitted.card().count("on every row low <= high") == 2
    made = fitted.sample(3.0, seed=2)
    for name, ends in (
        ("customers", ("low", "high")),
        ("orders", ("low", "high")),
        ("orders", ("placed", "sent")),
        ("orders", ("sent", "there")),
    ):
        low_end, high_end = (made[name][end] for end in ends)
        assert pc.all(pc.less_equal(low_end, high_end)).as_py(), (name, ends)
    assert made["orders"].column_names == tables["orders"].column_names


def test_a_time_that_came_before_is_not_moved_beyond_the_latest_one() -> None:
    """It comes a week later where that is not too late, or else an hour, or a day of dates."""
    week, day, hour = 7 * 86_400.0, 86_400.0, 3_600.0
    entity, low = np.array([0, 0, 1, 1]), np.zeros(4)
    times, high = np.full(4, day), np.array([2, 2, 0.5, 0.5]) * week
    moved = in_order(times, entity, low, high=high, steps=(week, hour))
    assert moved.tolist() == [day, day + week, day, day + hour]
    dates = in_order(times, entity, low, high=high, steps=(week, day))
    assert dates.tolist() == [day, day + week, day, 2 * day]
    assert in_order(times, entity, low, high=low, steps=(week, hour))[1] == day + week
