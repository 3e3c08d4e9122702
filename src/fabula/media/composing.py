"""What a document says: its fields and lines, as values and as they are printed."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np

from fabula.kinds.document import Document
from fabula.media.amounts import Row, with_sums
from fabula.media.catalogue import LANGUAGES, Slot, Template, settings_of
from fabula.media.places import FOLDER_ROWS
from fabula.media.printing import as_number, is_right_to_left, printed, rounded
from fabula.streams import stream

_TAXES = {
    "rate": Slot("percent", ("Rate", "Satz", "Taux")),
    "base": Slot("money", ("Base", "Grundlage", "Base")),
    "tax": Slot("money", ("Tax", "Steuer", "Taxe")),
}
_SETTINGS = ("tax", "layout", "language")
"""Fields that decide how a document looks, and that are not printed."""


@dataclass(frozen=True)
class Printed:
    """A value and how it is printed."""

    value: Any
    text: str

    def to_dict(self) -> dict[str, Any]:
        """The value and its printed form as JSON has them."""
        return {"value": plain(self.value), "printed": self.text}


@dataclass(frozen=True)
class Content:
    """A document before it is set.

    Attributes:
        language: The language of labels, dates and amounts.
        layout: The layout.
        currency: The currency.
        title: The title.
        fields: The fields by name, in the template's order.
        lists: Rows by the name of the list: `lines`, `taxes`.
        labels: Labels of fields; of a list's `lines.item`.
        words: Further words of the template.
        remark: The name of the word that is printed as a remark, if any.
        numeric: Fields of lists that stand on the right.
        defect: What is wrong on purpose: what, which field, and what it should be.
        differs: Fields of the row that are not what follows from the lines.
        replaced: Settings of the row that no document has, such as a language; the usual stands.
    """

    language: str
    layout: str
    currency: str
    title: str
    fields: Mapping[str, Printed]
    lists: Mapping[str, Sequence[Mapping[str, Printed]]]
    labels: Mapping[str, str]
    words: Mapping[str, str]
    remark: str = ""
    numeric: Sequence[str] = ()
    defect: Mapping[str, Any] | None = None
    differs: Sequence[str] = ()
    replaced: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """What a template in Typst is given."""
        texts = {name: item.text for name, item in self.fields.items() if item.text}
        lists = {}
        rtl = [name for name, text in texts.items() if is_right_to_left(text)]
        for name, rows in self.lists.items():
            columns = self.columns[name]
            told = [[row[c].text if c in row else "" for c in columns] for row in rows]
            lists[name] = {"columns": list(columns), "rows": told}
            rtl += [
                f"{name}.{at}.{column}"
                for at, row in enumerate(told)
                for column, text in zip(columns, row, strict=True)
                if is_right_to_left(text)
            ]
        return {
            "language": self.language,
            "layout": self.layout,
            "title": self.title,
            "fields": texts,
            "lists": lists,
            "labels": dict(self.labels),
            "words": dict(self.words),
            "remark": self.remark,
            "numeric": list(self.numeric),
            "rtl": rtl,
        }

    def texts(self) -> list[str]:
        """Everything that is printed, labels and words aside."""
        cells = [item.text for rows in self.lists.values() for row in rows for item in row.values()]
        return [*(item.text for item in self.fields.values()), *cells]


class Composer:
    """Says what the documents of one column print.

    Args:
        spec: The column.
        template: Its template.
        table: The table's name.
        column: The column's name.
        seed: The run's seed.
    """

    def __init__(
        self, spec: Document, template: Template, table: str, column: str, seed: int
    ) -> None:
        self._spec, self._template = spec, template
        self._table, self._column, self._seed = table, column, seed
        self._draws: dict[tuple[str, int], Any] = {}

    def draws(self, name: str, folder: int) -> Any:
        """A uniform number in [0, 1) for each document of a folder, from its own stream."""
        rng = stream(self._seed, self._table, f"{self._column}:{name}", folder)
        return rng.random(FOLDER_ROWS)

    def rng(self, name: str, number: int) -> np.random.Generator:
        """The stream of one document."""
        return stream(self._seed, self._table, f"{self._column}:{name}", number)

    def content(
        self, number: int, fields: Row, lines: Sequence[Row], *, other: Row | None = None
    ) -> Content:
        """What the document of a row says.

        Args:
            number: The row's number.
            fields: The template's fields, as far as the row has them.
            lines: The lines.
            other: The fields of another row, for numbers that occur twice.
        """
        template = self._template
        usual = {"language": "en", "layout": template.layouts[0], "currency": "EUR"}
        own = {name: value for name, value in fields.items() if not _is_missing(value)}
        given = {**usual, **template.constants, **self._constants(number), **own}
        replaced = _settled(template, given)
        copies = [{k: v for k, v in line.items() if not _is_missing(v)} for line in lines]
        amounts = with_sums(template.sums, given, copies)
        language = amounts.fields["language"]
        at, currency = LANGUAGES.index(language), str(amounts.fields["currency"])
        defect = self._defect(number, amounts.fields, other)

        def row_of(values: Row, slots: Mapping[str, Slot] | None) -> dict[str, Printed]:
            names = slots if slots is not None else values
            kinds = {name: slots[name].type if slots else "" for name in names}
            return {
                name: Printed(values[name], printed(values[name], kinds[name], language, currency))
                for name in names
                if name in values
            }

        told = row_of(
            {n: v for n, v in amounts.fields.items() if template.is_own or n not in _SETTINGS},
            template.fields,
        )
        if defect and defect["what"] != "missing":
            name = defect["field"]
            defect = {
                **defect,
                "should_be": printed_again(template, name, defect, language, currency),
            }
        lists = {"lines": [row_of(line, template.lines) for line in amounts.lines]}
        columns = {"lines": list(template.lines or dict.fromkeys(n for r in copies for n in r))}
        slots = {"lines": template.lines or {}}
        if amounts.taxes:
            lists["taxes"] = [row_of(tax, _TAXES) for tax in amounts.taxes]
            columns["taxes"], slots["taxes"] = list(_TAXES), _TAXES
        labels = {name: slot.labels[at] for name, slot in (template.fields or {}).items()}
        for name, inner in slots.items():
            labels |= {f"{name}.{key}": slot.labels[at] for key, slot in inner.items()}
        numeric = [
            key
            for inner in slots.values()
            for key, slot in inner.items()
            if slot.type in ("number", "money", "percent")
        ]
        return Content(
            language=language,
            replaced=replaced,
            layout=str(amounts.fields["layout"]),
            currency=currency,
            title=str(amounts.fields.get("title") or template.title[at]),
            fields=told,
            lists=lists,
            labels=labels,
            words={name: words[at] for name, words in template.words.items()},
            remark=amounts.remark,
            numeric=numeric,
            defect=defect,
            differs=amounts.differs,
            columns=columns,
        )

    def _constants(self, number: int) -> Row:
        """The constants; one of each list is drawn."""
        folder, place = divmod(number, FOLDER_ROWS)
        found: Row = {}
        for name, value in self._spec.constants.items():
            if isinstance(value, tuple):
                drawn = self._drawn(f"constant:{name}", folder)[place]
                found[name] = value[int(drawn * len(value))]
            else:
                found[name] = value
        return found

    def _drawn(self, name: str, folder: int) -> Any:
        """The draws of a folder, kept while its documents are made."""
        if (name, folder) not in self._draws:
            for past in [key for key in self._draws if abs(key[1] - folder) > 64]:
                self._draws.pop(past, None)
            self._draws[name, folder] = self.draws(name, folder)
        return self._draws[name, folder]

    def _defect(self, number: int, fields: Row, other: Row | None) -> dict[str, Any] | None:
        """Put the document's defect into its fields, if it has one."""
        if not self._spec.defects:
            return None
        folder, place = divmod(number, FOLDER_ROWS)
        drawn, size = (self._drawn(name, folder)[place] for name in ("defect", "size"))
        for name, share in self._spec.defects.items():
            if drawn < share:
                what, _, at = name.partition("_")
                return _spoilt(what, at, fields, other, float(size))
            drawn -= share
        return None


