"""Embeddings that depend on the text alone: words in common make texts near."""

from __future__ import annotations

import math
from hashlib import blake2b

DIMENSIONS = 32


def embedding(text: str) -> list[float]:
    """A unit vector for a text, the sum of its words' own vectors."""
    total = [0.0] * DIMENSIONS
    for word in text.lower().split() or [text]:
        digest = blake2b(word.encode(), digest_size=DIMENSIONS).digest()
        total = [value + (byte - 127.5) for value, byte in zip(total, digest, strict=True)]
    length = math.sqrt(sum(value * value for value in total))
    return [value / length for value in total]
