"""What a row says in a training set: the text of a column, or a template filled in."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from fabula.errors import UsageError
from fabula.planning.outputs import ROW
from fabula.planning.templates import environment

if TYPE_CHECKING:
    from jinja2 import Template, nodes

Row: TypeAlias = Mapping[str, Any]
Say: TypeAlias = Callable[[Row], str]

_TEXTS = "_texts"
"""The name by which a template reaches the texts of a row's values."""


class WrittenRow(dict[str, Any]):
    """A row of a text file: values with their types, and the texts that are in the file."""

    __slots__ = ("texts",)

    def __init__(self, values: Row, texts: Mapping[str, str | None]) -> None:
        super().__init__(values)
        self.texts = texts


def say(text: str, columns: Sequence[str]) -> Say:
    """A function that says a text for a row: a column's value, or a template filled in.

    A column that stands alone in `{{ }}` is said as it is in the file; inside an expression
    it is a value with its type.
    """
    if text in columns:
        return lambda row: as_text(_texts(row)[text])
    template, alone = _template(text, columns)

    def filled(row: Row) -> str:
        from jinja2 import TemplateError

        texts = _texts(row)
        said = {name: as_text(texts[name]) for name in alone}
        try:
            return template.render({**row, ROW: row, _TEXTS: said})
        except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
            raise UsageError(
                f"the template {text!r} fails: {error}",
                code="usage.template",
                hint=f"the columns are {', '.join(columns)}",
            ) from error

    return filled


def as_text(value: Any) -> str:
    """A value as a training text: texts as they are, null as nothing, all else as JSON."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool | list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _texts(row: Row) -> Row:
    return row.texts if isinstance(row, WrittenRow) else row


def _template(text: str, columns: Collection[str]) -> tuple[Template, set[str]]:
    """The template, and the columns that stand alone in it: their texts are put out."""
    from jinja2 import nodes

    bounded = environment()
    tree = bounded.parse(text)
    assigned = {item.name for item in tree.find_all(nodes.Name) if item.ctx != "load"}
    free, found = set(columns) - assigned, set[str]()
    for output in tree.find_all(nodes.Output):
        for place, item in enumerate(output.nodes):
            name = _column(item)
            if name in free:
                texts = nodes.Name(_TEXTS, "load")
                output.nodes[place] = nodes.Getitem(texts, nodes.Const(name), "load")
                found.add(name)
    code = bounded.compile(tree)
    return bounded.template_class.from_code(bounded, code, bounded.globals), found


def _column(item: nodes.Node) -> str:
    """The column that an expression is: `price`, or `row["unit price"]`; empty for others."""
    from jinja2 import nodes

    if isinstance(item, nodes.Name):
        return item.name
    if isinstance(item, nodes.Getitem) and isinstance(item.arg, nodes.Const):
        of_row = isinstance(item.node, nodes.Name) and item.node.name == ROW
        return str(item.arg.value) if of_row else ""
    return ""
