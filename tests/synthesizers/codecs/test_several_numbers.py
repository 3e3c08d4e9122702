"""Texts of several numbers are learned as numbers, and written in their form."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pytest

import fabula as fb
from fabula.errors import UsageError
from fabula.synthesizers.codecs.learning import Columns
from fabula.synthesizers.codecs.string_formats.several_numbers import SeveralNumbersCodec

ROWS = 500


def pressures() -> list[str | None]:
    """Blood pressures, high ones after high ones, one in ten missing."""
    rng = np.random.default_rng(3)
    high = rng.normal(135, 15, ROWS).astype(int)
    low = np.minimum((high * 0.6 + rng.normal(0, 6, ROWS)).astype(int), high - 5)
    return [
        None if at % 10 == 0 else f"{a}/{b}"
        for at, (a, b) in enumerate(zip(high, low, strict=True))
    ]


def numbers(texts: list[str | None]) -> np.ndarray:
    return np.array([tuple(map(int, text.split("/"))) for text in texts if text])


def test_blood_pressures_keep_range_order_and_dependence(tmp_path):
    """Also in a saved model; one in ten is missing."""
    real = pressures()
    table = pa.table({"pressure": real, "age": np.random.default_rng(1).integers(20, 90, ROWS)})
    fb.fit(table, seed=1).save(tmp_path / "m.fabula")
    made = fb.load_synthesizer(tmp_path / "m.fabula").sample(2_000, seed=2)["pressure"]
    assert made.null_count == pytest.approx(200, abs=60)
    values, known = numbers(made.to_pylist()), numbers(real)
    assert (known.min(axis=0) <= values.min(axis=0)).all()
    assert (values.max(axis=0) <= known.max(axis=0)).all()
    assert (values[:, 0] > values[:, 1]).all()
    expected = np.corrcoef(known.T)[0, 1]
    assert np.corrcoef(values.T)[0, 1] == pytest.approx(expected, abs=0.15)


@pytest.mark.parametrize(
    ("form", "texts"),
    [
        (r"v\d\.\d+\.\d+", lambda n: f"v{n[0] % 5}.{n[1] % 20}.{n[2] % 60}"),
        (r"\d+x\d+x\d+ cm", lambda n: f"{n[0] % 30 + 1}x{n[1] % 40 + 1}x{n[2] % 9 + 1} cm"),
        (r"\d+%-\d+%", lambda n: f"{n[0] % 50}%-{n[0] % 50 + n[1] % 50}%"),
    ],
)
def test_texts_of_numbers_come_back_in_their_form(form, texts):
    rows = np.random.default_rng(7).integers(0, 10**6, (ROWS, 3)).tolist()
    real = [texts(row) for row in rows]
    table = pa.table({"x": real, "n": np.arange(ROWS) % 7})
    made = fb.fit(table, seed=1).sample(1_000, seed=2)["x"].to_pylist()
    assert all(re.fullmatch(form, text) for text in made)
    found = [
        np.array([re.findall(r"\d+", text) for text in part]).astype(int) for part in (real, made)
    ]
    assert (found[0].min(axis=0) <= found[1].min(axis=0)).all()
    assert (found[1].max(axis=0) <= found[0].max(axis=0)).all()
    if "%" in form:
        assert (found[1][:, 0] <= found[1][:, 1]).all()


@pytest.mark.parametrize(
    "texts",
    [
        [f"{at * 7919 % 9_000 + 1_000}-{at * 104_729 % 9_000 + 1_000}" for at in range(ROWS)],
        [f"555-{at * 7919 % 10_000:04}" for at in range(ROWS)],
        [f"Lot {at * 31 % 300}" for at in range(ROWS)],
    ],
)
def test_identifiers_are_not_numbers(texts):
    """Numbers of a fixed length, with zeros before them, or alone name things."""
    assert SeveralNumbersCodec.learn("x", pa.array(texts), protect=10) is None


def test_a_text_is_asked_for_in_its_form():
    """Another form is refused."""
    table = pa.table({"pressure": pressures(), "n": np.arange(ROWS) % 7})
    model = fb.fit(table, seed=1)
    made = model.sample(20, given={"pressure": "130/80"})["pressure"].to_pylist()
    assert set(made) == {"130/80"}
    with pytest.raises(UsageError, match="whole numbers written as 0/0"):
        model.sample(20, given={"pressure": "high"})


def test_few_texts_of_numbers_stay_labels():
    """Sizes such as `30/32` of many rows each."""
    table = pa.table({"size": [f"{at % 5 + 28}/{at % 3 + 30}" for at in range(ROWS)]})
    (codec,) = Columns.learn(table, protect=10).codecs
    assert codec.about == "15 labels"
