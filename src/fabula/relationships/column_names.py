"""What names of columns say."""

from __future__ import annotations

import re

_KEY_WORDS = ("id", "key", "pk")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def name_words(name: str) -> tuple[str, ...]:
    """A column's name as words: `customerID` and `Customer-Id` are `customer` and `id`."""
    return tuple(word.lower() for word in _WORD.findall(name))


def is_key_name(name: str) -> bool:
    """Whether a column is named like the identifier of something."""
    return name_words(name)[-1:] in {(word,) for word in _KEY_WORDS}
