"""How values are printed: numbers, money and dates as people of a language write them."""

from __future__ import annotations

import datetime as dt
import math
import unicodedata
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

_SEPARATORS = {"en": (",", "."), "de": (".", ","), "fr": ("\u00a0", ",")}
_DATES = {"en": "%d %b %Y", "de": "%d.%m.%Y", "fr": "%d/%m/%Y"}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}
_WHOLE = {"JPY": 0, "KRW": 0, "CLP": 0, "ISK": 0, "VND": 0}
"""Currencies without cents."""
_YES_NO = {"en": ("yes", "no"), "de": ("ja", "nein"), "fr": ("oui", "non")}


def decimals_of(currency: str) -> int:
    """Decimals of amounts in a currency."""
    return _WHOLE.get(currency, 2)


def rounded(amount: Decimal, currency: str) -> Decimal:
    """An amount in whole cents of a currency, halves up."""
    return amount.quantize(Decimal(1).scaleb(-decimals_of(currency)), rounding=ROUND_HALF_UP)


def as_number(value: Any) -> Decimal | None:
    """A value as a decimal number; None if it is none."""
    if value is None or isinstance(value, bool):
        return None
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        return None
    return number if number.is_finite() else None


def printed(value: Any, kind: str, language: str, currency: str) -> str:
    """A value as text; empty for a missing one.

    Args:
        value: The value.
        kind: `text`, `number`, `money`, `percent` or `date`; a value that is none stays as it is.
        language: `en`, `de` or `fr`.
        currency: The code of a currency.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return _YES_NO[language][0 if value else 1]
    if isinstance(value, dt.date):
        return _date(value, language)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, list | tuple):
        return ", ".join(printed(item, kind, language, currency) for item in value)
    number = None if kind == "text" and isinstance(value, str | int) else as_number(value)
    if kind == "date" and isinstance(value, str):
        return _date_of_text(value, language)
    if number is None or kind == "date":
        return _clean(str(value))
    if kind == "money":
        return _money(rounded(number, currency), language, currency)
    if kind == "percent":
        share = number * 100 if 0 < abs(number) < 1 else number
        return _grouped(share.normalize(), language) + ("%" if language == "en" else "\u00a0%")
    return _grouped(number, language)


def is_right_to_left(text: str) -> bool:
    """Whether the first letter of a text belongs to a script that runs to the left."""
    for letter in text:
        direction = unicodedata.bidirectional(letter)
        if direction in ("R", "AL"):
            return True
        if direction == "L":
            return False
    return False


def _clean(text: str) -> str:
    """A text without characters that print nothing, apart from the ends of lines."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return "".join(c for c in text if c == "\n" or unicodedata.category(c) not in ("Cc", "Cs"))


def _money(amount: Decimal, language: str, currency: str) -> str:
    symbol = _SYMBOLS.get(currency, currency)
    number = _grouped(abs(amount), language)
    sign = "\u2212" if amount < 0 else ""
    if language != "en":
        return f"{sign}{number}\u00a0{symbol}"
    return sign + symbol + ("" if len(symbol) == 1 else "\u00a0") + number


def _grouped(number: Decimal, language: str) -> str:
    thousands, point = _SEPARATORS[language]
    text = f"{abs(number):,f}"
    whole, _, decimals = text.partition(".")
    told = whole.replace(",", thousands) + (point + decimals if decimals else "")
    return f"\u2212{told}" if number < 0 else told


def _date(value: dt.date, language: str) -> str:
    text = value.strftime(_DATES[language])
    if language == "en":
        text = f"{value.day} {_MONTHS[value.month - 1]} {value.year}"
    if isinstance(value, dt.datetime) and (value.hour or value.minute or value.second):
        text += value.strftime(" %H:%M")
    return text


def _date_of_text(value: str, language: str) -> str:
    try:
        return _date(dt.date.fromisoformat(value.strip()), language)
    except ValueError:
        return _clean(value)
