"""What people and places are made of in each locale.

`data/<locale>.toml` holds what must be right or agree: the commonest names in order, forms of
address, jobs of both sexes, places with their states and postcodes, formats, telephone ranges.
Rarer names and most street names come from the data that ships inside Mimesis, read as plain JSON
(importing the package takes longer than everything here).
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import distribution
from itertools import product
from pathlib import Path
from typing import Any, Final, TypeAlias

from fabula.errors import SpecError, Violation, did_you_mean
from fabula.fakers.latin import to_ascii
from fabula.streams import name_key

SEXES: Final = ("female", "male")

_WORDS: Final = {"company": "company_words", "streets": "street_words"}
_DATA = Path(__file__).parent / "data"
_WELL_FORMED = re.compile(r"[^\W\d_]+(?:[ '’-]{1,2}[^\W\d_]+)*")
_STREET = re.compile(r"\w[\w .'’-]*")
_ROMAN = re.compile(r"\b(?:I{2,3}|I?V|VI{1,3}|I?X|XI{1,3}|XXI{1,3})\b", re.IGNORECASE)
"""Numbers of kings and popes, which the data writes as `Paolo Ii`."""


@dataclass(frozen=True)
class Name:
    """A given name or surname, and its spelling in an e-mail address."""

    text: str
    latin: str


@dataclass(frozen=True)
class Place:
    """A town with what its addresses need; `code` is the state's abbreviation, if used."""

    city: str
    state: str
    code: str
    postcodes: str
    """A regular expression."""


NamesBySex: TypeAlias = tuple[Sequence[Name], Sequence[Name]]
"""The women's names and the men's."""


@dataclass(frozen=True)
class Locale:
    """One locale's words. Pairs are (female, male); names come commonest first."""

    code: str
    country: str
    country_code: str
    language: str
    nationality: tuple[str, str]
    titles: tuple[Sequence[str], Sequence[str]]
    jobs: tuple[Sequence[str], Sequence[str]]
    first: tuple[Sequence[Name], Sequence[Name]]
    last: tuple[Sequence[Name], Sequence[Name]]
    rare_first: tuple[int, int, float] | None
    """How many given names are common, and the share of all others; see `draws.BySex`."""
    rare_last: tuple[int, int, float] | None
    """The same of surnames."""
    rank_shift: int
    """How even the surnames' frequencies are; see `draws.frequency_table`."""
    name: str
    company: Sequence[str]
    phone: str
    house_number: str
    streets: Sequence[str]
    suffixes: Sequence[str]
    street: str
    locality: str
    address: str
    places: Sequence[Place]


def with_names(locale: Locale, first: NamesBySex, last: NamesBySex, **other: Any) -> Locale:
    """A locale with other names; where most common ones are gone, no other name counts as rare."""
    return replace(
        locale,
        first=first,
        last=last,
        rare_first=_rare_of(locale.first, locale.rare_first, first),
        rare_last=_rare_of(locale.last, locale.rare_last, last),
        **other,
    )


def _rare_of(
    had: NamesBySex, rare: tuple[int, int, float] | None, left: NamesBySex
) -> tuple[int, int, float] | None:
    if rare is None:
        return None
    texts = [{name.text for name in names} for names in left]
    female, male = (
        sum(name.text in kept for name in names[:common])
        for names, common, kept in zip(had, rare[:2], texts, strict=True)
    )
    gone = female < rare[0] / 2 or male < rare[1] / 2
    return None if gone else (female, male, rare[2])


def known_locales() -> list[str]:
    """The codes of all locales."""
    return sorted(path.stem for path in _DATA.glob("*.toml"))


