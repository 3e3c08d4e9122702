"""Numbers with labels among them keep both, and what goes with each."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import fabula as fb
from fabula.errors import UsageError
from fabula.synthesizers.codecs.codec import Range
from fabula.synthesizers.codecs.string_formats.labelled import LabelledCodec


def _values(rows: int = 1_200, seed: int = 3) -> tuple[pa.Array, np.ndarray]:
    """Laboratory values below and above what is measured, words, gaps; and who is ill."""
    rng = np.random.default_rng(seed)
    ill = rng.random(rows) < 0.5
    numbers = rng.uniform(0.5, 9, rows)
    texts: list[str | None] = [f"{number:.1f}" for number in numbers]
    drawn = rng.random(rows)
    for row in range(rows):
        if drawn[row] < 0.3:
            texts[row] = "trace" if ill[row] else "<0.5"
        elif drawn[row] < 0.4:
            texts[row] = ">9"
        elif drawn[row] < 0.5:
            texts[row] = None
    return pa.array(texts), ill


def test_labels_among_numbers_keep_their_shares_and_what_goes_with_them(tmp_path):
    """Bounds of 5σ for shares of 1,200 drawn rows."""
    values, ill = _values()
    model = fb.fit(pa.table({"value": values, "ill": ill}), seed=1)
    assert "labels: `<0.5`, `trace`, `>9`" in str(model.card())
    model.save(tmp_path / "m.fabula")
    made = fb.load_synthesizer(tmp_path / "m.fabula").sample(1_200, seed=2).to_pylist()
    texts = [row["value"] for row in made]
    labels = {"<0.5", "trace", ">9", None}
    assert all(text in labels or 0.5 <= float(text) <= 9 for text in texts)
    assert all(len(text.partition(".")[2]) == 1 for text in texts if text not in labels)
    for label, share in ((">9", 0.1), (None, 0.1)):
        assert abs(texts.count(label) / 1_200 - share) < 5 * np.sqrt(2 * share / 1_200)
    low = [row["ill"] for row in made if row["value"] == "trace"]
    assert len(low) > 100
    assert np.mean(low) > 0.9


def test_labels_and_ranges_of_numbers_can_be_asked_for():
    values, ill = _values()
    model = fb.fit(pa.table({"value": values, "ill": ill}), seed=1, rounds=5)
    assert set(model.sample(40, seed=1, given={"value": "trace"}).column("value").to_pylist()) == {
        "trace"
    }
    codec = LabelledCodec.learn("value", values, protect=10)
    assert codec is not None
    high = codec.weights(Range("8", None))
    assert high[: codec._low].sum() == 0
    assert high.sum() > 0
    with pytest.raises(UsageError, match="can't be read"):
        codec.weights(("negative",))


@pytest.mark.parametrize(
    "texts",
    [
        [str(at % 7 + 1) if at % 3 else "K" for at in range(300)],
        [f"{at % 90:05d}" if at % 3 else "lobby" for at in range(300)],
        [f"{at % 50}.5" if at % 3 else "unknown" for at in range(300)],
    ],
    ids=["few numbers", "codes", "a word for a missing value"],
)
def test_scales_codes_and_words_for_missing_values_are_no_labelled_numbers(texts):
    assert LabelledCodec.learn("x", pa.array(texts), protect=10) is None


def test_a_first_spec_makes_numbers_and_labels_in_their_shares():
    values, _ = _values()
    table = fb.generate(fb.infer(pa.table({"value": values})).spec, seed=1)["data"]
    texts = table.column("value").to_pylist()
    labels = {"<0.5", "trace", ">9", None}
    assert all(text in labels or len(text.partition(".")[2]) == 1 for text in texts)
    assert all(0.5 <= float(text) <= 9 for text in texts if text not in labels)
    low = sum(text in ("<0.5", "trace") for text in texts) / 1_200
    assert abs(low - 0.3) < 5 * np.sqrt(2 * 0.3 * 0.7 / 1_200)
