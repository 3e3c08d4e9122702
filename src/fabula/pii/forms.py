"""Kinds of personal details that have a form or a check digit: numbers, codes and addresses."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fabula.pii.kinds import DETECTORS, Finding, found_as
from fabula.pii.national_ids import SCHEMES, scheme_of

NEARLY_ALL = 0.9
"""The share of the values that have the form of their kind, at least."""

PHONE = re.compile(
    r"(\+|00)[1-9][\d ()./-]{6,20}( ?(x|ext\.?) ?\d{1,6})?"
    r"|\(\d{1,6}\)[ -]?\d[\d ./-]{4,14}( ?x\d{1,6})?"
    r"|0[1-9]\d{0,4}([ /-]\d{2,8}){1,5}|0[1-9]\d{7,10}|(\+?1[-. ])?[2-9]\d\d[-. ]\d{3}[-. ]\d{4}"
    r"( ?x\d{1,6})?|\+?\d{1,3} \(\d{2,5}\) ?[\d -]{5,12}|\d{2,4}-\d{3,4}-\d{4}|1[3-9]\d{9}"
    r"|8 ?\(?\d{3}\)? ?\d{3}[- ]?\d\d[- ]?\d\d|\d{2,5}([ ./-]\d{2,4}){2,4}|0\(?\d{2,5}\)? ?\d{5,9}"
)
SIGNED_PHONE = re.compile(
    r"([+(0]|\d{3}[-.]\d{3}[-.]\d{4})(?=.*[ ()./-]).{8,24}|\+\d{9,15}"
    r"|\d{3}[-.]\d{3}[-.]\d{4}( ?x\d{1,6})?|\+?\d{9,15}x\d{1,6}"
)
"""Phone numbers that nobody takes for another number, by their signs."""
DIGITS = re.compile(r"\d{9,15}")
CALLING = re.compile(
    r"1[2-9]\d{2}[2-9]\d{6}|[2-9]\d{2}[2-9]\d{6}|(?=\d{11})(20|27|3[0-469]|4[013-9]|5[1-8]|6[0-6]|7|"
    r"8[1246]|9[0-58]|35[1-9]|37[0-9]|38[0-79]|42[01]|97[0-9]|852|853|886|880)[1-9]\d{6,10}|"
    r"0[1-9]\d{7,10}"
)
MOBILE = tuple(
    map(re.compile, (r"1[3-9]\d{9}", r"0?[6-9]\d{9}", r"0?[789]0\d{8}", r"0?5[0-5]\d{8}"))
)
"""Mobile phones without a country code: China, India, Japan, Turkey."""
PLATE = re.compile(
    r"[A-ZÄÖÜ]{1,3}[- ][A-Z]{1,2}[- ]?\d{1,4}[EH]?|[A-Z]{2}\d{2} ?[A-Z]{3}|[A-Z]{2}-\d{3}-[A-Z]{2}|"
    r"[A-Z]{2} ?\d{3} ?[A-Z]{2}|\d{4}[- ]?[A-Z]{3}|[A-Z]{3}[- ]\d{3,4}|\d{3}[- ][A-Z]{3}|"
    r"\d[A-Z]{3}\d{3}|\d{1,3}[- ][A-Z]{1,3}[- ]?\d{1,4}|[A-Z]\d{3}[A-Z]{2} ?\d{2,3}|"
    r"[A-Z]{3}\d[A-Z0-9]\d{2}|[АВЕКМНОРСТУХ]\d{3}[АВЕКМНОРСТУХ]{2} ?\d{2,3}|"
    r"[A-Z]{1,2}\d ?[A-Z0-9]{3} ?[A-Z]{0,3}|\d{2} [A-Z]{1,3} \d{2,4}|[A-Z]{1,2} \d{4} [A-Z]{1,3}|"
    r"[A-Z]{3} \d\d[A-Z0-9]|[A-Z]{3}-?\d[A-Z]\d\d|([A-Z]{2}|[A-Z]{3}) (?=.*\d)[A-Z0-9]{4,5}"
)
MIXED_PLATE = re.compile(r"(?=.*[A-Z])(?=.*\d)(?=(\W?\w){5,8}$)[A-Z0-9]+([ •-][A-Z0-9]+){0,2}")
"""The form of plates where a country has many."""


def share(texts: Sequence[str], regex: re.Pattern[str], *, whole: bool = False) -> float:
    """The share of some texts in which a regular expression occurs, or which it matches."""
    match = regex.fullmatch if whole else regex.search
    return sum(match(text) is not None for text in texts) / len(texts)


def formed(texts: Sequence[str]) -> Finding | None:
    """The kind whose form nearly all texts have."""
    return _told(texts, are_checked=False)


def checked(texts: Sequence[str]) -> Finding | None:
    """Kinds that have check digits."""
    if (found := _told(texts, are_checked=True)) is not None:
        return found
    scheme = scheme_of(texts, share=NEARLY_ALL)
    if scheme is None:
        return None
    told = f"are valid as {SCHEMES[scheme].title}s"
    return found_as("national_id", NEARLY_ALL, told, scheme)


def _told(texts: Sequence[str], *, are_checked: bool) -> Finding | None:
    """The first kind whose form, with or without check digits, nearly all texts have."""
    for entry in DETECTORS.builtin().values():
        if entry.form and (entry.valid is not None) == are_checked:
            part = entry.share_of(texts, "")
            if part >= NEARLY_ALL:
                return found_as(entry.name, part, entry.told)
    return None
