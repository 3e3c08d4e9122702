"""Characters as a search sees them: one code each, whatever their case, accent, width or script.

Characters nobody sees (zero-width ones, combining marks) fold to 0 and are left out. Look-alikes
follow the confusables of Unicode Technical Standard 39, as far as they imitate Latin letters.
"""

from __future__ import annotations

import unicodedata

import numpy as np
from numpy.typing import NDArray

SEPARATOR, LETTER, DIGIT, ALONE = 0, 1, 2, 3
"""Classes of characters; one that stands alone is a word by itself, as in Chinese."""

CLASS, UPPER, LOWER = 3, 4, 8
"""Bits of a character's kind: its class, and whether it is a capital or a small letter."""

_KNOWN = 128
_LAST_ASCII = 127
_LOOKALIKES = str.maketrans(
    "авекмнорстухіјѕһԁԛԝѵαβεικμνορτυχζηγοօոսłđøæœıßþðħɑɡɩʀɴʟ",
    "abekmhopctyxijshdqwvabeikmnoptyxzhgoonuldoaoispdhagirnl",
)
_UNSEEN = frozenset("\u115f\u1160\u3164\uffa0\u2800")
_EASTERN = ((0x2E80, 0x2FDF), (0x3005, 0x3007), (0x3040, 0x30FF), (0x3400, 0x9FFF),
            (0xAC00, 0xD7AF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF), (0x0E00, 0x0E7F))  # fmt: skip
"""Scripts that put no spaces between words."""

_CODES = np.zeros(0x110000, dtype=np.uint32)
_KINDS = np.zeros(0x110000, dtype=np.uint8)


def folded(codes: NDArray[np.unsignedinteger]) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
    """Each code point's folded code and its kind.

    Args:
        codes: Code points, shape (n,).
    """
    kinds = _KINDS[codes]
    if not kinds.all():
        for code in np.unique(codes[kinds == 0]).tolist():
            _CODES[code], _KINDS[code] = _fold(chr(code))
        kinds = _KINDS[codes]
    return _CODES[codes], kinds


def are_unseen(codes: NDArray[np.unsignedinteger]) -> NDArray[np.bool_]:
    """Which code points beyond ASCII nobody sees."""
    unseen: NDArray[np.bool_] = (folded(codes)[0] == 0) & (codes > _LAST_ASCII)
    return unseen


def is_unseen(char: str) -> bool:
    """Whether a character changes nothing that a reader sees, or belongs to the one before it."""
    return char in _UNSEEN or unicodedata.category(char) in {"Cf", "Mn", "Me"}


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
