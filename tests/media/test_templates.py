"""Every template prints every field that it has, in each language and layout."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

pytest.importorskip("typst", reason="needs the extra `media`")
import pypdfium2

from fabula.kinds.document import Document
from fabula.media.amounts import rate_of, with_sums
from fabula.media.catalogue import LANGUAGES, TEMPLATES, Slot, template, template_names
from fabula.media.composing import Composer, Content
from fabula.media.printing import printed
from fabula.media.typesetting import Pages, Typesetter

ELSEWHERE = {
    ("invoice", "tax_total"): "a single rate says it",
    ("id_card", "name"): "`surname` and `given_names` say it",
    ("id_card", "surname"): "",
}


def sample(name: str, slot: Slot) -> Any:
    """A value of a field's type."""
    return {
        "text": f"{name} of somebody",
        "number": 12,
        "money": 1234.5,
        "percent": 19,
        "date": dt.date(2025, 3, 4),
    }[slot.type]


def pages_of(name: str, language: str, layout: str) -> tuple[Content, Pages]:
    """The pages of a document with all fields of a template."""
    form = template(name)
    assert form.fields is not None
    assert form.lines is not None
    fields = {key: sample(key, slot) for key, slot in form.fields.items()}
    lines = [{key: sample(key, slot) for key, slot in form.lines.items()} for _ in range(3)]
    spec = Document(template=name, constants={"language": language, "layout": layout})
    content = Composer(spec, form, "t", "c", 1).content(0, fields, lines if form.lines else [])
    setter = Typesetter(form)
    pages = setter.pages(content.to_dict())
    setter.close()
    return content, pages


@pytest.mark.parametrize("name", template_names())
def test_every_field_stands_on_a_page_in_every_language_and_layout(name: str) -> None:
    form = template(name)
    assert form.path.is_file()
    for at, layout in enumerate(form.layouts):
        content, pages = pages_of(name, LANGUAGES[at], layout)
        wanted = {key for key, item in content.fields.items() if item.text}
        for list_name, rows in content.lists.items():
            wanted |= {
                f"{list_name}.{row}.{key}"
                for row, cells in enumerate(rows)
                for key, item in cells.items()
                if item.text
            }
        missing = {key for key in wanted - set(pages.places) if (name, key) not in ELSEWHERE}
        assert not missing


@pytest.mark.parametrize("name", template_names())
def test_a_document_without_any_field_is_still_a_page(name: str) -> None:
    form = template(name)
    setter = Typesetter(form)
    content = Composer(Document(template=name), form, "t", "c", 1).content(0, {}, [])
    assert setter.pages(content.to_dict()).sizes
    setter.close()


def test_a_full_stop_before_a_space_stays_in_its_box() -> None:
    """Typst hangs punctuation out of boxes that are aligned to the right, over the space."""
    form = template("receipt")
    setter = Typesetter(form)
    said = Composer(Document(template="receipt"), form, "t", "c", 1).content(
        0, {"number": "AB Novak", "cashier": "A. Novak"}, []
    )
    document = pypdfium2.PdfDocument(setter.pages(said.to_dict()).pdf)
    text = document[0].get_textpage()
    lefts = [
        text.get_charbox(text.search(words).get_next()[0])[0] for words in ("AB Novak", "A. Novak")
    ]
    assert lefts[0] == pytest.approx(lefts[1], abs=0.2)  # of one width, as the type is
    document.close()
    setter.close()


def test_every_label_and_word_is_there_in_each_language() -> None:
    for name in template_names():
        form = template(name)
        slots = [*(form.fields or {}).values(), *(form.lines or {}).values()]
        assert all(len(slot.labels) == len(LANGUAGES) for slot in slots)
        assert all(len(words) == len(LANGUAGES) for words in (form.title, *form.words.values()))
    assert {path.stem for path in TEMPLATES.glob("*.typ")} == {*template_names(), "fabula"}


LINES = [
    {"item": "a", "quantity": 3, "unit_price": 10.0, "tax_rate": 19},
    {"item": "b", "quantity": 1, "unit_price": 33.33, "tax_rate": 0.07},
]


@pytest.mark.parametrize(
    ("rule", "net", "tax", "total"),
    [
        ("exclusive", "63.33", "8.03", "71.36"),  # 5.70 + 2.33
        ("inclusive", "56.36", "6.97", "63.33"),  # 30 - 30/1.19 = 4.79; 33.33 - 33.33/1.07 = 2.18
        ("reverse", "63.33", None, "63.33"),
        ("none", "63.33", None, "63.33"),
    ],
)
def test_taxes_follow_the_rule(rule: str, net: str, tax: str | None, total: str) -> None:
    fields = {"tax": rule, "currency": "EUR"}
    made = with_sums("invoice", fields, [dict(line) for line in LINES])
    assert (str(made.fields["net"]), str(made.fields["total"])) == (net, total)
    assert str(made.fields.get("tax_total")) == str(tax)
    assert len(made.taxes) == (0 if tax is None else 2)
    assert rate_of(19) == rate_of("0.19")


def test_an_amount_of_the_row_is_printed_even_where_the_lines_say_another() -> None:
    made = with_sums("invoice", {"currency": "EUR", "total": 70.0}, [dict(LINES[0])])
    assert made.fields["total"] == 70.0
    assert made.differs == ["total"]


@pytest.mark.parametrize(
    ("value", "kind", "language", "currency", "text"),
    [
        (1234.5, "money", "en", "EUR", "€1,234.50"),
        (1234.5, "money", "de", "EUR", "1.234,50\u00a0€"),
        (-1234.5, "money", "fr", "CHF", "−1\u00a0234,50\u00a0CHF"),
        (1234.5, "money", "en", "JPY", "¥1,235"),
        (0.07, "percent", "de", "EUR", "7\u00a0%"),
        (0.07, "percent", "en", "EUR", "7%"),
        (dt.date(2025, 3, 4), "date", "en", "EUR", "4 Mar 2025"),
        (dt.datetime(2025, 3, 4, 9, 5), "date", "fr", "EUR", "04/03/2025 09:05"),
        (1001, "text", "de", "EUR", "1001"),
        (None, "text", "en", "EUR", ""),
        (float("nan"), "money", "en", "EUR", ""),
        (True, "text", "de", "EUR", "ja"),
    ],
)
def test_values_are_printed_as_people_of_the_language_write_them(
    value: Any, kind: str, language: str, currency: str, text: str
) -> None:
    assert printed(value, kind, language, currency) == text
