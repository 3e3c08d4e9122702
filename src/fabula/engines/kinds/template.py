"""Texts from other columns; plain ones are joined by Arrow, the rest rendered by Jinja."""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from fabula.engines.block import Array, Block, Engine
from fabula.engines.kinds import TableFacts, engine_of
from fabula.engines.templates import render
from fabula.fakers.joining import string_array
from fabula.kinds.template import Template
from fabula.planning.plan import ColumnPlan

_PLAIN = re.compile(r"\{\{\s*(\w+(?:\.\w+)?)\s*(?:\|\s*(lower|upper)\s*)?\}\}")
_CASES = {"lower": pc.utf8_lower, "upper": pc.utf8_upper}


@engine_of("template")
def template_engine(column: ColumnPlan, table: TableFacts) -> Engine:
    """Text from the row's other columns."""
    spec = column.spec
    assert isinstance(spec, Template)
    named = {match[1] for match in _PLAIN.finditer(spec.text)}
    if "{" not in _PLAIN.sub("", spec.text) and named <= set(column.needs):
        return lambda block: _join(spec.text, block)
    where = f"tables.{table.name}.columns.{column.name}.text"
    return lambda block: pa.array(render(spec.text, column.needs, block, where=where), pa.string())


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
