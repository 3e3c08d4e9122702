"""Synthesizers are entries of one register, built-in or not."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, fields
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import fabula as fb
from fabula.errors import UsageError
from fabula.synthesizers.catalogue import SYNTHESIZERS
from fabula.synthesizers.entry import SynthesizerEntry, option
from fabula.synthesizers.model import Drawn, State

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "learned.md"


@dataclass(frozen=True)
class EchoOptions:
    """Options of `Echo`."""

    shift: int = option(0, "Rows by which training rows are turned.", low=0, high=10)


class Echo:
    """Draws training rows again."""

    notes = ("it hands out training rows",)

    def __init__(self, codes):
        self.codes = codes

    @classmethod
    def fit(cls, codes, columns, *, seed, progress, shift=0):  # noqa: ARG003
        """Keep the rows."""
        progress(1, 1)
        return cls(np.roll(codes, shift, axis=0))

    def sample(self, rows, rng, allowed):  # noqa: ARG002
        """Draw kept rows."""
        return Drawn(self.codes[rng.integers(0, len(self.codes), rows)])

    def state(self):
        """The kept rows."""
        return State(arrays={"codes": self.codes})

    @classmethod
    def restore(cls, state, columns):  # noqa: ARG003
        """The model of a state."""
        return cls(state.arrays["codes"])


ECHO = SynthesizerEntry("echo", "resampling", "Never.", "Efron 1979", Echo, EchoOptions)


def test_every_synthesizer_stands_in_the_guide():
    guide = GUIDE.read_text(encoding="utf-8")
    assert [name for name in SYNTHESIZERS.builtin() if f"`{name}`" not in guide] == []


@pytest.mark.parametrize("name", list(SYNTHESIZERS.builtin()))
def test_options_are_those_of_the_fit_with_the_same_values(name):
    entry = SYNTHESIZERS[name]
    fit = entry.model_class().fit
    if entry.is_network:
        fit = import_module(entry.learner).train_rows
    taken = inspect.signature(fit).parameters
    assert {item.name: item.default for item in fields(entry.options)} == {
        item.name: taken[item.name].default for item in fields(entry.options)
    }


def test_a_synthesizer_of_ones_own_is_fitted_saved_and_loaded(tmp_path):
    people = fb.generate("age int 18..90, plan choice free|pro", n=100, seed=1)
    model = fb.fit(people["rows"], model=ECHO, shift=1)
    assert "hands out training rows" in str(model.card())
    model.save(tmp_path / "echo.fabula")
    loaded = fb.load_synthesizer(tmp_path / "echo.fabula")
    assert loaded.sample(20).equals(model.sample(20))
    with pytest.raises(UsageError, match="option `shift` must be a whole number from 0 to 10"):
        fb.fit(people["rows"], model=ECHO, shift=11)


def test_a_file_of_a_synthesizer_that_is_not_installed_says_so(tmp_path, monkeypatch):
    model = fb.fit(fb.generate("age int 18..90", n=100, seed=1)["rows"], model=ECHO)
    model.save(tmp_path / "echo.fabula")
    monkeypatch.delitem(SYNTHESIZERS._entries, "echo")
    with pytest.raises(UsageError, match="there is no synthesizer `echo`") as failed:
        fb.load_synthesizer(tmp_path / "echo.fabula")
    assert "install the package" in failed.value.hint


@pytest.mark.parametrize(
    ("entry", "lack"),
    [
        (SynthesizerEntry("new", "", "a", "b", Echo), "has no `title`"),
        (SynthesizerEntry("new", "t", "", "b", Echo), "has no `choose`"),
        (SynthesizerEntry("boosted", "t", "a", "b", Echo), "there is already a synthesizer"),
    ],
)
def test_an_entry_that_lacks_a_part_is_not_registered(entry, lack):
    with pytest.raises(UsageError, match=lack):
        SYNTHESIZERS.add(entry)


def test_what_is_not_a_synthesizer_is_refused():
    with pytest.raises(UsageError, match="is not a synthesizer"):
        fb.fit({"a": [1] * 50}, model=Echo)


def test_a_hint_never_names_the_option_that_was_given() -> None:
    """`options` is what the verb calls all options of a model, and no option itself."""
    with pytest.raises(UsageError, match="has no option `options`") as caught:
        fb.fit({"x": [1.5] * 20}, model="gan", options={"steps": 10})
    assert caught.value.hint is not None
    assert "options`?" not in caught.value.hint
