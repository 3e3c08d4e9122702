"""Times keep their midnights, working hours, weekdays, days and months, also as ends."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import fabula as fb

N = 2_000
DAY = 86_400


def orders(delivered: str, seed: int = 0) -> pd.DataFrame:
    """Orders at any time, and when each was delivered: one to nine days later."""
    rng = np.random.default_rng(seed)
    placed = np.datetime64("2023-01-01", "s") + rng.integers(0, 700 * DAY, N)
    days = placed.astype("M8[D]") + rng.integers(2, 12, N)
    if delivered == "at work":
        weekday = (days.astype(int) + 3) % 7
        days = days + np.where(weekday > 4, 7 - weekday, 0)
        done = days.astype("M8[s]") + rng.integers(9 * 3_600, 17 * 3_600, N)
    else:
        timed = rng.random(N) < (0.2 if delivered == "mostly at midnight" else 0.0)
        done = days.astype("M8[s]") + timed * rng.integers(0, DAY, N)
    return pd.DataFrame({"placed": placed, "delivered": done})


def at_midnight(times: pd.Series) -> float:
    """The share of times that are at midnight."""
    return float((times == times.dt.normalize()).mean())


@pytest.mark.parametrize("delivered", ["at midnight", "mostly at midnight"])
def test_an_end_at_midnight_stays_at_midnight_and_after_its_start(delivered: str) -> None:
    real = orders(delivered)
    made = fb.fit(real, seed=1).sample(N)
    assert abs(at_midnight(made.delivered) - at_midnight(real.delivered)) < 0.05
    assert (made.placed <= made.delivered).all()


@pytest.mark.slow
def test_an_end_at_work_stays_there_and_keeps_its_distance(tmp_path: Path) -> None:
    """On weekdays from nine to five, as many days after the start; also once it is loaded."""
    real = orders("at work")
    fb.fit(real, seed=1).save(tmp_path / "m.fabula")
    made = fb.load_synthesizer(tmp_path / "m.fabula").sample(N)
    frame = made if isinstance(made, pd.DataFrame) else made.to_pandas()
    assert (frame.delivered.dt.day_of_week < 5).all()
    assert frame.delivered.dt.hour.between(9, 16).all()
    assert (frame.placed <= frame.delivered).all()
    apart = [(table.delivered - table.placed).dt.days for table in (real, frame)]
    assert abs(apart[0].mean() - apart[1].mean()) < 0.5
    assert abs(apart[0].std() - apart[1].std()) < 0.7


@pytest.mark.parametrize("part", ["month", "day"])
def test_a_number_that_follows_the_month_or_the_day_keeps_its_course(part: str) -> None:
    """Over ten years, cells of times are longer than a month."""
    rng = np.random.default_rng(0)
    times = pd.Series(np.datetime64("2014-01-01", "s") + rng.integers(0, 3_650 * DAY, N))
    of = getattr(times.dt, part)
    high = of > 6 if part == "month" else of <= 3
    real = pd.DataFrame({"time": times, "amount": 100 + 200 * high + rng.normal(0, 20, N)})
    made = fb.fit(real, seed=1).sample(N)
    here = getattr(made.time.dt, part)
    mean = made.amount.groupby(here > 6 if part == "month" else here <= 3).mean()
    assert mean[True] - mean[False] > 150


def test_paydays_stay_the_days_that_they_are() -> None:
    """Payments of the 1st and 15th of ten years come on the 1st and 15th."""
    rng = np.random.default_rng(0)
    months = np.datetime64("2014-01", "M") + rng.integers(0, 120, N)
    days = months.astype("M8[D]") + rng.choice([0, 14], N)
    made = fb.fit(pd.DataFrame({"paid": days.astype("M8[s]"), "sum": rng.random(N)})).sample(N)
    assert set(made.paid.dt.day) == {1, 15}


def test_a_label_that_follows_the_hour_does_so_in_samples() -> None:
    """A night shift works at night."""
    rng = np.random.default_rng(0)
    times = pd.Series(np.datetime64("2023-01-01", "s") + rng.integers(0, 700 * DAY, N))
    night = (times.dt.hour < 6) != (rng.random(N) < 0.05)
    real = pd.DataFrame({"time": times, "shift": np.where(night, "night", "day")})
    made = fb.fit(real, seed=1).sample(N)
    assert ((made["shift"] == "night") == (made.time.dt.hour < 6)).mean() > 0.85
