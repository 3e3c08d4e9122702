"""Templates of documents: what fields each prints, in which words, and under which other names."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

TEMPLATES = Path(__file__).parent / "templates"
LIBRARY = "fabula.typ"
"""Shared by all templates in Typst; not a template itself."""
LANGUAGES = ("en", "de", "fr")
TAX_RULES = ("exclusive", "inclusive", "reverse", "none")
"""Whether taxes come on top of prices, are part of them, are the buyer's matter, or don't exist."""
SETTINGS = ("language", "layout", "currency")
"""Fields that every template has."""


@dataclass(frozen=True)
class Slot:
    """A field of a template: how its value is printed, and its label in each language."""

    type: str
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Template:
    """A template and what it prints.

    Attributes:
        name: Its name, or the path of the user's own.
        path: Its file.
        title: The document's title in each language.
        layouts: The layouts that it has; the first is the usual one.
        fields: Its fields; None if it takes every column of the row.
        lines: The fields of its lines; None if it takes every column of the lines.
        words: Further words by name, in each language.
        constants: Values of fields that nothing else gives.
        aka: Columns that a field means, in the order in which they are tried.
        sums: How fields follow from the lines, by a name of `fabula.media.amounts`.
    """

    name: str
    path: Path
    title: tuple[str, ...] = ("", "", "")
    layouts: tuple[str, ...] = ("plain",)
    fields: Mapping[str, Slot] | None = None
    lines: Mapping[str, Slot] | None = None
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    constants: Mapping[str, Any] = field(default_factory=dict)
    aka: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sums: str = ""

    @property
    def is_own(self) -> bool:
        """Whether it is the user's."""
        return self.fields is None


def settings_of(form: Template) -> dict[str, tuple[str, ...]]:
    """The values that settings of a template can have; the first is the usual one."""
    own = {} if form.is_own else {"layout": form.layouts}
    return {"language": LANGUAGES, "tax": TAX_RULES, **own}


@cache
def template_names() -> tuple[str, ...]:
    """The names of the templates that Fabula brings."""
    return tuple(sorted(path.stem for path in TEMPLATES.glob("*.toml")))


def is_own(name: str) -> bool:
    """Whether a template is named by its file."""
    return name.endswith((".typ", ".html"))


@cache
def template(name: str) -> Template:
    """A template by its name, or the user's own by its file."""
    if is_own(name):
        return Template(name, Path(name))
    with (TEMPLATES / f"{name}.toml").open("rb") as file:
        told = tomllib.load(file)
    return Template(
        name,
        TEMPLATES / f"{name}.typ",
        title=tuple(told["title"]),
        layouts=tuple(told["layouts"]),
        fields=_slots(told["fields"]),
        lines=_slots(told.get("lines", {})),
        words={key: tuple(words) for key, words in told.get("words", {}).items()},
        constants=told.get("constants", {}),
        aka={key: tuple(names) for key, names in told.get("aka", {}).items()},
        sums=told.get("sums", ""),
    )


def _slots(told: Mapping[str, list[str]]) -> dict[str, Slot]:
    return {name: Slot(kind, tuple(labels)) for name, (kind, *labels) in told.items()}
