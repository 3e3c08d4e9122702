"""Template columns: simple ones as one Arrow join, the rest by the Jinja sandbox row by row."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from fabula.engines.block import Array, Block, Engine, rows_of
from fabula.errors import SpecError, Violation
from fabula.fakers.joining import string_array
from fabula.planning.plan import ColumnPlan
from fabula.planning.templates import environment
from fabula.spec.words import Template

_PLAIN = re.compile(r"\{\{\s*(\w+(?:\.\w+)?)\s*(?:\|\s*(lower|upper)\s*)?\}\}")
_FAILURES = (
    TypeError,
    ValueError,
    LookupError,
    ArithmeticError,
    RecursionError,
    MemoryError,
)
_CASES = {"lower": pc.utf8_lower, "upper": pc.utf8_upper}


def template_engine(column: ColumnPlan, table: str) -> Engine:
    """Text from the row's other columns."""
    spec = column.spec
    assert isinstance(spec, Template)
    named = {match[1] for match in _PLAIN.finditer(spec.text)}
    if "{" not in _PLAIN.sub("", spec.text) and named <= set(column.needs):
        return lambda block: _join(spec.text, block)
    where = f"tables.{table}.columns.{column.name}.text"
    return lambda block: pa.array(render(spec.text, column.needs, block, where=where), pa.string())


def render(
    text: str, needs: Sequence[str], block: Block, *, where: str, rows: Sequence[int] | None = None
) -> list[str]:
    """The template's text for each row (or for some of them).

    Raises:
        SpecError: The template fails on the data.
    """
    import jinja2

    try:
        template = environment().from_string(text)
        return [template.render(row) for row in _contexts(needs, block, rows)]
    except (jinja2.TemplateError, *_FAILURES) as error:
        reason = str(error) or "it needs too much memory"
        message = f"the template failed on the data: {reason}"
        raise SpecError([Violation("engine.template", message, where)]) from error


def _contexts(
    needs: Sequence[str], block: Block, rows: Sequence[int] | None
) -> Iterator[Mapping[str, Any]]:
    """Each row's values by name; a parent's columns as attributes of the reference."""
    chosen = range(block.rows) if rows is None else rows
    columns = {name: rows_of(block.values[name], chosen) for name in needs}
    groups: dict[str, list[str]] = {}
    for name in needs:
        if "." in name:
            groups.setdefault(name.partition(".")[0], []).append(name)
    for i in range(len(chosen)):
        row = {name: values[i] for name, values in columns.items() if "." not in name}
        for reference, names in groups.items():
            row[reference] = SimpleNamespace(
                **{name.partition(".")[2]: columns[name][i] for name in names}
            )
        yield row


def _join(text: str, block: Block) -> Array:
    """Literal parts and columns joined by one Arrow kernel; a null makes an empty string."""
    parts: list[Any] = []
    end = 0
    for match in _PLAIN.finditer(text):
        parts.append(text[end : match.start()])
        values = _as_text(block.values[match[1]])
        parts.append(_CASES[match[2]](values) if match[2] else values)
        end = match.end()
    parts.append(text[end:])
    arrays = [_scalar(part) if isinstance(part, str) else part for part in parts if part != ""]
    if not any(isinstance(part, pa.Array) for part in arrays):
        return string_array([text] * block.rows)
    return pc.binary_join_element_wise(
        *arrays, _scalar(""), null_handling="replace", null_replacement=""
    )


def _scalar(text: str) -> pa.StringScalar:
    return string_array([text])[0]


def _as_text(values: Array) -> Array:
    """Values as Jinja would print them."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_string(values.type):
        return values
    if pa.types.is_integer(values.type) or pa.types.is_date(values.type):
        return values.cast(pa.string())
    return pa.array(
        [None if item is None else str(item) for item in values.to_pylist()], pa.string()
    )
