"""Generates strings that match a regular expression.

Covers literals, classes, repeats, groups, back references and alternatives; lookarounds are
ignored.
"""

from __future__ import annotations

import random
import re
import string
from typing import Any

from fabula.fakers.regex_syntax import parts_of

LONGEST_REPEAT = 6
_PRINTABLE = string.ascii_letters + string.digits
_CATEGORIES = {
    "CATEGORY_DIGIT": string.digits,
    "CATEGORY_WORD": string.ascii_letters + string.digits + "_",
    "CATEGORY_SPACE": " ",
    "CATEGORY_NOT_DIGIT": string.ascii_letters,
    "CATEGORY_NOT_WORD": " -.",
    "CATEGORY_NOT_SPACE": _PRINTABLE,
}


def matching(rng: random.Random, pattern: str) -> str:
    """A string that matches the pattern; any word if the pattern can't be parsed."""
    try:
        return _follow(rng, parts_of(pattern), {})
    except (re.error, OverflowError, RecursionError):
        return "".join(rng.choices(string.ascii_lowercase, k=8))


def _follow(rng: random.Random, tree: Any, groups: dict[int, str]) -> str:
    return "".join(_step(rng, str(code), value, groups) for code, value in tree)


def _step(rng: random.Random, code: str, value: Any, groups: dict[int, str]) -> str:
    match code:
        case "LITERAL":
            return chr(value)
        case "NOT_LITERAL":
            return rng.choice([letter for letter in _PRINTABLE if letter != chr(value)])
        case "ANY":
            return rng.choice(_PRINTABLE)
        case "IN":
            return _member(rng, value)
        case "BRANCH":
            return _follow(rng, rng.choice(value[1]), groups)
        case "SUBPATTERN":
            made = _follow(rng, value[3], groups)
            if value[0] is not None:
                groups[value[0]] = made
            return made
        case "ATOMIC_GROUP":
            return _follow(rng, value, groups)
        case "GROUPREF":
            return groups.get(value, "")
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            low, high, inner = value
            count = rng.randint(low, min(int(high), low + LONGEST_REPEAT))
            return "".join(_follow(rng, inner, groups) for _ in range(count))
        case _:
            return ""


def _member(rng: random.Random, members: Any) -> str:
    """A character of a class such as `[a-z_]` or `[^/]`."""
    pool: list[str] = []
    negated = False
    for code, value in members:
        match str(code):
            case "NEGATE":
                negated = True
            case "LITERAL":
                pool.append(chr(value))
            case "RANGE":
                low, high = value
                pool += [chr(point) for point in range(low, min(high, low + 255) + 1)]
            case "CATEGORY":
                pool += _CATEGORIES.get(str(value), _PRINTABLE)
    if negated:
        pool = [letter for letter in _PRINTABLE + " -" if letter not in pool] or ["§"]
    return rng.choice(pool)
