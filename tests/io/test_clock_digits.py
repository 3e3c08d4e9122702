"""Whole numbers that are times of day: 5 is 00:05, 1305 is 13:05."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import fabula as fb
from fabula.io.written.columns import written_digits
from fabula.io.written.time_forms import CLOCK_DIGITS, TimeForm

MINUTES = np.random.default_rng(2).integers(0, 1440, 900)
CLOCK = MINUTES // 60 * 100 + MINUTES % 60


def texts(numbers: np.ndarray) -> pa.Array:
    """Numbers as a file writes them."""
    return pa.array(numbers).cast(pa.large_string())


def test_every_minute_of_a_day_is_read_and_written() -> None:
    """No digit is added or lost, midnight is 0."""
    every = np.arange(1440) // 60 * 100 + np.arange(1440) % 60
    form = TimeForm(CLOCK_DIGITS)
    read = form.read(texts(every))
    assert read.cast(pa.int32()).to_pylist() == (np.arange(1440) * 60).tolist()
    assert form.write(read).to_pylist() == [str(number) for number in every]


def test_times_of_day_are_told_from_other_numbers() -> None:
    """Numbers that end in 60 to 99, come in few hours or have few endings are none."""
    found = written_digits(texts(CLOCK))
    assert found is not None
    assert "1305" in found.form.told
    mistyped = np.where(np.arange(900) % 100 == 0, 1475, CLOCK)
    found = written_digits(texts(mistyped))
    assert found is not None
    assert found.stray == 9
    rng = np.random.default_rng(3)
    for others in (
        rng.integers(0, 2400, 900),  # any numbers
        rng.integers(0, 60, 900),  # minutes
        rng.integers(1, 24, 900) * 100 + rng.integers(0, 2, 900) * 50,  # round prices
        1900 + rng.integers(0, 60, 900),  # years
        rng.integers(1, 20, 900) * 100 + rng.integers(1, 31, 900),  # rooms by floor
    ):
        assert written_digits(texts(others)) is None, others[:5]


@pytest.mark.parametrize("known", ["arrival", "arr_time"])
def test_fit_and_sample_return_times_of_day(known: str) -> None:
    """New times end in 00 to 59, and stay whole numbers."""
    table = pa.table({known: CLOCK, "late": MINUTES + np.arange(900) % 7})
    model = fb.fit(table, seed=1, rounds=5)
    assert "times written as 1305" in str(model.card())
    made = model.sample(500, seed=2)[known]
    assert pa.types.is_integer(made.type)
    rest = np.asarray(made) % 100
    assert rest.max() <= 59
    assert pc.max(made).as_py() < 2400


def test_a_guessed_spec_makes_times_of_day() -> None:
    """The spec of `init` writes whole numbers that end in 00 to 59."""
    spec = fb.infer(pa.table({"dep_time": CLOCK, "gate": CLOCK % 9}))
    made = np.asarray(fb.generate(spec, seed=1).to_arrow().column("dep_time"))
    assert made.dtype.kind == "i"
    assert (made % 100).max() <= 59
    assert made.max() < 2400
