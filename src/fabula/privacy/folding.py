"""Characters as a search sees them: one code each, whatever their case, accent, width or script.

Characters nobody sees (zero-width ones, combining marks) fold to 0 and are left out, so composed
(NFC) and decomposed (NFD) letters are the same. Look-alikes follow the confusables of Unicode
Technical Standard 39, as far as they imitate Latin letters.
"""

from __future__ import annotations

import unicodedata

import numpy as np
from numpy.typing import NDArray

SEPARATOR, LETTER, DIGIT, ALONE = 0, 1, 2, 3
"""Classes of characters; one that stands alone is a word by itself, as in Chinese."""

CLASS, UPPER, LOWER = 3, 4, 8
"""Bits of a character's kind: its class, and whether it is a capital or a small letter."""

LEAST_EASTERN = 3
"""Signs of a whole name in a script without spaces that are hardly anything else."""

_KNOWN = 128
_LAST_ASCII = 127
_LOOKALIKES = str.maketrans(
    "авекмнорстухіјѕһԁԛԝѵαβεικμνορτυχζηγοօոսłđøæœıßþðħɑɡɩʀɴʟ",
    "abekmhopctyxijshdqwvabeikmnoptyxzhgoonuldoaoispdhagirnl",
)
_UNSEEN = frozenset("\u115f\u3164\uffa0\u2800") | frozenset(map(chr, range(0x1160, 0x1200)))
_EASTERN = ((0x2E80, 0x2FDF), (0x3005, 0x3007), (0x3040, 0x30FF), (0x3400, 0x9FFF),
            (0xAC00, 0xD7AF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF), (0x0E00, 0x0E7F))  # fmt: skip
"""Scripts that put no spaces between words."""

_SYLLABLES, _LEADS, _VOWELS, _TAILS = 0xAC00, 0x1100, 0x1161, 0x11A7
"""Where Hangul's syllables, and the letters that they fall apart into, start in Unicode (3.12)."""

_AFTER_LETTERS = 0x1200
_LEAD_COUNT, _VOWEL_COUNT, _TAIL_COUNT = 19, 21, 28
_CODES = np.zeros(0x110000, dtype=np.uint32)
_KINDS = np.zeros(0x110000, dtype=np.uint8)


def folded(
    raw: NDArray[np.unsignedinteger],
) -> tuple[NDArray[np.unsignedinteger], NDArray[np.uint8]]:
    """The folded code and the kind of each code point of a text.

    Args:
        raw: Code points, shape (n,); in bytes if all are of ASCII.
    """
    if raw.dtype == np.uint8:
        data = raw.tobytes()
        codes, kinds = (np.frombuffer(data.translate(table), np.uint8) for table in _ASCII)
        return codes, kinds
    wide, kinds = _looked_up(raw)
    if ((raw >= _LEADS) & (raw < _AFTER_LETTERS)).any():
        _join_syllables(raw, wide, kinds)
    return wide, kinds


def _looked_up(
    codes: NDArray[np.unsignedinteger],
) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
    kinds = _KINDS[codes]
    if not kinds.all():
        for code in np.unique(codes[kinds == 0]).tolist():
            _CODES[code], _KINDS[code] = _fold(chr(code))
        kinds = _KINDS[codes]
    return _CODES[codes], kinds


def are_unseen(codes: NDArray[np.unsignedinteger]) -> NDArray[np.bool_]:
    """Which code points beyond ASCII nobody sees."""
    unseen: NDArray[np.bool_] = (_looked_up(codes)[0] == 0) & (codes > _LAST_ASCII)
    return unseen


def is_unseen(char: str) -> bool:
    """Whether a character changes nothing that a reader sees, or belongs to the one before it."""
    category = unicodedata.category(char)
    return char in _UNSEEN or category in {"Cf", "Mn", "Me", "Mc"}


def are_eastern(codes: NDArray[np.unsignedinteger]) -> NDArray[np.bool_]:
    """Which folded codes are of scripts without spaces, where two or three signs are a name."""
    eastern: NDArray[np.bool_] = _looked_up(codes)[1] & CLASS == ALONE
    return eastern


def _fold(char: str) -> tuple[int, int]:
    if is_unseen(char):
        return 0, _KNOWN
    digit = unicodedata.digit(char, None)
    if digit is not None:
        return ord(str(digit)), _KNOWN | DIGIT
    plain = unicodedata.normalize("NFKD", char)
    if "\uac00" <= char <= "\ud7af":
        plain = char  # syllables, which would fall apart into letters
    base = next((each for each in plain.casefold() if not is_unseen(each)), char)
    base = base.translate(_LOOKALIKES)
    if not base.isalnum():
        return ord(base), _KNOWN | SEPARATOR
    if base.isdigit():
        return ord(base), _KNOWN | DIGIT
    if any(low <= ord(base) <= high for low, high in _EASTERN):
        return ord(base), _KNOWN | ALONE
    case = UPPER if char.isupper() or char.istitle() else LOWER if char.islower() else 0
    return ord(base), _KNOWN | LETTER | case


def _join_syllables(
    raw: NDArray[np.unsignedinteger], codes: NDArray[np.uint32], kinds: NDArray[np.uint8]
) -> None:
    """Give syllables of Hangul that are written letter by letter the code of the syllable.

    The first letter gets it; the others are unseen anyway.

    Args:
        raw: Code points, shape (n,).
        codes: Their folded codes, which change.
        kinds: Their kinds, which change.
    """
    letters = raw.astype(np.int64)
    is_vowel = (letters >= _VOWELS) & (letters < _VOWELS + _VOWEL_COUNT)
    is_lead = (letters >= _LEADS) & (letters < _LEADS + _LEAD_COUNT)
    leads = np.flatnonzero(is_lead[:-1] & is_vowel[1:])
    pairs = (letters[leads] - _LEADS) * _VOWEL_COUNT + letters[leads + 1] - _VOWELS
    codes[leads] = _SYLLABLES + pairs * _TAIL_COUNT
    kinds[leads] = _KNOWN | ALONE
    tails = np.flatnonzero((letters[1:] > _TAILS) & (letters[1:] < _TAILS + _TAIL_COUNT)) + 1
    first = np.maximum(tails - 1 - is_vowel[tails - 1], 0)
    syllable = codes[first].astype(np.int64) - _SYLLABLES
    is_open = (syllable >= 0) & (syllable < _LEAD_COUNT * _VOWEL_COUNT * _TAIL_COUNT)
    is_open &= syllable % _TAIL_COUNT == 0
    first, tails = first[is_open], tails[is_open]
    codes[first] += (letters[tails] - _TAILS).astype(np.uint32)


_ASCII = tuple(
    each.astype(np.uint8).tobytes().ljust(256, b"\0")
    for each in _looked_up(np.arange(_LAST_ASCII + 1, dtype=np.uint8))
)
"""The codes and kinds of bytes."""
