"""No invented value is a real one, and the model's file gives no real value away."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pytest

import fabula as fb
from fabula.fakers.people import People
from fabula.streams import stream
from fabula.synthesizers.pii.sieve import Sieve

ROWS = 1_200


@pytest.fixture(scope="module")
def real():
    """People drawn from the words that new ones are made of, so that they would meet by chance."""
    fields = ["first_name", "last_name", "street", "company", "username"]
    drawn = People("de").draw(lambda name: stream(8, "real", name, 0), ROWS, fields)
    phones = [f"030 {number:05}" for number in np.random.default_rng(2).permutation(10**5)[:ROWS]]
    return pa.table(
        {
            "who": [f"{a} {b}" for a, b in zip(drawn["first_name"].to_pylist(),
                                               drawn["last_name"].to_pylist(), strict=True)],
            "street": drawn["street"],
            "company": drawn["company"],
            "login": drawn["username"],
            "phone": phones,
            "x": np.arange(ROWS) % 7,
        }
    )  # fmt: skip


def test_no_new_value_is_a_real_one_even_where_both_come_from_the_same_words(real):
    model = fb.fit(real, seed=1, rounds=5, holdout=0)
    made = model.sample(5_000, seed=4)
    assert set(model.personal) == {"who", "street", "company", "login", "phone"}
    for name in model.personal:
        assert set(real[name].to_pylist()).isdisjoint(made[name].to_pylist()), name
    assert made.slice(0, 100).equals(model.sample(100, seed=4))


def test_codes_of_a_crowded_form_are_shared_rather_than_real_and_the_card_says_so(real):
    crowded = real.set_column(4, "phone", pa.array([f"0171 {number:04}" for number in range(ROWS)]))
    model = fb.fit(crowded.select(["who", "phone", "x"]), seed=1, rounds=5)
    made = model.sample(3_000, seed=2)["phone"].to_pylist()
    assert "some new people share one" in model.card().columns["phone"]
    assert "real" not in model.card().columns["who"]
    assert all(re.fullmatch(r"0171 \d{4}", phone) for phone in made)
    assert set(made).isdisjoint(crowded["phone"].to_pylist())


def test_a_form_whose_codes_are_all_taken_gives_way_to_a_wider_one():
    every = pa.array([f"0171 {number:03}" for number in range(1_000)] * 2)
    model = fb.fit({"phone": every, "x": np.arange(2_000) % 7}, seed=1, rounds=5)
    made = model.sample(2_000, seed=2)["phone"].to_pylist()
    assert all(re.fullmatch(r"\d{4} \d{3}", phone) for phone in made)
    assert set(made).isdisjoint(every.to_pylist())


def test_where_no_other_code_is_left_the_card_says_so():
    pins = pa.array([f"{number:02}" for number in range(100)] * 4)
    about = fb.fit({"pin": pins, "x": np.arange(400) % 7}, rounds=5, sensitive=["pin"]).card()
    assert "new ones may be real ones" in about.columns["pin"]


@pytest.mark.parametrize("locale", ["en", "de", "es", "ja"])
@pytest.mark.parametrize(
    "fields", [["name"], ["first_name"], ["last_name"], ["name", "first_name"]]
)
def test_names_of_many_people_are_others_in_every_column(locale, fields):
    real = {
        field: People(locale).draw(lambda name: stream(9, "many", name, 0), 600, [field])[field]
        for field in fields
    }
    picked = np.random.default_rng(3).integers(0, 600, 1_500)
    table = {f"c{at}": real[field].take(picked) for at, field in enumerate(fields)}
    model = fb.fit({**table, "x": np.arange(1_500) % 7}, seed=1, rounds=5, sensitive=list(table))
    made = model.sample(5_000, seed=2)
    for column, values in table.items():
        held = set(values.to_pylist()) & set(made[column].to_pylist())
        assert not held or "may be real" in model.card().columns[column], (column, held)
        assert fields != ["name"] or not held


def test_new_people_of_one_table_are_not_the_real_ones_of_another_table():
    names = People("es").draw(lambda name: stream(9, "two", name, 0), 4_000, ["name"])["name"]
    seller, buyer = names.slice(0, 2_000), names.slice(2_000)
    tables = {
        "sellers": pa.table({"name": seller, "age": np.arange(2_000) % 50}),
        "buyers": pa.table({"name": buyer, "age": np.arange(2_000) % 50}),
    }
    made = fb.fit(tables, seed=1, rounds=5).sample(seed=2)
    for table in made.values():
        assert set(table["name"].to_pylist()).isdisjoint(names.to_pylist())


def test_first_and_last_names_of_few_people_are_others():
    first, last = (
        People("en").draw(lambda name: stream(8, "real", name, 0), 40, [field])[field].to_pylist()
        for field in ("first_name", "last_name")
    )
    table = {"given": first * 20, "family": last * 20, "x": list(range(800))}
    made = fb.fit(table, seed=1, rounds=5).sample(800, seed=1)
    assert set(first).isdisjoint(made["given"].to_pylist())
    assert set(last).isdisjoint(made["family"].to_pylist())


@pytest.mark.parametrize("words", [True, False])
def test_a_sieve_stops_real_values_however_written_and_half_of_all_others(words):
    values = pa.array([f"Anna {number:04} Smith" for number in range(1_000)])
    sieve = Sieve.of(values, words=words)
    assert sieve.stops(values).all()
    again = [f"  SMITH, Anna-{number:04}" if words else f"anna{number:04}SMITH"
             for number in range(1_000)]  # fmt: skip
    assert sieve.stops(pa.array(again)).all()
    others = pa.array([f"Bob {number} Jones" for number in range(20_000)])
    assert sieve.stops(others).mean() == pytest.approx(0.5, abs=5 * 0.5 / np.sqrt(1_000))
    assert len(sieve.marked) < 1.5 * len(values)
    assert not sieve.stops(pa.array([], pa.string())).any()
