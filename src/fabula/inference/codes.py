"""The pattern of codes: texts of one length whose places hold signs of one class each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_SIMPLE = (("[A-Z]", str.isupper), ("[a-z]", str.islower), (r"\d", str.isdigit))
_MIXED = (
    ("[A-Z0-9]", re.compile(r"[A-Z0-9]+")),
    ("[a-z0-9]", re.compile(r"[a-z0-9]+")),
    ("[A-Za-z0-9]", re.compile(r"[A-Za-z0-9]+")),
)
_HEX = (("[0-9a-f]", frozenset("0123456789abcdef")), ("[0-9A-F]", frozenset("0123456789ABCDEF")))
_RUNS = re.compile(r"[A-Z]+|[0-9]+|[^A-Z0-9]+")
LONGEST_NUMBER = 18
"""Digits of numbers that 64 bits hold for certain."""
_LEAST_HEX = 4
_LONGEST = 64
_FEWEST = 20
"""Texts from which a mixture of letters and digits in one place is not chance."""
_ENOUGH, _FEW_LETTERS = 30, 6
"""Texts from which so few letters in one place, or one sign, are all that are there."""

_VOWELS = re.compile("[aeiou]", re.IGNORECASE)
_NO_WORD = 0.05
"""Codes of letters without any vowel are at least this share; no language has that many."""


def code_pattern(texts: Sequence[str]) -> str | None:
    """The regular expression of codes, or None if texts are none.

    Args:
        texts: Texts without nulls, at least one.
    """
    if len({len(text) for text in texts}) != 1 or not 2 <= len(texts[0]) <= _LONGEST:
        return None
    places = [frozenset(place) for place in zip(*texts, strict=True)]
    sure = len(set(texts)) >= _ENOUGH
    classes = _hexadecimal(places, len(texts)) or [
        literal(*place) if sure and len(place) == 1 else _class(place, len(texts))
        for place in places
    ]
    known = [item for item in classes if item is not None]
    if len(known) < len(classes):
        return None
    has_digits = any(map(str.isdigit, texts[0])) or any("0-9" in item for item in known)
    return _runs(known) if has_digits or are_letter_codes(texts) else None


def number_pattern(texts: Sequence[str]) -> str | None:
    """The regular expression of numbers of which some are too long for 64 bits.

    Args:
        texts: Texts without nulls, at least one.
    """
    parts = [text.partition(".") for text in texts]
    low, high = (end(len(whole) for whole, _, _ in parts) for end in (min, max))
    tails = {len(tail) for _, _, tail in parts}
    plain = all(whole.isdecimal() and whole[0] != "0" for whole, _, _ in parts)
    tail = tails.pop()
    if not plain or tails or high + tail <= LONGEST_NUMBER:
        return None
    after = f"\\.\\d{{{tail}}}" if tail else ""
    width = f"{low - 1}" if low == high else f"{low - 1},{high - 1}"
    return f"[1-9]\\d{{{width}}}{after}"


def run_pattern(texts: Sequence[str]) -> str | None:
    """The regular expression of codes of different lengths: `A7`, `B12`, `KX130`.

    All of them have capital letters and digits in the same order, and whatever else is the same.

    Args:
        texts: Texts without nulls, at least one.
    """
    split = [_RUNS.findall(text) for text in texts]
    kinds = {tuple(map(_kind, parts)) for parts in split}
    if len(kinds) != 1 or len(texts) < _FEWEST or max(map(len, texts)) > _LONGEST:
        return None
    found: list[str] = []
    for kind, parts in zip(kinds.pop(), zip(*split, strict=True), strict=True):
        if kind == parts[0] or len(set(parts)) == 1:
            found.append(re.escape(parts[0]))
        else:
            low, high = min(map(len, parts)), max(map(len, parts))
            width = f"{low}" if low == high else f"{low},{high}"
            few = few_letters(frozenset(parts), len(texts)) or kind
            found.append(few if high == 1 else f"{kind}{{{width}}}")
    varied = "".join(part[0] for part in found if part.startswith(("[", r"\d")))
    return "".join(found) if set(varied) == {"[", "\\"} else None


def _kind(run: str) -> str:
    """The class of capital letters or digits; anything else stands for itself."""
    if run.isdecimal():
        return r"\d"
    return "[A-Z]" if "A" <= run[0] <= "Z" else run


def are_letter_codes(texts: Sequence[str]) -> bool:
    """Whether texts of letters are codes and no words: `KJFK`, `xqtb`, `MSFT`.

    Args:
        texts: Texts without nulls, at least one.
    """
    if len(set(texts)) < _FEWEST or not all(text.isascii() and text.isalpha() for text in texts):
        return False
    silent = sum(_VOWELS.search(text) is None for text in texts)
    return silent >= _NO_WORD * len(texts)


def is_mixed(pattern: str) -> bool:
    """Whether a place of a pattern holds letters as well as digits."""
    return "0-9" in pattern


def _hexadecimal(places: Sequence[frozenset[str]], rows: int) -> list[str | None] | None:
    """The classes of hexadecimal numbers, also of such with hyphens or with `0x` before them.

    Digits are in each of their places; in one that holds nothing else they are decimal.
    """
    if rows < _FEWEST:
        return None
    free = [place for place in places if len(place) > 1]
    letters = frozenset[str]().union(*free)
    for name, digits in _HEX:
        mixed = any(map(str.isalpha, letters)) and not any(map(_is_letters, free))
        if letters <= digits and mixed and len(free) >= _LEAST_HEX:
            return [
                re.escape(*place) if len(place) == 1 else _simple(place) or name for place in places
            ]
    return None


def _is_letters(place: Iterable[str]) -> bool:
    return all(map(str.isalpha, place))


def few_letters(place: frozenset[str], rows: int) -> str | None:
    """The letters themselves, if they are few in many texts."""
    few = rows >= _ENOUGH and 1 < len(place) <= _FEW_LETTERS
    return f"[{''.join(sorted(place))}]" if few and _is_letters(place) else None


def _class(place: frozenset[str], rows: int) -> str | None:
    if place == {"0"} and rows >= _FEWEST:
        return "0"
    if len(place) == 1:
        (sign,) = place
        return _simple(place) or literal(sign)
    if (letters := few_letters(place, rows)) is not None:
        return letters
    if (simple := _simple(place)) is not None or rows < _FEWEST:
        return simple
    signs = "".join(place)
    return next((name for name, allowed in _MIXED if allowed.fullmatch(signs)), None)


def literal(text: str) -> str:
    """A text as a regular expression."""
    return re.sub(r"([.^$*+?{}\[\]\\|()])", r"\\\1", text)


def _simple(place: Iterable[str]) -> str | None:
    return next((name for name, test in _SIMPLE if all(map(test, place))), None)


def _runs(classes: Sequence[str]) -> str:
    """Write `XXX` as `X{3}`."""
    parts: list[tuple[str, int]] = []
    for item in classes:
        if parts and parts[-1][0] == item:
            parts[-1] = (item, parts[-1][1] + 1)
        else:
            parts.append((item, 1))
    return "".join(item if count == 1 else f"{item}{{{count}}}" for item, count in parts)
