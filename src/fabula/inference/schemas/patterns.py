"""What a condition asks of a text as a regular expression of whole texts, which can be drawn."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress

from sqlglot import exp

from fabula.fakers.regex import PatternError, compile_pattern
from fabula.fakers.regex_syntax import parts_of

_LONGEST = 8
"""Characters that stand for `%` of a LIKE."""
_SOME = f"[a-z]{{1,{_LONGEST}}}"
_AROUND = "[a-z]{2,6}"
"""What stands around an expression that may stand anywhere."""
_FEW = 2
_CLASSES = {
    "upper": "A-Z", "lower": "a-z", "alpha": "A-Za-z", "digit": "0-9", "alnum": "A-Za-z0-9",
    "xdigit": "0-9a-f", "space": " ", "blank": " ", "punct": "!,.;:?", "word": "A-Za-z0-9_",
}  # fmt: skip
"""Classes of characters of POSIX."""


def regex_of(form: type[exp.Expression], pattern: str) -> str | None:
    """The regular expression whose texts match a pattern; None if none can be drawn.

    Args:
        form: What matches: `exp.RegexpLike`, `exp.Like`, `exp.Glob` and the like.
        pattern: The pattern.
    """
    if issubclass(form, exp.Like | exp.ILike):
        forms = [_of_signs(pattern, {"%": _SOME, "_": "[a-z]"})]
    elif issubclass(form, exp.Glob):
        forms = [_of_signs(pattern, {"*": _SOME, "?": "[a-z]"})]
    elif issubclass(form, exp.SimilarTo):
        forms = [pattern.replace("%", _SOME).replace("_", "[a-z]")]
    else:
        forms = _searched(pattern, whole=issubclass(form, exp.RegexpFullMatch))
    case = "(?i)" if issubclass(form, exp.RegexpILike) else ""
    for each in forms:
        regex = re.sub(r"\[:(\w+):\]", lambda found: _CLASSES.get(found[1], found[0]), each)
        with suppress(PatternError):
            compile_pattern(case + regex)
            return case + regex
    return None


def _searched(pattern: str, *, whole: bool) -> list[str]:
    """What fulfils a pattern that is sought in a text; a sign or two get something around them."""
    bare = pattern.removeprefix("^")
    ends = bare.endswith("$") and not bare.endswith("\\$")
    bare = bare[:-1] if ends else bare
    before = "" if whole or pattern.startswith("^") else _AROUND
    after = "" if whole or ends else _AROUND
    with suppress(re.error):
        if not (before or after) or parts_of(bare).getwidth()[0] > _FEW:
            return [bare]
    return [f"{before}({bare}){after}", bare]


def _of_signs(pattern: str, signs: Mapping[str, str]) -> str:
    """A LIKE or a GLOB as a regular expression; a backslash makes a sign mean itself."""
    sets = r"\[[^]]+\]|" if "*" in signs else ""
    parts = re.findall(rf"{sets}\\.|.", pattern, re.S)
    return "".join(
        signs.get(part) or (part if part[0] == "[" != part else re.escape(part[-1]))
        for part in parts
    )
