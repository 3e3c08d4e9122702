"""Which parent each child gets."""

from __future__ import annotations

import numpy as np

from fabula.synthesizers.multitable.matching import (
    chosen_parents,
    chosen_within,
    counts_like,
    made_distinct,
)


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def test_numbers_of_children_have_the_real_distribution_and_the_models_order() -> None:
    """Cardinality is met, however few parents there are."""
    real = np.array([0, 0, 0, 1, 1, 2, 2, 3, 5, 9] * 30)
    wanted = rng().random(450)
    counts = counts_like(wanted, real, 1035, rng())
    assert (
        np.abs(np.quantile(counts, [0.1, 0.5, 0.9]) - np.quantile(real, [0.1, 0.5, 0.9])).max() <= 1
    )
    assert np.corrcoef(counts.argsort().argsort(), wanted.argsort().argsort())[0, 1] > 0.9
    assert counts_like(wanted, real, 1_000, rng()).sum() == 1_000
    assert counts_like(wanted, real, 20, rng()).sum() == 20
    assert counts_like(wanted, np.zeros(3, dtype=int), 5, rng()).sum() == 5
    assert counts_like(np.array([]), real, 0, rng()).size == 0


def test_a_count_that_all_parents_share_stays() -> None:
    """Of 200 countries each keeps all of its 61 years."""
    counts = counts_like(rng().random(200), np.full(200, 61), 200 * 61, rng())
    assert set(counts.tolist()) == {61}


def test_children_get_parents_of_their_group_and_every_place_is_taken_once() -> None:
    """Counts are met exactly; groups as far as there are places."""
    group = np.array([0, 0, 1, 1, 2])
    counts = np.array([3, 1, 2, 2, 0])
    wanted = np.array([0, 0, 0, 1, 1, 1, 2, 0])
    parents = chosen_parents(wanted, group, counts, np.arange(8), rng())
    assert np.bincount(parents, minlength=5).tolist() == counts.tolist()
    fits = group[parents] == wanted
    assert fits[wanted < 2].all()


def test_children_whose_group_has_no_parent_left_get_one_of_the_nearest_group() -> None:
    wanted, group, counts = np.array([0] * 6 + [1] * 2), np.array([0, 1, 2]), np.array([2, 2, 4])
    centres = np.array([[0.0], [9.0], [1.0]])
    parents = chosen_parents(wanted, group, counts, np.arange(8), rng(), centres=centres)
    assert np.bincount(parents[:6]).tolist() == [2, 0, 4]
    assert parents[6:].tolist() == [1, 1]


def test_pairs_are_made_distinct_without_changing_how_many_children_each_parent_has() -> None:
    """Link tables."""
    beside = np.repeat(np.arange(40), 5)
    parents = rng().integers(0, 12, 200)
    changed = made_distinct(parents, beside, rng())
    assert len(set(zip(changed.tolist(), beside.tolist(), strict=True))) == 200
    assert np.bincount(changed).tolist() == np.bincount(parents).tolist()


def test_pairs_are_distinct_even_where_one_parent_needs_nearly_every_partner() -> None:
    """A playlist of nearly all tracks."""
    parents = np.repeat([0, 1, 2], [40, 39, 21])
    beside = rng().permutation(np.repeat(np.arange(40), [3] * 20 + [2] * 20))
    changed = made_distinct(parents, beside, rng())
    assert len(set(zip(changed.tolist(), beside.tolist(), strict=True))) == 100
    assert np.bincount(changed).tolist() == [40, 39, 21]


def test_pairs_that_cannot_differ_keep_their_numbers() -> None:
    """Three children of one parent with two partners."""
    changed = made_distinct(np.array([0, 1, 0]), np.zeros(3, dtype=int), rng())
    assert sorted(changed.tolist()) == [0, 0, 1]


def test_parents_share_the_label_of_their_children() -> None:
    """Counts are met in proportion; where no parent has the label, there is none."""
    labels = (np.array([0, 0, 0, 1, 2]), np.array([0, 0, 1, 1]))
    nothing = (np.zeros(5, int), np.zeros(4, int))
    parents = chosen_within(*nothing, np.array([2, 1, 0, 0]), labels, rng())
    assert np.bincount(parents[:3], minlength=2).tolist() == [2, 1]
    assert parents[3] in (2, 3)
    assert parents[4] == -1
