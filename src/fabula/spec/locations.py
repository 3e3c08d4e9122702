"""Where a spec was written, so that an error can name the file and the line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from fabula.errors import SpecError, Violation

if TYPE_CHECKING:
    from fabula.spec.reading import Node
    from fabula.spec.tables import DatasetSpec


@dataclass(frozen=True)
class Source:
    """The text of a spec and its file; two specs that say the same are equal wherever written.

    Attributes:
        text: The YAML or JSON text; empty for a spec made in Python.
        file: The file's name, where there is one.
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
        """The violations with the file and line of their place, where that was not known."""
        return tuple(
            item
            if item.line is not None
            else replace(item, file=self.file, line=self.line(item.where))
            for item in violations
        )


def located(violations: Iterable[Violation], spec: DatasetSpec) -> tuple[Violation, ...]:
    """The violations with the file and line of their place, where the spec came from a text."""
    return spec.source.located(violations)


@lru_cache(maxsize=4)
def _read(text: str) -> Node | None:
    from fabula.spec.reading import read  # lazily: only an error needs the lines again

    try:
        return read(text)
    except SpecError:
        return None


def _nearest(node: Node, where: str) -> Node:
    """Follow a dotted path as far as it leads; names may hold dots themselves."""
    children: Mapping[Any, Node] = (
        node.children if isinstance(node.children, Mapping) else dict(enumerate(node.children))
    )
    fitting = [key for key in children if f"{where}.".startswith(f"{key}.")]
    if not where or not fitting:
        return node
    key = max(fitting, key=lambda name: len(str(name)))
    return _nearest(children[key], where[len(str(key)) + 1 :])
