"""What a personal detail can be, how it is told, and what columns of it are called."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

FEWEST = 5
"""Distinct values that forms need at least; words need `FEWEST_WORDS`."""


TITLES: Mapping[str, str] = {
    "name": "names of people",
    "first_name": "first names",
    "last_name": "last names",
    "company": "companies",
    "street": "streets",
    "postcode": "postcodes",
    "city": "towns",
    "email": "e-mails",
    "phone": "phone numbers",
    "card": "card numbers",
    "account": "bank accounts",
    "national_id": "national ids",
    "username": "user names",
    "plate": "licence plates",
    "ip": "IP addresses",
    "mac": "MAC addresses",
    "uuid": "UUIDs",
    "coordinates": "coordinates",
    "coordinate": "latitudes or longitudes",
    "birth_date": "birth dates",
}
"""Every kind, and what a column of it holds."""

INDIRECT = ("city", "birth_date", "company", "uuid", "coordinate")
"""Kinds that name nobody by themselves."""

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
        return self.kind not in INDIRECT


_NAMED: Mapping[str, re.Pattern[str]] = {
    kind: re.compile(rf"(^|[_\W])({words})([_\W\d]|$)", re.IGNORECASE)
    for kind, words in {
        "postcode": r"zip|zip_?code|post_?code|postal_?code|plz|cap|cp|postleitzahl",
        "phone": r"phone|mobile|cell|tel|telephone|telefon|fax|handy|telefono|téléphone",
        "coordinate": r"lat|latitude|lon|lng|long|longitude|breite|breitengrad|länge|längengrad|"
        r"laengengrad|latitud|longitud|latitudine|longitudine|geo_?lat|geo_?lon|gps_?lat|gps_?lon",
        "birth_date": r"born|dob|birth|birth_?da(te|y)|geburtsdatum|geburtstag|geb_?datum|geboren|"
        r"naissance|date_?de_?naissance|nacimiento|fecha_?de_?nacimiento|nascita|data_?di_?nascita|urodzenia",
        "company": r"company|company_?name|firma|employer|entreprise|empresa|azienda|ship_?name",
        "name": r"full_?name|contact_?name|ship_?name|kunde|customer|client|recipient|cardholder|"
        r"patient|contact|empfänger|seller|sales_?(rep|person|man)|agent|employee|driver|doctor|"
        r"teacher|owner|manager|author|verkäufer|vertreter|fahrer|mitarbeiter|betreuer|"
        r"(sach)?bearbeiter|arzt|ansprechpartner|vendeur|vendedor|venditore|médecin|chauffeur",
        "street": r"street|address|adresse|anschrift|straße|strasse|rue|direccion|indirizzo",
        "username": r"user|login|user_?name|account|nick",
        "plate": r"plate|licen[cs]e_?plate|kennzeichen|plaque|matricula|targa",
        "city": r"city|town|ort|stadt|ville|ciudad|città",
    }.items()
}


def named(kind: str, name: str) -> bool:
    """Whether a column's name says that it holds details of a kind."""
    spaced = re.sub(r"([a-z])([A-Z])", r"\1_\2", name)
    found = _NAMED[kind].search(spaced)
    return found is not None and found.end() >= len(spaced) - 1  # `contactTitle` is not a contact


def found_as(kind: str, part: float, told: str, scheme: str = "") -> Finding:
    """What was found in a share of the values."""
    return Finding(kind, round(part, 3), round(min(1.0, 0.4 + 0.6 * part), 2),
                   f"{part:.0%} of its values {told}", scheme)  # fmt: skip
