"""Columns become cells and come back with their types, bounds and gaps, copying nothing rare."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from fabula.errors import SourceError, UsageError
from fabula.synthesizers.codecs.categories import CategoryCodec
from fabula.synthesizers.codecs.codec import ColumnCodec, Places, Range
from fabula.synthesizers.codecs.fixed_point import Lattice
from fabula.synthesizers.codecs.keys import KeyCodec
from fabula.synthesizers.codecs.learning import Columns
from fabula.synthesizers.codecs.numbers import NumberCodec

RNG = np.random.default_rng(7)


def places(n):
    """Where `n` decoded rows stand."""
    return Places(np.arange(n), 1, np.random.default_rng(3))


def redrawn(codec: ColumnCodec, values: pa.Array) -> pa.Array:
    """Values that were encoded and decoded."""
    codes = codec.encode(values)
    return codec.decode(codes, places(len(codes)))


@pytest.mark.parametrize(
    "values",
    [
        pa.array(RNG.integers(-50, 50, 3_000), pa.int16()),
        pa.array(RNG.integers(0, 2**63, 3_000, dtype=np.int64)),
        pa.array(RNG.integers(0, 2**64, 3_000, dtype=np.uint64)),
        pa.array(RNG.normal(size=3_000)),
        pa.array(RNG.normal(size=3_000).round(2), pa.float32()),
        pa.array(RNG.integers(0, 9_999, 3_000), pa.int64()).cast(pa.decimal128(24, 2)),
        pa.array(RNG.integers(0, 5_000, 3_000).astype(np.int32), pa.date32()),
        pa.array(RNG.integers(0, 10**15, 3_000), pa.timestamp("us", tz="UTC")),
        pa.array(RNG.integers(0, 10**18, 3_000), pa.timestamp("ns")),
        pa.array(RNG.integers(0, 86_000, 3_000).astype(np.int32), pa.time32("s")),
        pa.array(RNG.integers(0, 86_000, 3_000), pa.duration("s")),
    ],
    ids=lambda values: str(values.type),
)
def test_numbers_and_times_of_every_type_keep_type_and_distribution(values):
    """The largest gap of the two distribution functions stays below 3 %."""
    again = redrawn(NumberCodec.learn("x", values, protect=10), values)
    assert again.type == values.type
    real, made = (np.sort([_plain(item) for item in side.to_pylist()]) for side in (values, again))
    assert made[0] >= real[0]
    assert made[-1] <= real[-1]
    both = np.concatenate([real, made])
    ranks = [np.searchsorted(side, both, "right") / len(side) for side in (real, made)]
    assert np.abs(ranks[0] - ranks[1]).max() < 0.03


def _plain(value):
    if isinstance(value, dt.time):
        return value.hour * 3600 + value.minute * 60 + value.second
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    return float(value.toordinal() if isinstance(value, dt.date) else value)


def test_decimals_are_kept():
    """Prices with two decimals stay prices with two decimals."""
    values = pa.array(RNG.lognormal(3, 1, 3_000).round(2))
    again = redrawn(NumberCodec.learn("price", values, protect=10), values).to_numpy()
    assert (again == again.round(2)).all()


def test_continuous_values_are_not_copied_and_extremes_are_hidden():
    """No real number comes back; the smallest and largest ones are beyond reach."""
    values = np.sort(RNG.normal(size=5_000))
    codec = NumberCodec.learn("x", pa.array(values), protect=10)
    again = redrawn(codec, pa.array(values)).to_numpy()
    assert not np.isin(again, values).any()
    assert again.min() > values[9]
    assert again.max() < values[-10]


def test_a_lonely_value_among_gaps_is_hidden():
    """A column with fewer values than are protected has none to show."""
    values = pa.array([1.5] + [None] * 99)
    assert redrawn(NumberCodec.learn("x", values, protect=10), values).null_count == 100


def test_gaps_atoms_and_heavy_tails_keep_their_shares():
    """Missing values and a spike at zero within one point; the tail's quantiles hold."""
    raw = RNG.pareto(1.5, 20_000)
    raw[RNG.random(20_000) < 0.3] = 0
    values = pa.array(raw, mask=RNG.random(20_000) < 0.2)
    again = redrawn(NumberCodec.learn("x", values, protect=10), values)
    assert again.null_count == values.null_count
    real, made = (side.drop_null().to_numpy() for side in (values, again))
    assert (made == 0).sum() == (real == 0).sum()
    assert np.quantile(made, 0.99) == pytest.approx(np.quantile(real, 0.99), rel=0.2)


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()])
def test_labels_keep_their_type_and_rare_ones_never_come_back(kind):
    """A label of three rows is nobody's business."""
    values = pa.array(["a"] * 60 + ["b"] * 37 + ["zaphod"] * 3).cast(kind)
    codec = CategoryCodec.learn("x", values, protect=10)
    again = redrawn(codec, values)
    assert again.type == kind
    assert set(again.to_pylist()) == {"a", "b"}
    assert "zaphod" not in str(codec.state())


