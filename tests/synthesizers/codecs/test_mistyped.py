"""Columns of dates, times and durations keep their form alongside values of none."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fabula as fb
from fabula.io.written.columns import written_form
from fabula.io.written.duration_forms import DurationForm
from fabula.synthesizers.codecs.codec import Places
from fabula.synthesizers.codecs.learning import Columns
from fabula.synthesizers.codecs.string_formats.codec import WrittenCodec
from tests.spellings import DURATIONS, FIRST, LAST, SPELLINGS

ROWS = 300
PLACEHOLDERS = (None, "unknown", "0000-00-00", dt.datetime(9999, 12, 31), dt.datetime(1900, 1, 1))


def resampled(texts: list[str | None], seed: int, kind: pa.DataType | None = None) -> list[str]:
    """The texts as a codec draws them again."""
    values = pa.array(texts, kind or pa.string())
    (codec,) = Columns.learn(pa.table({"x": values}), protect=10).codecs
    assert isinstance(codec, WrittenCodec), codec.about
    places = Places(np.arange(len(texts)), seed, np.random.default_rng(seed))
    return codec.decode(codec.encode(values), places).to_pylist()


@pytest.mark.slow
@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.sampled_from(list(SPELLINGS)),
    st.sampled_from(PLACEHOLDERS),
    st.integers(0, 9),
    st.integers(0, 2**32 - 1),
)
def test_dates_stay_dates_beside_mistyped_values_and_placeholders(form, empty, mistyped, seed):
    """3 % of the values are mistyped and 8 % a placeholder: no sample holds the first."""
    rng = np.random.default_rng(seed)
    write = SPELLINGS[form]
    seconds = rng.integers(0, (LAST - FIRST) // dt.timedelta(seconds=1), ROWS)
    texts = [write(FIRST + dt.timedelta(seconds=int(second))) for second in seconds]
    order = rng.permutation(ROWS)
    placeholder = write(empty) if isinstance(empty, dt.datetime) else empty
    for row in order[:24] if placeholder else []:
        texts[row] = placeholder
    wrong = ["31/02/2021", "2021-13-45", "20211", "12 Foo 2020", "2o21-01-01"]
    for at, row in enumerate(order[24 : 24 + mistyped]):
        texts[row] = wrong[at % len(wrong)]
    made = resampled(texts, seed)
    if placeholder:
        assert made.count(placeholder) == pytest.approx(24, abs=1)
    dates = [dt.datetime.strptime(text, form) for text in made if text != placeholder]
    assert all(FIRST <= date.replace(tzinfo=None) <= LAST for date in dates)
    assert {write(date) for date in dates} <= set(made)


@pytest.mark.slow
@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.sampled_from(list(DURATIONS)), st.integers(0, 6), st.integers(0, 2**32 - 1))
def test_durations_stay_durations(form, mistyped, seed):
    """No minute or second above 59, nothing beyond the real range, every text in the form."""
    rng = np.random.default_rng(seed)
    write = DURATIONS[form]
    texts = [write(int(second)) for second in rng.integers(30, 60 * 3600, ROWS)]
    for row in rng.choice(ROWS, mistyped, replace=False):
        texts[row] = ["12:99", "PT", "two hours", "1h 99x"][row % 4]
    found = written_form(pa.array(texts, pa.large_string()))
    assert found is not None
    assert isinstance(found.form, DurationForm)
    made = pa.array([text for text in resampled(texts, seed) if text], pa.large_string())
    values = found.form.read(made)
    assert values.null_count == 0
    assert found.form.write(values).equals(made)
    real = found.form.read(pa.array(texts, pa.large_string())).drop_null().to_pylist()
    assert min(real) <= min(values.to_pylist()) <= max(values.to_pylist()) <= max(real)


@pytest.mark.slow
@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.sampled_from(["%Y%m%d", "%Y%m"]), st.integers(0, 9), st.integers(0, 2**32 - 1))
def test_whole_numbers_that_are_dates_yield_days_of_the_calendar(form, mistyped, seed):
    """20240105 and 202401 are dates; 20240231 is none."""
    rng = np.random.default_rng(seed)
    days = [FIRST + dt.timedelta(days=int(day)) for day in rng.integers(0, 2_000, ROWS)]
    numbers = [int(day.strftime(form)) for day in days]
    for row in rng.choice(ROWS, mistyped, replace=False):
        numbers[row] = 20231340 if form == "%Y%m%d" else 202313
    for made in resampled(numbers, seed, pa.int64()):
        assert FIRST <= dt.datetime.strptime(str(made), form) <= LAST


def test_a_lone_year_stays_a_whole_number():
    """2019 is not a date."""
    years = pa.table({"year": pa.array(np.arange(300) % 30 + 1990)})
    assert Columns.learn(years, protect=10).codecs[0].about.startswith("numbers:")


def test_the_card_says_which_rows_are_mistyped_and_the_sample_holds_none_of_them():
    """Rows count from 1, as in the data that was given."""
    days = [f"{FIRST + dt.timedelta(days=i):%d/%m/%Y}" for i in range(400)]
    days[76], days[300] = "31/02/2021", "soon-ish 1"
    table = pa.table({"day": days, "n": np.arange(400) % 7})
    model = fb.fit(table, seed=1, holdout=0)
    notes = "\n".join(model.card().notes)
    assert "day: mistyped, not times written as 25/01/2019: rows 77, 301; not learned" in notes
    made = set(model.sample(500, seed=2).column("day").to_pylist())
    assert not made & {"31/02/2021", "soon-ish 1", None}


def test_one_odd_value_makes_no_labels_of_a_column_of_numbers(tmp_path):
    """A stray word or `12E4` is named; postcodes alongside one stay codes."""
    rng = np.random.default_rng(1)
    rows = [
        f"{rng.integers(18, 90)},{rng.normal(100, 30):.2f},{rng.integers(99_999):05}"
        for _ in range(300)
    ]
    rows[11] = "n.a.,12E4,see note"
    path = tmp_path / "people.csv"
    path.write_text("\n".join(["age,amount,zip", *rows]))
    model = fb.fit(path, seed=1, holdout=0)
    notes = "\n".join(model.card().notes)
    assert "age: words in place of a value: row 12; they count as missing" in notes
    assert "amount: mistyped, not numbers written as 12.34: row 12; not learned" in notes
    made = model.sample(300, seed=2)
    assert all(18 <= int(text) < 90 for text in made.column("age").drop_null().to_pylist())
    assert all("E" not in text for text in made.column("amount").to_pylist())
    assert all(len(text) == 5 for text in made.column("zip").to_pylist())


def test_placeholders_can_be_asked_for():
    """Several words for a missing value are told apart."""
    days = [f"{FIRST + dt.timedelta(days=i):%Y-%m-%d}" for i in range(300)]
    days[:20], days[20:50] = ["9999-12-31"] * 20, ["unknown"] * 30
    model = fb.fit(pa.table({"day": days, "n": np.arange(300) % 7}), seed=1, holdout=0)
    asked = model.sample(50, given={"day": "9999-12-31"}).column("day")
    assert set(asked.to_pylist()) == {"9999-12-31"}


def test_a_month_follows_from_its_day_whatever_both_are_written_as():
    """Case of ledgers: 20240105 lies in 202401."""
    days = [
        FIRST + dt.timedelta(days=int(day))
        for day in np.random.default_rng(3).integers(0, 2_000, 400)
    ]
    booked = [int(f"{day:%Y%m%d}") for day in days]
    table = pa.table({"booked": booked, "period": [number // 100 for number in booked]})
    made = fb.fit(table, seed=1, holdout=0).sample(500, seed=2)
    pairs = zip(made.column("booked").to_pylist(), made.column("period").to_pylist(), strict=True)
    assert all(day // 100 == period for day, period in pairs)
