"""Where a spec was written, so that an error can name the file and the line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from fabula.errors import SpecError, Violation

if TYPE_CHECKING:
    from fabula.spec.reading import Node

MOST_DOTS = 20
"""Dots of a path that are tried as the end of a name."""
MOST_DIGITS = 10
"""Digits of an item's number in a list."""


@dataclass(frozen=True)
class Source:
    """The text of a spec and its file; two specs that say the same are equal wherever written.

    Attributes:
        text: The YAML or JSON text; empty for a spec made in Python.
        file: The file's name, if there is one.
        row_class: The class whose fields became the columns, where a class was the spec.
    """

    text: str = field(default="", compare=False, repr=False)
    file: str | None = field(default=None, compare=False)
    row_class: type | None = field(default=None, compare=False)

    def line(self, where: str | None) -> int | None:
        """The line of a place such as `tables.orders.columns.total`, or of its nearest parent."""
        root = _read(self.text) if self.text else None
        if root is None or where is None:
            return None
        return _nearest(root, where).line

    def located(self, violations: Iterable[Violation]) -> tuple[Violation, ...]:
        """The violations with the file and line of their place, if that was not known."""
        return tuple(
            item
            if item.line is not None
            else replace(item, file=self.file, line=self.line(item.where))
            for item in violations
        )


@lru_cache(maxsize=4)
def _read(text: str) -> Node | None:
    from fabula.spec.reading import read  # lazily: only an error needs the lines again

    try:
        return read(text)
    except SpecError:
        return None


def _nearest(node: Node, where: str) -> Node:
    """Follow a dotted path as far as it leads; names may contain dots themselves."""
    while where and node.children:
        found, children = _child(node.children, where), node.children
        if found is None and isinstance(children, Mapping) and "source" in children:
            node = children["source"]  # of a table: what it has may be written there
            continue
        if found is None:
            break
        node, name = found
        where = where[len(name) + 1 :]
    return node


def _child(children: Mapping[Any, Node] | Sequence[Node], where: str) -> tuple[Node, str] | None:
    """The child with the longest name that a path starts with, and the name."""
    ends = [at for at, sign in enumerate(where) if sign == "."][:MOST_DOTS]
    for name in (where, *(where[:end] for end in reversed(ends))):
        if not isinstance(children, Mapping):
            if name.isdecimal() and len(name) < MOST_DIGITS and int(name) < len(children):
                return children[int(name)], name
        elif name in children:
            return children[name], name
    if isinstance(children, Mapping):  # names that YAML reads as numbers, dates and the like
        for key, child in children.items():
            if not isinstance(key, str) and f"{where}.".startswith(f"{key}."):
                return child, str(key)
    return None