@pytest.mark.parametrize("form", [pa.string(), pa.dictionary(pa.int8(), pa.string())])
def test_many_rare_labels_come_back_as_other(form):
    """A long tail keeps its share of the rows, and none of its labels."""
    values = pa.array(["a"] * 60 + [f"tail {i}" for i in range(39)] + [None]).cast(form)
    codec = CategoryCodec.learn("x", values, protect=10)
    again = redrawn(codec, values)
    assert again.type == form
    assert again.to_pylist() == ["a"] * 60 + ["other"] * 39 + [None]
    assert codec.about == "1 label, rare ones in 39 rows become `other`"
    assert codec.weights(("other",)).tolist() == [0, 1, 0]
    alone = CategoryCodec.learn("x", values.slice(60), protect=10)
    assert set(redrawn(alone, values.slice(60)).to_pylist()) == {"other", None}


def test_many_rare_labels_that_are_no_text_become_learned_ones():
    """No word can stand in a column of bytes."""
    values = pa.array([b"a"] * 60 + [bytes([i]) for i in range(39)])
    assert set(redrawn(CategoryCodec.learn("x", values, protect=10), values).to_pylist()) == {b"a"}


def test_rare_labels_can_be_kept():
    """The protection can be switched off."""
    values = pa.array(["a"] * 99 + ["zaphod"])
    assert redrawn(CategoryCodec.learn("x", values, protect=0), values).equals(values)


def test_dictionaries_truth_values_and_columns_without_values_come_back():
    """Categories of frames, booleans, constants and empty columns."""
    for values in (
        pa.array(["x", "y"] * 20).dictionary_encode(),
        pa.array([True, False] * 20),
        pa.array(["same"] * 40),
        pa.nulls(40),
        pa.nulls(40, pa.string()),
    ):
        assert redrawn(CategoryCodec.learn("x", values, protect=10), values).equals(values)


def test_ten_thousand_labels_are_learned():
    """Labels of enough rows are kept, in their order of frequency."""
    values = pa.array([f"v{i}" for i in np.repeat(np.arange(10_000), 12)])
    codec = CategoryCodec.learn("x", values, protect=10)
    assert codec.cells.cells == 10_000
    assert redrawn(codec, values).equals(values)


@pytest.mark.parametrize(
    ("values", "form"),
    [
        (np.arange(100, 1_100), None),
        ([f"AB-{i:05d}" for i in RNG.permutation(90_000)[:1_000]], r"AB-\d{5}"),
    ],
)
def test_keys_are_made_anew(values, form):
    """Identifiers differ from row to row; numbers continue after the real ones."""
    real = pa.array(values)
    codec = KeyCodec.learn("id", real)
    assert codec is not None
    made = codec.decode(codec.encode(real), places(len(real)))
    assert pc.count_distinct(made).as_py() == len(made)
    if form is None:
        assert pc.min(made).as_py() == 1_100
    else:
        assert pc.all(pc.match_substring_regex(made, f"^{form}$")).as_py()


