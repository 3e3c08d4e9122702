"""A first spec writes texts of dates, durations and numbers as the data does."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fabula as fb
from fabula.io.written.columns import written_digits, written_form
from fabula.io.written.time_forms import TimeForm
from tests.spellings import DURATIONS, FIRST, SPELLINGS

ROWS = 120


def made(values: pa.Array) -> tuple[pa.Array, str]:
    """The values of the column that a first spec makes, and why they are what they are."""
    found = fb.infer(pa.table({"x": values}))
    table = fb.generate(found.spec, seed=1)["data"]
    return table.column("x").combine_chunks(), found.reasons["tables.data.columns.x"]


@pytest.mark.parametrize("form", ["{y}-{d:03}", "{q}Q{y}", "H{h} {y}", "{y}-{z}", "FY{y}/{n:02}"])
def test_periods_keep_their_form(form):
    """More of them than a list of labels holds, or of a form that labels lack."""
    real = pa.array(
        [
            form.format(y=1900 + at % 120, q=at % 4 + 1, h=at % 2 + 1, d=at * 7 % 365 + 1,
                        z=1901 + at % 120, n=(at % 120 + 1) % 100)
            for at in range(600)
        ]
    )  # fmt: skip
    values = made(real)[0].cast(pa.string())
    shape = pc.replace_substring_regex(real, r"\d", "0")
    shapes = pc.replace_substring_regex(values, r"\d", "0")
    assert set(shapes.to_pylist()) <= set(shape.to_pylist())
    found = written_form(real.cast(pa.large_string()))
    if found is not None:
        assert found.form.read(values.cast(pa.large_string())).null_count == 0


@pytest.mark.slow
@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.sampled_from([*SPELLINGS, *DURATIONS]), st.integers(0, 3), st.integers(0, 2**32 - 1))
def test_texts_of_times_and_durations_keep_their_form(form, mistyped, seed):
    """What `init` writes is generated, in the form of the data and within its range."""
    rng = np.random.default_rng(seed)
    seconds = rng.integers(60, 60 * 3600, ROWS).tolist()
    if form in SPELLINGS:
        texts = [SPELLINGS[form](FIRST + dt.timedelta(minutes=second)) for second in seconds]
    else:
        texts = [DURATIONS[form](second) for second in seconds]
    for row in rng.choice(ROWS, mistyped, replace=False):
        texts[row] = "3x1/02/2021"
    real = pa.array(texts, pa.large_string())
    values, _ = made(real)
    found = written_form(real)
    assert found is not None
    read = found.form.read(values.cast(pa.large_string()))
    if form in ("m:ss or h:mm:ss", "ISO 8601, short", "2 days, 4:10:00"):
        return  # no expression writes these yet; a language model is asked, which is said
    assert read.null_count == 0
    known = found.form.read(real).drop_null()
    width = pa.int64() if read.type.bit_width == 64 else pa.int32()
    low, high = pc.min(known.cast(width)).as_py(), pc.max(known.cast(width)).as_py()
    assert low <= pc.min(read.cast(width)).as_py() <= pc.max(read.cast(width)).as_py() <= high


@pytest.mark.parametrize(
    ("write", "told"),
    [
        (lambda x: f"${x:,.2f}", "$1,234.56"),
        (lambda x: f"{x % 100:.0f}%", "12%"),
        (lambda x: f"{x:,.2f} €".translate(str.maketrans(",.", ".,")), "1.234,56 €"),
        (lambda x: f"{x % 100:.1f}".replace(".", ","), "12,3"),
        (lambda x: f"CHF {x:,.2f}".replace(",", "'"), "CHF 1'234.56"),
    ],
)
def test_texts_of_numbers_keep_their_form(write, told):
    """Prices are not a task for a language model."""
    rng = np.random.default_rng(4)
    real = pa.array([write(float(x)) for x in rng.uniform(1, 9_999, 300)], pa.large_string())
    values, reason = made(real)
    assert reason == f"numbers written as {told}"
    found = written_form(real)
    assert found is not None
    assert found.form.read(values.cast(pa.large_string())).null_count == 0


@pytest.mark.parametrize("form", ["%Y%m%d", "%Y%m"])
def test_whole_numbers_that_are_dates_are_days_of_the_calendar(form):
    """20240105 is not a number between 20240101 and 20241231."""
    days = [FIRST + dt.timedelta(days=7 * day) for day in range(ROWS)]
    values, _ = made(pa.array([int(day.strftime(form)) for day in days]))
    assert values.type == pa.int64()
    texts = values.cast(pa.large_string())
    found = written_digits(texts)
    assert found is not None
    assert found.form.read(texts).null_count == 0


def test_times_of_day_and_durations_of_frames_have_columns():
    """They are not nested values for a language model."""
    clock = pa.array([dt.time(hour % 24, hour % 60) for hour in range(200)])
    values, _ = made(clock)
    assert all(isinstance(value, dt.time) for value in values.to_pylist())
    lasted = pa.array([dt.timedelta(minutes=minute) for minute in range(200)])
    values, reason = made(lasted)
    assert pa.types.is_duration(values.type)
    lengths = values.to_pylist()
    assert dt.timedelta(0) <= min(lengths) <= max(lengths) < dt.timedelta(minutes=200)
    assert "durations; nearest of" in reason


def test_durations_below_zero_are_numbers_of_seconds_and_told():
    """A kind of durations has no negative ones."""
    values, reason = made(pa.array([dt.timedelta(minutes=minute) for minute in range(-100, 100)]))
    assert min(values.to_pylist()) < 0
    assert "durations in whole seconds, since some are below zero" in reason


def test_seconds_with_decimals_keep_them():
    """A tenth of a second is not lost."""
    lasted = [dt.timedelta(seconds=minute + 0.25) for minute in range(200)]
    values, _ = made(pa.array(lasted))
    assert any(value.microseconds for value in values.to_pylist())
    clock = [dt.time(minute % 24, 0, 0, 250_000) for minute in range(200)]
    values, _ = made(pa.array(clock))
    assert any(value.microsecond for value in values.to_pylist())


def test_a_placeholder_keeps_its_share_and_mistyped_values_are_named():
    """`9999-12-31` is not a bound of the dates."""
    days = [f"{FIRST + dt.timedelta(days=day):%d.%m.%Y}" for day in range(300)]
    days[:60] = ["31.12.9999"] * 60
    days[99] = "31.02.2021"
    values, reason = made(pa.array(days))
    assert reason == "times written as 25.01.2019; mistyped: row 100, left out"
    share = values.to_pylist().count("31.12.9999") / len(values)
    assert share == pytest.approx(0.2, abs=5 * (0.2 * 0.8 / 300) ** 0.5)
    years = {text[-4:] for text in values.to_pylist()} - {"9999"}
    assert years <= {"2018", "2019"}


def test_what_a_reader_doubted_stands_in_the_spec(tmp_path):
    """Comments, encodings and repeated names are told at the top."""
    path = tmp_path / "data.csv"
    path.write_text("# made by hand\nid,price,price\n" + "1,2,3\n2,3,4\n" * 9)
    found = fb.infer(path)
    assert "# line 1 is left out, before the header: `# made by hand`" in found.to_yaml()
    assert "note: column 3 is called `price_2`" in repr(found)
    fb.generate(found.to_yaml(), seed=1)


@pytest.mark.parametrize(
    ("form", "first", "last"),
    [
        ("%-d. %B{de} %Y", "5. März 2024", "31. Oktober 2026"),
        ("%a{de}, %d.%m.%Y", "Di, 05.03.2024", "Sa, 31.10.2026"),
        ("%-d %B{fr} %Y", "5 mars 2024", "31 octobre 2026"),
        ("%A{fr} %-d %+B{fr} %Y", "mardi 5 Mars 2024", "samedi 31 Octobre 2026"),
        ("%-d de %B{es} de %Y", "5 de marzo de 2024", "31 de octubre de 2026"),
        ("%d-%b{nl}-%Y", "05-mrt-2024", "31-okt-2026"),
        ("%-d %B{ru} %Y", "5 марта 2024", "31 октября 2026"),
        ("%^b{de} %Y", "MÄR 2024", "OKT 2026"),
    ],
)
def test_names_of_months_and_weekdays_keep_their_language(form, first, last):
    """A first spec and a learned table write days of the calendar as the data does."""
    days = np.datetime64("2024-03-05") + np.arange(971).astype("timedelta64[D]")
    written = TimeForm(form)
    month = written.type == pa.int64()
    real = written.write(pa.array(days.astype("datetime64[M]").astype(int) if month else days))
    assert (real[0].as_py(), real[-1].as_py()) == (first, last)
    found = written_form(real)
    assert found is not None
    assert found.form.format == form
    for values in (
        made(real)[0],
        fb.fit(pa.table({"x": real}), model="copula").sample(300, seed=1)["x"],
    ):
        assert written.read(values.cast(pa.large_string())).null_count == 0
