"""Check digits: cards (ISO/IEC 7812, Luhn), accounts (ISO 13616, modulo 97), goods (GS1)."""

from __future__ import annotations

import re

_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
"""The digit sum of twice a digit."""


def is_card(text: str) -> bool:
    """Whether the last digit is the check digit of the others."""
    return with_card_check(text) == text


def is_article(text: str) -> bool:
    """Whether the last of thirteen digits is the check digit of a trade item (GTIN-13)."""
    digits = [int(char) for char in text if char.isdigit()]
    return len(digits) == 13 and (sum(digits[::2]) + 3 * sum(digits[1::2])) % 10 == 0


def with_card_check(text: str) -> str:
    """The text with its last digit such that it is a valid card number."""
    digits = [int(char) for char in text if char.isdigit()][:-1]
    total = sum(_DOUBLED[digit] for digit in digits[::-2]) + sum(digits[-2::-2])
    return f"{text[:-1]}{-total % 10}"


def is_account(text: str) -> bool:
    """Whether the third and fourth sign are the check digits of an IBAN."""
    return with_account_check(text) == text


def with_account_check(text: str) -> str:
    """The text with its third and fourth sign such that it is a valid IBAN."""
    plain = re.sub("[^0-9A-Z]", "", text)
    number = "".join(str(int(char, 36)) for char in f"{plain[4:]}{plain[:2]}00")
    return f"{text[:2]}{98 - int(number) % 97:02}{text[4:]}"
