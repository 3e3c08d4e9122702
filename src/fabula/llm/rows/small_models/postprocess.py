"""Cleans a small model's text, and detects unusable text."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

_SENTENCE_END = re.compile(r"[.!?…][\"')”’]?(?=\s|$)")
_SAME_CHARACTER = re.compile(r"(\S)\1{7}")
_NO_WORD = re.compile(r"[^\w\s]")


def tidy(text: str) -> str:
    """One line without bullets, enclosing quotes and loose ends."""
    text = " ".join(text.split()).lstrip("-•* ").rstrip(" ,;:-")
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1]
    return text.strip()


def whole_sentences(text: str) -> str:
    """The text up to its last sentence end; empty if no sentence ends."""
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    return text[: ends[-1]] if ends else ""


def loops(text: str) -> bool:
    """True if a text repeats itself, or a short one contains a word twice."""
    if _SAME_CHARACTER.search(text):
        return True
    words = plain(text).split()
    doubled = sum(left == right for left, right in pairwise(words))
    triples = list(zip(words, words[1:], words[2:], strict=False))
    return doubled > len(words) // 8 or len(set(triples)) < 0.7 * len(triples)


def plain(value: Any) -> str:
    """A value's words only, for comparing texts."""
    return " ".join(_NO_WORD.sub(" ", str(value)).casefold().split())
