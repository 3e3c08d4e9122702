"""Numbers beyond the ones that are shown, and the last digits of those between."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

import fabula as fb
from fabula.synthesizers.codecs.codec import Places
from fabula.synthesizers.codecs.numbers import NumberCodec


def drawn_from(values: pa.Array) -> tuple[NumberCodec, np.ndarray]:
    """A column's codec, and as many values as it learned."""
    codec = NumberCodec.learn("value", values, protect=10)
    places = Places(np.arange(len(values)), 1, np.random.default_rng(1))
    return codec, np.asarray(codec.decode(codec.encode(values), places))


def test_a_heavy_tail_keeps_its_mean_and_shows_no_real_extreme():
    values = (10 * (np.random.default_rng(2).pareto(1.2, 10_000) + 1)).round(2)
    codec, drawn = drawn_from(pa.array(values))
    assert abs(drawn.mean() / values.mean() - 1) < 0.2
    assert not set(drawn) & set(np.sort(values)[-10:])
    assert "a tail above with the mean of the hidden extremes" in codec.about


def test_one_number_that_outweighs_all_others_does_not_come_back_as_a_mean():
    values = np.append(np.random.default_rng(2).normal(100, 5, 2_000).round(1), 1e9)
    assert drawn_from(pa.array(values))[1].max() < 1e4


def test_numbers_without_a_heavy_tail_end_where_several_rows_are():
    values = np.random.default_rng(3).normal(size=5_000)
    codec, drawn = drawn_from(pa.array(values))
    assert codec.tails == (None, None)
    assert drawn.max() <= np.sort(values)[-11]


def test_columns_meet_in_their_tails():
    rng = np.random.default_rng(4)
    income = np.exp(10 + rng.pareto(2.0, 6_000)).round(2)
    real = pa.table({"income": income, "tax": (income * 0.3).round(2)})
    drawn = fb.fit(real, holdout=0, seed=1, exact=False).sample(6_000, seed=1)
    top = np.argsort(np.asarray(drawn["income"]))[-5:]
    ratio = np.asarray(drawn["tax"])[top] / np.asarray(drawn["income"])[top]
    assert ((ratio > 0.1) & (ratio < 0.9)).all()


def test_prices_keep_their_last_digits():
    rng = np.random.default_rng(5)
    whole = np.floor(np.exp(rng.normal(6, 1, 8_000)))
    values = whole + np.where(rng.random(8_000) < 0.8, 0.99, 0.5)
    drawn = drawn_from(pa.array(values.round(2)))[1]
    cents = np.round(np.mod(drawn, 1), 2)
    assert np.isin(cents, [0.99, 0.5]).all()
    assert abs((cents == 0.99).mean() - 0.8) < 0.03


def test_rounded_numbers_stay_rounded_as_often():
    rng = np.random.default_rng(6)
    values = rng.integers(0, 4_000, 8_000) * np.where(rng.random(8_000) < 0.9, 5, 1)
    drawn = drawn_from(pa.array(values))[1]
    assert abs((drawn % 5 == 0).mean() - (values % 5 == 0).mean()) < 0.03


def test_digits_and_tails_are_saved():
    rng = np.random.default_rng(7)
    values = pa.array((rng.pareto(1.1, 5_000) * 100).astype(int) * 10 + rng.integers(0, 2, 5_000))
    codec, drawn = drawn_from(values)
    again = NumberCodec.restore("value", values.type, codec.state())
    places = Places(np.arange(5_000), 1, np.random.default_rng(1))
    assert np.array_equal(np.asarray(again.decode(codec.encode(values), places)), drawn)
