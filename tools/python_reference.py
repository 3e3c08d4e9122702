"""The reference of `import fabula`, made from signatures and docstrings.

It is the page `docs/reference/python.md`, which `python -m tools.check_docs --write` writes.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import fabula
from fabula.render.results import ResultOfTables

PAGE = "docs/reference/python.md"
HEADER = """# Python reference

Every name of `import fabula as fb`. This page is made from the docstrings; `help(fb.fit)` shows the
same. [Python](../python.md) is the guide, and `fb.col` has one function for
[each column kind](kinds.md). Data is taken [in any form](../python.md#data-in-any-form).
"""
_SECTION = re.compile(r"^(Args|Attributes|Returns|Raises|Examples|Yields):\n", re.MULTILINE)
_ITEM = re.compile(r"^(\*{0,2}[\w, `*]+?)(?: \(.*?\))?: ", re.MULTILINE)


def markdown() -> str:
    """The whole page."""
    functions, classes = [], []
    for name in sorted(fabula.__all__):
        item = getattr(fabula, name)
        if inspect.isclass(item):
            classes.append(_class(name, item))
        elif callable(item) and not isinstance(item, ModuleType):
            functions.append(_function(f"fb.{name}", item))
    parts = [HEADER, "## Functions\n", *functions, "## Classes\n", *classes]
    return "\n".join(parts).rstrip() + "\n"


def _function(name: str, function: Any) -> str:
    twin = name.removeprefix("fb.a")
    if inspect.iscoroutinefunction(inspect.unwrap(function)) and twin in fabula.__all__:
        return f"### `{name}`\n\n{_text(function)}"
    return f"### `{name}`\n\n{_signature(name, function)}\n{_text(function)}"


def _class(name: str, cls: type) -> str:
    parts = [f"### `fb.{name}`\n\n{_text(cls)}"]
    shared = vars(ResultOfTables) if issubclass(cls, ResultOfTables) else {}
    for member, value in {**shared, **vars(cls)}.items():
        inner = value.__func__ if isinstance(value, classmethod | staticmethod) else value
        if member.startswith("_") or not _own_text(inner):
            continue
        if inspect.isfunction(inner):
            parts.append(f"#### `{name}.{member}`\n\n{_signature(member, inner)}\n{_text(inner)}")
        elif isinstance(inner, property) or hasattr(inner, "func"):  # a cached property
            parts.append(f"#### `{name}.{member}`\n\n{_text(inner)}")
    return "\n".join(parts)


def _own_text(item: Any) -> str:
    return getattr(item, "__doc__", None) or ""


def _signature(name: str, function: Any) -> str:
    """The call, one parameter a line."""
    signature = inspect.signature(function)
    parameters = [p for p in signature.parameters.values() if p.name not in ("self", "cls")]
    lines = list(_parameters(parameters))
    returned = _type(signature.return_annotation)
    ending = f" -> {returned}" if returned else ""
    if not lines:
        return f"```text\n{name}(){ending}\n```\n"
    told = "".join(f"    {line},\n" for line in lines)
    return f"```text\n{name}(\n{told}){ending}\n```\n"


def _parameters(parameters: list[inspect.Parameter]) -> Iterator[str]:
    kinds = [parameter.kind for parameter in parameters]
    for place, parameter in enumerate(parameters):
        kind, before = parameter.kind, kinds[place - 1] if place else None
        if before is parameter.POSITIONAL_ONLY and kind is not before:
            yield "/"
        if kind is parameter.KEYWORD_ONLY and before is not kind:
            yield "*"
        stars = "**" if kind is parameter.VAR_KEYWORD else ""
        named = _type(parameter.annotation)
        default = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
        yield f"{stars}{parameter.name}" + (f": {named}" if named else "") + default


def _type(annotation: Any) -> str:
    if annotation is inspect.Signature.empty:
        return ""
    return annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")


def _text(item: Any) -> str:
    """A docstring as Markdown: sections as lists, examples as a session."""
    text = inspect.cleandoc(_own_text(item))
    before, *rest = _SECTION.split(text)
    parts = [before.rstrip() + "\n"]
    for title, body in zip(rest[::2], rest[1::2], strict=True):
        plain = textwrap.dedent(body).strip("\n")
        if title == "Examples":
            parts.append(f"```pycon\n{plain}\n```\n")
        elif title in ("Args", "Attributes", "Raises"):
            label = {"Args": "", "Attributes": "", "Raises": "Raises:\n\n"}[title]
            parts.append(label + _items(plain) + "\n")
        else:
            parts.append(f"{title} {plain[0].lower()}{plain[1:]}\n")
    return "\n".join(parts)


def _items(text: str) -> str:
    """`name: what it is` as a list; lists inside stay what they are."""
    lines = []
    for line in text.splitlines():
        found = None if line.startswith(" ") else _ITEM.match(line)
        if found:
            lines.append(f"- `{found[1]}`: {line[found.end() :]}")
        else:
            lines.append(f"  {line.removeprefix('    ')}".rstrip())
    return "\n".join(lines)