def test_few_differing_numbers_are_no_key():
    """Measurements may all differ; only dense numbers, or those named so, are keys."""
    assert KeyCodec.learn("height", pa.array([150, 163, 171, 180])) is None


def test_what_is_out_of_reach_is_left_out_with_its_reason():
    """Free text and nested values; an error where nothing else is left."""
    table = pa.table(
        {
            "x": RNG.normal(size=100),
            "note": [f"words that nobody else wrote {i}" for i in range(100)],
            "tags": [[1, 2]] * 100,
        }
    )
    columns = Columns.learn(table, protect=10)
    assert columns.names == ["x"]
    assert "free text" in columns.left_out["note"]
    assert "nested" in columns.left_out["tags"]
    with pytest.raises(SourceError, match="no column can be learned"):
        Columns.learn(table.select(["note"]), protect=10)


def test_tables_that_can_not_be_learned_say_why():
    """Three rows, and a column that appears twice."""
    with pytest.raises(SourceError, match="too few") as too_few:
        Columns.learn(pa.table({"x": [1, 2, 3]}), protect=10)
    assert "fabula init" in (too_few.value.hint or "")
    twice = pa.table([pa.array(range(99))] * 2, names=["a", "a"])
    with pytest.raises(SourceError, match="appears 2 times"):
        Columns.learn(twice, protect=10)


def test_ranges_weigh_the_cells_they_cut():
    """A range over half of a cell counts half, and draws stay inside."""
    codec = NumberCodec.learn("x", pa.array(RNG.random(20_000)), protect=10)
    wanted = Range(0.25, 0.5)
    weights = codec.weights(wanted)
    share = (weights * codec.cells.counts).sum() / codec.cells.counts.sum()
    assert share == pytest.approx(0.25, abs=0.01)
    codes = np.flatnonzero(weights > 0).astype(np.int32)
    made = codec.decode(codes, places(len(codes)), wanted).to_numpy()
    assert ((made >= 0.25) & (made <= 0.5)).all()


def test_asking_for_what_never_occurs_names_what_does():
    """The hint tells the closest label, or the learned bounds."""
    cities = CategoryCodec.learn("city", pa.array(["Wien", "Athens"] * 20), protect=10)
    with pytest.raises(UsageError, match="never occurs in training data") as unknown:
        cities.weights(("Atlantis",))
    assert unknown.value.hint == "closest: Athens"
    ages = NumberCodec.learn("age", pa.array(list(range(18, 90)) * 10), protect=10)
    with pytest.raises(UsageError, match="never occurs") as beyond:
        ages.weights(Range(200, None))
    assert beyond.value.hint == "learned values lie between 19 and 88"
    with pytest.raises(UsageError, match="not a value of type int64"):
        ages.weights(("old",))


@pytest.mark.parametrize("number", [4.761904762, 75.0431540173515, 12.5, 0.1 + 0.2])
def test_a_number_of_many_decimals_keeps_them(number):
    """An atom that comes back with a digit less would give every sampled row away."""
    lattice = Lattice.of(pa.array([number, 0.5]))
    (back,) = lattice.values(lattice.numbers(pa.array([number]))).to_pylist()
    assert back == pytest.approx(number, rel=1e-15)


def test_periods_of_time_are_kept_though_they_are_rare():
    """A quarter names nobody: `other` in its place would tell no time."""
    values = pa.array([f"{1990 + i // 4}Q{i % 4 + 1}" for i in range(56)] * 2)
    codec = CategoryCodec.learn("quarter", values, protect=10)
    assert redrawn(codec, values).equals(values)
    assert codec.about == "56 labels of 2 rows or more, periods of time: all are kept"
    alike = pa.array([f"{1990 + i // 4}X{i % 4 + 1}" for i in range(56)] * 2)
    assert set(redrawn(CategoryCodec.learn("code", alike, protect=10), alike).to_pylist()) == {
        "other"
    }
