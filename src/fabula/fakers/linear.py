"""Regular expressions of strangers, matched in linear time.

Python's own engine goes back over a text as often as the pattern asks: `(a+)+b` takes twice as long
with each letter. Arrow's engine (RE2) reads a text once. Arrow is loaded with the first pattern:
rows without patterns do without its memory.
"""

from __future__ import annotations

import re
from functools import lru_cache

_CLASSES = {"w": r"\p{L}\p{N}\p{M}_", "d": r"\p{Nd}", "s": r"\s\x{0b}\x{85}\x{a0}\x{2000}-\x{200a}"}
_SPECIAL = re.compile(r"\\u([0-9a-fA-F]{4})|\\Z|\\[wdsWDS]|\\.|\[\^?\]?|\]", re.DOTALL)


class LinearPattern:
    """A regular expression without look-around and back references.

    Raises:
        ValueError: It is none, or one that can't be matched in linear time.
    """

    def __init__(self, pattern: str) -> None:
        from pyarrow import ArrowException

        self.pattern = pattern
        self._anywhere = _translated(pattern)
        self._whole = rf"\A(?:{self._anywhere})\z"
        try:
            self.fullmatch("")
            self.search("")
        except (ArrowException, UnicodeEncodeError) as error:
            raise ValueError(str(error).partition("'")[0].strip(" :") or "no pattern") from error

    def fullmatch(self, text: str) -> bool:
        """Whether the whole of a text matches."""
        return _matches(self._whole, text)

    def search(self, text: str) -> bool:
        """Whether a part of a text matches."""
        return _matches(self._anywhere, text)


@lru_cache(maxsize=256)
def linear_pattern(pattern: str) -> LinearPattern:
    """The regular expression, compiled once."""
    return LinearPattern(pattern)


def _matches(pattern: str, text: str) -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc

    value = pa.scalar(text.encode("utf-8", "replace").decode(), pa.string())
    return bool(pc.match_substring_regex(value, pattern=pattern).as_py())


def _translated(pattern: str) -> str:
    """The pattern with classes of all scripts' letters and digits, as Python means them."""
    inside = False

    def one(found: re.Match[str]) -> str:
        nonlocal inside
        text = found.group()
        if found[1]:
            return rf"\x{{{found[1]}}}"
        if text == r"\Z":
            return r"\z"
        if text[0] == "\\" and text[1].lower() in _CLASSES:
            letters = _CLASSES[text[1].lower()]
            if text[1].islower():
                return letters if inside else f"[{letters}]"
            return text if inside else f"[^{letters}]"
        if text[0] == "[" and not inside:
            inside = True
            return text.replace("]", r"\]")
        if text[0] == "[":
            rest = text[1:]
            if rest.endswith("]"):
                inside = False
            return r"\[" + rest
        if text == "]" and inside:
            inside = False
        return text

    return _SPECIAL.sub(one, pattern)
