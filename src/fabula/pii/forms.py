"""Kinds of personal details that have a form or a check digit: numbers, codes and addresses."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from fabula.pii.check_digits import is_account, is_card
from fabula.pii.kinds import Finding, found_as
from fabula.pii.national_ids import SCHEMES, scheme_of

NEARLY_ALL = 0.9
"""The share of the values that have the form of their kind, at least."""

DIGITS_OF_PLACES = (
    r"(?!(19|20)\d\d-[0-3])\d{4}-\d{3}|\d{5}-\d{4}|\d{2}-\d{3}|\d{5}-\d{3}|\d{3} \d{2}"
)
"""Postcodes that other codes look like; a year and a day of the year is none."""

_FORMS: Mapping[str, tuple[str, str]] = {
    "email": (r"[^@\s]+@[^@\s]+\.[^\W\d_]{2,}", "have the form of an e-mail"),
    "mac": (r"[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}|([0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}",
            "have the form of a MAC address"),
    "ip": (
        r"((25[0-5]|2[0-4]\d|1?\d?\d)(\.(?!$)|$)){4}|(?=.*:.*:)(?!\d{1,3}:\d\d:\d\d$)"
        r"[0-9A-Fa-f]{0,4}(:[0-9A-Fa-f]{0,4}){2,7}",
        "have the form of an IP address",
    ),
    "uuid": (r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", "are UUIDs"),
    "coordinates": (
        r"\(?[+-]?([0-8]?\d|90)\.\d{2,}\s*[,; ]\s*[+-]?(1[0-7]\d|\d?\d|180)\.\d{2,}\)?",
        "are a latitude and a longitude",
    ),
    "postcode": (
        r"[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}|[A-Z]\d[A-Z] ?\d[A-Z]\d|[1-9]\d{3} [A-Z]{2}"
        r"|〒?\d{3}-\d{4}|(D|A|CH|F|I)-\d{4,5}|" + DIGITS_OF_PLACES,
        "have the form of a postcode",
    ),
}  # fmt: skip

_VERSION = re.compile(r"\d(\.\d{1,2}){3}")

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
    re.compile(form)
    for form in (r"1[3-9]\d{9}", r"0?[6-9]\d{9}", r"0?[789]0\d{8}", r"0?5[0-5]\d{8}",
                 r"0?10[2-9]\d{7}", r"0?[67]\d{8}")
)  # fmt: skip
"""Mobile phones without a country code: China, India, Japan, Turkey, Korea, France and Spain."""
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
_CARD = re.compile(r"\d{4}([ -]?\d{4}){2}[ -]?\d{0,7}|\d{4}[ -]?\d{6}[ -]?\d{4,5}")
_ACCOUNT = re.compile(r"[A-Z]{2}\d{2}( ?[A-Z0-9]{1,4}){3,8}")


def share(texts: Sequence[str], regex: re.Pattern[str], *, whole: bool = False) -> float:
    """The share of some texts in which a regular expression occurs, or which it matches."""
    match = regex.fullmatch if whole else regex.search
    return sum(match(text) is not None for text in texts) / len(texts)


def formed(texts: Sequence[str]) -> Finding | None:
    """The kind whose form nearly all texts have."""
    for kind, (form, told) in _FORMS.items():
        part = share(texts, re.compile(form), whole=True)
        if part >= NEARLY_ALL and not (kind == "ip" and share(texts, _VERSION, whole=True) == 1):
            return found_as(kind, part, told)
    return None


def checked(texts: Sequence[str]) -> Finding | None:
    """Kinds that have check digits."""
    checks: Mapping[str, tuple[re.Pattern[str], Callable[[str], bool], str]] = {
        "account": (_ACCOUNT, is_account, "have the check digits of a bank account (IBAN)"),
        "card": (_CARD, is_card, "have the check digit of a card number (Luhn)"),
    }
    for kind, (form, valid, told) in checks.items():
        fit = [text for text in texts if form.fullmatch(text) and valid(text)]
        if len(fit) >= NEARLY_ALL * len(texts):
            return found_as(kind, len(fit) / len(texts), told)
    scheme = scheme_of(texts, share=NEARLY_ALL)
    if scheme is None:
        return None
    told = f"are valid as {SCHEMES[scheme].title}s"
    return found_as("national_id", NEARLY_ALL, told, scheme)
