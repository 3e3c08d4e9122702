"""What names of columns say."""

from __future__ import annotations

import re
import unicodedata

_KEY_WORDS = ("id", "key", "pk")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+")
_COMPOUND = re.compile(r"(\w{3,})(nr|nummer|kennung|jahr|number|year)$")
"""Words that German, and some English, write as the end of another: `kundennr`, `modelyear`."""
_LETTERS = str.maketrans({"ß": "ss", "æ": "ae", "ø": "o", "œ": "oe", "ł": "l", "đ": "d", "ı": "i"})


def name_words(name: str) -> tuple[str, ...]:
    """A column's name as words: `customerID` and `Customer-Id` are `customer` and `id`.

    Letters lose their accents: `Geräte-Nr` and `geratenr` are `gerate` and `nr`.
    """
    plain = unicodedata.normalize("NFKD", name.translate(_LETTERS))
    words = _WORD.findall("".join(char for char in plain if not unicodedata.combining(char)))
    split = (_COMPOUND.sub(r"\1 \2", word.lower()).split() for word in words)
    return tuple(word for several in split for word in several)


def is_key_name(name: str) -> bool:
    """Whether a column is named like the identifier of something."""
    return name_words(name)[-1:] in {(word,) for word in _KEY_WORDS}
