"""Names as plain ASCII, for e-mail addresses and user names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

_OTHER = re.compile("[^a-z]")

_LETTERS = {
    "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i",
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ё": "e", "ж": "zh", "з": "z",
    "и": "i", "й": "y", "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r",
    "с": "s", "т": "t", "у": "u", "ф": "f", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh",
    "щ": "shch", "ъ": "", "ы": "y", "ь": "", "э": "e", "ю": "yu", "я": "ya",
}  # fmt: skip
"""Letters that Unicode doesn't decompose, and Russian."""

_HANGUL_FIRST, _HANGUL_LAST = 0xAC00, 0xD7A3
_INITIALS = [
    "g", "kk", "n", "d", "tt", "r", "m", "b", "pp", "s", "ss", "", "j", "jj", "ch", "k", "t", "p",
    "h",
]  # fmt: skip
_VOWELS = [
    "a", "ae", "ya", "yae", "eo", "e", "yeo", "ye", "o", "wa", "wae", "oe", "yo", "u", "wo", "we",
    "wi", "yu", "eu", "ui", "i",
]  # fmt: skip
_FINALS = [
    "", "k", "k", "k", "n", "n", "n", "t", "l", "k", "m", "l", "l", "l", "p", "l", "m", "p", "p",
    "t", "t", "ng", "t", "t", "k", "t", "p", "t",
]  # fmt: skip


def to_ascii(name: str, own: Mapping[str, str] | None = None) -> str:
    """A name in lower-case ASCII letters; empty for a script without a transliteration here.

    `own` are spellings that the locale prefers, such as `ä` as `ae`.
    """
    lower = name.lower()
    if lower.isascii():
        return lower if lower.isalpha() else _OTHER.sub("", lower)
    letters: list[str] = []
    for char in lower:
        if own and char in own:
            letters.append(own[char])
        elif char in _LETTERS:
            letters.append(_LETTERS[char])
        elif _HANGUL_FIRST <= ord(char) <= _HANGUL_LAST:
            letters.append(_romanise_syllable(ord(char) - _HANGUL_FIRST))
        else:
            letters.append(unicodedata.normalize("NFKD", char))
    return _OTHER.sub("", "".join(letters))


def _romanise_syllable(code: int) -> str:
    """The Revised Romanisation of one Hangul syllable, letter by letter."""
    initial, rest = divmod(code, len(_VOWELS) * len(_FINALS))
    vowel, final = divmod(rest, len(_FINALS))
    return _INITIALS[initial] + _VOWELS[vowel] + _FINALS[final]
