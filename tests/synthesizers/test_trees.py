"""Rows that point at rows of their own table."""

from __future__ import annotations

import numpy as np
import pytest

from fabula.synthesizers.trees import Trees, depths


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def test_depth_counts_the_rows_above_and_tells_circles() -> None:
    """Roots point nowhere or at themselves; rows in a circle and below it have no depth."""
    assert depths(np.array([-1, 0, 1, 3, 3, 6, 5, 5])).tolist() == [0, 1, 2, 0, 1, -1, -1, -1]
    assert depths(np.arange(1_000) - 1).tolist() == list(range(1_000))


@pytest.mark.parametrize("size", [1, 2, 3, 50, 1_000])
def test_a_forest_of_any_size_has_roots_and_no_circle(size: int) -> None:
    """A small one leaves levels out, and still has a root."""
    real = np.array([-1, *(at // 2 for at in range(199))])
    trees, level = Trees.of(real)
    assert trees.about == "a forest of 8 levels with 0.5% roots"
    above = trees.grown(rng().choice(level, size), rng().random(size), rng())
    assert (depths(above) >= 0).all()
    assert 1 <= (above < 0).sum() <= max(1, round(0.02 * size))


def test_pairs_stay_pairs_and_webs_stay_webs() -> None:
    """Spouses point at each other; friends point anywhere but at themselves."""
    spouses = np.array([1, 0, 3, 2, -1, -1] * 20) + np.repeat(np.arange(20) * 6, 6)
    spouses[np.tile([4, 5], 20) + np.repeat(np.arange(20) * 6, 2)] = -1
    trees, level = Trees.of(spouses)
    assert trees.form == "pairs"
    above = trees.grown(level, rng().random(120), rng())
    linked = np.flatnonzero(above >= 0)
    assert len(linked) == 80
    assert (above[above[linked]] == linked).all()
    friends = (np.arange(100) + rng().integers(1, 100, 100)) % 100
    trees, level = Trees.of(friends)
    assert trees.form == "web"
    above = trees.grown(level, rng().random(100), rng())
    assert (above != np.arange(100)).all()
    assert (above >= 0).sum() >= 95
