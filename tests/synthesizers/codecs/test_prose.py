"""Free text: learned as topic and length, and newly written."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pytest

import fabula as fb
from fabula.synthesizers.codecs.prose import ProseCodec

ROWS = 2_400
NOUNS = {
    "billing": ("invoice", "payment", "refund", "charge", "card", "amount", "credit", "fee"),
    "delivery": ("parcel", "courier", "driver", "address", "delay", "tracking", "depot", "box"),
}
VERBS = ("arrived", "failed", "changed", "stopped", "vanished", "called")
PLAIN = ("the", "was", "again", "still", "my", "because", "today", "very", "when", "after")


def note_of(kind: str, length: int, rng: np.random.Generator) -> str:
    """A note of about that many words."""
    words: list[str] = []
    while len(words) < length + rng.integers(-3, 4):
        parts = (PLAIN, NOUNS[kind], VERBS, PLAIN, PLAIN)
        words += [str(rng.choice(part)) for part in parts]
        words += [f"Name{rng.integers(0, 1_000_000)}"] * (rng.random() < 0.1)
    return " ".join(words).capitalize() + "."


def tickets(seed: int) -> pa.Table:
    """Tickets with a note each: its words go with the kind, and its length with the score."""
    rng = np.random.default_rng(seed)
    kinds, scores = rng.choice([*NOUNS], ROWS), rng.integers(1, 4, ROWS)
    notes = [note_of(kind, 40 - 10 * score, rng) for kind, score in zip(kinds, scores, strict=True)]
    missing = rng.random(ROWS) < 0.1
    return pa.table({"kind": kinds, "score": scores, "note": pa.array(notes, mask=missing)})


@pytest.fixture(scope="module")
def model() -> fb.Synthesizer[pa.Table]:
    """A synthesizer of tickets."""
    return fb.fit(tickets(1), holdout=0, seed=1)


@pytest.fixture(scope="module")
def made(model) -> pa.Table:
    """New tickets."""
    return model.sample(ROWS, seed=2)


def _runs(table: pa.Table) -> dict[tuple[str, ...], int]:
    """In how many notes each six words stand one after the other."""
    found: dict[tuple[str, ...], int] = {}
    for note in table["note"].drop_null().to_pylist():
        words = re.findall(r"\w+", note.lower())
        for run in {tuple(words[at : at + 6]) for at in range(len(words) - 5)}:
            found[run] = found.get(run, 0) + 1
    return found


@pytest.mark.slow
def test_no_text_and_no_six_words_of_few_texts_are_copied(made):
    real = tickets(1)
    assert not set(real["note"].drop_null().to_pylist()) & set(made["note"].to_pylist())
    rare = {run for run, rows in _runs(real).items() if rows < 10}
    assert not rare & set(_runs(made))


def test_words_of_single_rows_are_never_written(made):
    assert not [note for note in made["note"].drop_null().to_pylist() if "Name" in note]


def test_topic_follows_the_other_values(made):
    rows = made.to_pandas().dropna()
    agree = [
        sum(note.lower().count(noun) for noun in NOUNS[kind])
        > sum(note.lower().count(noun) for noun in NOUNS[_other(kind)])
        for kind, note in zip(rows.kind, rows.note, strict=True)
    ]
    assert np.mean(agree) > 0.9


def _other(kind: str) -> str:
    return next(name for name in NOUNS if name != kind)


def test_lengths_are_those_of_the_real_texts_and_follow_other_values(made):
    real, rows = (table.to_pandas().dropna() for table in (tickets(1), made))
    shares = np.linspace(0.05, 0.95, 19)
    lengths = real.note.str.len().quantile(shares)
    below = np.searchsorted(np.sort(rows.note.str.len()), lengths) / len(rows)
    assert np.abs(below - shares).max() < 0.08
    assert rows.note.str.len().corr(rows.score) < -0.6
    assert abs(made["note"].null_count / ROWS - 0.1) < 0.04


def test_a_saved_model_writes_the_same_texts(model, tmp_path):
    model.save(tmp_path / "tickets.fabula")
    again = fb.load_synthesizer(tmp_path / "tickets.fabula")
    assert again.sample(200, seed=3).equals(model.sample(200, seed=3))


def test_gaps_are_filled_and_texts_cannot_be_asked_for(model):
    rows = tickets(4).slice(0, 50)
    gaps = rows.set_column(2, "note", pa.nulls(50, pa.string()))
    assert model.impute(gaps, seed=1)["note"].null_count == 0
    with pytest.raises(fb.errors.UsageError, match="free text"):
        model.sample(5, given={"note": "the invoice"})
    assert model.sample(5, given={"note": None})["note"].null_count == 5


def test_the_card_says_that_texts_are_newly_written(model):
    told = model.card().columns["note"]
    assert told.startswith("free text, newly written from ")
    assert "words are too rare" in told


@pytest.mark.slow
def test_codes_and_few_texts_are_left_out():
    rng = np.random.default_rng(5)
    letters = rng.integers(97, 123, (ROWS, 12)).astype(np.uint8)
    codes = [f"{bytes(row[:5]).decode()} {bytes(row[5:]).decode()}" for row in letters]
    table = tickets(1).append_column("code", pa.array(codes))
    assert "free text" in fb.fit(table, holdout=0).card().left_out["code"]
    assert "free text" in fb.fit(tickets(1).slice(0, 150), holdout=0).card().left_out["note"]


def test_texts_that_would_come_out_too_short_are_not_written():
    """Two fixed beginnings and nine of seven words: no further run of words is shared."""
    rng = np.random.default_rng(3)
    begin = ("asked for a table near the window", "paid late and wrote a long letter about it")
    words = ("river", "stone", "winter", "glass", "harbour", "moon", "letter")
    notes = [f"{rng.choice(begin)}, {' '.join(rng.choice(words, 9))} {at}" for at in range(300)]
    assert ProseCodec.learn("note", pa.array(notes), protect=10) is None
    assert ProseCodec.learn("note", tickets(1)["note"].combine_chunks(), protect=10) is not None
