"""Which personal detail a column of text contains, as far as its name and its values show.

A name alone is not trusted: a column `customer` may hold `new` and `regular`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.fakers.locales import known_locales, load_locale
from fabula.inference.guesses import Facts, guess, words
from fabula.kinds.person import Person
from fabula.pii.lexicon import spaced_out

NAMES = ("name", "first_name", "last_name")

WORDS: Mapping[str, str] = {
    "name": "names of people",
    "first_name": "first names",
    "last_name": "last names",
    "email": "e-mails",
    "username": "user names",
    "phone": "phone numbers",
    "street": "streets",
    "address": "addresses",
    "ip": "IP addresses",
    "url": "web addresses",
    "account": "bank accounts",
    "card": "card numbers",
    "code": "codes",
    "city": "towns",
    "state": "states",
    "postcode": "postcodes",
    "company": "companies",
    "job": "jobs",
    "national_id": "national ids",
    "plate": "licence plates",
    "mac": "MAC addresses",
    "uuid": "UUIDs",
    "coordinates": "coordinates",
}
"""Every detail, and what a column of it holds."""

WIDE = ("street", "address", "city", "state", "postcode", "company", "job")
"""Details that many may share: learned as labels where most rows have a frequent one."""

NUMBERED = ("email", "username", "url", "phone", "ip", "account", "card", "code", "postcode",
            "national_id", "plate", "mac", "uuid", "coordinates")  # fmt: skip
"""Details that follow from the number of a person, and so differ where people do."""

_URL = r"^(https?://|www\.)\S+$"

_BY_NAME: Mapping[str, str] = {
    r"(^|_)(phone|mobile|cell|telephone|tel|fax)(_?(number|num|no|nr))?$": "phone",
    r"(^|_)(iban|bic|ssn|social_security|passport|tax_id|vat|number_plate)(_?(number|no|nr))?$": (
        "code"
    ),
    r"(^|_)(vorname|prenom)$": "first_name",
    r"(^|_)(nachname|familienname|apellidos?|cognome)$": "last_name",
    r"(^|_)(telefon|telefono|handy)(nummer)?$": "phone",
    r"(^|_)(adresse|anschrift|direccion|indirizzo)$": "address",
    r"(^|_)(account|card|licen[cs]e|policy)_(number|num|no|nr)$": "code",
}
_LOOKS: Mapping[str, str] = {
    "name": r"^[\pL][\pL'’.,\- ()\"/]+$",
    "first_name": r"^[\pL][\pL'’.\- ]*$",
    "last_name": r"^[\pL][\pL'’.\- ]*$",
    "username": r"^[^\s@]{2,40}$",
    "phone": r"^\+?[(\d][\d ()./x+-]{3,24}$",
    "street": r"\pL{2}",
    "address": r"\pL{2}",
    "code": r"\d",
    "postcode": r"^[A-Z0-9][A-Z0-9 -]{2,9}$",
    "city": r"^[\pL][\pL'’.\- ()]+$",
}
"""What nearly all values of a column must look like to be the detail that its name says."""

_SAMPLE = 1_000
_NEARLY_ALL, _MOST, _SOME = 0.9, 0.6, 0.25
_MOST_WORDS = 8
_FOREIGN, _GAIN, _MOST_LOCALES = 0.08, 0.03, 5
_ALL_NAMES = 1e6
"""Names that there are, about: as many words tell nothing of a locale."""


def are_urls(known: pa.Array) -> bool:
    """Whether differing texts are web addresses, which tell nothing of people elsewhere."""
    return _share(known.slice(0, _SAMPLE), _URL) >= _NEARLY_ALL


def detail_by_name(name: str, known: pa.Array, *, owner: str, beside: frozenset[str]) -> str | None:
    """The detail that a column's name tells, where its values look like it.

    Args:
        name: The column's name.
        known: Its differing texts.
        owner: What the table's rows are.
        beside: The names of the table's columns.
    """
    sample = known.slice(0, _SAMPLE)
    word = words(name)
    detail = next((kind for rule, kind in _BY_NAME.items() if re.search(rule, word)), None)
    if detail is None:
        near = frozenset(words(other) for other in beside)
        found = guess(Facts(word, str, owner=words(owner), beside=near))
        if found is None or not isinstance(found.column, Person):
            return None
        detail = found.column.field
    if detail not in WORDS or _share(sample, _LOOKS.get(detail, "")) < _NEARLY_ALL:
        return None
    if detail == "name" and not _are_names(sample):
        return None
    return detail


def likely_locales(detail: str, known: pa.Array) -> tuple[str, ...]:
    """Whose names these are: the locales that know most of them.

    Where last names alone outnumber those of a locale, further ones help out.

    Args:
        detail: Which names.
        known: Differing names.
    """
    plain = [unicodedata.normalize("NFC", text) for text in known.slice(0, _SAMPLE).to_pylist()]
    texts, split = list(map(_words, plain)), [_words(spaced_out(text)) for text in plain]
    scores = {code: _scores(texts, code) for code in known_locales()}
    if split != texts:
        scores = {code: np.maximum(each, _scores(split, code)) for code, each in scores.items()}
    ranked = sorted(scores, key=lambda code: (-scores[code].mean(), code != "en", code))
    if scores[ranked[0]].mean() < _FOREIGN:
        return ("en",)
    chosen, reached = ranked[:1], scores[ranked[0]]
    held = _names(ranked[0])[1]
    for code in ranked[1:]:
        gain = np.maximum(reached, scores[code]).mean() - reached.mean()
        if gain >= _GAIN or (detail == "last_name" and len(held) < len(known)):
            chosen.append(code)
            reached, held = np.maximum(reached, scores[code]), held | _names(code)[1]
    return tuple(chosen[:_MOST_LOCALES])


def _are_names(sample: pa.Array) -> bool:
    """Whether texts that are said to be full names may be: some hold a known one."""
    texts = [_words(text) for text in sample.to_pylist()]
    sizes = np.array([len(text) for text in texts])
    if np.mean((sizes > 1) & (sizes <= _MOST_WORDS)) < _MOST:
        return False
    all_names = (frozenset[str]().union(*_names(code)) for code in known_locales())
    return any((_word_shares(texts, names) > 0).mean() >= _SOME for names in all_names)


def _scores(texts: list[list[str]], code: str) -> NDArray[np.float64]:
    """How well a locale explains names: a hit among few names says more than one among many."""
    first, last = _names(code)
    score = np.zeros(len(texts))
    for names in (first, last - first):
        score += _word_shares(texts, names) * (1 - np.log(len(names)) / np.log(_ALL_NAMES))
    return score


def _word_shares(texts: list[list[str]], names: frozenset[str]) -> NDArray[np.float64]:
    """The share of the words of each text that are known names."""
    return np.array([sum(w in names for w in text) / max(1, len(text)) for text in texts])


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", text.casefold())


@lru_cache(maxsize=64)
def _names(code: str) -> tuple[frozenset[str], frozenset[str]]:
    """First and last names of a locale, in small letters."""
    locale = load_locale(code)
    first, last = (
        frozenset(name.text.casefold() for names in pairs for name in names)
        for pairs in (locale.first, locale.last)
    )
    return first, last


def _share(texts: pa.Array, regex: str) -> float:
    if not len(texts):
        return 0.0
    return float(pc.mean(pc.match_substring_regex(texts, regex).cast(pa.int8())).as_py())
