"""The contracts of `fabula.testing` hold for built-in entries, and name what a bad one breaks."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from fabula.errors import UsageError
from fabula.evaluation.metrics.metric import METRICS
from fabula.extending import (
    Detector,
    Drawn,
    FileFormat,
    Provider,
    Score,
    State,
    SynthesizerEntry,
    metric,
)
from fabula.io.formats import FILE_FORMATS
from fabula.kinds import KINDS
from fabula.kinds.base.distributions import AbstractDistribution
from fabula.llm.client.presets import PROVIDERS
from fabula.pii.kinds import DETECTORS
from fabula.privacy.notes import ModelDetector, Span, detector_called
from fabula.privacy.notes.entries import TEXT_DETECTORS, TextDetector
from fabula.spec.training_formats import TRAINING_FORMATS
from fabula.synthesizers.catalogue import SYNTHESIZERS
from fabula.testing import (
    check_check_kind,
    check_column_kind,
    check_detector,
    check_file_format,
    check_metric,
    check_provider,
    check_synthesizer,
    check_text_detector,
    check_training_format,
)
from fabula.testing.fake.model import FakeModel


@pytest.mark.parametrize(
    "kind", [name for name, cls in KINDS.builtin().items() if issubclass(cls, AbstractDistribution)]
)
def test_every_distribution_keeps_the_contract(kind):
    check_column_kind(kind, "{kind: normal, mean: 5, std: 2}" if kind == "normal" else "")


@pytest.mark.parametrize("key", list(METRICS.builtin()))
def test_every_metric_keeps_the_contract(key):
    check_metric(METRICS[key])


@pytest.mark.parametrize("name", list(FILE_FORMATS.builtin()))
def test_every_file_format_keeps_the_contract(name):
    check_file_format(FILE_FORMATS[name])


# `local` needs its weights, `litellm` a vendor and `vllm-offline` a GPU: tests of theirs check them
# at stand-ins.
ELSEWHERE = {"local", "litellm", "vllm-offline"}


@pytest.mark.parametrize("name", sorted(PROVIDERS.builtin().keys() - ELSEWHERE))
def test_every_provider_keeps_the_contract(name):
    check_provider(PROVIDERS[name])


@pytest.mark.parametrize("name", ["copula", "mixture", "boosted"])
def test_synthesizers_keep_the_contract(name):
    check_synthesizer(SYNTHESIZERS[name])


@pytest.mark.parametrize("name", list(TRAINING_FORMATS.builtin()))
def test_every_training_format_keeps_the_contract(name):
    check_training_format(TRAINING_FORMATS[name])


VALUES = {
    "email": ([f"u{n}@mail.example" for n in range(5)], ["@home", "a@b", "a b@c.example"]),
    "mac": ([f"00:1a:2b:3c:4d:{n}{n}" for n in range(5)], ["00:1a:2b", "12:30:59"]),
    "ip": ([f"192.168.0.{n}" for n in range(5)], ["1.2.3.4", "2.0.1.10"]),
    "uuid": ([f"0000000{n}-0000-4000-8000-00000000000{n}" for n in range(5)], ["0000-4000"]),
    "coordinates": ([f"48.20{n}, 16.37{n}" for n in range(5)], ["48, 16", "98.20, 16.37"]),
    "postcode": ([f"SW1A {n}AA" for n in range(5)], ["SW1A", "2024-12"]),
    "account": (
        ["GB82WEST12345698765432", "DE89370400440532013000", "NL91ABNA0417164300",
         "AT611904300234573201", "BE68539007547034"],
        ["GB82WEST12345698765433", "DE89370400440532013001"],
    ),
    "card": (
        ["4111111111111111", "5555555555554444", "378282246310005", "6011111111111117",
         "4012888888881881"],
        ["4111111111111112", "5555555555554445"],
    ),
}  # fmt: skip
"""Values of each of Fabula's own kinds that a form tells, and others that look like them."""


@pytest.mark.parametrize(
    "name", [name for name, entry in DETECTORS.builtin().items() if not entry.weighed]
)
def test_every_detector_keeps_the_contract(name):
    check_detector(DETECTORS[name], *VALUES[name])


def test_a_detector_of_a_form_needs_no_function():
    entry = Detector("tag", "tags", form=r"[A-Z]\d", unless=r"A\d", told="have the form of a tag")
    check_detector(entry, ["A1", "B2", "C3", "D4", "E5"], ["A1", "A2"])


@pytest.mark.parametrize(
    ("parts", "told"),
    [({}, "neither `detects` nor a `form`"), ({"form": "("}, "is not a regular expression")],
)
def test_a_detector_that_could_find_nothing_is_refused(parts, told):
    with pytest.raises(UsageError, match=told):
        DETECTORS.add(Detector("tag", "tags", told="have the form of a tag", **parts))


GOOD = {"size": [1, 2, 3, 4], "price": [2.0, 4.0, 6.0, 9.0], "name": ["a", "b", "c", "d"]}
BAD = {"size": [1, 2, 3, -4], "price": [9.0, 4.0, 3.0, 1.0], "name": ["a", "b", "a", None]}


@pytest.mark.parametrize(
    ("kind", "example"),
    [
        ("row", '{kind: row, sql: "size > 0"}'),
        ("range", "{kind: range, column: size, min: 0}"),
        ("not_null", "{kind: not_null, column: name}"),
        ("unique", "{kind: unique, columns: [name]}"),
        ("correlation", ""),
    ],
)
def test_checks_keep_the_contract(kind, example):
    check_check_kind(kind, GOOD, BAD, example)


