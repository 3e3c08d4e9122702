"""The number that an answer states, exactly."""

from __future__ import annotations

import math
import re
from fractions import Fraction

_NUMBER = re.compile(
    r"(?<![\w.,])(?P<sign>[-−+]?)\s?[$€£¥]?\s?"
    r"(?P<whole>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,3}(?:\.\d{3})+,\d+|\d+(?:[.,]\d+)?|\.\d+)"
    r"(?:e(?P<power>[-+]?\d{1,3}))?(?:\s*/\s*(?P<below>\d+))?\s*(?P<percent>%?)(?!\w*\d)",
    re.I,
)
_BOXED = re.compile(r"\\boxed\{([^{}]*)\}")
_FRACTION = re.compile(r"\\d?frac\{(\d+)\}\{(\d+)\}")
_STATED = re.compile(r"\b(?:answer|result|total)\b[^.\d\n=:]{0,40}(?:is|=|:)\s*([^\n]{1,40})", re.I)


def number_in(text: object) -> Fraction | None:
    """The one number that a text states; None if it states none, or several.

    Of `6 x 7 = 42` it is what stands behind the last sign. A percentage is its hundredth part only
    where both are compared, so `50%` is 50.

    Examples:
        >>> number_in("The total is $1,299.50.")
        Fraction(2599, 2)
        >>> number_in("41 or 42") is None
        True
    """
    if isinstance(text, bool) or text is None:
        return None
    if isinstance(text, int | float):
        return Fraction(str(text)) if math.isfinite(text) else None
    said = _FRACTION.sub(r"\1/\2", str(text))
    boxed = _BOXED.findall(said)
    said = boxed[-1] if boxed else said.rpartition("=")[2]
    found = [_value(each) for each in _NUMBER.finditer(said)]
    return found[0] if found and None not in found and len(set(found)) == 1 else None


def contradicted(reasoning: str, answer: Fraction) -> bool:
    """Whether a reasoning ends with another result than the answer."""
    stated = [number_in(text) for text in _STATED.findall(reasoning)]
    known = [value for value in stated if value is not None]
    return bool(known) and not is_close(known[-1], answer)


def is_close(one: Fraction, other: Fraction, tolerance: float = 1e-6) -> bool:
    """Whether two numbers are the same, but for a relative difference."""
    return abs(one - other) <= Fraction(tolerance) * max(abs(one), abs(other))


def _value(found: re.Match[str]) -> Fraction | None:
    text = found["whole"]
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", text):
        text = text.replace(",", "")
    elif "," in text:  # a decimal comma
        text = text.replace(".", "").replace(",", ".")
    value = Fraction(text) * Fraction(10) ** int(found["power"] or 0)
    if found["below"]:
        if not int(found["below"]):
            return None
        value /= int(found["below"])
    return -value if found["sign"] in ("-", "−") else value