@lru_cache(maxsize=64)
def load_locale(code: str) -> Locale:
    """Read a locale; `de_DE`, `de-de` and `DE` all mean `de`.

    Raises:
        SpecError: There is no such locale.
    """
    own, words = _find(code)
    people = _mimesis(own, "person")
    female_titles, male_titles = _pair(words["title"])
    return Locale(
        code=own,
        country=words["country"],
        country_code=words["country_code"],
        language=words["language"],
        nationality=_pair(words["nationality"]),
        titles=(_listed(female_titles), _listed(male_titles)),
        jobs=_jobs(_listed(words["jobs"])),
        first=_first_names(words, people),
        rare_first=_rare(words, "first_female", "first_male"),
        last=_last_names(words, people),
        rare_last=_rare(words, "last", "last"),
        rank_shift=words.get("rank_shift", 60),
        name=words.get("name", "{first} {last}"),
        company=_composed(words, "company"),
        phone=words["phone"],
        house_number=words["house_number"],
        streets=_streets(words, own),
        suffixes=_listed(words.get("suffixes", "")),
        street=words["street"],
        locality=words["locality"],
        address=words.get("address", "{street}, {locality}"),
        places=[_place(line) for line in words["places"].strip().splitlines()],
    )


def _find(code: str) -> tuple[str, dict[str, Any]]:
    """A locale's own code and words; a country may be named where it is the language's own."""
    known = known_locales()
    wanted = code.replace("_", "-").lower()
    language, _, country = wanted.partition("-")
    if wanted in known:
        return wanted, _words(wanted)
    if language in known and _words(language)["country_code"].lower() == country:
        return language, _words(language)
    near = f"the nearest is `{language}`" if language in known else did_you_mean(wanted, known)
    hint = near or f"the locales are {', '.join(known)}"
    raise SpecError([Violation("spec.unknown-locale", f"there is no locale `{code}`", hint=hint)])


def _words(code: str) -> dict[str, Any]:
    return tomllib.loads((_DATA / f"{code}.toml").read_text(encoding="utf-8"))


def _mimesis(code: str, topic: str) -> dict[str, Any]:
    """A topic's data: a regional locale's over its language's."""
    folder = Path(str(distribution("mimesis").locate_file("mimesis/datasets")))
    merged: dict[str, Any] = {}
    for name in dict.fromkeys([code.partition("-")[0], code]):
        file = folder / name / f"{topic}.json"
        if file.exists():
            merged |= json.loads(file.read_text(encoding="utf-8"))
    return merged


def _first_names(
    words: Mapping[str, Any], people: Mapping[str, Any]
) -> tuple[Sequence[Name], Sequence[Name]]:
    """The listed names, then the rest.

    The data lists some names under both sexes by mistake. A row's sex and name must agree, so
    such a name stays with the sex that lists it here, or with neither.
    """
    listed = [_listed(words[f"first_{sex}"]) for sex in SEXES]
    rest = [
        [] if f"first_{sex}" in words.get("listed_only", ()) else people["names"][sex]
        for sex in SEXES
    ]
    both = {*rest[0]} & {*rest[1]}
    female = _names(listed[0], rest[0], both | {*listed[1]}, words)
    male = _names(listed[1], rest[1], both | {*listed[0]}, words)
    return female, male


def _rare(words: Mapping[str, Any], *lists: str) -> tuple[int, int, float] | None:
    """The numbers of listed names and the share of others, where a locale states one.

    Mimesis' lists of some languages hold medieval and foreign names that no native expects often.
    They stay in the dictionaries, by which people are found in texts.
    """
    share = words.get(f"rare_{lists[0].partition('_')[0]}")
    if share is None:
        return None
    female, male = (len(_listed(words[name])) for name in lists)
    return female, male, float(share)


def _last_names(
    words: Mapping[str, Any], people: Mapping[str, Any]
) -> tuple[Sequence[Name], Sequence[Name]]:
    """The listed surnames, then the rest, in the form that each sex bears."""
    listed = [_inflected(entry, words.get("feminine", ())) for entry in _listed(words["last"])]
    rest = [] if "last" in words.get("listed_only", ()) else people["surnames"]
    female, male = (rest["female"], rest["male"]) if isinstance(rest, Mapping) else (rest, rest)
    return (
        _names([form for form, _ in listed], female, set(), words),
        _names([form for _, form in listed], male, set(), words),
    )


