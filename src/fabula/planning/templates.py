"""Jinja templates of a spec, in the sandbox; data is only ever a value, never template source."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jinja2


class TemplateError(ValueError):
    """A template can't be parsed."""


@lru_cache(maxsize=1)
def environment() -> jinja2.Environment:
    """The one sandboxed environment; an unknown name in it is an error."""
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)


def template_needs(text: str, references: Collection[str]) -> tuple[str, ...]:
    """The columns that a template uses; `{{ customer_id.name }}` is the parent's `name`.

    Raises:
        TemplateError: The template has a syntax error.
    """
    from jinja2 import TemplateSyntaxError, meta, nodes

    try:
        tree = environment().parse(text)
    except TemplateSyntaxError as error:
        raise TemplateError(f"{error.message} (line {error.lineno})") from error
    names = sorted(meta.find_undeclared_variables(tree))
    attributes = {
        f"{item.node.name}.{item.attr}": item.node.name
        for item in tree.find_all(nodes.Getattr)
        if isinstance(item.node, nodes.Name) and item.node.name in references
    }
    plain = [name for name in names if name not in attributes.values()]
    return (*plain, *sorted(attributes))
