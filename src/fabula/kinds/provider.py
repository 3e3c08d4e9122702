"""Values of Mimesis or Faker providers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import ClassVar, Literal

from pydantic import Field

from fabula.kinds import column_kind
from fabula.kinds.base.columns import AbstractColumn
from fabula.kinds.base.problems import Problem, problems_of


@column_kind(example="{kind: provider, name: finance.company}", aka=("faker", "mimesis"))
class Provider(AbstractColumn):
    """A value of any Mimesis or Faker provider (`finance.company`, `faker.iban`)."""

    kind: Literal["provider"] = "provider"
    name: str
    locale: str = "en"
    size: int = Field(default=10_000, ge=1, le=1_000_000)

    section: ClassVar = "people"
    positional: ClassVar = ("name",)
    dotted: ClassVar = "name"

    def arrow_type(self) -> str:
        """Texts."""
        return "string"

    def problems(self) -> Iterator[Problem]:
        """A provider or a locale that doesn't exist."""
        from fabula.fakers.pools import provider_pool  # lazily: loads Mimesis or Faker

        yield from problems_of(partial(provider_pool, self.name, self.locale, 1, 0), "name")
