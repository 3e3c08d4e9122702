"""Words that tell names and places: those of Mimesis, and the commonest names of each locale."""

from __future__ import annotations

import json
import re
import runpy
import tomllib
import unicodedata
import zoneinfo
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

_OWN = Path(__file__).parents[1] / "fakers" / "data"


@dataclass(frozen=True)
class Words:
    """Names of one language, in small letters.

    Attributes:
        first: First names.
        last: Last names.
        towns: Towns.
    """

    first: frozenset[str]
    last: frozenset[str]
    towns: frozenset[str]


@lru_cache(maxsize=1)
def lexicon() -> tuple[Words, ...]:
    """The words of every language."""
    return tuple(_words(folder) for folder in _folders())


@lru_cache(maxsize=1)
def all_first() -> frozenset[str]:
    """First names of all languages."""
    return frozenset[str]().union(*(each.first for each in lexicon()))


@lru_cache(maxsize=1)
def all_last() -> frozenset[str]:
    """Last names of all languages."""
    return frozenset[str]().union(*(each.last for each in lexicon()))


@lru_cache(maxsize=1)
def all_towns() -> frozenset[str]:
    """Towns of all languages."""
    return frozenset[str]().union(*(each.towns for each in lexicon()))


@lru_cache(maxsize=1)
def ordinary() -> frozenset[str]:
    """Labels of everyday use in all languages: colours, months, countries, occupations and more."""
    return _topics(_ORDINARY)


@lru_cache(maxsize=1)
def everyday() -> frozenset[str]:
    """The commonest words of all languages, some of which are names, too."""
    return _topics({"text": ("words",)})


@lru_cache(maxsize=1)
def rare_names() -> frozenset[str]:
    """First and last names of all languages that are not words of everyday use."""
    return (all_first() | all_last()) - everyday() - ordinary()


@lru_cache(maxsize=1)
def regions() -> frozenset[str]:
    """Countries, states, continents and time zones, and codes of these and of currencies."""
    folder, topics = _datasets() / "int", {"address": _ORDINARY["address"]}
    countries = runpy.run_path(str(folder / "address.py"))["COUNTRY_CODES"]
    currencies = runpy.run_path(str(folder / "finance.py"))["CURRENCY_ISO_CODES"]
    zones = [*zoneinfo.available_timezones()]
    return _topics(topics) | _folded(_strings([countries, currencies, zones]))


def _topics(topics: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
    listed = (_read(folder / f"{file}.json").get(topic)
              for folder in _folders() for file in topics for topic in topics[file])  # fmt: skip
    return _folded(word.strip(" .") for words in listed for word in _strings(words))


_ORDINARY: Mapping[str, tuple[str, ...]] = {
    "address": ("state", "country", "continent"),
    "datetime": ("month", "day", "periodicity"),
    "food": ("fruits", "spices", "vegetables"),
    "person": ("occupation", "nationality", "language", "gender"),
    "text": ("color", "level", "answers"),
}


def parts(text: str) -> list[str]:
    """The words of a name in small letters, without punctuation."""
    return re.findall(r"[^\W\d_]+(?:['’-][^\W\d_]+)*", text.casefold())


_UNSPACED = re.compile(r"(?=.{2,6}$)[\u3400-\u9fff\uac00-\ud7af々]+[\u3040-\u30ff]*")


def spaced_out(name: str) -> str:
    """A whole name of Chinese, Japanese or Korean with a space, first name first.

    A last name has one sign, or three or two where those are a known one and a first name follows.

    Examples:
        >>> spaced_out("박종헌"), spaced_out("欧阳明"), spaced_out("Anna")
        ('종헌 박', '明 欧阳', 'Anna')
    """
    whole = unicodedata.normalize("NFC", name)
    if not _UNSPACED.fullmatch(whole):
        return name
    known = (size for size in (3, 2) if len(whole) > size and whole[:size] in all_last())
    size = next(known, 1)
    return f"{whole[size:]} {whole[:size]}"


def _folders() -> list[Path]:
    return [each for each in sorted(_datasets().iterdir()) if (each / "person.json").is_file()]


def _datasets() -> Path:
    return Path(str(distribution("mimesis").locate_file("mimesis/datasets")))


def _words(folder: Path) -> Words:
    person = _read(folder / "person.json")
    towns = _read(folder / "address.json").get("city", [])
    first, last = list(_strings(person.get("names"))), list(_strings(person.get("surnames")))
    own = _OWN / f"{folder.name}.toml"
    if own.is_file():
        listed = tomllib.loads(own.read_text(encoding="utf-8"))
        first += _listed(listed["first_female"]) + _listed(listed["first_male"])
        last += _listed(listed["last"])
        towns = [*towns, *(line.split("|")[0].strip() for line in listed["places"].splitlines())]
    return Words(_folded(first), _folded(last), _folded(town for town in towns if town))


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found


def _strings(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for each in node.values():
            yield from _strings(each)
    elif isinstance(node, list):
        for each in node:
            yield from _strings(each)


def _listed(text: str) -> list[str]:
    """Names of a list such as `佐藤=sato, Nowak/Nowakowa`."""
    return [name for name in re.split(r"[,/]\s*", re.sub(r"=\w+", "", text.strip())) if name]


def _folded(words: Iterable[str]) -> frozenset[str]:
    return frozenset(word.strip().casefold() for word in words)
