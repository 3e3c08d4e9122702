"""Templates to HTML: whole pages, and fragments for notebooks.

A page asks for nothing from outside and needs no script, but where something is edited or watched;
its policy has the browser load nothing else.
Jinja escapes every text; markup comes from templates and from `chip`, `worded` and drawings alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import metadata, resources
from typing import Any

from jinja2 import Environment, FunctionLoader
from markupsafe import Markup, escape

KINDS = {True: "pass", False: "fail", None: ""}
"""The colour of a verdict: kept, broken, or none."""

_CODE = re.compile(r"`([^`]*)`")


def page(template: str, **values: Any) -> str:
    """A whole page.

    Args:
        template: The file in this folder that says what is on it.
        values: What the template shows.
    """
    text: str = _templates().get_template(template).render(values)
    return text.replace(" %", "\N{NO-BREAK SPACE}%")


def fragment(template: str, **values: Any) -> str:
    """What a notebook shows below a cell: the same parts in the same style."""
    return enclosed(page(template, **values))


def around(markup: str, title: str) -> str:
    """A whole page around markup of templates."""
    return page("result.html", title=title, body=Markup(markup))


def enclosed(markup: str) -> str:
    """Markup of templates with the style that it needs in a notebook."""
    return f'<div class="fabula"><style>{_style()}</style>{markup}</div>'


def chip(word: str, passed: bool | None = None) -> Markup:
    """A word in the colour of its verdict."""
    return Markup('<span class="chip {}">{}</span>').format(KINDS[passed], word)


def worded(text: str, places: Mapping[str, str] | None = None) -> Markup:
    """A sentence whose `names` are set as code; those with a place on the page lead there."""

    def code(found: re.Match[str]) -> str:
        name = Markup(f"<code>{found[1]}</code>")
        place = (places or {}).get(Markup(found[1]).unescape())
        return link(name, place) if place else name

    return Markup(_CODE.sub(code, str(escape(text))))


def link(text: str, place: str) -> Markup:
    """A text that leads to another place of the page, or to a file alongside it."""
    return Markup('<a href="{}">{}</a>').format(place, text)


def script() -> str:
    """The one script, of the pages where something is edited or watched."""
    return _file("page.js")


@cache
def _templates() -> Environment:
    environment = Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, loader=FunctionLoader(_file)
    )
    environment.globals |= {
        "chip": chip, "style": Markup(_style()), "version": metadata.version("fabula"),
    }  # fmt: skip
    environment.filters["worded"] = worded
    return environment


@cache
def _style() -> str:
    """The one stylesheet, without its comments and indents."""
    return re.sub(r"/\*.*?\*/|\n\s*", "", _file("style.css"), flags=re.DOTALL)


def _file(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
