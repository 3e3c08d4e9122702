"""Finds JSON in what models actually send: fences, prose, wrappers, cut JSON.

Nothing here raises on any text, and nothing is invented: an object that the reply does not close is
dropped and reported, never completed.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

DEPTH = 64
"""Maximum nesting of JSON."""

MOST_STRAY = 5_000
"""Number of brackets without a JSON value after which the search ends."""

_QUOTES = "\"'“"
_SPACE = re.compile(r"[\s,;]*")
_BARE = re.compile(r"[^\s,\]}\"]+")
_WORDS = {"true": True, "false": False, "null": None, "none": None, "nan": float("nan")}
_ESCAPED = re.compile(r'"[\[{][\s\[{]*\\"')
_ESCAPED_NAME = re.compile(r'^\s*(?:```\w*\s*)?[\[{][\s\[{]*\\"')
_PLAIN_NAME = re.compile(r'(?<!\\)"')
_NAME = re.compile(r"[^\W\d]\w*(?=\s*:)")
_CURLY_TEXT = re.compile(r"“([^“”]*)”")
_PYTHON_TEXT = re.compile(r"'(?:[^'\\\n]|\\.)*'")
_WRAPPINGS = 3
"""How often JSON in a string may itself be a string of JSON."""


class CutObject(dict[str, Any]):
    """An object that the reply left open; usable as a wrapper of complete rows, never as a row."""


class CutList(list[Any]):
    """An array that the reply left open; its items are complete."""


class _NotJson(Exception):
    """There is no JSON value at this position."""


class _TooDeep(_NotJson):
    """The text is nested too deeply; so is the rest of it."""


class _Cut(Exception):
    """The text ended inside a value."""

    def __init__(self, partial: Any = None) -> None:
        self.partial = partial


@dataclass(frozen=True, slots=True)
class Piece:
    """A JSON value in a text, and its position."""

    value: Any
    start: int
    end: int


def json_values(text: str) -> Iterator[Any]:
    """Every JSON object and array in a text, in order; the last may be cut."""
    return (piece.value for piece in json_pieces(text))


def json_pieces(text: str) -> Iterator[Piece]:
    """Every JSON object and array in a text with its position, in order; the last may be cut."""
    try:
        yield Piece(unwrapped_json(json.loads(text)), 0, len(text))
    except (ValueError, RecursionError):
        if _ESCAPED_NAME.search(text) and not _PLAIN_NAME.search(text):
            text = text.replace('\\"', '"')  # the whole text is the inside of a string
        yield from _scan(text)


def unwrapped_json(value: Any) -> Any:
    """The object or array that a string contains, written as JSON or Python; else the value."""
    for _ in range(_WRAPPINGS):
        if not isinstance(value, str) or not value.strip().startswith(("{", "[", '"')):
            return value
        text = value.strip()
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            pieces = list(_scan(text))
            whole = len(pieces) == 1 and (pieces[0].start, pieces[0].end) == (0, len(text))
            return pieces[0].value if whole and not is_cut(pieces[0].value) else value
    return value


def is_cut(value: Any) -> bool:
    """True if the reply ended inside this value."""
    return isinstance(value, CutObject | CutList)


def _scan(text: str) -> Iterator[Piece]:
    """Try every opening bracket in turn; continue after each value found."""
    place = stray = 0
    while stray < MOST_STRAY and (start := _next_opening(text, place)) >= 0:
        try:
            value, place = _value(text, start, 0)
        except _TooDeep:
            return
        except _NotJson:
            place = start + 1
            stray += 1
            continue
        except _Cut as cut:
            yield Piece(cut.partial, start, len(text))
            return
        value = unwrapped_json(value)
        if not isinstance(value, str):
            yield Piece(value, start, place)


def _next_opening(text: str, place: int) -> int:
    """The next bracket, or the quote before it if the JSON is in a string."""
    found = [at for at in (text.find("{", place), text.find("[", place)) if at >= 0]
    start = min(found, default=-1)
    return start - 1 if start > place and _ESCAPED.match(text, start - 1) else start


def _value(text: str, place: int, depth: int) -> tuple[Any, int]:
    if place >= len(text):
        raise _Cut
    if depth > DEPTH:
        raise _TooDeep
    character = text[place]
    if character == "{":
        return _object(text, place + 1, depth)
    if character == "[":
        return _array(text, place + 1, depth)
    if character in _QUOTES:
        return _string(text, place)
    return _bare(text, place)


def _object(text: str, place: int, depth: int) -> tuple[dict[str, Any], int]:
    members: dict[str, Any] = {}
    try:
        while True:
            place = _skip(text, place)
            if text[place] == "}":
                return members, place + 1
            name, place = _name(text, place)
            place = _skip(text, place)
            if text[place] != ":":
                raise _NotJson
            members[name], place = _value(text, _skip(text, place + 1), depth + 1)
    except _Cut as cut:
        if cut.partial is not None:
            members[name] = cut.partial
        raise _Cut(CutObject(members)) from None


def _name(text: str, place: int) -> tuple[str, int]:
    """The name of a member: a string, or a bare JavaScript name."""
    if text[place] in _QUOTES:
        return _string(text, place)
    bare = _NAME.match(text, place)
    if bare is None:
        raise _NotJson
    return bare.group(), bare.end()


def _array(text: str, place: int, depth: int) -> tuple[list[Any], int]:
    items: list[Any] = []
    try:
        while True:
            place = _skip(text, place)
            if text[place] == "]":
                return items, place + 1
            item, place = _value(text, place, depth + 1)
            items.append(item)
    except _Cut:
        raise _Cut(CutList(items)) from None


def _skip(text: str, place: int) -> int:
    """The next character that is not a space, comma or semicolon; stray commas are forgiven."""
    match = _SPACE.match(text, place)
    place = match.end() if match else place
    if place >= len(text):
        raise _Cut
    return place


def _string(text: str, place: int) -> tuple[str, int]:
    if text[place] == "'":
        return _python_string(text, place)
    if text[place] == "“":
        curly = _CURLY_TEXT.match(text, place)
        if curly is None:
            raise _NotJson
        return curly[1], curly.end()
    try:
        value, end = _DECODER.parse_string(text, place + 1, False)
    except json.JSONDecodeError as problem:
        if problem.msg.startswith("Unterminated"):
            raise _Cut from None
        raise _NotJson from None
    return value, end


def _python_string(text: str, place: int) -> tuple[str, int]:
    """A Python string; an apostrophe inside it must be escaped."""
    match = _PYTHON_TEXT.match(text, place)
    if match is None:
        raise _Cut if "\n" not in text[place:] else _NotJson
    try:
        return ast.literal_eval(match.group()), match.end()
    except (ValueError, SyntaxError):
        raise _NotJson from None


def _bare(text: str, place: int) -> tuple[Any, int]:
    match = _BARE.match(text, place)
    if match is None:
        raise _NotJson
    word, end = match.group(), match.end()
    if end == len(text):
        raise _Cut
    if word.lower() in _WORDS:
        return _WORDS[word.lower()], end
    try:
        return json.loads(word), end
    except ValueError:
        raise _NotJson from None


_DECODER: Any = json.JSONDecoder()
