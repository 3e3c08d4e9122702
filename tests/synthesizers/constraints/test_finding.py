"""Relations that hold on every row are found, in their simplest form, and chance ones are not."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from fabula.synthesizers.codecs.learning import Columns
from fabula.synthesizers.constraints.finding import find_relations
from fabula.synthesizers.constraints.simplest import simplest_between
from tests.synthesizers.constraints.trips import RELATIONS, trips

N = 400
RNG = np.random.default_rng(7)
A, B = np.round(RNG.gamma(3, 20, N), 2), RNG.integers(1, 60, N)
SCORES = RNG.integers(0, 101, (N, 3))
DAY = pa.array(np.datetime64("2024-01-01") + RNG.integers(0, 700, N))


def found(columns: dict[str, object], *, protect: int = 10) -> dict[str, str]:
    """The relations of a table in words, by target."""
    table = pa.table(columns)
    learned = Columns.learn(table, protect=protect)
    told = find_relations(table, learned, protect=protect).told
    return dict(text.split(": ", 1) for text in told)


@pytest.mark.parametrize(
    ("columns", "relations"),
    [
        ({"a": A, "b": np.round(1.8 * A + 32, 1)}, {"b": "1.8 * a + 32"}),
        ({"a": A, "b": np.round(A / 1.05, 2)}, {"b": "0.952381 * a"}),
        ({"a": A, "b": B, "c": np.round(0.5 * (A + B), 3)}, {"c": "0.5 * (a + b)"}),
        ({"a": A, "b": B, "c": np.round(A - B, 2)}, {"a": "b + c"}),
        ({"a": A, "b": B, "c": A / B}, {"c": "a / b"}),
        ({"kg": A, "cm": B + 120, "bmi": np.round(1e4 * A / (B + 120) ** 2, 2)},
         {"bmi": "10000 * kg / cm^2"}),
        ({"a": A, "b": np.log(A)}, {"b": "log(a)"}),
        ({"a": A, "b": np.log10(A).round(6)}, {"b": "log10(a)"}),
        ({"a": A / 50, "b": 3 * np.exp(A / 50)}, {"b": "3 * exp(a)"}),
        ({"x": SCORES[:, 0], "y": SCORES[:, 1], "z": SCORES[:, 2],
          "grade": np.round(SCORES @ [0.2, 0.3, 0.5], 1)},
         {"grade": "0.2 * x + 0.3 * y + 0.5 * z"}),
        ({"a": A.astype("f4"), "b": B, "c": A.astype("f4") + B.astype("f4")}, {"c": "a + b"}),
        ({"born": B + 1960, "now": 2015 + B % 7, "age": 2015 + B % 7 - B - 1960},
         {"age": "now - born"}),
    ],
)  # fmt: skip
def test_formulas_of_numbers_are_found(columns, relations):
    """Lines, sums, products, ratios, curves and weighted means, with rounding."""
    assert found(columns) == relations


def test_parts_of_dates_are_found():
    """Years, months and weekdays, as numbers and as names, and dates apart by a time."""
    columns = {
        "day": DAY,
        "due": pc.add(DAY.cast(pa.timestamp("s")), pa.scalar(86_400 * 30, pa.duration("s"))),
        "year": pc.year(DAY),
        "month": pc.strftime(DAY, "%b"),
        "isoday": pc.add(pc.day_of_week(DAY), 1),
    }
    told = found(columns)
    assert told["year"] == "year of day"
    assert told["isoday"] == "weekday of day + 1"
    assert told["month"].startswith("follows from month of")
    assert told["due"] == "day + 30 days"


def test_all_relations_of_a_table_are_found_together():
    """Each in its simplest form, and none leads back to its own column."""
    table = trips()
    relations = find_relations(table, Columns.learn(table, protect=10), protect=10)
    assert dict(text.split(": ", 1) for text in relations.told) == RELATIONS
    done: set[str] = set()
    for item in relations.items:
        open_ = set(item.sources) & set(RELATIONS)
        assert open_ <= done
        done.add(item.target)


def test_labels_that_follow_from_others_are_looked_up():
    """A label with fewer rows than `protect` is in no lookup."""
    towns = np.array(["Wien", "Graz", "Linz", "Hallstatt"])
    town = np.append(RNG.choice(3, N - 3), [3, 3, 3])
    lands = np.array(["W", "St", "O", "O"])
    table = pa.table({"town": towns[town], "land": lands[town]})
    (relation,) = find_relations(table, Columns.learn(table, protect=10), protect=10).items
    assert relation.target == "land"
    assert sorted(relation.how.keys.to_pylist()) == ["Graz", "Linz", "Wien"]


@pytest.mark.parametrize(
    "columns",
    [
        {"a": A, "constant": np.ones(N), "empty": pa.nulls(N, pa.float64())},
        {"a": A, "over 50": (A > 50).astype(int)},
        {str(at): RNG.integers(0, 3, N) for at in range(20)},
        {str(at): (RNG.random(N) < 0.005) * 3 for at in range(20)},
        {str(at): np.round(A / 10 + RNG.normal(0, 0.4, N)) for at in range(8)},
    ],
    ids=["constant", "threshold", "small", "rare", "near"],
)  # fmt: skip
def test_what_holds_by_chance_is_no_relation(columns):
    """Few values prove nothing."""
    assert found(columns) == {}


def test_what_one_row_breaks_holds_at_its_rate():
    """Another value, or a gap."""
    other = np.where(np.arange(N) == 17, A + 0.01, A)
    assert found({"a": A, "b": other}) == {"b": "a in 99.8 % of the rows"}
    gap = pa.array(A, mask=np.arange(N) == 3)
    assert found({"a": pa.array(A), "b": gap}) == {"b": "a where there is one"}


def test_a_table_of_few_groups_has_lookups_but_no_sums():
    """Any five numbers of five groups fit a sum with free factors."""
    group = RNG.integers(0, 5, N)
    numbers = RNG.normal(size=(5, 7)).round(3)[group]
    told = found({"g": group.astype(str), **{f"x{at}": numbers[:, at] for at in range(7)}})
    assert set(told.values()) == {"follows from g"}


def test_unlucky_rows_and_names_do_no_harm():
    """Gaps, infinities, odd types and names."""
    half = np.where(B % 3 == 0, np.nan, A)
    columns = {
        "größe '\"; --": half,
        "价格": half * 2,
        "∞": np.where(B % 3 == 0, np.inf, A),
        "time": pa.array(B.astype("i4"), pa.time32("s")),
        "bytes": pa.array([b"x", b"y"] * (N // 2)),
        "flag": pa.array(B > 30),
        "huge": A * 1e302,
        "tiny": A * 1e-306,
        "whole": B * 2**56,
    }
    told = found(columns)
    assert told["价格"] == "2 * größe '\"; --"


@pytest.mark.parametrize(
    ("low", "high", "simplest"),
    [(0.0499, 0.0501, 0.05), (0.3333, 0.33334, 1 / 3), (-2.1, -1.9, -2.0), (-1.0, 1.0, 0.0),
     (0.0009998, 0.0010002, 0.001), (0.1, 0.1, 0.1), (20 / 21, 20 / 21, 20 / 21),
     (86_360.2, 86_440.1, 86_400), (3_566, 3_634, 3_600), (11.6, 14.2, 12), (98, 102, 100)],
)  # fmt: skip
def test_the_simplest_number_of_an_interval_is_taken(low, high, simplest):
    assert simplest_between(low, high) == pytest.approx(simplest, rel=1e-15)
