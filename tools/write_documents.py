"""Draws a sheet of each template of documents in three languages: `docs/images/documents`.

`python -m tools.write_documents [NAME...]` draws some sheets again, or all. The guide shows them.
"""

from __future__ import annotations

import datetime as dt
import io
import sys
from pathlib import Path
from typing import Any

from PIL import Image, ImageChops

from fabula.kinds.document import Document
from fabula.media.catalogue import LANGUAGES, template, template_names
from fabula.media.composing import Composer
from fabula.media.typesetting import Typesetter

SHEETS = Path(__file__).parents[1] / "docs" / "images" / "documents"
WIDTH, GAP = 480, 12
"""Pixels of a page and between pages."""
_TABLE = (203, 206, 211)
_CURRENCIES = ("USD", "EUR", "CHF")
_DAY = dt.date(2025, 3, 14)

_HOUSE = {
    "seller": ("Northlight Lamps Ltd", "Nordlicht Leuchten GmbH", "Lumières du Nord SARL"),
    "seller_address": (
        "14 Harbour Street\nBristol BS1 4RN",
        "Hafenstraße 14\n20457 Hamburg",
        "14, quai du Port\n13002 Marseille",
    ),
    "buyer": ("Margaret Ellison", "Jörg Weiß", "Amélie Lefèvre"),
    "buyer_address": (
        "3 Mill Lane\nOxford OX1 2JD",
        "Mühlweg 3\n04109 Leipzig",
        "3, rue du Moulin\n31000 Toulouse",
    ),
}
_ITEMS = (
    ("Desk lamp, brass", "Schreibtischlampe, Messing", "Lampe de bureau, laiton"),
    ("Floor lamp with dimmer", "Stehlampe mit Dimmer", "Lampadaire à variateur"),
    ("Bulb, 8 W", "Leuchtmittel, 8 W", "Ampoule, 8 W"),
)
_LINES = [
    {"item": item, "quantity": count, "unit_price": price, "tax_rate": rate, "unit": unit,
     "sku": f"NL-{1040 + count}"}
    for item, count, price, rate, unit in zip(
        _ITEMS, (2, 1, 12), (49.9, 189.0, 6.45), (19, 19, 7),
        (("pcs", "Stk.", "pce"), ("pcs", "Stk.", "pce"), ("box", "Karton", "boîte")), strict=True,
    )
]  # fmt: skip
_PERSON = {
    "name": ("Margaret Ellison", "Jörg Weiß", "Amélie Lefèvre"),
    "surname": ("Ellison", "Weiß", "Lefèvre"),
    "given_names": ("Margaret Ann", "Jörg", "Amélie Rose"),
    "birth_date": dt.date(1987, 6, 2),
    "birth_place": ("Bristol", "Leipzig", "Toulouse"),
    "nationality": ("British", "deutsch", "française"),
    "sex": ("F", "M", "F"),
    "address": _HOUSE["buyer_address"],
    "phone": ("+44 7700 900123", "+49 30 23125 014", "+33 6 39 98 12 34"),
    "email": ("m.ellison@example.com", "j.weiss@example.com", "a.lefevre@example.com"),
}
_JOB = ("Lighting engineer", "Lichtplaner", "Éclairagiste")
_IBAN = ("GB33 BUKB 2020 1555 5555 55", "DE02 1203 0000 0000 2020 51",
         "FR14 2004 1010 0505 0001 3M02 606")  # fmt: skip

_VAT = ("GB 999 9999 73", "DE 123 456 789", "FR 40 303 265 045")

