"""Reads numbers as models write them: `$29.99`, `1,200`, `29,99`, `50 m²`.

A text is a number only if its meaning is certain. An ambiguous one yields both numbers, and the
column's type and bounds decide between them, or it is rejected. Words that change the amount (`5k`,
`2 million`) and units that differ from the column's are rejected, never dropped.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_CURRENCIES = {
    "$": "$|us$|usd|dollar|dollars",
    "€": "€|eur|euro|euros",
    "£": "£|gbp|pound sterling|pounds sterling",
    "¥": "¥|jpy|yen",
    "₹": "₹|inr|rs|rupee|rupees",
    "CHF": "chf|fr|sfr|franken|francs",
}
_MEASURES = {
    "m²": "m²|m2|m^2|sqm|sq m|qm|square meter|square meters|square metre|square metres",
    "ft²": "ft²|ft2|ft^2|sqft|sq ft|sq. ft|square foot|square feet",
    "m": "m|meter|meters|metre|metres",
    "cm": "cm|centimeter|centimeters|centimetre|centimetres",
    "mm": "mm|millimeter|millimeters|millimetre|millimetres",
    "km": "km|kilometer|kilometers|kilometre|kilometres",
    "mi": "mi|mile|miles",
    "ft": "ft|foot|feet",
    "in": 'in|inch|inches|″|"|”',
    "kg": "kg|kilogram|kilograms|kilo|kilos",
    "g": "g|gram|grams",
    "lb": "lb|lbs|pound|pounds",
    "l": "l|liter|liters|litre|litres",
    "ml": "ml|milliliter|milliliters|millilitre|millilitres",
    "°C": "°c|celsius|degrees celsius",
    "°F": "°f|fahrenheit|degrees fahrenheit",
    "h": "h|hr|hrs|hour|hours",
    "min": "min|mins|minute|minutes",
    "s": "s|sec|secs|second|seconds",
    "days": "d|day|days",
    "years": "y|yr|yrs|year|years|years old",
    "pieces": "pcs|piece|pieces|unit|units|item|items",
    "stars": "★|star|stars",
    "%": "%|percent|percentage|per cent|pct",
}
_SPELLED = {
    spelling: (name, "currency" if table is _CURRENCIES else "measure")
    for table in (_CURRENCIES, _MEASURES)
    for name, spellings in table.items()
    for spelling in spellings.split("|")
}
_AMOUNTS = re.compile(
    r"[kmbt]|[bm]n|mm|mio|mln|mrd|mil|tsd|hundred|dozen|lakh|crore|tausend|mille|thousand"
    r"|(?:milli|billi|trilli)(?:on|ons|onen|arde|arden|ard)|%|percent(?:age)?|pct",
    re.I,
)
"""Words after a number that may mean a factor."""

_MONEY = re.compile(
    r"[$€£¥₹]|(?<![^\W_])(?:price|cost|salary|wage|income|revenue|fee|amount|budget|charge|rent|usd"
    r"|eur|gbp|dollar|euro|preis|prix|precio|prezzo)s?(?![^\W_])"
)
_NUMBER = re.compile(
    r"(?P<sign>[-+−])?\s*(?P<before>[A-Za-z]{0,3}[$€£¥₹]|[A-Z]{3}|Fr\.?|Rs\.?)?\s*(?P<inner>[-−])?"
    r"(?P<digits>\d(?:[\d.,'’ \u00a0\u202f]*\d)?|\.\d+)\s*(?P<after>[^\d\s.,;:+~-][^,;:+~]{0,23})?"
)
_GROUPED = {
    mark: re.compile(rf"\d{{1,3}}(?:{each}\d{{3}})+|\d{{1,2}}(?:{each}\d{{2}})+{each}\d{{3}}")
    for mark, each in ((",", ","), (".", r"\."), (" ", " "), ("'", "'"))
}


class NumberReader:
    """Reads the numbers of one column, all in one unit.

    Args:
        about: The column's name and description, which may name the unit. Otherwise the first
            accepted unit counts.
    """

    def __init__(self, about: str = "") -> None:
        self._about = about.lower()
        self._is_money = _MONEY.search(self._about) is not None
        self._own = {_SPELLED[each][1]: _SPELLED[each][0] for each in _SPELLED if self._names(each)}

    def read(self, text: str) -> tuple[Sequence[int | float], str]:
        """The numbers that a text may mean, and why it is not a number or ambiguous."""
        if is_machine_number(text):
            digits = text.strip()
            is_group = _GROUPED["."].fullmatch(digits.lstrip("+-")) and not digits.startswith("0")
            return [_plain(digits), *([int(_joined(digits, "."))] if is_group else [])], ""
        found = _NUMBER.fullmatch(unicodedata.normalize("NFC", text).strip())
        if found is None:
            return [], ""
        units = [unit.strip(" .") for unit in (found["before"], found["after"]) if unit]
        for unit in units:
            if problem := self._problem(unit):
                return [], problem
        sign = -1 if {found["sign"], found["inner"]} & {"-", "−"} else 1
        is_money = self._is_money or any(
            _SPELLED.get(unit.lower(), ("", ""))[1] == "currency" for unit in units
        )
        return [sign * value for value in _readings(found["digits"], is_money=is_money)], ""

    def keep(self, text: str) -> None:
        """Make the unit of an accepted text the column's unit."""
        found = _NUMBER.fullmatch(unicodedata.normalize("NFC", text).strip())
        for unit in (found["before"], found["after"]) if found else ():
            if unit and unit.strip(" .").lower() in _SPELLED:
                name, kind = _SPELLED[unit.strip(" .").lower()]
                self._own.setdefault(kind, name)

    def _problem(self, unit: str) -> str:
        """Why a unit can't be dropped, or an empty text."""
        name, kind = _SPELLED.get(unit.lower(), ("", ""))
        own = self._own.get(kind)
        if (own and own == name) or self._names(unit.lower()):
            return ""
        if _AMOUNTS.fullmatch(unit):
            return f"write the whole number, since `{unit}` may change it"
        if own:
            return f"write the number alone, in {own} and not in {unit}"
        return "" if name else f"write the number alone, without `{unit}`"

    def _names(self, unit: str) -> bool:
        """Whether the column's name or description names a unit."""
        word = re.escape(unit)
        if len(unit) < 3 and unit.isalpha():  # `in` and `m` are units only in brackets
            return re.search(rf"[(\[]\s*{word}\s*[)\]]", self._about) is not None
        return re.search(rf"(?<!\w){word}(?!\w)", self._about) is not None


