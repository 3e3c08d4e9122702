"""Jinja templates of a spec, in the sandbox; data is only ever a value, never template source."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jinja2


_UNREPEATABLE = ("random", "lipsum", "cycler", "joiner")
"""Filters and functions of Jinja whose result is another one each time."""


class TemplateError(ValueError):
    """A template can't be parsed."""


@lru_cache(maxsize=1)
def environment() -> jinja2.Environment:
    """The one bounded sandbox; an unknown name in it is an error, a null prints nothing."""
    from fabula.planning.bounded_templates import BoundedEnvironment

    sandbox = BoundedEnvironment()
    for name in _UNREPEATABLE:
        sandbox.filters.pop(name, None)
        sandbox.globals.pop(name, None)
    return sandbox


def template_needs(text: str, references: Collection[str]) -> tuple[str, ...]:
    """The columns that a template uses; `{{ customer_id.name }}` is the parent's `name`.

    Raises:
        TemplateError: The template has a syntax error.
    """
    from jinja2 import TemplateSyntaxError, meta, nodes

    try:
        tree = environment().parse(text)
        environment().compile(tree)
    except TemplateSyntaxError as error:
        raise TemplateError(f"{error.message} (line {error.lineno})") from error
    except (RecursionError, MemoryError) as error:
        raise TemplateError("it is nested too deeply") from error
    if any(tree.find_all((nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends))):
        raise TemplateError("it can't include other files")
    names = sorted(meta.find_undeclared_variables(tree))
    attributes = {
        f"{item.node.name}.{item.attr}": item.node.name
        for item in tree.find_all(nodes.Getattr)
        if isinstance(item.node, nodes.Name) and item.node.name in references
    }
    plain = [name for name in names if name not in attributes.values()]
    return (*plain, *sorted(attributes))
