"""A spec that was written from data generates values of the data's forms, without a model."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fabula as fb
from fabula.io.written.number_forms import NumberForm
from tests.spellings import DURATIONS, FIRST, LAST, SPELLINGS

ROWS = 300
INTEGERS = (pa.int8(), pa.int16(), pa.int32(), pa.int64(),
            pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64())  # fmt: skip


def generated(values: Any, rows: int = ROWS) -> pa.ChunkedArray:
    """What the spec of one column generates; a language model would be refused."""
    inferred = fb.infer(pa.table({"x": values}))
    kinds = {column.kind for column in inferred.spec.tables["data"].columns.values()}
    assert "llm" not in kinds
    return fb.generate(inferred.spec, n=rows, seed=1).to_arrow("data")["x"]


@settings(max_examples=16, deadline=None, derandomize=True)
@given(st.sampled_from(INTEGERS), st.booleans(), st.booleans(), st.integers(0, 2**32 - 1))
def test_whole_numbers_of_all_widths_stay_within_their_range(kind, gaps, distinct, seed):
    """Also at both ends of a type, with gaps and without."""
    rng = np.random.default_rng(seed)
    ends = np.iinfo(kind.to_pandas_dtype())
    size = ROWS if distinct else 5
    some = rng.integers(ends.min, ends.max, size, dtype=kind.to_pandas_dtype(), endpoint=True)
    values = np.concatenate([some, some])[:ROWS] if distinct else rng.choice(some, ROWS)
    array = pa.array(values, kind, mask=rng.random(ROWS) < 0.1 if gaps else None)
    made = generated(array)
    low, high = pc.min(array).as_py(), pc.max(array).as_py()
    known = [int(value) for value in made.drop_null().to_pylist()]
    if pa.types.is_string(made.type) or pa.types.is_dictionary(made.type):
        assert high >= 2**63
        assert len(str(low)) <= min(len(str(value)) for value in known)
        assert len(str(high)) >= max(len(str(value)) for value in known)
    else:
        assert low <= min(known) <= max(known) <= high


@settings(max_examples=6, deadline=None, derandomize=True)
@given(st.integers(1, 38), st.integers(0, 4), st.integers(0, 2**32 - 1))
def test_long_numbers_generate(digits, scale, seed):
    """Decimals of up to 38 digits, and whole numbers of as many digits written as text."""
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, 10, (ROWS, digits)).astype(str)
    texts = [str(at % 9 + 1) + "".join(row[1:]) for at, row in enumerate(drawn)]
    if digits > 18:
        made = generated(texts).to_pylist()
        assert all(re.fullmatch(f"[1-9][0-9]{{{digits - 1}}}", text) for text in made)
    if scale < digits:
        exact = [Decimal(text).scaleb(-scale) for text in texts]
        made = generated(pa.array(exact, pa.decimal128(38, scale)))
        known = [Decimal(str(value)) for value in made.to_pylist()]
        if digits > 18:
            assert {len(value.as_tuple().digits) for value in known} == {digits}
            assert {value.as_tuple().exponent for value in known} == {-scale}
        else:
            slack = max(exact) / 2**50
            assert min(exact) - slack <= min(known) <= max(known) <= max(exact) + slack


@settings(max_examples=16, deadline=None, derandomize=True)
@given(
    st.sampled_from(list(SPELLINGS)),
    st.sampled_from([None, "unknown", "0000-00-00", "31.12.9999"]),
    st.integers(0, 9),
    st.integers(0, 2**32 - 1),
)
def test_dates_of_text_generate_in_their_spelling(form, empty, mistyped, seed):
    """Beside mistyped values and placeholders."""
    rng = np.random.default_rng(seed)
    seconds = rng.integers(0, (LAST - FIRST) // dt.timedelta(seconds=1), ROWS)
    texts = [SPELLINGS[form](FIRST + dt.timedelta(seconds=int(second))) for second in seconds]
    order = rng.permutation(ROWS)
    for row in order[:24] if empty else []:
        texts[row] = empty
    for at, row in enumerate(order[24 : 24 + mistyped]):
        texts[row] = ["31/02/2021", "2021-13-45", "20211", "12 Foo 2020"][at % 4]
    known = [text for text in generated(texts).to_pylist() if text not in (None, empty)]
    dates = [dt.datetime.strptime(str(text), form).replace(tzinfo=None) for text in known]
    assert len(dates) > ROWS / 2
    assert FIRST.date() <= min(dates).date() <= max(dates).date() <= LAST.date()


@settings(max_examples=10, deadline=None, derandomize=True)
@given(st.sampled_from(list(DURATIONS)), st.integers(0, 2**32 - 1))
def test_durations_of_text_generate(form, seed):
    """Each of them in the form, or in one that reads alike."""
    seconds = np.random.default_rng(seed).integers(30, 60 * 3600, ROWS)
    made = generated([DURATIONS[form](int(second)) for second in seconds]).to_pylist()
    shape = re.compile(r"[0-9]+")
    shapes = {shape.sub("0", DURATIONS[form](int(second))) for second in seconds}
    assert {shape.sub("0", str(text)) for text in made} <= shapes


CODES = {
    "blood pressure": lambda n: f"{n[0] % 80 + 95}/{n[1] % 60 + 50}",
    "seat": lambda n: f"{'ABCDEF'[n[0] % 6]}{n[1] % 30 + 1}",
    "version": lambda n: f"v{n[0] % 5}.{n[1] % 20}.{n[2] % 60}",
    "lot": lambda n: f"Lot {n[0] % 900 + 1}",
    "room": lambda n: f"R{n[0] % 1000:03}-{n[1] % 12 + 1}",
    "dose": lambda n: f"{n[0] % 500 + 1} mg / {n[1] % 9 + 1} h, 100% {{{n[2] % 8}}} o'clock",
    "leading zeros": lambda n: f"{n[0] % 90_000:05}",
    "hexadecimal": lambda n: f"0x{n[0] % 65_536:04x}",
    "airport": lambda n: "".join("BCDFGHJKLM"[k % 10] for k in n[:4]),
}


@pytest.mark.parametrize("form", CODES)
def test_codes_generate_in_their_form(form: str) -> None:
    """No language model is asked for what a pattern or some numbers make."""
    rows = np.random.default_rng(7).integers(0, 10**6, (ROWS, 4)).tolist()
    texts = [CODES[form](row) for row in rows]
    made = generated(texts).to_pylist()

    def shape(text: str) -> str:
        runs = re.sub(r"[0-9]+", "0", text) if form != "hexadecimal" else text[:2]
        return runs if form not in ("seat", "airport") else re.sub(r"[A-Z]", "A", runs)

    assert {shape(str(text)) for text in made} <= set(map(shape, texts))
    if form == "blood pressure":
        parts = [tuple(map(int, text.split("/"))) for text in made]
        assert all(95 <= high <= 174 and 50 <= low <= 109 for high, low in parts)


def test_a_pattern_holds_for_every_value() -> None:
    """Codes may grow after thousands of rows."""
    texts = [f"K{at}" for at in range(1_000, 12_000)]
    made = generated(texts, rows=11_000).to_pylist()
    assert len({len(text) for text in made}) == 2


def test_a_reference_of_several_columns_is_stated_and_its_orphans_told() -> None:
    number = np.tile([1, 2, 3], 100)
    user = np.repeat(np.arange(100), 3)
    at = np.random.default_rng(2).integers(0, 300, 400)
    payer = np.append(user[at][:-2], [900, 901])
    inferred = fb.infer(
        {
            "users": pa.table({"user_id": np.arange(100)}),
            "loans": pa.table({"user_id": user, "loan_number": number}),
            "payments": pa.table(
                {"payment_id": np.arange(400), "user_id": payer, "loan_number": number[at]}
            ),
        }
    )
    assert inferred.notes == ()
    reasons = {name.rpartition(".")[2]: told for name, told in inferred.reasons.items()
               if name.startswith("tables.payments.")}  # fmt: skip
    assert reasons["user_id"] == "with `loan_number` a key of `loans`"
    assert reasons["loan_number"] == "2 of 400 values are not a key of `loans`, all others are"


def test_keys_of_inferred_specs_meet_no_real_id() -> None:
    """Numbers with gaps are ids of somebody; new ones come after the last."""
    ids = 10**18 + np.random.default_rng(0).choice(10**12, 100, replace=False)
    rows = pa.table({"emp_id": ids, "boss_id": [None, *ids[:99].tolist()], "pay": [1.5, 2.5] * 50})
    made = fb.generate(fb.infer(rows).spec, seed=1)["data"]
    assert not set(made["emp_id"].to_pylist()) & set(ids.tolist())


@pytest.mark.parametrize("name", ["place", "zip_code"])
@pytest.mark.parametrize(
    ("form", "regex"),
    [
        (lambda n: f"{n % 99_999:05d}-{n % 9_999:04d}", r"\d{5}-\d{4}"),
        (lambda n: f"{n % 99_999:05d}-{n % 999:03d}", r"\d{5}-\d{3}"),
        (lambda n: f"{n % 9_000 + 1_000} {'ABCDEF'[n % 6]}{'PRSTVWXZ'[n % 8]}", r"\d{4} [A-Z]{2}"),
    ],
)  # fmt: skip
def test_postcodes_keep_every_place_of_their_form(form, regex, name):
    values = [form(7_919 * at) for at in range(1, 200)]
    made = fb.generate(fb.infer(pa.table({name: values})).spec, n=200, seed=1).to_arrow("data")
    assert all(re.fullmatch(regex, text) for text in made.column(name).to_pylist())


def test_a_country_of_each_row_stays_one_of_the_real_ones_and_comes_once():
    countries = ["England", "Spain", "Germany", "Italy", "France"]
    table = pa.table({"code": ["ENG1", "ESP1", "GER1", "ITA1", "FRA1"], "country": countries})
    made = fb.generate(fb.infer(table).spec, seed=1).to_arrow("data")
    assert sorted(made.column("country").to_pylist()) == sorted(countries)


@pytest.mark.parametrize(("own", "share"), [(999, 0.08), (-1, 0.1), (0, 0.6)])
def test_a_number_that_stands_for_something_else_is_drawn_apart(own, share):
    """999 and -1 for a missing value, and no purchase at all."""
    rng = np.random.default_rng(6)
    values = np.where(rng.random(2_000) < share, own, rng.poisson(40, 2_000) + 5)
    made = np.asarray(generated(values, 4_000))
    others = made[made != own]
    assert abs((made == own).mean() - share) < 0.05
    assert others.min() >= 5
    assert others.max() <= values[values != own].max()
    assert abs(others.mean() - 45) < 2


@pytest.mark.parametrize(
    "form", ["978-3-{:05d}-{}", "47°{:02d}.{}N", "AT{:05d}0{}", "+43 6{:05d} {}"]
)
def test_signs_that_all_codes_share_stay(form):
    rng = np.random.default_rng(6)
    pairs = zip(rng.integers(0, 99, 200), rng.integers(0, 9, 200), strict=True)
    values = [form.format(*pair) for pair in pairs]
    shared = [at for at, place in enumerate(zip(*values, strict=True)) if len(set(place)) == 1]
    for text in generated(values).to_pylist():
        assert [text[at] for at in shared] == [values[0][at] for at in shared]


def test_days_of_years_in_digits_are_dates():
    rng = np.random.default_rng(6)
    days = np.datetime64("2020-01-01") + rng.integers(0, 1_500, 400)
    values = [int(f"{day.astype(dt.date):%Y%j}") for day in days]
    assert all(1 <= value % 1_000 <= 366 for value in generated(values).to_pylist())


@pytest.mark.parametrize("decimals", [0, 2])
def test_amounts_in_lakhs_keep_their_commas(decimals):
    """12,34,567 as in India: two digits between the commas before the last three."""
    rng = np.random.default_rng(6)
    numbers = np.round(rng.lognormal(12, 2, 500), decimals)
    form = NumberForm(thousands=",", decimals=decimals, lakh=True)
    values = form.write(pa.array(numbers, pa.float64()))
    assert NumberForm.of(pc.unique(values), np.ones(500, int)) == form
    assert np.allclose(form.read(values).to_numpy(), numbers)
    made = generated(values).to_pylist()
    tail = rf"\.\d{{{decimals}}}" if decimals else ""
    assert all(re.fullmatch(rf"(\d\d?(,\d\d)*,\d{{3}}|\d{{1,3}}){tail}", text) for text in made)
    assert max(map(len, made)) > 8


def test_long_numbers_that_many_rows_have_generate():
    """They are too long for the decimals of the others."""
    rng = np.random.default_rng(6)
    values = np.where(rng.random(300) < 0.1, 1e30, np.round(rng.normal(0, 50, 300), 2))
    made = np.asarray(generated(values))
    assert made.max() <= 1e30
