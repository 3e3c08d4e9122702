"""The ways in which a note writes the name of its own person."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping

MISSPELT = ("letter swapped", "letter missing")

SPELLINGS: Mapping[str, Callable[[str, str], str]] = {
    "whole": lambda first, last: f"{first} {last}",
    "reversed": lambda first, last: f"{last}, {first}",
    "first alone": lambda first, _: first,
    "last alone": lambda _, last: last,
    "initial": lambda first, last: f"{first[0]}. {last}",
    "initial behind": lambda first, last: f"{first} {last[0]}.",
    "possessive": lambda first, last: f"{first} {last}'s",
    "capitals": lambda first, last: f"{first} {last}".upper(),
    "small": lambda first, last: f"{first} {last}".lower(),
    "user name": lambda first, last: f"{first[0]}{plain(last)}".lower(),
    "underscore": lambda first, last: f"{plain(first)}_{plain(last)}".lower(),
    "hyphen": lambda first, last: f"{first}-{last}",
    "joined": lambda first, last: f"{plain(first)}{plain(last)}",
    "no-break space": lambda first, last: f"{first}\u00a0{last}",
    "zero-width": lambda first, last: f"{first[0]}\u200b{first[1:]} {last[:2]}\u200d{last[2:]}",
    "full width": lambda first, last: wide(f"{first} {last}"),
    "look-alikes": lambda first, last: f"{first} {last}".translate(_LOOKALIKES),
    "accents apart": lambda first, last: unicodedata.normalize("NFD", f"{first} {last}"),
    "no accents": lambda first, last: f"{unaccented(first)} {unaccented(last)}",
    "letter swapped": lambda first, last: f"{first} {swapped(last)}",
    "letter missing": lambda first, last: f"{first} {last[:2]}{last[3:]}",
}

_LOOKALIKES = str.maketrans("aeopcyxABEKMHOPCTX", "аеорсухАВЕКМНОРСТХ")


def plain(name: str) -> str:
    """A name without what stands between its words."""
    return "".join(char for char in unaccented(name) if char.isalnum())


def unaccented(name: str) -> str:
    """A name without accents."""
    apart = unicodedata.normalize("NFD", name)
    return "".join(char for char in apart if not unicodedata.combining(char))


def wide(text: str) -> str:
    """ASCII in its full width."""
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)


def swapped(name: str) -> str:
    """A name with two neighbouring letters swapped."""
    return f"{name[:1]}{name[2]}{name[1]}{name[3:]}" if len(name) > 3 else name
