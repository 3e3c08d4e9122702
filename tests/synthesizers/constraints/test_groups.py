"""Columns that belong together: rankings, pairs that differ, two columns that give a third."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import fabula as fb

N = 1_500


def matches(seed: int = 0) -> pa.Table:
    """Teams of 8 divisions; both teams of a match are of one, and differ."""
    rng = np.random.default_rng(seed)
    division, home = rng.integers(0, 8, N), rng.integers(0, 10, N)
    away = (home + rng.integers(1, 10, N)) % 10
    goals = rng.poisson(1 + home / 5)
    teams = [np.char.add("T", (division * 10 + team).astype(str)) for team in (home, away)]
    return pa.table(
        {"division": np.char.add("L", division.astype(str)), "home": teams[0], "away": teams[1],
         "goals": goals}
    )  # fmt: skip


def ranks(columns: int, seed: int = 0) -> pa.Table:
    """Ranks of some things, of which the first ones are mostly liked best; and an age."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(N, columns)) + np.arange(columns) / 3
    places = scores.argsort(axis=1).argsort(axis=1) + 1
    return pa.table(
        {"age": rng.integers(18, 90, N), **{f"r{at}": places[:, at] for at in range(columns)}}
    )


def team(values: pa.ChunkedArray) -> np.ndarray:
    """The numbers of teams."""
    return np.array([int(value[1:]) for value in values.to_pylist()])


@functools.cache
def model_of_matches() -> fb.Synthesizer[pa.Table]:
    """A synthesizer of the matches, fitted once."""
    return fb.fit(matches(), seed=1)


def test_a_column_that_follows_from_two_others_is_found_both_ways(tmp_path: Path):
    """Home and away team play in the division of the row, and are never the same."""
    model = model_of_matches()
    assert set(model.card().exact) == {
        "division: follows from home",
        "away: one that division follows from",
        "home and away differ",
    }
    model.save(tmp_path / "m.fabula")
    for rows in (model.sample(2_000), fb.load_synthesizer(tmp_path / "m.fabula").sample(2_000)):
        home, away = team(rows["home"]), team(rows["away"])
        assert (home // 10 == away // 10).all()
        assert (home // 10 == team(rows["division"])).all()
        assert (home != away).all()
        assert len(np.unique(away)) > 75  # labels of fewer than ten rows are hidden


def test_a_given_team_plays_in_its_own_division():
    """What is asked for holds, and the relations do."""
    rows = model_of_matches().sample(200, given={"away": "T13"})
    assert set(rows["away"].to_pylist()) == {"T13"}
    assert set(rows["division"].to_pylist()) == {"L1"}
    assert set(team(rows["home"]) // 10) == {1}


@pytest.mark.parametrize("columns", [3, 6, 12])
def test_rankings_give_each_rank_once(columns: int, tmp_path: Path):
    """And each thing keeps its mean rank within a quarter of a place."""
    real = ranks(columns)
    model = fb.fit(real, seed=1)
    assert any(f"hold each of 1 … {columns} once" in told for told in model.card().exact)
    model.save(tmp_path / "r.fabula")
    rows = fb.load_synthesizer(tmp_path / "r.fabula").sample(1_500)
    made, known = (
        np.column_stack([table[f"r{at}"].to_numpy() for at in range(columns)])
        for table in (rows, real)
    )
    assert (np.sort(made, axis=1) == np.arange(1, columns + 1)).all()
    assert np.abs(made.mean(axis=0) - known.mean(axis=0)).max() < 0.04 * columns


def test_a_mean_stays_between_the_two_that_it_follows_from():
    """The order of the three is kept alongside the formula."""
    rng = np.random.default_rng(0)
    low = rng.integers(-10, 80, 400)
    high = low + rng.integers(0, 30, 400)
    table = pa.table({"low": low, "mean": np.ceil((low + high) / 2).astype(int), "high": high})
    rows = fb.fit(table, seed=1).sample(3_000).to_pandas()
    assert (rows.low <= rows["mean"]).all()
    assert (rows["mean"] <= rows.high).all()


def test_columns_that_are_equal_now_and_then_may_be_equal():
    """And labels that chance keeps apart are not a pair."""
    rng = np.random.default_rng(0)
    labels = np.array(list("abcdefgh"))
    first = rng.integers(0, 8, 500)
    second = np.where(np.arange(500) == 0, first, (first + rng.integers(1, 8, 500)) % 8)
    few = pa.table({"a": labels[first], "b": labels[second]})
    assert fb.fit(few, holdout=0).card().exact == ()
