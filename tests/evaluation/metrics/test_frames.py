"""Tables of every kind are aligned, or refused in words."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pyarrow as pa
import pytest

from fabula.errors import SourceError, UsageError
from fabula.evaluation.evaluate import evaluate
from fabula.evaluation.metrics.distances import Space, nearest
from fabula.evaluation.metrics.diversity import entropy
from fabula.evaluation.metrics.frames import prepare
from fabula.evaluation.metrics.pairs import pairs
from fabula.evaluation.metrics.shapes import shapes
from tests.evaluation.metrics.people import people


def test_columns_are_matched_by_name_and_the_others_are_named() -> None:
    frames = prepare(pa.table({"b": [1.5], "x": [1]}), pa.table({"a": [1], "b": [2.5]}))
    assert [column.name for column in frames.columns] == ["b"]
    assert "lacks `a`" in frames.notes[0]
    assert "has `x`" in frames.notes[1]


def test_missing_is_a_state_of_its_own() -> None:
    frames = prepare(pa.table({"n": [1.0, None], "c": ["a", None]}))
    assert np.isnan(frames.synthetic["n"][1])
    assert frames.synthetic["c"].tolist() == [1, 0]


def test_types_follow_the_real_table() -> None:
    real = pa.table({"n": [1, 2, 2], "d": [date(2024, 1, 1)] * 3, "c": ["1", "2", "2"]})
    made = pa.table({"n": ["3", "4", None], "d": ["2024-01-02"] * 3, "c": [1.0, 2.0, 2.0]})
    frames = prepare(made, real)
    assert frames.synthetic["n"][:2].tolist() == [3, 4]
    assert frames.synthetic["d"][0] - frames.truth["d"][0] == 86_400
    assert frames.synthetic["c"].tolist() == frames.truth["c"].tolist()


def test_dates_and_times_of_every_unit_are_seconds() -> None:
    moment = datetime(2024, 5, 6, 7, 8, 9)
    for unit in ("s", "ms", "us", "ns"):
        frames = prepare(pa.table({"t": pa.array([moment], pa.timestamp(unit))}))
        assert frames.synthetic["t"][0] == pytest.approx(1714979289)


@pytest.mark.parametrize(
    ("made", "real", "code"),
    [
        (pa.table({"a": [1]}), pa.table({"b": [1]}), "evaluate.no-shared-column"),
        (pa.table({"a": pa.array([], pa.int64())}), pa.table({"a": [1]}), "evaluate.empty"),
        (pa.table({"a": ["x", "y"]}), pa.table({"a": [1, 1]}), "evaluate.types"),
        (pa.table({"a": [[1]]}), pa.table({"a": [1]}), "evaluate.types"),
        (pa.table([[1], [2]], ["a", "a"]), pa.table({"a": [1]}), "evaluate.repeated-column"),
    ],
)
def test_tables_that_do_not_compare_are_refused_in_words(
    made: pa.Table, real: pa.Table, code: str
) -> None:
    with pytest.raises(SourceError) as caught:
        prepare(made, real)
    assert caught.value.code == code
    assert caught.value.hint or code == "evaluate.empty"


@pytest.mark.parametrize(
    "table",
    [
        pa.table({"a": [1.5]}),
        pa.table({"a": pa.array([None, None, None], pa.float64())}),
        pa.table({"a": pa.nulls(5)}),
        pa.table({"a": ["x"] * 40}),
        pa.table({"a": [float("inf"), float("nan"), 1.0] * 10}),
        pa.table({"a": [[1, 2]] * 30, "b": [{"x": 1}] * 30}),
        pa.table({"ключ, \"a\" `b`": ["é", "😀", None] * 20, "class": [True, False, None] * 20}),
        pa.table({"a": pa.array(["x", "y"] * 20).dictionary_encode(), "b": list(range(40))}),
        pa.table({"a": [10**18, -(10**18)] * 20, "b": [1e300, -1e300] * 20}),
    ],
    ids=["one row", "no value", "null type", "constant", "endless", "nested", "names",
         "dictionary", "huge"],
)  # fmt: skip
def test_odd_tables_are_measured_without_a_failure(table: pa.Table) -> None:
    """Bad input has clear words, never a traceback."""
    for given in (
        evaluate(table),
        evaluate(table, real=table),
        evaluate(table, real=pa.concat_tables([table, table]), holdout=table),
    ):
        assert "Synthetic data report" in given.to_html()
        assert given.to_json()
        assert given.to_markdown()


def test_five_thousand_labels_and_three_hundred_columns_are_measured() -> None:
    rng = np.random.default_rng(0)
    wide = {f"c{at}": rng.normal(size=60) for at in range(280)}
    wide |= {f"k{at}": rng.choice(["a", "b"], 60) for at in range(20)}
    frames = prepare(pa.table(wide), pa.table(wide))
    assert pairs(frames).value == 1
    labels = np.array([f"v{at}" for at in range(5_000)])
    often = np.where(np.arange(5_000) < 700, 20, 1)
    many = pa.table({"c": np.repeat(labels, often), "n": rng.normal(size=often.sum())})
    frames = prepare(many, many)
    assert entropy(frames).value == shapes(frames).value == pairs(frames).value == 1


def test_the_nearest_row_is_the_nearest_row() -> None:
    table = people(400)
    frames = prepare(table, table)
    points = Space.of(frames).points(frames.truth)
    away, found = nearest(points[:50], points)
    assert away.max() == 0
    assert found.tolist() == list(range(50))
    apart = np.linalg.norm(points[:50, None] - points[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    expected = apart.min(axis=1)
    away, _ = nearest(points, points, itself=True)
    assert away[:50] == pytest.approx(expected, abs=1e-5)


def test_samples_are_explicit_and_seeded() -> None:
    table = people(500)
    frames = prepare(table, table, seed=3)
    first, again = (frames.sample(frames.truth, 100, "x")["income"] for _ in range(2))
    other = frames.sample(frames.truth, 100, "y")["income"]
    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()
    assert len(np.unique(first)) > 90


def test_what_is_left_out_and_what_is_too_little_is_said() -> None:
    """Different columns, one row."""
    table = people(300)
    frames = prepare(table.drop(["age"]).append_column("extra", table["age"]), table.slice(0, 1))
    assert frames.notes == (
        "The synthetic table lacks `age`, which is left out.",
        "Only the synthetic table has `extra`, which is left out.",
        "The real table has only 1 row: its numbers are mostly chance.",
    )


def test_rows_drawn_with_a_condition_are_told() -> None:
    """A sample of one city fails gates against all cities."""
    real = pa.table({"city": ["Wien"] * 40 + ["Oslo"] * 60, "km": range(100)})
    frames = prepare(real.slice(0, 40), real)
    assert frames.notes == (
        "All synthetic rows have `Wien` in `city`, 40.0 % of the real ones do: rows drawn with a "
        "condition are best compared with real rows that meet it.",
    )
    common = pa.table({"city": ["Wien"] * 95 + ["Oslo"] * 5, "km": range(100)})
    assert prepare(common.slice(0, 90), common).notes == ()


def test_an_outcome_is_no_group() -> None:
    with pytest.raises(UsageError, match="both the outcome"):
        evaluate(people(50), real=people(50), target="hired", protected=["hired"])


def test_names_and_keys_have_no_distribution() -> None:
    """Surnames newly generated, and numbers of customers, are not held against the real ones."""
    rng = np.random.default_rng(0)
    surnames = [f"{a}{b}" for a in "ABCDEFGHIJKL" for b in range(60)]
    table = pa.table(
        {
            "CustomerId": rng.permutation(10**6)[:2_000],
            "surname": rng.choice(surnames, 2_000),
            "plan": rng.choice(["free", "pro"], 2_000),
        }
    )
    families = {column.name: column.family for column in prepare(table, table).columns}
    assert families == {"CustomerId": "key", "surname": "text", "plan": "category"}