def test_a_check_that_passes_everything_is_named():
    with pytest.raises(AssertionError, match=r"^passes: all 4 rows satisfy the rule"):
        check_check_kind("range", GOOD, BAD, "{kind: range, column: size, min: -9}")


@pytest.mark.parametrize(
    ("detects", "told"),
    [
        (lambda *_: 1.0, "finds its kind in 100 % of"),
        (lambda *_: 0.0, "finds its kind in 0 % of the values"),
        (lambda texts, _: texts[0] == "A1", "depends on the order"),
    ],
)
def test_a_detector_that_finds_too_much_or_too_little_is_named(detects, told):
    entry = Detector("tag", "tags", detects=detects, told="have the form of a tag")
    with pytest.raises(AssertionError, match=told):
        check_detector(entry, ["A1", "B2", "C3", "D4", "E5"], ["x"])


def test_a_training_format_that_can_not_read_its_lines_is_named():
    broken = replace(TRAINING_FORMATS["alpaca"], reads=lambda _: None)
    with pytest.raises(AssertionError, match="does not read what it writes"):
        check_training_format(broken)


class Mean:
    """Draws the commonest code of each column, whatever is asked."""

    notes = ()

    def __init__(self, codes):
        self.codes = codes

    @classmethod
    def fit(cls, codes, columns, *, seed, progress):  # noqa: ARG003
        """Find the commonest codes."""
        progress(1, 1)
        return cls(np.array([[np.bincount(column).argmax() for column in codes.T]], np.int32))

    def sample(self, rows, rng, allowed):  # noqa: ARG002
        """Repeat one row."""
        return Drawn(np.repeat(self.codes, rows, axis=0))

    def state(self):
        """The row."""
        return State(arrays={"codes": self.codes})

    @classmethod
    def restore(cls, state, columns):  # noqa: ARG003
        """The model of a state."""
        return cls(state.arrays["codes"])


def test_a_synthesizer_that_ignores_what_is_given_is_named(monkeypatch):
    entry = SynthesizerEntry("mean", "mean", "Never.", "Me", Mean)
    with pytest.raises(AssertionError, match="does not keep a value that is given"):
        check_synthesizer(entry)
    monkeypatch.delitem(SYNTHESIZERS._entries, "mean")


@pytest.mark.parametrize(
    ("measure", "told"),
    [
        (lambda frames: Score(float("nan"), f"{frames.synthetic.rows}."), "is not a number"),
        (lambda frames: Score(float(frames.synthetic.rows), "Rows"), "ends with a period"),
        (lambda frames: Score(None, f"{frames.synthetic.rows} rows."), "does not say why"),
        (
            lambda frames: Score(float(np.nan_to_num(frames.synthetic["age"]).max()), "Range."),
            "prefers noise",
        ),
    ],
)
def test_a_metric_that_breaks_a_promise_is_named(measure, told):
    made = metric("quality.new", "new", better="higher", source="me")(measure)
    with pytest.raises(AssertionError, match=told):
        check_metric(made)


class Mute(FakeModel):
    """Answers in prose where JSON is asked."""

    async def complete(self, request):
        """Answer without a look at the schema."""
        return await super().complete(replace(request, schema=None))


def test_a_provider_that_ignores_the_schema_is_named():
    entry = Provider("mute", "mute", opens=lambda _: Mute())
    with pytest.raises(AssertionError, match="where a JSON object"):
        check_provider(entry)


class Lossy:
    """Leaves the last row out."""

    def __init__(self, sink, *_):
        self._sink = sink

    def write(self, block):
        """Write all rows but one."""
        for value in block["text"].to_pylist()[:-1]:
            self._sink.write(repr(value).encode())

    def close(self):
        """Nothing is left."""


def test_a_format_that_loses_a_row_is_named():
    import pyarrow as pa

    entry = FileFormat(
        "lossy",
        "Lossy",
        (".lossy",),
        writes=Lossy,
        reads=lambda path: pa.table({"text": [str(path)]}),
    )
    with pytest.raises(AssertionError, match="reads other columns"):
        check_file_format(entry)
    del FILE_FORMATS._entries["lossy"], FILE_FORMATS._sources["lossy"]


class Wardens:
    """Finds the word after `warden`, and one place more for each call."""

    def __init__(self, extra=0):
        self.extra = extra

    def find(self, texts):
        """The places of each text."""
        return [
            [Span(*found.span(1), "person") for found in re.finditer(r"warden (\w+)", text)]
            + [Span(0, self.extra, "person")] * bool(self.extra and text)
            for text in texts
        ]


NOTE = {"The warden Ada saw two tits.": ["Ada"]}


def test_a_text_detector_that_keeps_the_contract():
    check_text_detector(TextDetector("wardens", "Wardens", Wardens), NOTE)


@pytest.mark.parametrize(
    ("extra", "told"), [(3, r"finds \['The', 'Ada'\]"), (900, "in a text of 28")]
)
def test_a_text_detector_that_finds_others_is_named(extra, told):
    with pytest.raises(AssertionError, match=told):
        check_text_detector(TextDetector("x", "X", lambda: Wardens(extra)), NOTE)


def test_mask_takes_a_registered_text_detector_by_its_name(monkeypatch):
    monkeypatch.setitem(TEXT_DETECTORS._entries, "wardens", TextDetector("wardens", "W", Wardens))
    monkeypatch.setitem(TEXT_DETECTORS._sources, "wardens", "")
    assert isinstance(detector_called("wardens"), Wardens)
    assert isinstance(detector_called("fake"), ModelDetector)
