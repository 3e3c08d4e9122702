"""Attacks on masked data by someone without the key, each with the success of pure chance.

Every attack knows how the masker works, has public knowledge, and sees the masked data.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.privacy.release.attacks import Attack, Z, share_of


def frequency_attack(
    originals: pa.Array | pa.ChunkedArray, masked: pa.Array | pa.ChunkedArray
) -> Attack:
    """Match the ranks of masked values with the public ranks of the originals.

    The commonest masked value is taken for the commonest original, and so on: this undoes every
    masking that maps each value to one other.

    Args:
        originals: What the rows held; only the order of frequencies is public.
        masked: What they hold now.
    """
    old, old_ranks = _ranks(originals)
    new, new_ranks = _ranks(masked)
    guess = np.minimum(new_ranks[new], len(old_ranks))
    right = guess == old_ranks[old]
    # a guess that does not look at the row is right as often as both ranks are frequent
    size = max(int(guess.max()), int(old_ranks.max())) + 1
    shares = [np.bincount(ranks, minlength=size) / len(ranks) for ranks in (guess, old_ranks[old])]
    return share_of("frequency", right, float(shares[0] @ shares[1]))


def dictionary_attack(
    originals: Sequence[str], masked: Sequence[str], candidates: Sequence[str]
) -> Attack:
    """Hash every candidate as maskers without a key do, and look the results up.

    Args:
        originals: What the rows held.
        masked: What they hold now.
        candidates: What the attacker tries, such as all names or all dates.
    """
    found: dict[str, str] = {}
    for candidate in candidates:
        for text in _hashed(candidate):
            found.setdefault(text, candidate)
    guesses = (found.get(text[:12].lower()) for text in masked)
    right = np.array([guess == old for guess, old in zip(guesses, originals, strict=True)])
    return share_of("dictionary", right, 0.0)


def _hashed(text: str) -> Iterator[str]:
    for spelled in (text, text.casefold()):
        for name in ("md5", "sha1", "sha256", "sha512", "blake2b", "blake2s"):
            yield hashlib.new(name, spelled.encode(), usedforsecurity=False).hexdigest()[:12]


def weekday_attack(
    people: NDArray[np.int64],
    dates: NDArray[np.int64],
    shifts: NDArray[np.int64],
    *,
    possible: Sequence[int],
    profile: Sequence[float],
    seed: int = 0,
) -> Attack:
    """Guess each person's shift of dates from the days of the week on which nothing happens.

    Args:
        people: The person of each date, from 0.
        dates: The masked dates, in days.
        shifts: The true shift of each person, in days.
        possible: The shifts that the masker may use, which are public.
        profile: How often each day of the week occurs in the original, counted as days modulo 7.
        seed: Decides between guesses that are equally likely.
    """
    counts = np.zeros((int(people.max()) + 1, 7))
    np.add.at(counts, (people, dates % 7), 1.0)
    logs = np.log(np.maximum(np.asarray(profile, dtype=float) / np.sum(profile), 1e-6))
    by_turn = np.stack([counts @ np.roll(logs, turn) for turn in range(7)], axis=1)
    choices = np.asarray(possible)
    scores = (
        by_turn[:, choices % 7]
        + np.random.default_rng(seed).random((len(counts), len(choices))) * 1e-9
    )
    return share_of("weekday", choices[scores.argmax(axis=1)] == shifts, 1 / len(choices))


def order_attack(originals: Sequence[object], masked: Sequence[object]) -> Attack:
    """Rank correlation of old and new keys, or of row numbers: does their order tell something?

    Args:
        originals: The old keys, in the order of the rows.
        masked: The new keys of the same rows.
    """
    return _correlation("order", _places(originals), _places(masked))


def length_attack(originals: Sequence[str], masked: Sequence[str]) -> Attack:
    """Rank correlation of the lengths of old and new values.

    Args:
        originals: The old values.
        masked: The new values of the same rows.
    """
    return _correlation(
        "length", _places(list(map(len, originals))), _places(list(map(len, masked)))
    )


def _ranks(values: pa.Array | pa.ChunkedArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each row's value as a number, and the rank of each number by how often it occurs."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    encoded = pc.dictionary_encode(values)
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    order = np.argsort(-np.bincount(codes, minlength=len(encoded.dictionary)), kind="stable")
    ranks = np.empty(len(order), dtype=np.int64)
    ranks[order] = np.arange(len(order))
    return codes, ranks


def _places(values: Sequence[object]) -> NDArray[np.float64]:
    """Ranks, equal ones in the middle of theirs."""
    _, codes, counts = np.unique(np.asarray(values), return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    middles = ends - (counts + 1) / 2
    found: NDArray[np.float64] = middles[codes]
    return found


def _correlation(name: str, one: NDArray[np.float64], other: NDArray[np.float64]) -> Attack:
    """Spearman's correlation with Fisher's interval."""
    size = len(one)
    constant = not one.std() or not other.std()
    rho = 0.0 if constant else float(np.corrcoef(one, other)[0, 1])
    z, spread = math.atanh(min(max(rho, -0.999999), 0.999999)), 1.06 / math.sqrt(max(size - 3, 1))
    low, high = math.tanh(z - Z * spread), math.tanh(z + Z * spread)
    return Attack(name, size, rho, low, high, 0.0)
