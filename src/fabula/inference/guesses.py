"""Which kind suits a value, from its type, its bounds and its name; each guess has a reason.

A guess is made only where the answer is obvious; what is not stays with the language model.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import math
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from fabula.errors import SpecError, Violation
from fabula.kinds.base.columns import AbstractColumn, AbstractNumber
from fabula.kinds.lognormal import Lognormal
from fabula.kinds.poisson import Poisson
from fabula.kinds.uniform import Uniform
from fabula.spec import col

START, END = dt.date(2022, 1, 1), dt.date(2026, 1, 1)
"""Between these lie dates about which nothing is known."""

MOST_CHOICES = 1_000

_EXACT_DIGITS = 15
"""Every number of that many decimal digits comes back from a float64 as it was."""


@dataclass(frozen=True)
class Facts:
    """What is known about a value.

    Attributes:
        name: Its name, in words joined by underscores.
        type: Its type: `int`, `float`, `Decimal`, `bool`, `str`, a date, an enumeration …
        owner: What it belongs to, in words (`patient`).
        beside: The names that are alongside it.
        low: The lowest number, itself allowed.
        high: The highest number, itself allowed.
        step: The number that it is a multiple of.
        decimals: Its most decimals, if they are limited.
        digits: Its most digits in all, if they are limited.
        pattern: The regular expression that it matches.
        choices: All allowed values, if they are listed.
        since: The first date or time.
        until: A date or time before which it is.
    """

    name: str
    type: Any
    owner: str = ""
    beside: frozenset[str] = frozenset()
    low: float | None = None
    high: float | None = None
    step: float | None = None
    decimals: int | None = None
    digits: int | None = None
    pattern: str | None = None
    choices: tuple[Any, ...] = ()
    since: dt.date | None = None
    until: dt.date | None = None

    @property
    def is_key(self) -> bool:
        """Whether it is named as the key of what it belongs to: `id`, `patient_id`."""
        return self.name in ("id", "key", "pk", f"{self.owner}_id", f"{self.owner}_key")

    @property
    def is_coarse(self) -> bool:
        """Whether it goes in steps that no number of decimals describes."""
        return self.step not in (None, 1) and _decimals(self.step) is None

    @property
    def places(self) -> int | None:
        """The decimals that it has, by its type, its step or its limit; None for any number."""
        if self.type is int or self.step == 1:
            return 0
        found = [places for places in (_decimals(self.step), self.decimals) if places is not None]
        if not found and self.digits is not None:
            found = [min(self.digits, 2)]
        return min(found, default=None)

    @property
    def most(self) -> float:
        """The highest number that its digits can write."""
        if self.digits is None:
            return math.inf
        return float((10 ** min(self.digits, _EXACT_DIGITS) - 1) / 10 ** (self.places or 0))


@dataclass(frozen=True)
class Guess:
    """A column and why it is that one."""

    column: AbstractColumn
    reason: str


def guess(facts: Facts) -> Guess | None:
    """The obvious column for a value, or None."""
    if facts.choices:
        return Guess(col.choice(list(facts.choices)), "its values are listed")
    if facts.type is bool:
        return Guess(col.bernoulli(0.5), "true or false")
    if facts.type in (int, float, Decimal):
        return _number(facts)
    if facts.type in (dt.date, dt.datetime) and (facts.since or facts.until):
        return _moment(facts)
    if facts.type is dt.date and _BORN.search(facts.name):
        return Guess(col.person("birth_date"), f"named `{facts.name}`")
    if facts.type in _BY_TYPE:
        return Guess(_BY_TYPE[facts.type], f"its type is `{facts.type.__name__}`")
    if facts.type is str:
        return _text(facts)
    return None


def words(name: str) -> str:
    """`customerID` and `Customer-Id` as `customer_id`."""
    parts = re.sub(r"([a-z0-9])([A-Z])|([A-Z])([A-Z][a-z])", r"\1\3_\2\4", name)
    return re.sub(r"[^a-z0-9]+", "_", parts.lower()).strip("_")


def _moment(facts: Facts) -> Guess:
    """A date or time between its bounds, or for some years from the one that it has."""
    since, until, usual = facts.since, facts.until, END - START
    is_date = facts.type is dt.date
    if since is None and until is not None:
        since = min(until - usual, type(until)(START.year, START.month, START.day))
    assert since is not None
    column = col.datetime(since, until or since + usual, date=is_date)
    return Guess(column, f"between {since} and {until}" if until else f"from {since} on")


def _number(facts: Facts) -> Guess | None:
    whole = facts.type is int
    if whole and facts.is_key:
        start = 1 if facts.low is None else max(1, round(facts.low))
        return Guess(col.key(start=start), f"named `{facts.name}` like a key")
    decimals = facts.places
    if facts.low is not None and facts.high is not None:
        low, high = max(facts.low, -facts.most), min(facts.high, facts.most)
        _demand_exact(facts, low, high, decimals)
        return _between(facts, low, high, decimals)
    if facts.is_coarse:
        return None
    for rule, (usual, least) in _NUMBERS.items():
        if re.search(rule, facts.name):
            low = least if facts.low is None else facts.low
            most = facts.high
            if facts.digits is not None:
                most = min(facts.most, math.inf if most is None else most)
            column = _fitted(usual, low, most, 2 if decimals is None else decimals)
            return Guess(column, f"named `{facts.name}`")
    return None


def _between(facts: Facts, low: float, high: float, decimals: int | None) -> Guess | None:
    reason = f"between {low} and {high}"
    if facts.step is not None and facts.is_coarse:
        first = math.ceil(low / facts.step)
        last = math.floor(high / facts.step)
        if not first <= last < first + MOST_CHOICES:
            return None
        steps = [i * Decimal(str(facts.step)) for i in range(first, last + 1)]
        values = [int(step) if facts.type is int else float(step) for step in steps]
        return Guess(col.choice(values), f"multiples of {facts.step} {reason}")
    return Guess(col.uniform(low, high, decimals=decimals), reason)


def _demand_exact(facts: Facts, low: float, high: float, decimals: int | None) -> None:
    """Refuse numbers that a column of 64-bit whole numbers or of floats can't hold exactly.

    Raises:
        SpecError: The bounds ask for more digits.
    """
    if decimals is None:
        return
    if decimals == 0:
        fits, kind = low >= -(2**63) and high < 2**63, "64-bit whole numbers"
    else:
        fits = max(abs(low), abs(high)) * 10**decimals < 10**_EXACT_DIGITS
        kind = f"{_EXACT_DIGITS} digits, {decimals} decimals included"
    if fits:
        return
    message = f"`{facts.name}` reaches from {low} to {high}, beyond {kind}"
    text = f"`Annotated[{facts.type.__name__}, fb.col.pattern('[1-9][0-9]{{19}}')]`"
    hint = f"narrow its bounds, or have its digits drawn as text: {text}"
    raise SpecError([Violation("spec.too-many-digits", message, facts.name, hint)])


def _decimals(step: float | None) -> int | None:
    """The decimals of a step such as 0.01, or None if it is not a power of ten."""
    places = [places for places in range(1, 13) if step and abs(step - 10**-places) < 1e-15]
    return places[0] if places else None


def _text(facts: Facts) -> Guess | None:
    if facts.pattern is not None:
        return Guess(col.pattern(facts.pattern), "its pattern is given")
    for rule, column in _TEXTS.items():
        if re.search(rule, facts.name):
            return Guess(column, f"named `{facts.name}`")
    if facts.name == "name" and _is_person(facts):
        return Guess(col.person("name"), f"named `name`, of `{facts.owner or 'person'}`")
    if _HUMAN.search(facts.name.removesuffix("_name")):
        return Guess(col.person("name"), f"named `{facts.name}`")
    return None


def _is_person(facts: Facts) -> bool:
    """Whether what a value belongs to is a human: by its own name, or by what is alongside it."""
    return _HUMAN.search(facts.owner) is not None or bool(facts.beside & _HUMAN_TRAITS)


def _fitted(
    column: AbstractNumber, low: float, high: float | None, decimals: int
) -> AbstractNumber:
    """A usual number moved between the bounds that are known."""
    bounds = {"min": low, "max": high}
    most = high if high is not None else math.inf
    match column:
        case Uniform(max=float() | int() as usual):
            wide = max(usual, low + 1) if high is None else high
            return column.model_copy(update={**bounds, "max": wide, "decimals": decimals})
        case Lognormal(median=float() | int() as median):
            middle = min(max(median, low * 1.5), most)
            return column.model_copy(update={**bounds, "median": middle, "decimals": decimals})
        case Poisson(mean=float() | int() as mean):
            return column.model_copy(update={**bounds, "mean": min(max(mean, low), most)})
    return column


_BY_TYPE: Mapping[type, AbstractColumn] = {
    dt.date: col.datetime(START, END, date=True),
    dt.datetime: col.datetime(START, END),
    uuid.UUID: col.uuid(),
    ipaddress.IPv4Address: col.provider("internet.ip_v4"),
    ipaddress.IPv6Address: col.provider("internet.ip_v6"),
}

_NUMBERS: Mapping[str, tuple[AbstractNumber, float]] = {
    r"(^|_)age$": (col.uniform(0, 90), 18),
    r"(^|_)(salary|income|wage)s?$": (col.lognormal(48_000, 0.4), 12_000),
    r"(^|_)(price|cost|amount|total|fee|charge|payment|balance|revenue|spend)s?($|_)": (
        col.lognormal(40, 0.6),
        0.5,
    ),
    r"(^|_)(quantity|qty|count|units|items|visits|children)$": (col.poisson(3), 0),
    r"(^|_)(stock|inventory)$": (col.poisson(40), 0),
    r"(^|_)(rating|stars)$": (col.uniform(0, 5), 1),
    r"(^|_)(percent|percentage|pct)$": (col.uniform(0, 100), 0),
    r"(^|_)(share|ratio|probability|fraction)$": (col.uniform(0, 1), 0),
    r"(^|_)year$": (col.uniform(0, 2025), 2000),
    r"(^|_)lat(itude)?$": (col.uniform(0, 90), -90),
    r"(^|_)(lon|lng|longitude)$": (col.uniform(0, 180), -180),
    r"(^|_)height_cm$": (col.uniform(0, 200), 150),
    r"(^|_)weight_kg$": (col.uniform(0, 110), 45),
    r"_id$": (col.uniform(0, 1_000), 1),
}
"""Rules by name: the usual column, and its usual lower bound."""

_TEXTS: Mapping[str, AbstractColumn] = {
    r"(^|_)e_?mail(_address)?$": col.person("email"),
    r"(^|_)(first|given|fore)_?name$": col.person("first_name"),
    r"(^|_)(last|family|sur)_?name$": col.person("last_name"),
    r"(^|_)full_?name$": col.person("name"),
    r"(^|_)(user|login)_?name$|^login$": col.person("username"),
    r"(^|_)(phone|mobile|telephone|tel)(_number)?$": col.person("phone"),
    r"(^|_)(sex|gender)$": col.person("sex"),
    r"(^|_)street(_address)?$": col.person("street"),
    r"(^|_)address$": col.person("address"),
    r"(^|_)(city|town)$": col.person("city"),
    r"(^|_)(state|province)$": col.person("state"),
    r"(^|_)(zip|post)_?(al_)?(code)?$": col.person("postcode"),
    r"(^|_)country_?code$": col.person("country_code"),
    r"(^|_)country$": col.person("country"),
    r"(^|_)nationality$": col.person("nationality"),
    r"(^|_)(company|employer|organi[sz]ation)(_name)?$": col.person("company"),
    r"(^|_)(job|job_title|occupation|profession)$": col.person("job"),
    r"(^|_)(uuid|guid)$": col.uuid(),
    r"(^|_)(url|website|homepage)$": col.provider("internet.url"),
    r"(^|_)ip(_address)?$": col.provider("internet.ip_v4"),
    r"(^|_)isbn$": col.provider("code.isbn"),
    r"(^|_)currency(_code)?$": col.provider("finance.currency_iso_code"),
    r"(^|_)(credit_)?card_number$": col.provider("payment.credit_card_number"),
}

_BORN = re.compile(r"(^|_)(born|dob|birthday|birth_?date|date_of_birth)(_on)?$")
_HUMAN = re.compile(
    r"(^|_)(person|people|patient|customer|client|user|member|employee|worker|student|pupil|"
    r"teacher|author|doctor|nurse|contact|guest|driver|player|actor|resident|subscriber|"
    r"applicant|candidate|passenger|citizen|buyer|seller|owner|tenant|borrower|holder)s?$"
)
_HUMAN_TRAITS = frozenset(
    {"first_name", "last_name", "email", "age", "sex", "gender", "birth_date", "date_of_birth"}
)
