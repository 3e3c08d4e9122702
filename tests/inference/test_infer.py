"""A first spec from data: what each column is taken for, and why."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import fabula as fb
from fabula.kinds.base.columns import AbstractColumn
from fabula.spec import col
from fabula.spec.loading import parse_spec
from tests.templates import TEMPLATES, template

ROWS = 4_000
RNG = np.random.default_rng(1)


def column(values: Any, *, name: str = "thing") -> AbstractColumn:
    """What a column of these values is taken for."""
    return fb.infer({name: pa.array(values)}).spec.tables["data"].columns[name]


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_guessed_spec_makes_data_of_the_same_shape(name: str) -> None:
    data = fb.generate(parse_spec(template(name)), model="fake")
    guessed = fb.infer(data)
    again = fb.generate(parse_spec(guessed.to_yaml()), model="fake", seed=1)
    for table in data:
        old, new = data[table].schema, again[table].schema
        assert new.names == old.names
        assert again.count(table) == data.count(table)


@pytest.mark.parametrize(
    ("kind", "values", "parameters"),
    [
        ("uniform", RNG.uniform(2, 9, ROWS), {}),
        ("normal", RNG.normal(67, 3, ROWS), {"mean": 67, "std": 3}),
        ("lognormal", RNG.lognormal(3, 0.8, ROWS), {"median": np.exp(3), "sigma": 0.8}),
        ("exponential", RNG.exponential(5, ROWS), {"mean": 5}),
        ("poisson", RNG.poisson(200, ROWS), {"mean": 200}),
    ],
)
def test_the_nearest_distribution_is_found(
    kind: str, values: Any, parameters: dict[str, float]
) -> None:
    """The family is chosen and its fit is shown. Estimates lie within 6 % (over 5 sigma)."""
    found = column(values)
    assert found.kind == kind
    for name, value in parameters.items():
        assert getattr(found, name) == pytest.approx(value, rel=0.06)
    assert (found.min, found.max) == (values.min(), values.max())


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2, 3], col.key()),
        ([30, 10, 20], col.key(start=10, step=10)),
        ([True, False, None, False], col.bernoulli(0.3333, nulls=0.25)),
        (["a", "b", "a", "a"], col.choice({"a": 3, "b": 1})),
        ([1, 1, 2, 1, None], col.choice([1, 2], weights=[3, 1], nulls=0.2)),
        ([None, None], col.constant(None)),
        ([0.5] * 3, col.choice([0.5], weights=[3])),
        ([str(uuid.UUID(int=i)) for i in range(9)], col.uuid()),
        (["AB-1", "XY-2", "QZ-9"], col.pattern(r"[A-Z]{2}-\d", unique=True)),
        (
            [dt.date(2024, 5, 1), dt.date(2024, 5, 9)],
            col.datetime(dt.date(2024, 5, 1), dt.date(2024, 5, 10), date=True),
        ),
        (
            [dt.datetime(2024, 5, 1, tzinfo=dt.UTC), dt.datetime(2024, 5, 9, 1, 2, 3)],
            col.datetime(dt.datetime(2024, 5, 1), dt.datetime(2024, 5, 9, 1, 2, 4)),
        ),
        (
            [Decimal("1.25"), Decimal("2.50"), Decimal("4.75"), Decimal("7.00")],
            col.exponential(3.875, min=1.25, max=7.0, decimals=2),
        ),
        (["a long text here", "another one is there", "and a third"], col.llm("thing")),
        ([[1], [2, 3]], col.llm(type={"type": "array"})),
        ([{"a": 1}], col.llm(type={"type": "object"})),
    ],
)
def test_values_decide_the_kind(values: list[Any], expected: AbstractColumn) -> None:
    if expected.kind in ("exponential",):
        assert column(values).min == expected.min
        assert column(values).decimals == expected.decimals
    else:
        assert column(values) == expected


def test_only_working_days_stay_working_days() -> None:
    days = [day.date() for day in pd.bdate_range("2024-01-01", periods=80)]
    found = column(days)
    assert found.weekdays == (0, 1, 2, 3, 4)
    assert found.unique
    made = fb.generate(fb.infer(pd.DataFrame({"day": days[::2] + days[1::2]})), 80)
    assert sorted(made.to_pandas()["day"]) == days


def test_dates_of_months_are_a_sequence_or_first_days() -> None:
    """Balances at the end of each month; contracts that begin with a quarter."""
    ends = column(list(pd.date_range("2019-01-31", periods=48, freq="ME").date))
    assert (ends.kind, str(ends.start), ends.step) == ("sequence", "2019-01-31", "month")
    rng = np.random.default_rng(3)
    months = np.datetime64("2010-01") + 3 * rng.integers(0, 40, 300)
    found = column(months.astype("datetime64[D]").astype(object).tolist())
    assert (found.kind, found.step, found.weekdays) == ("datetime", "quarter", None)
    days = months.astype("datetime64[D]") + rng.integers(0, 2, 300)
    assert column(days.astype(object).tolist()).step is None


def test_times_in_equal_steps_are_a_sequence_and_others_keep_their_grid() -> None:
    """Days of a weather station, appointments every quarter of an hour, clicks at any second."""
    days = column(list(pd.date_range("2024-01-01", periods=40).date))
    assert (days.kind, str(days.start), days.step) == ("sequence", "2024-01-01", "1d")
    hours = column(list(pd.date_range("2024-01-01T08:30", periods=40, freq="3h").to_pydatetime()))
    assert (hours.kind, hours.step) == ("sequence", "3h")
    rng = np.random.default_rng(3)
    quarters = np.datetime64("2024-01-01T08:00", "s") + 900 * rng.integers(0, 9_000, 300)
    found = column(quarters.astype(object).tolist())
    assert (found.kind, found.step, found.unique) == ("datetime", "15m", False)
    hours = rng.permutation(np.datetime64("2024-01-01T00:00", "s") + 3_600 * np.arange(500)[7:])
    found = column(hours.astype(object).tolist())
    assert (found.step, found.unique) == ("1h", True)
    open_at = np.array(pd.bdate_range("2024-01-01", periods=80), "datetime64[s]") + 29_220
    found = column(rng.permutation(open_at).astype(object).tolist())  # 08:07 on working days
    assert (found.step, found.weekdays) == ("1m", (0, 1, 2, 3, 4))
    assert column((quarters + rng.integers(0, 900, 300)).astype(object).tolist()).step is None


@pytest.mark.parametrize("frame", [pd.DataFrame, pa.table, dict])
def test_real_people_are_not_kept(frame: Any) -> None:
    """No identifying value is reused."""
    names = [f"Person{i % 7} Real{i % 7}" for i in range(30)]
    data = {
        "name": names,
        "email": [f"p{i}@real.example" for i in range(30)],
        "sex": ["f", "m"] * 15,
    }
    text = fb.infer({"people": frame(data)}).to_yaml()
    assert "Real" not in text
    assert "real.example" not in text
    assert "values: {f: 15, m: 15}" in text


def test_columns_that_hold_another_tables_keys_are_references() -> None:
    tables = {
        "countries": {"id": [1, 2, 3], "code": ["SE", "DE", "ES"]},
        "orders": {"id": [7, 8, 9, 10], "country_id": [1, 3, 3, None], "countryId": [4, 4, 5, 5]},
    }
    guessed = fb.infer(tables)
    orders = guessed.spec.tables["orders"].columns
    assert orders["country_id"] == col.reference("countries", nulls=0.25)
    assert orders["countryId"].kind == "choice"
    why = guessed.reasons["tables.orders.columns.country_id"]
    assert why == "every value is a key of `countries`"


def test_every_guess_has_a_reason_that_stands_in_the_file() -> None:
    """Journeys, rule 3."""
    guessed = fb.infer({"age": [18, 44, 71], "note": ["so so", "la la la", "na"]})
    assert len(guessed.reasons) == 2
    assert all(reason in guessed.to_yaml() for reason in guessed.reasons.values())
    assert parse_spec(guessed.to_yaml()) == guessed.spec
    assert repr(guessed).startswith("data: 2 columns (")


def test_files_and_classes_are_read_by_name(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "trips.csv").write_text("id,city\n1,Wien\n2,Oslo\n3,Wien\n4,Oslo\n")
    guessed = fb.infer(tmp_path / "trips.csv")
    assert (guessed.spec.name, guessed.spec.tables["trips"].n) == ("trips", 4)
    assert fb.generate(guessed).count() == 4
    (tmp_path / "guessed_things.py").write_text(
        "from pydantic import BaseModel\nclass Thing(BaseModel):\n    age: int\n"
    )
    monkeypatch.chdir(tmp_path)
    assert fb.infer("guessed_things:Thing").reasons == {"tables.thing.columns.age": "named `age`"}


@pytest.mark.parametrize(
    "values",
    [
        pa.array([], pa.int64()),
        pa.array([], pa.string()),
        pa.array([float("nan"), float("inf")]),
        pa.array([2**62, -(2**62), 5]),
        pa.array([0.0] * 50 + [1e300]),
        pa.array(["", "", ""]),
        pa.array(["é" * 500, "\n", "\x00"]),
        pa.array([dt.time(1, 2)]),
        pa.array([b"\x00\xff"]),
        pa.array(["a", "b"] * 20).dictionary_encode(),
        pa.array([dt.timedelta(1)]),
        pa.nulls(3),
    ],
)
def test_odd_columns_become_something_that_can_be_read_back(values: Any) -> None:
    guessed = fb.infer(pa.table({"c": values}))
    assert parse_spec(guessed.to_yaml()) == guessed.spec


def test_labels_that_most_rows_share_are_listed_and_rare_ones_are_counted() -> None:
    """Time zones and team names are `choice`; a language model isn't asked for known labels."""
    zones = [
        f"Zone/{letter}{'x' * (n % 3)}" for n, letter in enumerate("abcdefghijklmnopqrstuvwxyz")
    ]
    found = fb.infer({"zone": zones * 6 + ["Zone/Once", "Zone/Twice", "Zone/Twice"]})
    listed = found.spec.tables["data"].columns["zone"]
    assert listed.kind == "choice"
    assert set(listed.values) == set(zones)
    reason = found.reasons["tables.data.columns.zone"]
    assert reason == "26 labels of 3 rows or more; 2 rarer ones in 3 rows are left out"


