"""Attacks succeed where masking is weak, and gain nothing where people are masked by a key."""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.masking_attacks import (
    dictionary_attack,
    frequency_attack,
    length_attack,
    order_attack,
    weekday_attack,
)

ROWS = 100_000


def names(rows: int, seed: int) -> np.ndarray:
    """Names drawn as they are in a country: by rank, (rank + 3)^-0.9."""
    weights = (np.arange(2_000) + 3.0) ** -0.9
    return np.random.default_rng(seed).choice(2_000, rows, p=weights / weights.sum())


def test_ranks_undo_a_masking_by_value_and_gain_nothing_over_one_by_person() -> None:
    old = names(ROWS, 1)
    by_value = np.random.default_rng(2).permutation(2_000)[old]
    undone = frequency_attack(pa.array(old), pa.array(by_value))
    assert undone.low > 0.25 > 10 * undone.baseline
    by_person = frequency_attack(pa.array(old), pa.array(names(ROWS, 3)))
    assert by_person.excess <= 0.005


def test_a_dictionary_undoes_hashes_without_a_key_and_no_others() -> None:
    old = [f"name {n}" for n in range(500)]
    plain = [hashlib.sha256(name.encode()).hexdigest() for name in old]
    keyed = [hashlib.blake2b(name.encode(), key=b"k" * 32).hexdigest() for name in old]
    assert dictionary_attack(old, plain, old).success == 1
    assert dictionary_attack(old, [text[:12] for text in plain], old).success == 1
    assert dictionary_attack(old, keyed, old).success == 0


@pytest.mark.parametrize(("step", "beyond_chance"), [(1, True), (7, False)])
def test_closed_sundays_tell_a_shift_by_days_and_none_by_weeks(
    step: int, beyond_chance: bool
) -> None:
    rng = np.random.default_rng(4)
    people = np.repeat(np.arange(4_000), 10)
    days = rng.integers(0, 900, len(people))
    days += days % 7 == 3  # closed on one day of the week
    possible = np.arange(-182, 183, step)
    shifts = rng.choice(possible, 4_000)
    profile = np.bincount(days % 7, minlength=7)
    found = weekday_attack(
        people, days + shifts[people], shifts, possible=possible.tolist(), profile=profile.tolist()
    )
    if beyond_chance:
        assert found.low > 3 * found.baseline
    else:
        assert found.low <= found.baseline <= found.high


def test_order_and_length_are_told_by_what_keeps_them() -> None:
    rng = np.random.default_rng(5)
    keys = np.arange(20_000)
    assert order_attack(keys.tolist(), (keys + 7).tolist()).success == pytest.approx(1)
    assert abs(order_attack(keys.tolist(), rng.permutation(20_000).tolist()).success) <= 0.02
    texts = ["x" * int(n) for n in rng.integers(2, 12, 20_000)]
    assert length_attack(texts, texts).success == pytest.approx(1)
    others = ["x" * int(n) for n in rng.integers(2, 12, 20_000)]
    assert abs(length_attack(texts, others).success) <= 0.02
