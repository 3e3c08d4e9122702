"""A few rows that break what all the others keep do not switch a relation off; the card says so."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import fabula as fb
from fabula.synthesizers.codecs.learning import Columns
from fabula.synthesizers.constraints.finding import find_relations, with_orders

N = 3_000
RNG = np.random.default_rng(3)
A, B = np.round(RNG.gamma(3, 20, N), 2), RNG.integers(1, 60, N)
TOWN = RNG.integers(0, 80, N)
DAY = np.datetime64("2024-01-01") + RNG.integers(0, 700, N)
TOTAL, PRODUCT, MONTH = np.round(A + B, 2), np.round(A * B, 2), DAY.astype("M8[M]").astype(int) % 12
LINE, LAND, END = np.round(1.8 * A + 32, 1), TOWN % 7, A + RNG.gamma(2, 30, N)


def told(columns: dict[str, object]) -> tuple[str, ...]:
    """The relations of a table in words."""
    table = pa.table(columns)
    learned = Columns.learn(table, protect=10)
    found = find_relations(table, learned, protect=10)
    return with_orders(table, learned, found).told


def spoilt(values: np.ndarray, rows: int, other: float) -> np.ndarray:
    """Values with others in some rows."""
    changed = values.copy()
    changed[RNG.choice(N, rows, replace=False)] = other
    return changed


@pytest.mark.parametrize("rows", [1, 3, 6])
@pytest.mark.parametrize(
    ("columns", "target", "other", "relation"),
    [
        ({"a": A, "b": B, "c": TOTAL}, "c", 7.77, "c: a + b"),
        ({"a": A, "b": B, "c": PRODUCT}, "c", 7.77, "c: a * b"),
        ({"a": A, "c": LINE}, "c", 7.7, "c: 1.8 * a + 32"),
        ({"day": DAY, "c": MONTH + 1}, "c", 13, "c: month of day"),
        ({"town": np.char.add("t", TOWN.astype(str)), "c": LAND}, "c", 9, "c: follows from town"),
        ({"a": A, "c": END}, "c", -20.0, "a <= c"),
    ],
    ids=["sum", "product", "line", "part", "lookup", "order"],
)
def test_a_relation_that_a_few_rows_break_is_found_and_these_are_counted(
    columns, target, other, relation, rows
):
    """At most one row in five hundred; 0.2 % of 3,000 rows are 6."""
    differ = "1 training row differs" if rows == 1 else f"{rows} training rows differ"
    assert f"{relation} ({differ})" in told(
        {**columns, target: spoilt(columns[target], rows, other)}
    )


def test_rows_that_break_it_more_often_come_back():
    """One row in a hundred is a part of the table: where the rule holds is learned."""
    assert told({"a": A, "b": B, "c": spoilt(TOTAL, 30, 7.77)}) == (
        "c: a + b in 99.0 % of the rows",
    )


def test_a_rare_event_is_no_exception():
    """A flag of one row in a thousand does not become a constant."""
    rare = (RNG.random(N) < 0.001).astype(int)
    kind = RNG.choice(["a", "b", "c"], N)
    assert told({"kind": kind, "rare": rare, "often": RNG.integers(0, 2, N)}) == ()


def test_no_sampled_row_breaks_what_a_few_training_rows_do():
    """The exceptions are dropped, and the card says how many there were."""
    table = pa.table({"a": A, "b": B, "c": spoilt(TOTAL, 5, 7.77)})
    model = fb.fit(table, holdout=0, seed=1)
    rows = model.sample(1_000, seed=1).to_pandas()
    assert "on every row c: a + b (5 training rows differ)" in str(model.card())
    assert np.allclose(rows.a + rows.b, rows.c)


def test_a_value_with_several_targets_leaves_the_others_their_one():
    """One zone of eighty has any offset; the others keep theirs."""
    zone = np.char.add("zone ", TOWN.astype(str))
    offset = np.where(TOWN == 5, RNG.integers(-12, 12, N), TOWN % 24 - 12)
    model = fb.fit(pa.table({"zone": zone, "offset": offset}), holdout=0, seed=1)
    rows = model.sample(2_000, seed=1).to_pandas()
    number = rows.zone.str.removeprefix("zone ").astype(int)
    assert model.card().exact == ("offset: follows from zone, but for 1 of its values",)
    assert (rows.offset == number % 24 - 12)[number != 5].all()
    assert rows.offset[number == 5].nunique() > 3


def seasons(rows: int, ties: int) -> dict[str, np.ndarray]:
    """Games won and lost of all games, but for a few ties, beside many other numbers."""
    rng = np.random.default_rng(5)
    games = np.where(rng.random(rows) < 0.1, 60, 162)
    won = rng.binomial(games, rng.uniform(0.35, 0.65, rows))
    lost = games - won
    lost[rng.choice(rows, ties, replace=False)] -= 1
    others = {f"n{at}": rng.poisson(40, rows) for at in range(14)}
    return {"games": games, "won": won, "lost": lost, **others}


def test_a_sum_of_few_rows_and_many_columns_is_found_beside_its_exceptions():
    """Two rows of 216 are no reason to take a line of one column instead."""
    assert [line for line in told(seasons(216, 2)) if "%" in line] == [
        "lost: games - won in 99.1 % of the rows"
    ]


def test_a_number_between_two_is_not_taken_for_both():
    """Sums of 161 or 162 are not all 161.5, though each is as near to it as decimals tell."""
    rng = np.random.default_rng(6)
    won = rng.integers(50, 110, 400)
    assert told({"won": won, "lost": rng.integers(161, 163, 400) - won}) == ()


def test_a_ratio_is_missing_where_its_denominator_is_zero():
    """A gap of a column's own breaks no ratio that has no value there, either."""
    rng = np.random.default_rng(7)
    outs, runs = rng.poisson(60, 600), rng.poisson(9, 600)
    outs[:6] = 0
    with np.errstate(divide="ignore"):
        average = np.round(27 * runs / outs, 2)
    average[:6] = np.nan
    columns = {"outs": outs, "runs": runs, "average": pa.array(average, from_pandas=True)}
    assert "average: 27 * runs / outs" in told(columns)


def test_the_simplest_of_nearly_equal_cases_is_taken():
    """A factor of 1.005 that hits a few rows more by chance is not a finding."""
    rng = np.random.default_rng(8)
    field = np.round(rng.gamma(2, 25, 3_000)) + 1
    bat = np.where(rng.random(3_000) < 0.6, field, np.round(rng.gamma(2, 25, 3_000)) + 1)
    bat = np.where((field > 103) & (bat == field) & (rng.random(3_000) < 0.5), field + 1, bat)
    (line,) = [line for line in told({"field": field, "bat": bat}) if "of the rows" in line]
    assert line.startswith(("bat: field in ", "field: bat in "))
