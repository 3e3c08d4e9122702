"""Words and sentences for the `fake` model, chosen by a property's name."""

from __future__ import annotations

import datetime as dt
import random
import re
from collections.abc import Iterator

_LISTS = """
first: Ada Ben Cora Dev Elif Finn Gita Hugo Ines Jonas Kira Liam Mona Nils Olga Pia Ravi Sofia
last: Adler Brandt Costa Diaz Eriksen Fuchs Garcia Haas Ito Jensen Khan Lopez Moser Novak Okafor
city: Vienna Lisbon Oslo Porto Graz Lyon Turin Ghent Bergen Malmo Leeds Bremen Krakow
country: Austria Portugal Norway France Italy Belgium Sweden Poland Spain Germany
colour: red blue green black white amber teal silver olive coral
quality: quiet bright sturdy soft classic light bold simple warm fresh clever modern
thing: kettle lamp jacket chair notebook bag scarf mug bottle clock backpack blanket
verb: keeps brings shows carries lifts suits holds meets follows opens
place: home work morning journey garden evening season table window city
job: manager nurse engineer teacher analyst designer driver chef
company: Nordlicht Alpenwerk Solara Kestrel Ferrum Lumen Bravado Tessera
"""
WORDS = {
    name: words.split()
    for name, _, words in (line.partition(": ") for line in _LISTS.strip().splitlines())
}
_TELLS = ("The", "Here the", "One", "This", "And the")
_COMMON = frozenset(("about", "answer", "describe", "given", "named", "please", "sentence")) | (
    frozenset(("short", "their", "there", "these", "using", "which", "words", "write"))
)
_PROSE = frozenset(
    ("answer", "blurb", "body", "comment", "description", "message", "note", "question", "reason")
) | frozenset(("review", "sentence", "story", "summary", "text"))


def word_for(rng: random.Random, name: str, *, longest: int | None = None) -> str:
    """A short text for a property by its name, within a maximum length."""
    parts = re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower())
    if _PROSE & set(parts):
        return write_text(rng, name)
    known = _known(rng)
    for part in reversed(parts):
        if part in known:
            return known[part]
    thing = f"{known['thing']} {known['number']}"
    names = (f"{known['quality']} {known['colour']} {thing}".capitalize(), thing.capitalize())
    return next((text for text in names if longest is None or len(text) <= longest), thing)


def write_text(rng: random.Random, prompt: str, *, words: int | None = None) -> str:
    """Sentences about words of the prompt: one to three, or cut to a number of words."""
    named = [word.lower() for word in re.findall(r"[^\W\d_]{5,}", prompt[-400:])]
    subjects = [word for word in named if word not in _COMMON] or WORDS["thing"]
    sentences = rng.randint(1, 3)
    written: list[str] = []
    while len(written) < words if words is not None else sentences > 0:
        pick = _known(rng)
        written += f"The {pick['quality']} {rng.choice(subjects)} {pick['verb']}".split()
        written += (
            f"every {pick['place']} a {rng.choice(WORDS['quality'])} {pick['thing']}.".split()
        )
        sentences -= 1
    return " ".join(written[:words]).rstrip(".") + "."


def write_facts(rng: random.Random, facts: object, *, words: int | None = None) -> str:
    """Sentences that state every value of some facts and nothing else."""
    told = [f"{rng.choice(_TELLS)} {name} is {value}." for name, value in _leaves("value", facts)]
    text = " ".join(told)
    missing = 0 if words is None else words - len(text.split())
    if missing <= 0:
        return text
    more = " ".join(rng.choice(WORDS["quality"]) for _ in range(missing))
    return f"{text} {more.capitalize()}."


def _leaves(name: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(str(key), item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(name, item)
    elif value is not None:
        yield name, value


def _known(rng: random.Random) -> dict[str, str]:
    """One word or value for each known name."""
    pick = {name: rng.choice(words) for name, words in WORDS.items()}
    number = rng.randrange(10_000)
    person = f"{pick['first']} {pick['last']}"
    street = f"{pick['last']} Street {number % 99 + 1}"
    day = dt.date(2022, 1, 1) + dt.timedelta(days=rng.randrange(1461))
    return {
        **pick,
        "number": str(number),
        "surname": pick["last"],
        "person": person,
        "patient": person,
        "customer": person,
        "email": f"{pick['first']}.{pick['last']}{number}@example.com".lower(),
        "phone": f"+43 660 {rng.randrange(10**7):07}",
        "town": pick["city"],
        "street": street,
        "address": f"{street}, {pick['city']}",
        "color": pick["colour"],
        "currency": rng.choice(("EUR", "USD", "GBP")),
        "date": day.isoformat(),
        "url": f"https://example.com/{pick['thing']}",
        "id": f"{number:05}",
        "code": f"{pick['thing'][:2].upper()}-{number:05}",
    }
