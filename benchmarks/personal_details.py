"""How well personal details are found by value: recall on made columns, false calls on real ones.

Run `python benchmarks/personal_details.py [FOLDER]`; FOLDER holds CSV files of ordinary tables, and
JSON files of texts in which personal details are marked. Values come from Faker and from these
texts, never from Fabula's own words (Mimesis is one of its sources); columns are called `c1`, `c2`
and so on.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from faker import Faker

from fabula.io.tables import as_table
from fabula.pii import find, find_in_table

ROWS = 200
LOCALES = ("en_US", "de_DE", "fr_FR")


def spaced(text: str) -> str:
    """The text in groups of four."""
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


KINDS: dict[str, tuple[set[str], Callable[[Faker], Any]]] = {
    "name": ({"name"}, lambda f: f"{f.first_name()} {f.last_name()}"),
    "name with title": ({"name"}, lambda f: f.name()),
    "last name first": ({"name"}, lambda f: f"{f.last_name()}, {f.first_name()}"),
    "name in capitals": ({"name"}, lambda f: f"{f.first_name()} {f.last_name()}".upper()),
    "name in small letters": ({"name"}, lambda f: f"{f.first_name()} {f.last_name()}".lower()),
    "middle initial": (
        {"name"},
        lambda f: f"{f.first_name()} {f.random_uppercase_letter()}. {f.last_name()}",
    ),
    "initial and name": ({"name", "last_name"}, lambda f: f"{f.first_name()[0]}. {f.last_name()}"),
    "first name": ({"first_name", "last_name", "name"}, lambda f: f.first_name()),
    "last name": ({"first_name", "last_name", "name"}, lambda f: f.last_name()),
    "company": ({"company", "name"}, lambda f: f.company()),
    "street": ({"street"}, lambda f: f.street_address()),
    "address": ({"street"}, lambda f: f.address().replace("\n", ", ")),
    "address of two lines": ({"street"}, lambda f: f.address()),
    "e-mail": ({"email"}, lambda f: f.email()),
    "company e-mail": ({"email"}, lambda f: f.company_email()),
    "phone": ({"phone"}, lambda f: f.phone_number()),
    "phone with a plus": (
        {"phone"},
        lambda f: f"+{f.random_element(('1', '44', '49'))} {f.msisdn()[3:]}",
    ),
    "digits of a phone": ({"phone"}, lambda f: f.numerify("49151########")),
    "phone as a number": ({"phone"}, lambda f: int(f"{f.numerify('5%%3%%####')}")),
    "card": ({"card"}, lambda f: f.credit_card_number()),
    "card with spaces": ({"card"}, lambda f: spaced(f.credit_card_number("visa16"))),
    "card as a number": ({"card"}, lambda f: int(f.credit_card_number("mastercard"))),
    "IBAN": ({"account"}, lambda f: f.iban()),
    "IBAN with spaces": ({"account"}, lambda f: spaced(f.iban())),
    "national id": ({"national_id"}, lambda f: f.ssn()),
    "user name": ({"username"}, lambda f: f.user_name()),
    "user name with a dot": (
        {"username"},
        lambda f: f"{f.first_name()}.{f.last_name()}".lower().replace(" ", ""),
    ),
    "plate": ({"plate"}, lambda f: f.license_plate()),
    "IPv4": ({"ip"}, lambda f: f.ipv4()),
    "IPv6": ({"ip"}, lambda f: f.ipv6()),
    "MAC": ({"mac"}, lambda f: f.mac_address()),
    "UUID": ({"uuid"}, lambda f: f.uuid4()),
    "coordinates": ({"coordinates"}, lambda f: "{}, {}".format(*f.latlng())),
    "birth date": ({"birth_date"}, lambda f: f.date_of_birth(minimum_age=18, maximum_age=90)),
    "town": ({"city"}, lambda f: f.city()),
    "e-mail in capitals": ({"email"}, lambda f: f.email().upper()),
    "phone in digits with a plus": ({"phone"}, lambda f: f"+{f.numerify('4915########')}"),
    "card with hyphens": (
        {"card"},
        lambda f: spaced(f.credit_card_number("visa16")).replace(" ", "-"),
    ),
    "MAC with hyphens": ({"mac"}, lambda f: f.mac_address().replace(":", "-")),
    "UUID in capitals": ({"uuid"}, lambda f: f.uuid4().upper()),
    "user name with digits": ({"username"}, lambda f: f"{f.user_name()}{f.random_int(1, 99)}"),
}
"""A kind, the findings that count, and a value of it."""

BESIDE = {
    "postcode": lambda f: f.postcode(),
    "postcode as a number": lambda f: int("".join(c for c in f.postcode() if c.isdigit())[:5]),
}
"""Kinds that are told by the street alongside them."""

DIFFERENT = {"pl_PL": "PESEL", "es_ES": "DNI", "it_IT": "codice fiscale"}


def recall() -> Iterator[tuple[str, str, bool, str]]:
    """Each column: kind, locale, whether it was found, as what."""
    for locale in LOCALES:
        fake = Faker(locale)
        fake.seed_instance(7)
        for number, (kind, (right, make)) in enumerate(KINDS.items()):
            values = pa.array([make(fake) for _ in range(30)] * (ROWS // 30))
            found = find(values, f"c{number}")
            yield kind, locale, found is not None and found.kind in right, str(found and found.kind)
        for kind, make in BESIDE.items():
            streets = [fake.street_address() for _ in range(30)]
            table = pa.table({"c1": streets, "c2": [make(fake) for _ in range(30)]})
            beside = find_in_table(table).get("c2")
            yield kind, locale, beside is not None and beside.kind == "postcode", str(beside)
    for locale, kind in DIFFERENT.items():
        fake = Faker(locale)
        fake.seed_instance(7)
        make = {"pl_PL": "pesel", "es_ES": "nif", "it_IT": "ssn"}[locale]
        values = [getattr(fake, make)() for _ in range(30)]
        found = find(pa.array(values), "c9")
        yield kind, locale, found is not None and found.kind == "national_id", str(found)


MARKED: dict[str, set[str]] = {
    "FIRSTNAME": {"first_name", "name"},
    "SURNAME": {"last_name", "name"},
    "PERSON": {"name"},
    "EMAIL": {"email"},
    "EMAIL_ADDRESS": {"email"},
    "COMPANYNAME": {"company"},
    "IBAN": {"account"},
    "IBAN_CODE": {"account"},
    "PHONENUMBER": {"phone"},
    "PHONE_NUMBER": {"phone"},
    "USERNAME": {"username"},
    "SSN": {"national_id"},
    "US_SSN": {"national_id"},
    "NATIONALID": {"national_id"},
    "LICENSEPLATENUM": {"plate"},
    "CREDITCARDNUMBER": {"card"},
    "CREDIT_CARD": {"card"},
    "IP_ADDRESS": {"ip"},
    "STREET_ADDRESS": {"street"},
    "CITY": {"city"},
}
"""Labels of marked texts, and the findings that count."""


def marked(folder: Path | None) -> Iterator[tuple[str, str, bool, str]]:
    """Each column of marked details: label, file, whether it was found, as what."""
    for path in sorted(folder.rglob("*.json*")) if folder else ():
        text = path.read_text(encoding="utf-8")
        try:
            records = json.loads(text)
        except json.JSONDecodeError:
            records = [json.loads(line) for line in text.splitlines()]
        values: dict[str, list[str]] = defaultdict(list)
        for record in records if isinstance(records, list) else ():
            for span in record.get("entities", record.get("spans", ())):
                label = span.get("label") or span.get("entity_type")
                values[label].append(span.get("text") or span.get("entity_value"))
        for label, right in MARKED.items():
            if len(set(values[label])) >= 10:
                found = find(pa.array(values[label]), "c1")
                is_right = found is not None and found.kind in right
                yield label, path.stem, is_right, str(found and found.kind)


def ordinary(folder: Path | None) -> Iterator[tuple[str, str, str]]:
    """Findings in tables of real data: table, column, finding."""
    from sklearn import datasets

    for load in ("iris", "wine", "breast_cancer", "diabetes", "digits", "linnerud"):
        frame = getattr(datasets, f"load_{load}")(as_frame=True).frame
        table = as_table(frame)
        found = find_in_table(table.rename_columns([f"c{n}" for n in range(table.num_columns)]))
        yield from ((load, table.column_names[int(name[1:])], str(found.get(name)))
                    for name in (f"c{n}" for n in range(table.num_columns)))  # fmt: skip
    for path in sorted(folder.rglob("*.csv")) if folder else ():
        table = as_table(path)
        found = find_in_table(table.rename_columns([f"c{n}" for n in range(table.num_columns)]))
        for number, name in enumerate(table.column_names):
            yield f"{path.parent.name}/{path.stem}", name, str(found.get(f"c{number}"))


def main() -> None:
    """Print what is missed, what is called falsely, and both shares."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    tried = [*recall(), *marked(folder)]
    for kind, locale, right, found in tried:
        if not right:
            print(f"missed: {kind} of {locale}, found as {found}")
    print(f"recall {sum(right for *_, right, _ in tried) / len(tried):.3f} of {len(tried)} columns")
    seen = list(ordinary(folder))
    called = [item for item in seen if item[2] != "None"]
    for table, column, found in called:
        print(f"called: {table}.{column}: {found}")
    print(f"called {len(called)} of {len(seen)} columns")


if __name__ == "__main__":
    main()