def is_machine_number(text: str) -> bool:
    """Whether a program would write a number this way."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _plain(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)


def _readings(digits: str, *, is_money: bool) -> list[int | float]:
    """The possible values of digits with separators; none if the separators are out of order."""
    digits = re.sub(r"[\u00a0\u202f]", " ", digits).replace("’", "'")
    marks = [mark for mark in digits if not mark.isdigit()]
    if not marks:
        return [int(digits)]
    last = marks[-1]
    if len(set(marks)) == 2 and marks.count(last) == 1 and last in ".,":
        whole, _, part = digits.rpartition(last)
        return (
            [float(f"{_joined(whole, marks[0])}.{part}")]
            if _GROUPED[marks[0]].fullmatch(whole)
            else []
        )
    if len(set(marks)) > 1:
        return []
    groups = [int(_joined(digits, last))] if _GROUPED[last].fullmatch(digits) else []
    if len(marks) > 1 or last not in ".,":
        return [*groups]
    value = float(digits.replace(",", "."))
    if not groups or digits.startswith("0"):
        return [value]
    # Three digits after one separator. Money has no tenths of a cent, and machines write no comma.
    return [*groups] if is_money and last == "," else [value, *groups]


def _joined(digits: str, mark: str) -> str:
    return digits.replace(mark, "")