def _settled(template: Template, given: Row) -> dict[str, str]:
    """Give each setting a value that it can have, and tell those that it can't."""
    replaced = {}
    for name, known in settings_of(template).items():
        value = str(given.get(name, known[0])).strip()
        if name == "language":  # `de_AT` and `de-CH` are German
            value = value.replace("_", "-").partition("-")[0].lower()
        if value not in known:
            replaced[name] = str(given[name])
        if name in given:
            given[name] = value if value in known else known[0]
    return replaced


def _spoilt(
    what: str, name: str, fields: Row, other: Row | None, size: float
) -> dict[str, Any] | None:
    """Spoil a field; None where there is nothing to spoil."""
    value = fields.get(name)
    if value is None:
        return None
    if what == "missing":
        del fields[name]
    elif what == "duplicate":
        if other is None or _is_missing(other.get(name)) or other[name] == value:
            return None
        fields[name] = other[name]
    else:
        fields[name] = _wrong(value, size, str(fields.get("currency")))
    return {"what": what, "field": name, "value": value}


def _wrong(value: Any, size: float, currency: str) -> Any:
    """Another value of the same sort."""
    share = Decimal(repr(round(0.01 + 0.19 * size, 4))) * (1 if size < 0.5 else -1)
    number = None if isinstance(value, str) else as_number(value)
    if number is not None:
        change = rounded(number * share, currency)
        return rounded(number, currency) + (change or Decimal(1))
    if isinstance(value, dt.date):
        return value + dt.timedelta(days=1 + int(size * 60))
    text = str(value)
    place = int(size * len(text)) if text else 0
    letter = text[place : place + 1]
    instead = str((int(letter) + 1) % 10) if letter.isdecimal() else ("X" if letter != "X" else "Y")
    return text[:place] + instead + text[place + 1 :]


def printed_again(
    template: Template, name: str, defect: Mapping[str, Any], language: str, currency: str
) -> str:
    """How the right value of a spoilt field would be printed."""
    kind = template.fields[name].type if template.fields and name in template.fields else ""
    return printed(defect["value"], kind, language, currency)


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return str(value)


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
