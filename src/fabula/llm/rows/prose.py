"""Tells prose from its wrapping, and refusals from prose."""

from __future__ import annotations

import re

_QUOTES = frozenset({('"', '"'), ("“", "”"), ("„", "“"), ("„", "”"), ("«", "»"), ("「", "」")})

REFUSAL_WORDS = 40
"""A text of more words is a text, however it begins."""

REFUSAL_LENGTH = 600
"""Likewise a longer one; it also bounds what the expression below may take."""

_FENCED = re.compile(r"^```[\w-]*\n(.*?)\n?```$", re.S)
_REFUSAL = re.compile(
    r"\W*((i['’]m |i am )?(so |very )?sorry|i apologi[sz]e|unfortunately)?\W*(but )?"
    r"(as an ai\b|i (cannot|can['’]t|can not|am unable to|am not able to|won['’]t)"
    r"(\W*$| (assist|help|comply|fulfil|provide|generate|create|write|do)\b"
    r".{0,40}\b(that|this|request|content|such)\b))",
    re.I,
)


def unwrapped(text: str) -> str:
    """A text without a fence or quotes around all of it."""
    if fenced := _FENCED.match(text):
        text = fenced.group(1).strip()
    quotes = (text[:1], text[-1:])
    if len(text) > 1 and quotes in _QUOTES and not set(quotes) & set(text[1:-1]):
        text = text[1:-1].strip()
    return text


def is_refusal(text: str) -> bool:
    """True when a short text only says that the model will not answer."""
    if len(text) > REFUSAL_LENGTH or len(text.split()) >= REFUSAL_WORDS:
        return False
    return _REFUSAL.match(text) is not None
