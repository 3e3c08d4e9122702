"""Fabula's own kinds of personal details: what each is called, and the form that tells it.

Kinds of one form are told in this order. Others are weighed against each other, by words and by
spread, in `fabula.pii.finding` and `fabula.pii.few`; the shares that they need stand here.
"""

from __future__ import annotations

from fabula.pii.check_digits import is_account, is_card
from fabula.pii.detector import Detector
from fabula.pii.kinds import DETECTORS
from fabula.pii.wordings import company_share, full_name_share, street_share, user_share

DIGITS_OF_PLACES = (
    r"(?!(19|20)\d\d-[0-3])\d{4}-\d{3}|\d{5}-\d{4}|\d{2}-\d{3}|\d{5}-\d{3}|\d{3} \d{2}"
)
"""Postcodes that other codes look like; a year and a day of the year is not one."""

_WORDS = r"[^\W\d_][^\d_@/:<>#]{0,40}"

for _entry in (
    Detector(
        "email",
        "e-mails",
        form=r"[^@\s]+@[^@\s]+\.[^\W\d_]{2,}",
        told="have the form of an e-mail",
    ),
    Detector(
        "mac",
        "MAC addresses",
        form=r"[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}|([0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}",
        told="have the form of a MAC address",
    ),
    Detector(
        "ip",
        "IP addresses",
        form=r"((25[0-5]|2[0-4]\d|1?\d?\d)(\.(?!$)|$)){4}|(?=.*:.*:)(?!\d{1,3}:\d\d:\d\d$)"
        r"[0-9A-Fa-f]{0,4}(:[0-9A-Fa-f]{0,4}){2,7}",
        unless=r"\d(\.\d{1,2}){3}",  # versions
        told="have the form of an IP address",
    ),
    Detector(
        "uuid",
        "UUIDs",
        form=r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}",
        told="are UUIDs",
        direct=False,
    ),
    Detector(
        "coordinates",
        "coordinates",
        form=r"\(?[+-]?([0-8]?\d|90)\.\d{2,}\s*[,; ]\s*[+-]?(1[0-7]\d|\d?\d|180)\.\d{2,}\)?",
        told="are a latitude and a longitude",
    ),
    Detector(
        "postcode",
        "postcodes",
        form=r"[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}|[A-Z]\d[A-Z] ?\d[A-Z]\d|[1-9]\d{3} [A-Z]{2}"
        r"|〒?\d{3}-\d{4}|(D|A|CH|F|I)-\d{4,5}|" + DIGITS_OF_PLACES,
        told="have the form of a postcode",
        named=r"zip|zip_?code|post_?code|postal_?code|plz|cap|cp|postleitzahl",
    ),
    Detector(
        "account",
        "bank accounts",
        form=r"[A-Z]{2}\d{2}( ?[A-Z0-9]{1,4}){3,8}",
        valid=is_account,
        told="have the check digits of a bank account (IBAN)",
    ),
    Detector(
        "card",
        "card numbers",
        form=r"\d{4}([ -]?\d{4}){2}[ -]?\d{0,7}|\d{4}[ -]?\d{6}[ -]?\d{4,5}",
        valid=is_card,
        told="have the check digit of a card number (Luhn)",
    ),
    Detector("national_id", "national ids", weighed=True),
    Detector(
        "phone",
        "phone numbers",
        named=r"phone|mobile|cell|tel|telephone|telefon|fax|handy|telefono|téléphone",
        called=r"(?=\D*(\d\D*){6,15}$)(?=\d*\D|\d{8})[+\d(][\d ()./-]+( ?x\d{1,6})?",
        weighed=True,
    ),
    Detector(
        "first_name",
        "first names",
        named=r"(first|given|fore)_?name|vorname|prénom|prenom|primer_?nombre|imię",
        called=_WORDS,
        weighed=True,
    ),
    Detector(
        "last_name",
        "last names",
        named=r"(last|family|sur)_?name|nachname|familienname|nom_?de_?famille|apellidos?|"
        r"cognome|sobrenome|nazwisko|achternaam|efternamn|фамилия|soyadı",
        called=_WORDS,
        weighed=True,
    ),
    Detector(
        "name",
        "names of people",
        named=r"full_?name|contact_?name|ship_?name|kunde|customer|client|recipient|cardholder|"
        r"patient|contact|empfänger|seller|sales_?(rep|person|man)|agent|employee|driver|doctor|"
        r"teacher|owner|manager|author|verkäufer|vertreter|fahrer|mitarbeiter|betreuer|"
        r"(sach)?bearbeiter|arzt|ansprechpartner|vendeur|vendedor|venditore|médecin|chauffeur",
        detects=lambda texts, _: full_name_share(texts),
        told="hold a known first name alongside another name",
        least=0.4,
        hinted=0.3,
        weighed=True,
    ),
    Detector(
        "company",
        "companies",
        named=r"compan(y|ies)|company_?name|firma|employer|entreprise|empresa|azienda|ship_?name",
        detects=lambda texts, _: company_share(texts),
        told="end as companies do",
        least=0.35,
        hinted=0.2,
        direct=False,
        weighed=True,
    ),
    Detector(
        "street",
        "streets",
        named=r"street|address|adresse|anschrift|straße|strasse|rue|direccion|indirizzo",
        detects=lambda texts, _: street_share(texts),
        told="hold a number and a word for a street",
        least=0.4,
        hinted=0.3,
        weighed=True,
    ),
    Detector(
        "city",
        "towns",
        named=r"cit(y|ies)|town|ort|stadt|ville|ciudad|città",
        direct=False,
        weighed=True,
    ),
    Detector(
        "username",
        "user names",
        named=r"user|login|user_?name|account|nick",
        detects=lambda texts, _: user_share(texts),
        told="hold a person's name",
        least=0.4,
        hinted=0.3,
        weighed=True,
    ),
    Detector(
        "plate",
        "licence plates",
        named=r"plate|licen[cs]e_?plate|kennzeichen|plaque|matricula|targa",
        weighed=True,
    ),
    Detector(
        "coordinate",
        "latitudes or longitudes",
        named=r"lat|latitude|lon|lng|long|longitude|breite|breitengrad|länge|längengrad|"
        r"laengengrad|latitud|longitud|latitudine|longitudine|geo_?lat|geo_?lon|gps_?lat|gps_?lon",
        direct=False,
        weighed=True,
    ),
    Detector(
        "birth_date",
        "birth dates",
        named=r"born|dob|birth|birth_?da(te|y)|geburtsdatum|geburtstag|geb_?datum|geboren|"
        r"naissance|date_?de_?naissance|nacimiento|fecha_?de_?nacimiento|nascita|"
        r"data_?di_?nascita|urodzenia",
        direct=False,
        weighed=True,
    ),
):
    DETECTORS.add(_entry)
