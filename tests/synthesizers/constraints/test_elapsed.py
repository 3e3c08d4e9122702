"""Numbers that count whole units between two times of a row."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pyarrow as pa
import pytest

from fabula.synthesizers.codecs.learning import Columns
from fabula.synthesizers.constraints.elapsed import Elapsed
from fabula.synthesizers.constraints.finding import find_relations
from fabula.synthesizers.constraints.measures import measures_of
from fabula.synthesizers.constraints.sheet import Sheet
from fabula.synthesizers.fitting import fit

START = datetime(2024, 1, 30, 22, 0)


@pytest.mark.parametrize(
    ("unit", "end", "count"),
    [
        ("calendar days", datetime(2024, 1, 31, 1, 0), 1),
        ("full days", datetime(2024, 1, 31, 21, 59), 0),
        ("full days", datetime(2024, 1, 31, 22, 0), 1),
        ("full hours", datetime(2024, 1, 31, 0, 30), 2),
        ("full weeks", datetime(2024, 2, 13, 22, 0), 2),
        ("full seconds", datetime(2024, 1, 30, 22, 0, 7), 7),
        ("calendar months", datetime(2024, 3, 1), 2),
        ("full months", datetime(2024, 3, 1), 1),
        ("full years", datetime(2025, 1, 29), 0),
        ("full years", datetime(2025, 1, 30), 1),
        ("calendar years", datetime(2025, 1, 1), 1),
    ],
)
def test_units_between_times(unit: str, end: datetime, count: int) -> None:
    rows = pa.table({"start": [START] * 30, "end": [end] * 30})
    sheet = Sheet(rows, measures_of(Columns.learn(rows, protect=0).codecs))
    assert set(Elapsed(unit, "end", "start").numbers(sheet)) == {count}


def dated(count: int = 600) -> pa.Table:
    """People with a birthday, a visit, and their age at it; two times a row."""
    rng = np.random.default_rng(3)
    born = np.datetime64("1950-01-01") + rng.integers(0, 20_000, count)
    visit = np.datetime64("2015-01-01") + rng.integers(0, 3_000, count)
    months = (visit.astype("M8[M]") - born.astype("M8[M]")).astype(int)
    day = [x - x.astype("M8[M]") for x in (visit, born)]
    age = (months - (day[0] < day[1])) // 12
    return pa.table(
        {"born_on": born, "visited_on": visit, "years": age, "noise": rng.normal(size=count)}
    )


def test_an_age_follows_from_two_dates_in_every_sampled_row() -> None:
    made = fit(dated(), seed=0, sensitive=()).sample(1_000, seed=1)
    table = made.select(["born_on", "visited_on", "years"])
    sheet = Sheet(table, measures_of(Columns.learn(table, protect=0).codecs))
    found = Elapsed("full years", "visited_on", "born_on").numbers(sheet)
    assert (found == np.asarray(table["years"])).all()


def test_independent_whole_numbers_count_nothing() -> None:
    rng = np.random.default_rng(0)
    rows = dated().append_column("free", pa.array(rng.integers(0, 3, 600)))
    columns = Columns.learn(rows, protect=5)
    assert "free" not in {item.target for item in find_relations(rows, columns, protect=5).items}


@pytest.mark.parametrize("day", ["2024-05-17", "2023-12-31", "2024-02-29"])
def test_an_age_on_one_day_follows_from_the_birth(day: str) -> None:
    """Nobody is off by a birthday, since the day is found from the ages."""
    rng = np.random.default_rng(5)
    on = np.datetime64(day)
    born = np.datetime64("1940-01-01") + rng.integers(0, 25_000, 3_000)
    months = (on.astype("M8[M]") - born.astype("M8[M]")).astype(int)
    before = (on - on.astype("M8[M]")) < (born - born.astype("M8[M]"))
    rows = pa.table({"born": born, "age": (months - before) // 12, "n": rng.normal(size=3_000)})
    columns = Columns.learn(rows, protect=5)
    found = find_relations(rows, columns, protect=5)
    (item,) = [item for item in found.items if item.target == "age"]
    assert isinstance(item.how, Elapsed)
    assert item.broken == 0
    assert str(item.how.day) == day
    assert item.told(found.measures) == f"full years from born to {day}"
    assert Elapsed("full years", "", "born", on=item.how.on) == item.how


def test_ages_with_other_days_are_no_rule() -> None:
    """A year of birth and an age that were drawn apart follow from nothing."""
    rng = np.random.default_rng(5)
    born = np.datetime64("1940-01-01") + rng.integers(0, 25_000, 500)
    rows = pa.table({"born": born, "age": rng.integers(18, 90, 500)})
    columns = Columns.learn(rows, protect=5)
    assert not find_relations(rows, columns, protect=5).items
