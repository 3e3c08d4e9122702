"""Separates prose from its wrapping, and refusals from prose."""

from __future__ import annotations

import re

_QUOTES = frozenset({('"', '"'), ("“", "”"), ("„", "“"), ("„", "”"), ("«", "»"), ("「", "」")})

REFUSAL_WORDS = 40
"""A text with more words is not a refusal, however it begins."""

REFUSAL_LENGTH = 600
"""Likewise a longer one; this also bounds the regular expression below."""

_TAGGED = re.compile(r"<([a-z][\w-]*)>\s*([^<>]*?)\s*</\1>", re.I)
_WRAPPED = re.compile(
    r"\\(?:boxed|text)\{([^{}]+)\}|<!\[CDATA\[(.+)\]\]>|\*\*([^*]+)\*\*|> ([^\W\d][^\n]*)", re.S
)
"""What may wrap a whole text: a box, emphasis, a Markdown quote."""
MARKUP = re.compile(r"<|\b(?:x|ht)ml\b", re.I)
HTML = re.compile(
    r"a|article|b|blockquote|body|code|div|em|figure|h[1-6]|header|html|i|li|main|nav|ol|p|pre"
    r"|section|small|span|strong|sub|sup|table|u|ul",
    re.I,
)
RULE = re.compile(r"[ \t]*[-=_*]{3,}[ \t]*")
_FENCED = re.compile(r"^```[\w-]*\n(.*?)\n?```$", re.S)
_REFUSAL = re.compile(
    r"\W*((i['’]m |i am )?(so |very )?sorry|i apologi[sz]e|unfortunately)?\W*(but )?"
    r"(as an ai\b|i (cannot|can['’]t|can not|am unable to|am not able to|won['’]t)"
    r"(\W*$| (assist|help|comply|fulfil|provide|generate|create|write|do)\b"
    r".{0,40}\b(that|this|request|content|such)\b))",
    re.I,
)


def unwrapped(text: str) -> str:
    """A text without an enclosing fence or quotes."""
    if fenced := _FENCED.match(text):
        text = fenced.group(1).strip()
    quotes = (text[:1], text[-1:])
    if len(text) > 1 and quotes in _QUOTES and not set(quotes) & set(text[1:-1]):
        text = text[1:-1].strip()
    return text


def alone(text: str, asked: str) -> str:
    """A text without enclosing rules, tags and quotes."""
    lines = text.splitlines()
    while len(lines) > 1 and (RULE.fullmatch(lines[0]) or not lines[0].strip()):
        del lines[0]
    while len(lines) > 1 and (RULE.fullmatch(lines[-1]) or not lines[-1].strip()):
        del lines[-1]
    text = unwrapped("\n".join(lines))
    if (wrapped := _WRAPPED.fullmatch(text)) and not MARKUP.search(asked):
        text = unwrapped(next(filter(None, wrapped.groups())).strip())
    tagged = _TAGGED.fullmatch(text)
    if tagged and not HTML.fullmatch(tagged[1]) and not MARKUP.search(asked):
        text = unwrapped(tagged[2])
    return text


def is_refusal(text: str) -> bool:
    """True if a short text only says that the model will not answer."""
    if len(text) > REFUSAL_LENGTH or len(text.split()) >= REFUSAL_WORDS:
        return False
    return _REFUSAL.match(text) is not None
