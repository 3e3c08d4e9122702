"""UUIDs: well formed, random in every free bit, repeatable."""

from __future__ import annotations

import hashlib
import uuid

import numpy as np
import pytest

from fabula.fakers.uuids import draw_uuids


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seed))


def test_every_text_is_a_version_4_uuid_in_canonical_form() -> None:
    texts = draw_uuids(rng(), 5_000).to_pylist()
    parsed = [uuid.UUID(text) for text in texts]
    assert {value.version for value in parsed} == {4}
    assert {value.variant for value in parsed} == {uuid.RFC_4122}
    assert [str(value) for value in parsed] == texts


def test_all_free_bits_are_fair() -> None:
    """Each of the 122 random bits is set in n/2 rows within six standard deviations."""
    n = 20_000
    bits = np.array([uuid.UUID(text).bytes for text in draw_uuids(rng(1), n).to_pylist()])
    counts = np.unpackbits(bits.view(np.uint8).reshape(n, 16), axis=1).sum(axis=0)
    fixed = {*range(48, 52), 64, 65}
    free = [bit for bit in range(128) if bit not in fixed]
    assert all(abs(counts[bit] - n / 2) < 6 * (n / 4) ** 0.5 for bit in free)


@pytest.mark.parametrize("n", [0, 1, 65_537])
def test_any_number_of_distinct_uuids_can_be_drawn(n: int) -> None:
    drawn = draw_uuids(rng(), n)
    drawn.validate(full=True)
    assert len(drawn.unique()) == n


def test_the_same_stream_gives_the_same_bytes() -> None:
    """Golden: a change here changes every user's data."""
    text = "\n".join(draw_uuids(rng(7), 70_000).to_pylist())
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "7e483059f72b5c30"
