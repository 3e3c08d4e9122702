"""Events that come about once a year stay in their season, however many follow each other."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from fabula.synthesizers.multitable.database import fit_tables


def test_events_of_each_year_do_not_drift_out_of_their_season() -> None:
    """Distances of 365 days, give or take twenty, add up to any season in eight years."""
    rng = np.random.default_rng(3)
    parks, years = np.repeat(np.arange(1, 41), 8), np.tile(np.arange(2016, 2024), 40)
    start = (years - 1970).astype("M8[Y]").astype("M8[D]") + rng.normal(95, 14, 320).astype(int)
    tables = {
        "parks": pa.table({"park_id": np.arange(1, 41), "seats": rng.integers(20, 60, 40)}),
        "seasons": pa.table({
            "season_id": np.arange(320), "park_id": parks, "start": start,
            "end": start + rng.integers(150, 180, 320),
        }),
    }  # fmt: skip
    made = fit_tables(tables, seed=1, rounds=20).sample(2.0, seed=2)["seasons"]
    for column, months in (("start", {3, 4}), ("end", {8, 9, 10})):
        found = np.asarray(made[column]).astype("M8[M]").astype(int) % 12 + 1
        assert np.isin(found, [*months]).mean() > 0.93, np.bincount(found)
