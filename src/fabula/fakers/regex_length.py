"""How long the strings of a regular expression are, and the same expression for other lengths."""

from __future__ import annotations

import math
import re
from contextlib import suppress

from fabula.fakers.regex_syntax import parts_of

_TOKENS = re.compile(r"\\.|\[(?:\\.|[^]\\])*\]|\{\d+,\d*\}|.", re.S)
_REPEAT = re.compile(r"[+*]|\{(\d+),(\d*)\}")
_OFTEN = 10_000
"""How often a repeat without an end goes at most."""
_MORE = 8
"""How often it goes beyond its least, as strings are drawn."""


def with_length(regex: str, shortest: int, longest: int | None) -> str:
    """A regular expression whose texts have a length, where its repeats leave room for it.

    Args:
        regex: The expression of whole texts.
        shortest: Fewest characters.
        longest: Most characters.
    """
    parts = _TOKENS.findall(regex)
    repeats = {n: _ends(part) for n, part in enumerate(parts) if _REPEAT.fullmatch(part)}
    if not repeats or (shortest < 1 and longest is None):
        return regex

    def repeated(more: int, wider: int) -> str:
        made = list(parts)
        for place, (low, high) in repeats.items():
            least = min(low + more, high)
            made[place] = f"{{{least},{min(least + wider, high)}}}"
        return "".join(made)

    most = math.inf if longest is None else longest
    for more in range(shortest + 1):
        for wider in range(_MORE, -1, -1):
            with suppress(re.error):
                least, reach = parts_of(made := repeated(more, wider)).getwidth()
                if least >= shortest and reach <= most:
                    return regex if (more, wider) == (0, _MORE) else made
    return regex


def widths(regex: str) -> tuple[int, int]:
    """Fewest and most characters of the texts that are drawn for a regular expression."""
    parts = _TOKENS.findall(regex)
    for place, part in enumerate(parts):
        if _REPEAT.fullmatch(part):
            low, high = _ends(part)
            parts[place] = f"{{{low},{min(low + _MORE, high) if high == _OFTEN else high}}}"
    least, most = parts_of("".join(parts)).getwidth()
    return int(least), int(most)


def _ends(repeat: str) -> tuple[int, int]:
    """How often a repeat goes at least and at most."""
    if repeat in "+*":
        return int(repeat == "+"), _OFTEN
    low, high = _REPEAT.findall(repeat)[0]
    return int(low), int(high or _OFTEN)
