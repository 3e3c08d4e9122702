"""Times and numbers written as text are learned as such and come back in their own form."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import fabula as fb
from fabula.errors import UsageError
from fabula.io.written.time_forms import TimeForm
from fabula.synthesizers.codecs.codec import Places, Range
from fabula.synthesizers.codecs.learning import Columns
from fabula.synthesizers.codecs.string_formats.codec import WrittenCodec

RNG = np.random.default_rng(5)
DAYS = [dt.datetime(2019, 1, 1) + dt.timedelta(hours=31 * i, minutes=7 * i) for i in range(600)]


def learned(texts: list[str | None], kind: pa.DataType | None = None) -> WrittenCodec | None:
    """The codec of a column of texts."""
    return WrittenCodec.learn("x", pa.array(texts, kind or pa.string()), protect=10)


def redrawn(codec: WrittenCodec, texts: list[str | None]) -> list[str | None]:
    """Texts that were encoded and decoded."""
    codes = codec.encode(pa.array(texts, codec.type))
    places = Places(np.arange(len(codes)), 1, np.random.default_rng(3))
    return codec.decode(codes, places).to_pylist()


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (lambda t: f"{t.month}/{t.day}/{t.year}", "1/25/2019"),
        (lambda t: f"{t:%d.%m.%Y}", "25.01.2019"),
        (lambda t: f"{t:%d/%m/%y}", "25/01/19"),
        (lambda t: f"{t:%Y-%m}", "2019-01"),
        (lambda t: f"{t.day} {t:%B %Y}", "25 January 2019"),
        (lambda t: f"{t:%b %d, %Y}", "Jan 25, 2019"),
        (lambda t: f"{t:%a, %d %b %Y}".upper(), "FRI, 25 JAN 2019"),
        (lambda t: f"{t:%b-%y}".lower(), "jan-19"),
        (lambda t: f"{t:%Y-%m-%dT%H:%M:%S}.{t.minute:03}Z", "2019-01-25T13:05:09.123Z"),
        (lambda t: f"{t:%Y-%m-%d %H:%M}:00+02:00", "2019-01-25 13:05:09+02:00"),
        (lambda t: f"{t.hour % 12 or 12}:{t:%M %p}", "1:05 PM"),
        (lambda t: f"{t.hour}:{t:%M:%S}", "13:05:09"),
        (lambda t: f"{t.year}Q{(t.month + 2) // 3}", "2019Q1"),
        (lambda t: f"Q{(t.month + 2) // 3} {t.year}", "Q1 2019"),
        (lambda t: f"H{(t.month + 5) // 6}/{t.year}", "H1/2019"),
        (lambda t: f"{t:%G-W%V}", "2019-W04"),
        (lambda t: f"{t:%Y-%j}", "2019-025"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_times_of_one_form_come_back_in_it_and_keep_their_distribution(written, told):
    """The largest gap of the two distribution functions stays below 5 %."""
    texts = [written(day) for day in DAYS]
    codec = learned(texts)
    assert codec is not None
    assert codec.about.startswith(f"times written as {told}")
    again = redrawn(codec, texts)
    real, made = (codec.form.read(pa.array(side)) for side in (texts, again))
    assert made.null_count == 0
    assert codec.form.write(made).to_pylist() == again
    width = pa.int32() if made.type.bit_width == 32 else pa.int64()
    real, made = (np.sort(side.cast(width).to_numpy()) for side in (real, made))
    both = np.concatenate([real, made])
    ranks = [np.searchsorted(side, both, "right") / len(side) for side in (real, made)]
    assert np.abs(ranks[0] - ranks[1]).max() < 0.05


@pytest.mark.parametrize("form", ["%G-W%V", "%Y-%j"])
def test_weeks_and_days_of_the_year_are_those_of_the_calendar(form):
    """Over a cycle of 28 years, with years of 53 weeks and of 366 days; other texts are missing."""
    days = [dt.date(1990, 1, 1) + dt.timedelta(days=day) for day in range(28 * 366)]
    read = TimeForm(form).read(pa.array([f"{day:{form}}" for day in days]))
    starts = [day - dt.timedelta(days=day.weekday() * ("V" in form)) for day in days]
    assert read.to_pylist() == starts
    assert TimeForm(form).write(read).to_pylist() == [f"{day:{form}}" for day in days]
    assert TimeForm(form).read(pa.array(["2019-W53", "2019-366"])).null_count == 2


@pytest.mark.parametrize("written", ["FY{0:02}/{1:02}", "20{0:02}/{1:02}", "20{0:02}-20{1:02}"])
def test_years_that_begin_in_one_and_end_in_the_next_stay_whole(written):
    """A fiscal year ends in the year after it, and months are not such years."""
    texts = [written.format(at % 14 + 10, at % 14 + 11) for at in range(300)]
    codec = learned(texts)
    assert codec is not None
    assert set(redrawn(codec, texts)) <= set(texts)
    months = learned([f"20{at % 9 + 10}-{at % 12 + 1:02}" for at in range(300)])
    assert months is not None
    assert months.about.startswith("times written as 2019-01")


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (lambda v: f"${v:,.2f}", "$1,234.56"),
        (lambda v: f"-${v:,.2f}" if v > 9_000 else f"${v:,.2f}", "$1,234.56"),
        (lambda v: f"{v:,.2f}-" if v > 7_000 else f"{v:,.2f}", "1,234.56"),
        (lambda v: f"({v:,.2f})" if v > 9_000 else f"{v:,.2f}", "1,234.56"),
        (lambda v: f"{v:,.2f} €".replace(",", "_").replace(".", ",").replace("_", "."), "1.234,56"),
        (lambda v: f"USD {v:.0f}", "USD 1235"),
        (lambda v: f"{v % 99:.1f} %", "12.3 %"),
        (lambda v: f"{v % 99:.3g}".replace(".", ","), "12,34"),
        (lambda v: f"{v:,.0f}".replace(",", "\u202f"), "1\u202f235"),
        (lambda v: f"{v:.0f}", "12"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_numbers_of_one_form_come_back_in_it(written, shown):
    """Currencies, separators, signs and units stand where they stood."""
    values = RNG.uniform(0, 9_999, 500)
    texts = [written(float(value)) for value in values]
    codec = learned(texts)
    assert codec is not None
    assert codec.about.startswith("numbers written as ")
    assert shown in codec.about
    made = pa.array(redrawn(codec, texts), pa.large_string())
    assert codec.form.write(codec.form.read(made)).equals(made)
    real = codec.form.read(pa.array(texts, pa.large_string()))
    mean, error = pc.mean(real).as_py(), 5 * pc.stddev(real).as_py() / len(texts) ** 0.5
    assert pc.mean(codec.form.read(made)).as_py() == pytest.approx(mean, abs=error)


@pytest.mark.parametrize(
    "texts",
    [
        ["10-19", "20-29", "30-39"],
        ["<5", "5", "6"],
        ["10+", "20+"],
        ["5", "10", "20-"],
        ["01234", "94110"],
        ["94110", "10115"],
        ["AB12", "AB13"],
        ["1.2.10", "1.3.11"],
        ["31/02/2019", "01/02/2019"],
        ["2 years", "1 year"],
        ["05/06/2019", "2019-06-05"],
        ["2019-01-05", "soon", "never"],
        ["99999999999999999999", "1"],
        ["", " "],
        ["B 2019-1", "B 2020-2"],
        [r"a\(1)", r"a\(2)"],
        ["\0 12:3", "\0 12:4"],
    ],
    ids=str,
)
def test_ranges_codes_and_mixtures_are_no_numbers(texts):
    """What has no single form stays what it was, whatever it looks like."""
    assert learned(texts * 20) is None


def test_days_and_months_are_told_apart_by_the_values_or_said_to_be_unsure():
    """A day above 12 decides; without one, the card says so."""
    decided = learned([f"{1 + i % 31:02}/03/2019" for i in range(99)])
    assert decided is not None
    assert decided.about.startswith("times written as 25/01/2019:")
    unsure = learned([f"{1 + i % 9}/{1 + i % 7}/2019" for i in range(99)])
    assert unsure is not None
    assert "day and month may be the other way round" in unsure.about


def test_one_text_for_missing_values_comes_back():
    """A blank among amounts, as some tables have it, keeps its share."""
    texts = [f"{value:.2f}" for value in RNG.uniform(10, 99, 400)] + [" "] * 100
    codec = learned(texts)
    assert codec is not None
    assert "` ` where missing" in codec.about
    assert redrawn(codec, texts).count(" ") == 100
    assert codec.weights((" ",)).argmax() == len(codec.cells.counts) - 1


def test_a_text_of_few_rows_for_missing_values_becomes_a_null():
    """A rare text is never reproduced."""
    codec = learned([f"{value:.2f}" for value in RNG.uniform(10, 99, 400)] + ["ask Ann"] * 3)
    assert codec is not None
    assert redrawn(codec, ["ask Ann"]) == [None]
    assert "Ann" not in str(codec.state())


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()])
def test_texts_keep_their_arrow_type(kind):
    """Whatever sort of string it was."""
    codec = learned([f"{day:%d.%m.%Y}" for day in DAYS] + [None] * 60, kind)
    assert codec is not None
    places = Places(np.arange(660), 1, np.random.default_rng(3))
    made = codec.decode(np.zeros(660, np.int32), places)
    assert made.type == kind


def test_columns_of_labels_of_a_frame_stay_labels():
    """Who made a column a category wants its labels."""
    dates = pa.array([f"{day:%d.%m.%Y}" for day in DAYS] * 20).dictionary_encode()
    columns = Columns.learn(pa.table({"day": dates}), protect=10)
    assert columns.codecs[0].about == "600 labels"


def amount(text: str) -> float:
    """The number in `$1,234.50`."""
    return float(text.strip("$").replace(",", ""))


def orders() -> pa.Table:
    """Amounts and days as texts; amounts rise with the days."""
    days = np.sort(RNG.integers(0, 600, 1_500))
    amounts = 500 + days * 3 + RNG.normal(0, 40, 1_500)
    return pa.table(
        {
            "day": [f"{DAYS[day].month}/{DAYS[day].day}/{DAYS[day].year}" for day in days],
            "amount": [f"${amount:,.2f}" for amount in amounts],
        }
    )


def test_written_columns_are_asked_for_and_filled_in_their_own_form(tmp_path):
    """Ranges, gaps, relations, and a file that draws the same rows again."""
    table = orders()
    model = fb.fit(table, seed=1, holdout=0)
    made = model.sample(200, given={"day": "1/1/2020..6/30/2020", "amount": "$1,000.00.."})
    days = [dt.datetime.strptime(day, "%m/%d/%Y") for day in made.column("day").to_pylist()]
    assert dt.datetime(2020, 1, 1) <= min(days) <= max(days) <= dt.datetime(2020, 6, 30)
    assert min(map(amount, made.column("amount").to_pylist())) >= 1_000

    gaps = table.set_column(1, "amount", pa.nulls(table.num_rows, pa.string()))
    filled = model.impute(gaps).column("amount").to_pylist()
    real, guessed = (
        np.array(list(map(amount, side))) for side in (table.column("amount").to_pylist(), filled)
    )
    assert np.corrcoef(real, guessed)[0, 1] > 0.9

    model.save(tmp_path / "orders.fabula")
    again = fb.load_synthesizer(tmp_path / "orders.fabula")
    assert again.sample(50, seed=4).equals(model.sample(50, seed=4))


def test_other_notations_of_a_value_are_understood_and_what_is_none_is_refused():
    """ISO dates and plain numbers are clear, too; an error shows the column's form."""
    codec = learned(orders().column("day").to_pylist())
    assert codec is not None
    own, iso = (
        codec.weights(Range("2/1/2019", "3/1/2019")),
        codec.weights(Range("2019-02-01", dt.date(2019, 3, 1))),
    )
    assert (own == iso).all()
    with pytest.raises(UsageError) as wrong:
        codec.weights(("someday",))
    assert wrong.value.code == "given.type"
    assert "the column holds times written as 1/25/2019" in wrong.value.message
    with pytest.raises(UsageError, match="never occurs"):
        codec.weights(("1/1/1999",))


def test_dates_that_all_differ_are_no_key():
    """A day for each row is a series of times, not a column of codes."""
    days = [f"{dt.date(2019, 1, 1) + dt.timedelta(days=i)}" for i in range(300)]
    columns = Columns.learn(pa.table({"day": days}), protect=10)
    assert columns.codecs[0].about.startswith("times written as 2019-01-25")