def _inflected(entry: str, rules: Iterable[tuple[str, str]]) -> tuple[str, str]:
    """The female and the male form of `Kowalski/Kowalska`, or of a name under the rules."""
    male, slash, female = entry.partition("/")
    if slash:
        return female, male
    for ending, replacement in rules:
        if re.search(ending, male):
            return re.sub(ending, replacement, male, count=1), male
    return male, male


def _names(
    listed: Iterable[str], rest: Iterable[str], without: set[str], words: Mapping[str, Any]
) -> list[Name]:
    """Names in the order of frequency; the rest, whose order is unknown, in a fixed disorder."""
    own = words.get("fold", {})
    readings = dict(_reading(entry) for entry in listed)
    tail = {name for name in {*rest} - without - {*readings} if _is_name(name)}
    readings |= dict.fromkeys(map(_capital, sorted(tail, key=name_key)), "")
    names = (Name(text, reading or to_ascii(text, own)) for text, reading in readings.items())
    return [name for name in names if name.latin]


def _is_name(text: str) -> bool:
    """Whether an entry is a name: the data also has `First names` and `Jose luis`."""
    words = text.split()
    return (
        _WELL_FORMED.fullmatch(text) is not None
        and not (len(words) > 1 and words[-1].islower())
        and text != "First names"
    )


def _capital(name: str) -> str:
    """`McConnell`, which the data writes as `Mcconnell`."""
    return f"Mc{name[2:].capitalize()}" if name.startswith("Mc") else name


def _reading(entry: str) -> tuple[str, str]:
    """A name and how it is read, where `佐藤=sato` says so."""
    text, _, reading = entry.partition("=")
    return text, reading


def _jobs(listed: Iterable[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Jobs for each sex, where the language has two forms: `Koch / Köchin`."""
    forms = [job.split(" / ") for job in listed]
    return [form[-1] for form in forms], [form[0] for form in forms]


def _streets(words: Mapping[str, Any], code: str) -> Sequence[str]:
    if "streets" in words:
        return _composed(words, "streets")
    names = dict.fromkeys(_mimesis(code, "address")["street"]["name"])
    form = re.compile(words.get("street_form", ".*"))
    small = "|".join(_listed(words.get("street_small", "")))
    wrong = re.compile(rf" ({small})(?= )|'\w|[aeiou]'(?= |$)" if small else "$^")
    return [
        _ROMAN.sub(lambda found: found[0].upper(), wrong.sub(_respelled, name))
        for name in names
        if _STREET.fullmatch(name) and form.fullmatch(name)
    ]


def _respelled(found: re.Match[str]) -> str:
    """What Italian streets are called in a register of capitals, as people write it.

    Small words inside a name are small, a letter after `'` is not, and `Rava'` is `Ravà`.
    """
    if found[0].endswith("'"):
        return "àèìòù"["aeiou".index(found[0][0])]
    return found[0].lower() if found[1] else found[0].upper()


def _composed(words: Mapping[str, Any], key: str) -> list[str]:
    """The entries of a list, with every choice of the words that they name in braces."""
    lists = {name: _listed(text) for name, text in words.get(_WORDS[key], {}).items()}
    made: list[str] = []
    for entry in _listed(words[key]):
        names = [name for name in lists if f"{{{name}}}" in entry]
        for choice in product(*(lists[name] for name in names)):
            text = entry
            for name, word in zip(names, choice, strict=True):
                text = text.replace(f"{{{name}}}", word)
            made.append(text)
    return list(dict.fromkeys(made))


def _place(line: str) -> Place:
    city, state, *code, postcodes = (cell.strip() for cell in line.split(" | "))
    return Place(city, state, "".join(code), postcodes)


def _listed(text: str) -> list[str]:
    """The entries of a list that is written with commas."""
    return [entry for entry in (part.strip() for part in text.split(",")) if entry]


def _pair(value: str | Mapping[str, str]) -> tuple[str, str]:
    """A word for each sex: one for both, or `{female = ..., male = ...}`."""
    return (value, value) if isinstance(value, str) else (value["female"], value["male"])
