"""Attributes of made-up persons."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import ClassVar, Literal

from fabula.kinds import column_kind
from fabula.kinds.base.columns import AbstractColumn
from fabula.kinds.base.problems import Problem, problems_of
from fabula.kinds.base.values import CATEGORY

PersonField = Literal[
    "name",
    "first_name",
    "last_name",
    "sex",
    "title",
    "email",
    "username",
    "phone",
    "birth_date",
    "age",
    "nationality",
    "language",
    "street",
    "address",
    "city",
    "state",
    "postcode",
    "country",
    "country_code",
    "company",
    "job",
]

_CATEGORIES = ("sex", "title", "country", "country_code", "nationality", "language")


@column_kind(example="{kind: person, field: email, locale: de}", aka=("name", "email"))
class Person(AbstractColumn):
    """One attribute of a made-up person; the attributes of one row agree.

    Attributes:
        field: Which attribute.
        locale: Language and country of the people (`en`, `de`, `pt-br`), or several; one that
            stands twice has twice as many people.
        who: Tells two people of one row apart (`buyer`, `seller`).
    """

    kind: Literal["person"] = "person"
    field: PersonField = "name"
    locale: str | tuple[str, ...] = "en"
    who: str = "person"

    section: ClassVar = "people"
    positional: ClassVar = ("field",)
    dotted: ClassVar = "field"

    def arrow_type(self) -> str:
        """Texts; ages are whole numbers, births dates."""
        if self.field == "age":
            return "int64"
        if self.field == "birth_date":
            return "date32"
        return CATEGORY if self.field in _CATEGORIES else "string"

    def problems(self) -> Iterator[Problem]:
        """Locales that don't exist."""
        from fabula.fakers.locales import load_locale  # lazily: reads the locale's names

        for locale in [self.locale] if isinstance(self.locale, str) else self.locale:
            yield from problems_of(partial(load_locale, locale), "locale")
