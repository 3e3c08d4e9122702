"""No number that few rows, or few people, have comes out as it is."""

from __future__ import annotations

import itertools

import numpy as np
import pyarrow as pa
import pytest

import fabula as fb
from fabula.synthesizers.codecs.number_cells import bounds_of, sorted_numbers, without_extremes

PROTECT = 10


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("repeated", [False, True])
def test_each_cell_has_numbers_of_as_many_people_as_are_protected(seed, repeated):
    rng = np.random.default_rng(seed)
    levels = rng.integers(0, 200, rng.integers(1, 60))
    common = rng.choice(levels, rng.integers(1, 800))
    numbers = np.append(common, rng.integers(0, 400, rng.integers(0, 40))).astype(float)
    people = rng.integers(0, rng.integers(1, 100), len(numbers)) if repeated else None
    known, heads = sorted_numbers(numbers, people)
    inner = without_extremes(heads, PROTECT)
    known, heads = known[inner], heads[inner]
    bounds = bounds_of(known, heads, PROTECT)
    assert (len(bounds) > 0) == (len(known) > 0)
    for start, end in bounds if len(bounds) > 1 else ():
        assert heads[start:end].sum() >= PROTECT
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(bounds))


@pytest.mark.parametrize("model", ["boosted", "copula", "mixture"])
def test_a_number_of_one_row_between_common_ones_does_not_come_out(model):
    pay = pa.array([1_000, 2_000, 3_000] * 170 + [2_417])
    table = {"pay": pay, "age": np.random.default_rng(1).integers(20, 60, len(pay))}
    fitted = fb.fit(table, model=model, seed=1, holdout=0)
    made = set(fitted.sample(5_000, seed=2)["pay"].to_pylist())
    assert made == {1_000, 2_000, 3_000}
    assert "rare ones in 1 row become their neighbours" in fitted.card().columns["pay"]


@pytest.mark.parametrize("written", [False, True])
def test_numbers_of_one_person_each_are_no_more_learned_than_labels_of_one_person(written):
    """Thirty people with thirty orders each: whatever the number is, it tells who somebody is."""
    rng = np.random.default_rng(4)
    who = np.repeat(np.arange(30), 30)
    mails = np.array([f"u{at}@mail.example" for at in range(30)])[who]
    number = (rng.permutation(10**6)[:30] * 7 + 3)[who]
    shown = [f"{value:,}" for value in number.tolist()] if written else number
    table = {"mail": mails, "meter": shown, "amount": rng.gamma(2, 30, 900).round(2)}
    made = fb.fit(table, seed=1, rounds=5).sample(900, seed=2)["meter"].to_pylist()
    met = sum(value in set(np.asarray(shown).tolist()) for value in made)
    assert met < 0.02 * len(made)
