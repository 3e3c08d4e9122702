"""Times of a parent's rows: how far apart they are."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from fabula.synthesizers.multitable.database import fit_tables
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
def test_no_parent_has_two_rows_at_a_time_where_none_had(kind: pa.DataType) -> None:
    """Days of text, too; the card says so, and no day is after the last one."""
    fitted = fit_tables(readings(kind), seed=1)
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
