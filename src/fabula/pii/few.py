"""What two to seven differing values show: two sellers of a thousand sales are as real as thirty.

A share of so few says little, so nearly every value must be of the kind by itself, and labels of
everyday use, such as months, colours and countries, count against names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from fabula.pii.check_digits import is_article, is_card
from fabula.pii.forms import CALLING, DIGITS, PLATE, SIGNED_PHONE, checked, formed, share
from fabula.pii.kinds import DETECTORS, FEWEST, TITLES, Finding, found_as, named
from fabula.pii.lexicon import (
    Words,
    all_first,
    all_last,
    all_towns,
    everyday,
    lexicon,
    ordinary,
    parts,
    rare_names,
)
from fabula.pii.wordings import INITIAL, NAME_FORM, STOP, TITLES_OF_NAMES, street_share

SURE, SURE_OF_NAMES, UNKNOWN = 0.6, 0.45, 0.34
"""How sure values are on average at least, and which share of them may be of another kind."""

SURE_OF_LOWER_CASE = 0.8
"""As `SURE_OF_NAMES`, for names without a capital: `major loss` and `net gain` are labels."""

_PUNCTUATED = re.compile(r".*[^\dA-Za-z].*")
_USER = re.compile(r"[^\W\d_A-Z]+([._-][^\W\d_A-Z]+){0,2}[._-]?\d{0,4}")
_NUMBERED_USER = re.compile(r"[^\W\d_]+([._-][^\W\d_]{2,}|[._-]?\d{1,4})")
_DOMAIN = re.compile(r"\.(com|org|net|info|biz|edu|gov|io|[a-z]{2})$")
_COMPOUND = re.compile(
    r"[\w-](straße|strasse|str\.|gasse|weg|platz|allee|ring|damm|straat|laan|gatan|vägen|gata|veien"
    r"|vej|gade|katu|tie)(?!\w)",
    re.IGNORECASE,
)


def found_in_few(texts: Sequence[str], name: str) -> Finding | None:
    """The personal detail that two values or a few more are, or None.

    Args:
        texts: Differing values.
        name: What the column is called, a weak hint.
    """
    found = formed(texts)
    if found is not None and found.kind != "postcode":
        return found
    return _numbered(texts, name) or _worded(texts, name)


def may_name_people(texts: Sequence[str]) -> bool:
    """Whether some labels hold a rare word that is a name, and all are written as names are."""
    if len(texts) < 2 or not all(map(_LABEL.fullmatch, texts)) or all(map(_CODE.fullmatch, texts)):
        return False
    split = [[word for word in re.split(r"[\W\d_]+", text.casefold()) if word] for text in texts]
    others = ordinary() | all_towns()
    if sum(not others.isdisjoint([*words, " ".join(words)]) for words in split) > len(texts) / 3:
        return False
    hits = (any(_is_name(word, whole=text != text.lower()) for word in words)
            for words, text in zip(split, texts, strict=True))  # fmt: skip
    return sum(hits) >= MAY_NAME * len(texts)


MAY_NAME = 0.2
_CODE = re.compile(r"[A-Z]{2,4}[ ._-]?\d{1,4}")
_LABEL = re.compile(
    r"(?=.{2,40}$)(?!.*\.[a-z]{2,4}$)(?!(?-i:[a-z]).* )[^\W\d_]{2,}([ .,'’_-]+[^\W\d_]+)*"
    r"[._-]?\d{0,4}\.?"
)


def _is_name(word: str, *, whole: bool) -> bool:
    """Whether a word is a rare name, or begins or ends with one as those of accounts do."""
    known = rare_names()
    if word in known and len(word) > 2:
        return True
    places = () if whole else range(5, len(word) - 1)
    return any(word[:at] in known or word[-at:] in known for at in places)


def _numbered(texts: Sequence[str], name: str) -> Finding | None:
    digits = [re.sub(r"\D", "", text) for text in texts]
    sure = min(map(len, digits)) >= 11 or share(texts, _PUNCTUATED, whole=True) == 1
    if (found := checked(texts)) is not None and (sure or len(texts) >= FEWEST):
        return found
    if _are_phones(texts, digits):
        return found_as("phone", 1.0, "have the form of a phone number")
    if named("plate", name) and share(texts, PLATE, whole=True) == 1:
        return found_as("plate", 1.0, "have the form of a licence plate")
    return None


def _are_phones(texts: Sequence[str], digits: Sequence[str]) -> bool:
    """Whether values are phone numbers by their signs, or digits that are dialled."""
    if min(map(len, digits)) < 9:
        return False
    signed = [SIGNED_PHONE.fullmatch(text) is not None for text in texts]
    plain = [DIGITS.fullmatch(text) is not None for text in texts]
    if sum(signed) >= len(texts) / 2:
        return all(map(max, signed, plain))
    if not all(plain) or share(texts, CALLING, whole=True) < 1:
        return False
    running = max(map(int, texts)) - min(map(int, texts)) < 1_000
    rounded = sum(text.endswith("000") for text in texts) >= len(texts) / 2
    return not (running or rounded or all(map(is_article, texts)) or all(map(is_card, texts)))


def _worded(texts: Sequence[str], name: str) -> Finding | None:
    if any(_DOMAIN.search(text) for text in texts):
        return None
    users = share(texts, _USER, whole=True) == 1 and not _are_numbered_alike(texts)
    part = _mean(map(_user, texts)) if users else 0.0
    if named("username", name) and not part:
        part = share(texts, _NUMBERED_USER, whole=True)
    if part >= SURE_OF_NAMES:
        return found_as("username", part, DETECTORS["username"].told)
    part = _name_sureness(texts)
    lower = " ".join(texts).islower() and not named("name", name)
    if part >= (SURE_OF_LOWER_CASE if lower else SURE_OF_NAMES):
        written = "username" if share(texts, _USER, whole=True) == 1 else "name"
        return found_as(written, part, "are made of a first and a last name")
    part = street_share(texts)
    if part >= SURE and all(len(parts(text)) > 1 or _COMPOUND.search(text) for text in texts):
        return found_as("street", part, DETECTORS["street"].told)
    kind = _single_names(texts, hinted=named("name", name))
    return found_as(kind, 1.0, f"are known {TITLES[kind]}") if kind else None


def _are_numbered_alike(texts: Sequence[str]) -> bool:
    """Whether some values differ in their digits alone, as articles do: `heinz28`, `heinz32`."""
    return len({re.sub(r"\d+$", "", text) for text in texts}) < len(texts)


def _mean(found: Iterable[float], unknown: float = UNKNOWN) -> float:
    """How sure values are on average; 0 where too many are not of the kind at all."""
    sure = list(found)
    return sum(sure) / len(sure) if sure.count(0.0) <= unknown * len(sure) else 0.0


def _name_sureness(texts: Sequence[str]) -> float:
    """How surely a few texts are full names of one language, from 0 to 1."""
    split = [
        [word for word in parts(text) if word not in TITLES_OF_NAMES and len(word) > 1]
        for text in texts
    ]
    led = [INITIAL.match(text) is not None for text in texts]
    sizes = [len(words) + initial for words, initial in zip(split, led, strict=True)]
    if share(texts, NAME_FORM, whole=True) < 1 or min(sizes) < 2 or max(sizes) > 5:
        return 0.0
    labels = {text.casefold().strip(" .") for text in texts}
    if len({words[0] for words in split}) < len(texts) / 2 or not labels.isdisjoint(
        ordinary() | all_towns()
    ):
        return 0.0
    if any(not STOP.isdisjoint(words) for words in split):
        return 0.0
    unknown = 2 * UNKNOWN if len(texts) >= 4 else 0.0
    return max(_mean((_name(words, each) for words in split), unknown) for each in lexicon())


def _name(words: Sequence[str], known: Words) -> float:
    """How surely some words are one name: 1 for a known first name alongside a known last name."""
    family = {at for at, word in enumerate(words) if not known.last.isdisjoint(word.split("-"))}
    if len(words) == 1:  # after an initial
        return 1.0 if family else 0.6 * _are_odd(words)
    given = {at for at, word in enumerate(words)
             if word.split("-")[0] in known.first and word not in ordinary()}  # fmt: skip
    if given and family and len(given | family) > 1:
        return 1.0
    others = [word for at, word in enumerate(words) if at not in given]
    if not given.isdisjoint((0, len(words) - 1)) and _are_odd(others):
        return 0.8
    foreign = not all_first().isdisjoint((words[0], words[-1])) and _are_odd(words)
    return 0.5 * bool(given or family or foreign)


def _are_odd(words: Sequence[str]) -> bool:
    """Whether none is a label of everyday use."""
    return ordinary().isdisjoint(words)


def _single_names(texts: Sequence[str], *, hinted: bool) -> str | None:
    """Whether the texts are first names, or last names, of one language."""
    words = [text.strip().casefold() for text in texts]
    if any(len(parts(word)) != 1 or len(word) < 3 for word in words):
        return None
    given = [word.split("-")[0] for word in words]
    family = [re.split("[- ]", word)[-1] for word in words]
    others = ordinary() | all_towns()
    labels = [word in others or end in ordinary() for word, end in zip(words, family, strict=True)]
    denied = any(end != word and end in words for word, end in zip(words, family, strict=True))
    if denied or sum(labels) > len(words) / 2:  # `black`, `non-black`
        return None
    least, unknown = (SURE / 2, 2 * UNKNOWN) if hinted else (SURE, UNKNOWN)
    first = max(_known(given, each.first, all_first(), unknown) for each in lexicon())
    last = max(_known(family, each.last, all_last(), unknown) for each in lexicon())
    if max(first, last) < least:
        return None
    return "first_name" if first >= last else "last_name"


def _known(
    words: Sequence[str], here: frozenset[str], anywhere: frozenset[str], unknown: float
) -> float:
    """How surely some words are names of one language, among them some of another one."""
    return _mean((1.0 if word in here else 0.5 * (word in anywhere) for word in words), unknown)


def _user(text: str) -> float:
    """How surely a text is made of a first and a last name, or of one of them and digits."""
    first, last = all_first(), all_last()
    words = [word for word in re.split(r"[\W\d_]+", text) if word]
    if not _are_odd(words):
        return 0.0
    if len(words) > 1:
        ends = {words[0], words[-1]}
        given, family = not ends.isdisjoint(first), not ends.isdisjoint(last)
        common = len(ends & everyday())
        return (0.0, 0.6 if given else 0.4, 1.0)[(common < 1) + (given and family and common < 2)]
    (word,) = words
    halves = [(word[:at], word[at:]) for at in range(3, len(word) - 2)]
    if any((a in first and b in last) or (a in last and b in first) for a, b in halves):
        return 1.0
    numbered = text[-1].isdigit()
    if len(word) >= 4 and (word in first or word in last):
        return 1.0 if numbered else 0.3
    if len(word) >= 5 and (word[1:] in last or word[:-1] in last):
        return 1.0 if numbered else 0.6
    return 0.0
