"""The form of codes: whether values look like the examples, character class by character class."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from fabula.fakers.linear import linear_pattern

MOST_ODD = 0.05
"""Share of values that may have another form than every example (names with accents, say)."""


def form_problem(values: Sequence[Any], examples: Sequence[Any], pattern: str | None) -> str:
    """What is wrong with the form of some values, in words; empty if nothing is.

    A pattern holds for all values. Without one, examples that are codes (no spaces, with a digit
    or a sign) set the form: `TOO-0042` is capitals, a dash, four digits.
    """
    if pattern is not None:
        odd = [value for value in values if not linear_pattern(pattern).fullmatch(str(value))]
        wanted, most = f"do not match the pattern `{pattern}`", 0.0
    else:
        if not examples or not all(map(_is_code, examples)):
            return ""
        forms = set(map(_form, examples))
        odd = [value for value in values if _form(value) not in forms]
        wanted, most = f"do not have the form of the examples ({_quoted(examples)})", MOST_ODD
    if len(odd) <= most * len(values):
        return ""
    return f"{len(odd)} of {len(values)} values {wanted}, such as {_quoted(odd[:3])}."


def _is_code(example: Any) -> bool:
    return isinstance(example, str) and re.fullmatch(r"(?=.*[\d\W_])\S+", example) is not None


def _form(value: Any) -> str:
    """Runs of capitals and of small letters as one character each, every digit, every sign."""
    digits = re.sub(r"\d", "0", str(value))
    letters = "".join("A" if c.isupper() else "a" if c.isalpha() else c for c in digits)
    return re.sub(r"(A+|a+)", lambda found: found[0][0], letters)


def _quoted(values: Sequence[Any]) -> str:
    return ", ".join(repr(value) for value in values)
