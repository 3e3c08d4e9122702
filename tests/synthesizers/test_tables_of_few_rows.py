"""Small tables beside large ones: a few rows tell no distribution, but the form of each value."""

from __future__ import annotations

import re
import zoneinfo
from datetime import datetime

import numpy as np
import pyarrow as pa
import pytest

from fabula.synthesizers.multitable.database import RelationalSynthesizer, fit_tables
from fabula.synthesizers.synthesizer import load_synthesizer

LINES = [f"City - {place}" for place in ("Market", "Harbour", "Airport via Mall")]


def timetable() -> dict[str, pa.Table]:
    """A service's agency, calendar and routes, and their trips."""
    rng = np.random.default_rng(4)
    return {
        "agency": pa.table({
            "url": ["https://www.sunbus.com/cairns"], "timezone": ["Australia/Brisbane"],
        }),
        "calendar": pa.table({
            "service_id": [101, 102, 103, 104],
            "monday": [1, 1, 0, 0],
            "start": [20140526, 20140530, 20140531, 20140601],
            "until": ["26.12.2014", "26.12.2014", "27.12.2014", "28.12.2014"],
        }),
        "routes": pa.table({
            "route_id": np.arange(1, 31),
            "line": [f"{LINES[at % 3]} {'abcdefghijklmno'[at % 15]}" for at in range(30)],
        }),
        "trips": pa.table({
            "trip_id": np.arange(1, 121),
            "service_id": rng.integers(101, 105, 120),
            "route_id": rng.integers(1, 31, 120),
        }),
    }  # fmt: skip


@pytest.fixture(scope="module")
def learned() -> RelationalSynthesizer[dict[str, pa.Table]]:
    """The tables as they are learned."""
    return fit_tables(timetable(), seed=1)


def test_days_of_few_rows_stay_days_in_their_own_form(learned, tmp_path) -> None:
    """20140526 is a day and not a number: no 20140594 comes back, nor a 39th of a month."""
    learned.save(tmp_path / "model")
    for model in (learned, load_synthesizer(tmp_path / "model")):
        made = model.sample(20.0, seed=2)["calendar"]
        for column, form in (("start", "%Y%m%d"), ("until", "%d.%m.%Y")):
            days = [datetime.strptime(str(value), form) for value in made[column].to_pylist()]
            assert {day.year for day in days} == {2014}
        assert made.schema.field("start").type == pa.int64()
    assert "start: drawn evenly from 2014-05-26 to 2014-06-01" in str(learned.card())


def test_flags_of_few_rows_stay_flags(learned) -> None:
    """Zeros and ones are drawn from 0 to 1, and the card says so."""
    assert set(learned.sample(20.0, seed=2)["calendar"]["monday"].to_pylist()) == {0, 1}
    assert "monday: drawn evenly from 0 to 1 (4 rows are too few" in str(learned.card())


def test_one_row_keeps_its_time_zone_and_the_form_of_its_address(learned) -> None:
    """A time zone is on a public list; `https` and `www` stay as they are."""
    made = learned.sample(seed=2)["agency"].to_pylist()[0]
    assert made["timezone"] in zoneinfo.available_timezones()
    assert re.fullmatch(r"https://www\.\w+\.com/\w+", made["url"]), made
    assert "cairns" not in made["url"]
    assert "1 row is too few to learn from" in str(learned.card())


def test_names_that_few_rows_have_each_are_made_anew_and_are_not_all_other(learned) -> None:
    """A column of which no label is known is made in its own form."""
    made = learned.sample(seed=2)["routes"]["line"].to_pylist()
    assert len(set(made)) > 10
    assert not set(made) & {"other", *timetable()["routes"]["line"].to_pylist()}
    assert "few rows have each of its labels" in str(learned.card())
