"""Words and sentences of common words, in the form that real ones have."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from fabula.fakers.pools import provider_pool

_WORDS = 2_000

_ADDRESSES = frozenset({"com", "http", "https", "mailto", "net", "org", "www"})
"""Words of addresses on the web, which tell nothing and without which they are none."""


@lru_cache(maxsize=1)
def common_words() -> list[str]:
    """Common words of English."""
    return [str(word) for word in provider_pool("text.word", "en", _WORDS, 0).to_pylist()]


def form_of_part(token: str) -> str:
    """The form of a part of a name: digits, a word, or a sign that stays."""
    if token.isdigit():
        return "9" * len(token)
    if token in _ADDRESSES:
        return token
    if token.isalpha():
        if token.isupper():
            return "W" if len(token) > 1 else "L"
        return "Ww" if token[0].isupper() else "w"
    return token


def filled(part: str, words: list[str], rng: np.random.Generator) -> str:
    """A part of a name in some form; a sign stays."""
    if part[0] == "9":
        digits = rng.integers(0, 10, len(part))
        digits[0] = max(int(digits[0]), 1)
        return "".join(map(str, digits))
    if part == "L":
        return chr(ord("A") + int(rng.integers(0, 26)))
    if part in ("W", "Ww", "w"):
        word = words[int(rng.integers(0, len(words)))]
        return word.upper() if part == "W" else word.capitalize() if part == "Ww" else word
    return part


def sentences(length: int, words: list[str], rng: np.random.Generator) -> str:
    """Sentences of common words, of some characters in all."""
    text, start = "", True
    ends = int(rng.integers(6, 15))
    while len(text) < length:
        word = words[int(rng.integers(0, len(words)))]
        text += (" " if text else "") + (word.capitalize() if start else word)
        ends -= 1
        start = ends <= 0
        if start:
            text, ends = f"{text}.", int(rng.integers(6, 15))
    text = text[: max(length - 1, 1)].rstrip(" .")
    return f"{text}." if length > 1 else text
