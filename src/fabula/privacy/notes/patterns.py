"""Numbers and addresses that their form and check digits tell, whoever they belong to."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from fabula.pii.check_digits import is_account, is_card
from fabula.pii.national_ids import SCHEMES
from fabula.privacy.folding import CLASS, DIGIT
from fabula.privacy.notes.detectors import Span
from fabula.privacy.squeezed import Squeezed

_FEWEST_DIGITS = 6

_EMAIL = re.compile(r"[\w\u0300-\u036f.+%-]+@[\w-]+(?:\.[\w-]+)*\.[^\W\d_]{2,}")
_NUMBER = re.compile(
    r"(?:(?<![\w.,#-])|(?<=,)(?=\+))((?:\+|\()?\d(?:[ ()./\u00a0-]{0,2}\d){6,19})"
    r"(?: ?(?:x|ext\.?) ?\d{1,6})?(?![\w#])"
)
_ACCOUNT = re.compile(
    r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b|\b[a-z]{2}\d{2}[a-z0-9]{11,30}\b"
)
_ADDRESS = re.compile(
    r"(?<![\w.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\w]|\.\d)"
    r"|(?<![\w:])(?:[0-9A-Fa-f]{1,4}:){3,7}[0-9A-Fa-f:]{1,9}[0-9A-Fa-f](?![\w:])"
)
_CODE = re.compile(r"\b(?=[A-Z0-9-]*[A-Z])(?=[A-Z0-9-]*\d)[A-Z0-9][A-Z0-9-]{7,18}[A-Z0-9]\b")
_PHONE = re.compile(
    r"\+[1-9][\d ()./\u00a0-]{7,20}|\(\d{1,6}\)[ -]?\d[\d ./-]{4,14}|\d{3}[-. ]\d{3}[-. ]\d{4}"
    r"|00[1-9][\d ()./-]{7,20}|0\d{1,5}[ /-]\d[\d ./-]{4,12}|1[-. ]\d{3}[-. ]\d{3}[-. ]\d{4}"
)
_LABEL = r"(?:t[eé]l|t[eé]l[eé](?:ph|f)on\w*|phones?|mobile?|cell|handy|portable|m[oó]vil|fax|desk)"
_CALL = r"(?:call\w*|contact|reach|answering|appel\w+|anruf\w*|rufen|llam\w+|chiam\w+)"
_CARD = r"(?:cards?|cc|kreditkarte|carte|tarjeta|carta|visa|mastercard|maestro)"
_AT = r"(?:at|on|is|number|unter|ist|nummer|au|sur|est|numéro|al|en|es|número|numero)"
_PHONED = re.compile(
    rf"(?i)\b(?:(?P<label>{_LABEL}[.:# ]{{1,3}}|(?:reach|contact|answering)(?: \w+)? (?:at|on) )"
    rf"|(?:{_LABEL}|{_CALL})(?:[ ,'’]+\w+){{0,3}} {_AT}:? )$"
)
_CARRIED = re.compile(rf"(?i)\b{_CARD}(?: \w+){{0,3}}[ :#]+$")
_NAMED = re.compile(r"(?i)[ -]{1,2}(?:office|home|work|fax|mobile|cell)\b(?! ?[a-z])")
"""What stands right behind a phone number in an address: `416 60 039 office`."""

_BEFORE = 48
"""Characters in which a word precedes a number and tells what it is."""

_COUNTED = re.compile(r"\d{1,3}(?:[ .]\d{3})+")
_DATE = re.compile(r"(18|19|20)\d\d[-./]\d\d[-./]\d\d.*|\d\d?[-./]\d\d?[-./](18|19|20)\d\d.*")
_SOCIAL = re.compile(SCHEMES["us-ssn"].form)
_CHECKED = {
    name: re.compile(scheme.form)
    for name, scheme in SCHEMES.items()
    if scheme.valid is not None and name not in ("nl-bsn", "pt-nif", "ca-sin")
}
"""National ids long enough that chance makes none of an order number."""

_LETTERED = {name: _CHECKED[name] for name in ("it-cf", "es-dni", "fi-hetu") if name in _CHECKED}


def find_patterns(notes: Squeezed, free: NDArray[np.bool_]) -> Iterator[tuple[int, Span]]:
    """The rows and places of e-mails, phones, cards, accounts, IP addresses and national ids.

    Args:
        notes: The notes, squeezed.
        free: Which words of the notes are still to be searched.
    """
    words = np.flatnonzero((notes.kinds[notes.starts] & CLASS == DIGIT) & free)
    sizes = notes.word_ends[words] - notes.starts[words]
    many = np.bincount(notes.rows[words], sizes) >= _FEWEST_DIGITS
    for row in notes.rows_with("@", is_open=free).tolist():
        yield from ((row, _span(match, "email")) for match in _EMAIL.finditer(notes.row_text(row)))
    for row in sorted({*np.flatnonzero(many).tolist(), *notes.rows_with(":", 4).tolist()}):
        yield from ((row, span) for span in _numbers(notes.row_text(row)))


def _numbers(text: str) -> Iterator[Span]:
    for match in _ACCOUNT.finditer(text):
        if is_account(match[0].replace(" ", "").upper()):
            yield _span(match, "account")
    for match in _ADDRESS.finditer(text):
        yield _span(match, "ip")
    for match in _CODE.finditer(text):
        if any(form.fullmatch(match[0]) and SCHEMES[name].holds(match[0])
               for name, form in _LETTERED.items()):  # fmt: skip
            yield _span(match, "national_id")
    for match in _NUMBER.finditer(text):
        number = match[1]
        if ")" not in number:
            number = number.lstrip("(")  # it belongs to the sentence
        start = match.end(1) - len(number)
        before, behind = text[max(0, start - _BEFORE) : start], text[match.end() :][:_BEFORE]
        if kind := _kind_of(number, before, behind):
            yield Span(start, match.end() if kind == "phone" else match.end(1), kind)


def _kind_of(number: str, before: str, behind: str) -> str:
    """What a number is, as far as its form, check digits and the words around it tell."""
    if _DATE.fullmatch(number):
        return ""
    digits = re.sub(r"\D", "", number)
    usual = 13 <= len(digits) <= 19 and (digits[0] in "23456" or digits.startswith("1800"))
    if is_card(digits) and (usual or (len(digits) >= 12 and _CARRIED.search(before))):
        return "card"
    if _SOCIAL.fullmatch(number):
        return "national_id"
    if len(digits) >= 10 and any(
        form.fullmatch(number) and SCHEMES[name].holds(number) for name, form in _CHECKED.items()
    ):
        return "national_id"
    if len(digits) > 15:
        return ""
    if _PHONE.fullmatch(number):
        return "phone"
    told, counted = _PHONED.search(before), _COUNTED.fullmatch(number)
    labelled = told and told["label"]
    return "phone" if labelled or ((told or _NAMED.match(behind)) and not counted) else ""


def _span(match: re.Match[str], kind: str) -> Span:
    return Span(match.start(), match.end(), kind)
