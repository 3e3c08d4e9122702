"""Streams, permutations and steps: bijections and independence, whatever the names."""

from __future__ import annotations

from math import gcd

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabula.streams import Permutation, coprimes, mix, name_key, stream

NAMES = st.text(max_size=20)
SEEDS = st.integers(min_value=-(2**70), max_value=2**70)


@given(n=st.integers(1, 3_000), seed=SEEDS, table=NAMES, column=NAMES)
def test_a_permutation_is_a_bijection_of_any_size(
    n: int, seed: int, table: str, column: str
) -> None:
    """Unique values."""
    images = Permutation(n, seed, table, column)(np.arange(n))
    assert np.array_equal(np.sort(images), np.arange(n))


@given(n=st.integers(2**20, 2**62), seed=SEEDS)
def test_a_permutation_of_a_huge_domain_stays_inside_and_never_repeats(n: int, seed: int) -> None:
    index = np.unique(np.linspace(0, n - 1, 500).astype(np.int64).clip(0, n - 1))
    images = Permutation(n, seed, "t", "c")(index)
    assert len(np.unique(images)) == len(index)
    assert images.min() >= 0
    assert int(images.max()) < n


@pytest.mark.parametrize("index", [-1, 10, 99])
def test_a_permutation_refuses_what_lies_outside(index: int) -> None:
    """An error in bounded time."""
    with pytest.raises(IndexError, match="not in 0 … 9"):
        Permutation(10, 1, "t", "c")(np.array([index]))


def test_a_permutation_of_nothing_gives_nothing() -> None:
    assert not len(Permutation(0, 1, "t", "c")(np.arange(0)))


def test_a_permutation_looks_shuffled() -> None:
    """No order shows: neighbours are as far apart as chance has them."""
    n = 100_000
    images = Permutation(n, 7, "t", "c")(np.arange(n)).astype(float)
    assert abs(np.corrcoef(images[:-1], images[1:])[0, 1]) < 5 / np.sqrt(n)
    assert (images == np.arange(n)).sum() < 12


@given(n=st.integers(1, 10**12))
def test_steps_share_no_factor_with_the_size(n: int) -> None:
    steps = coprimes(n)
    assert len(steps) >= 1
    assert all(gcd(int(step), n) == 1 for step in steps)


@given(seed=SEEDS, table=NAMES, column=NAMES, block=st.integers(0, 2**40))
def test_a_stream_depends_on_its_names_alone(
    seed: int, table: str, column: str, block: int
) -> None:
    """The same key gives the same numbers."""
    first, again = (stream(seed, table, column, block).random(4) for _ in range(2))
    assert np.array_equal(first, again)


def test_streams_of_other_names_blocks_seeds_and_attempts_differ() -> None:
    keys = [(1, "a", "b", 0, 0), (2, "a", "b", 0, 0), (1, "b", "a", 0, 0), (1, "ab", "", 0, 0)]
    keys += [(1, "a", "b", 1, 0), (1, "a", "b", 0, 1), (-1, "a", "b", 0, 0)]
    drawn = {
        stream(seed, table, column, block, attempt=attempt).bytes(16)
        for seed, table, column, block, attempt in keys
    }
    assert len(drawn) == len(keys)


def test_streams_never_change() -> None:
    """Changes only with a deliberate change of streams, which changes everyone's data."""
    assert name_key("orders") == 5584380421345094869
    assert stream(7, "orders", "total", 3).integers(0, 2**32, 3).tolist() == [
        1475569503,
        3663787718,
        3342263526,
    ]
    assert Permutation(1000, 7, "orders", "total")(np.arange(4)).tolist() == [997, 885, 700, 215]


@given(value=st.integers(0, 2**64 - 1))
def test_mixing_leaves_its_input_alone(value: int) -> None:
    given_value = np.array([value], dtype=np.uint64)
    mix(given_value)
    assert int(given_value[0]) == value