SAMPLES: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {
    "invoice": (
        {**_HOUSE, "number": "2025-0107", "date": _DAY, "due": dt.date(2025, 4, 13),
         "seller_tax_id": _VAT,
         "reference": "PO 4711", "iban": _IBAN,
         "note": ("Thank you for your order.", "Vielen Dank für Ihren Auftrag.",
                  "Merci de votre commande.")},
        _LINES,
    ),
    "receipt": (
        {**_HOUSE, "number": "004213", "seller_tax_id": _VAT,
         "date": dt.datetime(2025, 3, 14, 16, 42),
         "cashier": "A. Novak", "payment": ("Card", "EC-Karte", "Carte bancaire")},
        _LINES,
    ),
    "delivery_note": (
        {**_HOUSE, "number": "L-2025-338", "reference": "2025-0107", "date": _DAY,
         "carrier": ("Parcel service", "Paketdienst", "Messagerie"),
         "note": ("Leave with a neighbour.", "Beim Nachbarn abgeben.", "À remettre au voisin.")},
        _LINES,
    ),
    "bank_statement": (
        {"bank": ("Harbour Bank", "Hafenbank eG", "Banque du Port"),
         "bank_address": _HOUSE["seller_address"], "holder": _HOUSE["buyer"],
         "holder_address": _HOUSE["buyer_address"], "iban": _IBAN, "number": "3/2025",
         "date": dt.date(2025, 3, 31), "start": dt.date(2025, 3, 1), "end": dt.date(2025, 3, 31),
         "opening": 1204.17},
        [
            {"date": dt.date(2025, 3, day), "text": text, "counterparty": party, "amount": amount}
            for day, text, party, amount in (
                (3, ("Rent for March", "Miete März", "Loyer de mars"),
                 ("Mill Lane Homes", "Wohnbau Leipzig", "Immo Garonne"), -890.0),
                (14, ("Lamps, 2025-0107", "Leuchten, 2025-0107", "Lampes, 2025-0107"),
                 _HOUSE["seller"], -366.2),
                (28, ("Salary", "Gehalt", "Salaire"), ("City Theatre", "Stadttheater",
                 "Théâtre de la Ville"), 2841.36),
            )
        ],
    ),
    "payslip": (
        {"employer": ("City Theatre", "Stadttheater Leipzig", "Théâtre de la Ville"),
         "employer_address": _HOUSE["seller_address"], "employee": _HOUSE["buyer"],
         "employee_address": _HOUSE["buyer_address"], "number": "20317", "job": _JOB,
         "tax_class": ("1257L", "I", "9,5 %"), "period": ("March 2025", "März 2025", "Mars 2025"),
         "social_id": ("QQ 12 34 56 C", "65 020687 W 014", "2 87 06 31 555 123 45"),
         "date": dt.date(2025, 3, 28), "iban": _IBAN},
        [
            {"code": code, "text": text, "quantity": count, "rate": rate, "amount": amount}
            for code, text, count, rate, amount in (
                ("100", ("Basic pay", "Grundgehalt", "Salaire de base"), 160, 22.5, 3600.0),
                ("130", ("Night work", "Nachtarbeit", "Travail de nuit"), 12, 6.75, 81.0),
                ("710", ("Income tax", "Lohnsteuer", "Impôt sur le revenu"), None, None, -512.44),
                ("730", ("Pension", "Rentenversicherung", "Retraite"), None, None, -327.2),
            )
        ],
    ),
    "lab_report": (
        {"laboratory": ("Harbour Laboratory", "Labor am Hafen", "Laboratoire du Port"),
         "laboratory_address": _HOUSE["seller_address"], "patient": _HOUSE["buyer"],
         "birth_date": _PERSON["birth_date"], "sex": _PERSON["sex"], "number": "P-88213",
         "physician": ("Dr R. Okafor", "Dr. med. R. Okafor", "Dr R. Okafor"),
         "taken": dt.datetime(2025, 3, 12, 8, 15), "date": _DAY,
         "finding": ("Ferritin is low; please check again in six weeks.",
                     "Ferritin erniedrigt; Kontrolle in sechs Wochen empfohlen.",
                     "Ferritine basse ; contrôle dans six semaines.")},
        [
            {"analyte": name, "value": value, "unit": unit, "low": low, "high": high, "flag": flag}
            for name, value, unit, low, high, flag in (
                (("Haemoglobin", "Hämoglobin", "Hémoglobine"), 13.1, "g/dl", 12.0, 15.5, None),
                (("Ferritin", "Ferritin", "Ferritine"), 9, "µg/l", 15, 150, "↓"),
                (("Leucocytes", "Leukozyten", "Leucocytes"), 6.2, "/nl", 4.0, 10.0, None),
                (("Glucose", "Glukose", "Glucose"), 91, "mg/dl", 70, 99, None),
            )
        ],
    ),
    "id_card": (
        {**_PERSON, "number": "X4RTBPFW4", "issued": dt.date(2024, 5, 6),
         "expires": dt.date(2034, 5, 5), "issuer": ("Bristol", "Stadt Leipzig", "Toulouse")},
        [],
    ),
    "letter": (
        {"sender": _HOUSE["seller"], "sender_address": _HOUSE["seller_address"],
         "recipient": _HOUSE["buyer"], "recipient_address": _HOUSE["buyer_address"],
         "place": ("Bristol", "Hamburg", "Marseille"), "date": _DAY, "reference": "2025-0107",
         "subject": ("Your repair", "Ihre Reparatur", "Votre réparation"),
         "greeting": ("Dear Ms Ellison,", "Sehr geehrter Herr Weiß,", "Madame,"),
         "text": (
             "Your desk lamp has arrived in our workshop. The switch was worn and has been "
             "replaced under warranty.\nWe will send it back on Thursday.",
             "Ihre Schreibtischlampe ist in unserer Werkstatt eingetroffen. Der Schalter war "
             "abgenutzt und wurde auf Garantie ersetzt.\nWir senden sie am Donnerstag zurück.",
             "Votre lampe de bureau est arrivée à notre atelier. L’interrupteur était usé ; il a "
             "été remplacé sous garantie.\nNous la renverrons jeudi."),
         "closing": ("Yours sincerely,", "Mit freundlichen Grüßen", "Cordialement,"),
         "signature": "A. Novak"},
        [],
    ),
    "form": (
        {**_PERSON, "name": None, "office": ("Housing Office", "Wohnungsamt", "Service logement"),
         "number": "WA-2025-881", "employer": ("City Theatre", "Stadttheater", "Théâtre"),
         "income": 2841.36, "amount": 4500,
         "purpose": ("Insulation of the roof", "Dämmung des Daches", "Isolation du toit"),
         "date": _DAY},
        [],
    ),
    "chat": (
        {"subject": ("Lamp flickers", "Lampe flackert", "La lampe clignote"), "number": "T-5512",
         "status": ("Solved", "Gelöst", "Résolu"), "customer": _HOUSE["buyer"], "date": _DAY},
        [
            {"author": author, "time": dt.datetime(2025, 3, 14, 9, minute), "text": text}
            for author, minute, text in (
                (_HOUSE["buyer"], 2, ("The lamp flickers when it is dimmed.",
                 "Die Lampe flackert, wenn sie gedimmt ist.", "La lampe clignote en variation.")),
                (("Support", "Kundendienst", "Assistance"), 5, ("Which bulb is in it?",
                 "Welches Leuchtmittel ist darin?", "Quelle ampoule contient-elle ?")),
                (_HOUSE["buyer"], 9, ("An old one of 40 W. A new LED works, thank you!",
                 "Ein altes mit 40 W. Mit einer neuen LED geht es, danke!",
                 "Une ancienne de 40 W. Avec une LED, cela marche, merci !")),
            )
        ],
    ),
    "resume": (
        {**_PERSON, "job": _JOB,
         "summary": ("Ten years of light for stage and museum.",
                     "Zehn Jahre Licht für Bühne und Museum.",
                     "Dix ans de lumière pour la scène et les musées."),
         "education": ("BEng, University of Bristol, 2009", "Dipl.-Ing., TU Dresden, 2009",
                       "INSA Toulouse, 2009"),
         "skills": ("CAD, DMX, team lead", "CAD, DMX, Teamleitung", "CAO, DMX, encadrement"),
         "languages": ("English, French", "Deutsch, Englisch", "Français, anglais")},
        [
            {"start": start, "end": end, "role": _JOB, "company": company, "text": text}
            for start, end, company, text in (
                (dt.date(2018, 4, 1), None, ("City Theatre", "Stadttheater", "Théâtre de la Ville"),
                 ("Plans the light of twelve shows a year.",
                  "Plant das Licht von zwölf Stücken im Jahr.",
                  "Conçoit la lumière de douze spectacles par an.")),
                (dt.date(2010, 1, 1), dt.date(2018, 3, 31), _HOUSE["seller"],
                 ("Development of lamps for museums.", "Entwicklung von Museumsleuchten.",
                  "Développement de lampes pour musées.")),
            )
        ],
    ),
}  # fmt: skip
"""The fields and the lines of each template; of a tuple, each language has its own."""


