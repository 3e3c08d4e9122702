"""What a personal detail can be, how it is told, and what columns of it are called."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fabula.pii.detector import Detector, Detectors

FEWEST = 5
"""Distinct values that forms need at least; words need `FEWEST_WORDS`."""


def lack(name: str, entry: Detector) -> str | None:
    """What an entry lacks, in words."""
    if name != entry.name or not name.isidentifier():
        return "has no name that is one word"
    if not entry.title.strip():
        return "has no `title`"
    if not 0 < entry.least <= 1 or entry.fewest < 1:
        return "has a `least` that is not above 0 and at most 1, or a `fewest` below 1"
    if entry.detects is None:
        return None
    if not entry.told.strip():
        return "has no words for its reason, `told`"
    made = {"code", *DETECTORS.builtin()} - {*BLURRED}
    return None if entry.made_as in made else f"has no `made_as` of {', '.join(sorted(made))}"


DETECTORS: Detectors = Detectors("detector", home="fabula.pii.kinds", lacks=lack)
"""Every detector, and so every kind of personal detail, by name."""

for _entry in (
    Detector("name", "names of people"),
    Detector("first_name", "first names"),
    Detector("last_name", "last names"),
    Detector("company", "companies", direct=False),
    Detector("street", "streets"),
    Detector("postcode", "postcodes"),
    Detector("city", "towns", direct=False),
    Detector("email", "e-mails"),
    Detector("phone", "phone numbers"),
    Detector("card", "card numbers"),
    Detector("account", "bank accounts"),
    Detector("national_id", "national ids"),
    Detector("username", "user names"),
    Detector("plate", "licence plates"),
    Detector("ip", "IP addresses"),
    Detector("mac", "MAC addresses"),
    Detector("uuid", "UUIDs", direct=False),
    Detector("coordinates", "coordinates"),
    Detector("coordinate", "latitudes or longitudes", direct=False),
    Detector("birth_date", "birth dates", direct=False),
):
    DETECTORS.add(_entry)


class _Titles(Mapping[str, str]):
    """What a column of each kind holds; kinds of plug-ins too."""

    def __getitem__(self, kind: str) -> str:
        return DETECTORS[kind].title

    def __iter__(self) -> Iterator[str]:
        return iter(DETECTORS)

    def __len__(self) -> int:
        return len(DETECTORS)


TITLES: Mapping[str, str] = _Titles()
"""Every kind, and what a column of it holds."""

BLURRED = ("birth_date", "coordinate")
"""Numbers and times that tell of people by how exact they are."""


@dataclass(frozen=True)
class Finding:
    """A column of personal details.

    Attributes:
        kind: One of `TITLES`.
        share: The share of the distinct values looked at that are of the kind.
        confidence: From 0 to 1.
        reason: What tells, in words.
        scheme: Which national id, one of `SCHEMES`; else empty.
    """

    kind: str
    share: float
    confidence: float
    reason: str
    scheme: str = ""

    @property
    def direct(self) -> bool:
        """Whether one value can tell who somebody is."""
        return DETECTORS[self.kind].direct

    @property
    def made_as(self) -> str:
        """The kind of Fabula's own that new values are made as."""
        entry = DETECTORS[self.kind]
        return self.kind if entry.detects is None else entry.made_as


_NAMED: Mapping[str, re.Pattern[str]] = {
    kind: re.compile(rf"(^|[_\W])({words})(e?s)?([_\W\d]|$)", re.IGNORECASE)
    for kind, words in {
        "postcode": r"zip|zip_?code|post_?code|postal_?code|plz|cap|cp|postleitzahl",
        "phone": r"phone|mobile|cell|tel|telephone|telefon|fax|handy|telefono|téléphone",
        "coordinate": r"lat|latitude|lon|lng|long|longitude|breite|breitengrad|länge|längengrad|"
        r"laengengrad|latitud|longitud|latitudine|longitudine|geo_?lat|geo_?lon|gps_?lat|gps_?lon",
        "birth_date": r"born|dob|birth|birth_?da(te|y)|geburtsdatum|geburtstag|geb_?datum|geboren|"
        r"naissance|date_?de_?naissance|nacimiento|fecha_?de_?nacimiento|nascita|data_?di_?nascita|urodzenia",
        "company": r"compan(y|ies)|company_?name|firma|employer|entreprise|empresa|"
        r"azienda|ship_?name",
        "name": r"full_?name|contact_?name|ship_?name|kunde|customer|client|recipient|cardholder|"
        r"patient|contact|empfänger|seller|sales_?(rep|person|man)|agent|employee|driver|doctor|"
        r"teacher|owner|manager|author|verkäufer|vertreter|fahrer|mitarbeiter|betreuer|"
        r"(sach)?bearbeiter|arzt|ansprechpartner|vendeur|vendedor|venditore|médecin|chauffeur",
        "first_name": r"(first|given|fore)_?name|vorname|prénom|prenom|primer_?nombre|imię",
        "last_name": r"(last|family|sur)_?name|nachname|familienname|nom_?de_?famille|apellidos?|"
        r"cognome|sobrenome|nazwisko|achternaam|efternamn|фамилия|soyadı",
        "street": r"street|address|adresse|anschrift|straße|strasse|rue|direccion|indirizzo",
        "username": r"user|login|user_?name|account|nick",
        "plate": r"plate|licen[cs]e_?plate|kennzeichen|plaque|matricula|targa",
        "city": r"cit(y|ies)|town|ort|stadt|ville|ciudad|città",
    }.items()
}


def named(kind: str, name: str) -> bool:
    """Whether a column's name says that it holds details of a kind, also in the plural."""
    spaced = re.sub(r"([a-z])([A-Z])", r"\1_\2", name)
    found = _NAMED[kind].search(spaced)
    return found is not None and found.end() >= len(spaced) - 1  # `contactTitle` is not a contact


def found_as(kind: str, part: float, told: str, scheme: str = "") -> Finding:
    """What was found in a share of the values."""
    return Finding(kind, round(part, 3), round(min(1.0, 0.4 + 0.6 * part), 2),
                   f"{part:.0%} of its values {told}", scheme)  # fmt: skip