@pytest.mark.parametrize(
    ("name", "text"),
    [("login_id", "abcde {}"), ("note", "a text that is long enough to be one " * 3 + "{}")],
)
def test_repeated_keys_and_long_texts_are_not_listed(name: str, text: str) -> None:
    values = [text.format("ab"[n % 2] * (n % 26 + 1)) for n in range(52)] * 5
    assert column(values, name=name).kind != "choice"


@pytest.mark.parametrize(
    "write", ["{0}Q{1}", "{0}-Q{1}", "Q{1} {0}", "H2 {0}", "{0}-W1{1}", "FY{0}", "{0}/{0}"]
)
def test_periods_of_time_are_listed_and_never_made_up(write: str) -> None:
    periods = [write.format(year, year % 4 + 1) for year in range(1960, 2020)]
    assert column(periods * 2, name="period").kind == "choice"
    seasons = column(periods, name="period")
    assert seasons.unique
    assert set(seasons.values) == set(periods)


def test_a_guess_counts_the_columns_of_the_data() -> None:
    """Columns that only others use come beside."""
    moments = pa.array(f"2025-01-{at % 28 + 1:02} 0{at % 9}:05:0{at % 7}" for at in range(200))
    guessed = fb.infer(pa.table({"id": range(200), "at": moments}))
    assert repr(guessed) == "data: 2 columns (1 key, 1 expr), and 1 that only others use"