def main(names: list[str]) -> None:
    """Draw the sheets of some templates, or of all."""
    SHEETS.mkdir(parents=True, exist_ok=True)
    for name in names or template_names():
        pages = [page(name, at) for at in range(len(LANGUAGES))]
        high = max(each.height for each in pages)
        wide = sum(each.width for each in pages) + GAP * (len(pages) + 1)
        sheet, left = Image.new("RGB", (wide, high + 2 * GAP), _TABLE), GAP
        for each in pages:
            sheet.paste(each, (left, GAP))
            left += each.width + GAP
        sheet.quantize(256).save(SHEETS / f"{name}.png", optimize=True)


def page(name: str, at: int, width: int = WIDTH) -> Image.Image:
    """The first page of a template in a language, each in another layout, down to its last line."""
    form = template(name)
    fields, lines = SAMPLES[name]
    layout = form.layouts[at % len(form.layouts)]
    looks = {"language": LANGUAGES[at], "layout": layout, "currency": _CURRENCIES[at]}
    composer = Composer(Document(template=name, constants=looks), form, "t", "c", 1)
    content = composer.content(0, told(fields, at), [told(line, at) for line in lines])
    setter = Typesetter(form)
    try:
        setter.pages(content.to_dict())
        drawn = Image.open(io.BytesIO(setter.pictures(150)[0])).convert("RGB")
    finally:
        setter.close()
    bare = Image.new("RGB", drawn.size, drawn.getpixel((0, 0)))
    written = ImageChops.difference(drawn, bare).getbbox() or (0, 0, *drawn.size)
    drawn = drawn.crop((0, 0, drawn.width, min(written[3] + written[1], drawn.height)))
    return drawn.resize((width, drawn.height * width // drawn.width), Image.Resampling.LANCZOS)


def told(values: dict[str, Any], at: int) -> dict[str, Any]:
    """The values in a language."""
    return {k: v[at] if isinstance(v, tuple) else v for k, v in values.items()}


if __name__ == "__main__":
    main(sys.argv[1:])
