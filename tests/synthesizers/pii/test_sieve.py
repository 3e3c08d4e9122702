"""No invented value is a real one, and the model's file gives no real value away."""

from __future__ import annotations

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


def test_the_card_says_where_new_values_may_be_real_ones(real):
    crowded = real.set_column(4, "phone", pa.array([f"0171 {number:04}" for number in range(ROWS)]))
    about = fb.fit(crowded.select(["who", "phone", "x"]), rounds=5).card().columns
    assert "new ones may be real ones" in about["phone"]
    assert "new ones may be real ones" not in about["who"]


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
