"""`llm` columns as fields of a model's reply, and replies as columns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from fabula.engines.block import Array
from fabula.io.arrays import array_of_json
from fabula.kinds.llm import Llm
from fabula.llm.rows.job import RowField
from fabula.planning.plan import ColumnPlan

_SCHEMAS: dict[str, dict[str, Any]] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "list[str]": {"type": "array", "items": {"type": "string"}},
    "list[int]": {"type": "array", "items": {"type": "integer"}},
    "list[float]": {"type": "array", "items": {"type": "number"}},
}
_BOUNDS = {
    "string": ("minLength", "maxLength"),
    "integer": ("minimum", "maximum"),
    "number": ("minimum", "maximum"),
    "array": ("minItems", "maxItems"),
}


def row_field(name: str, spec: Llm) -> RowField:
    """The field that asks for an `llm` column."""
    description = spec.description or name.replace("_", " ")
    if spec.examples:
        samples = ", ".join(
            json.dumps(item, ensure_ascii=False, default=str) for item in spec.examples
        )
        description = f"{description} (such as {samples})"
    return RowField(name, _schema(spec), description)


def column_of(column: ColumnPlan, values: Sequence[Any]) -> Array:
    """A model's values in the column's type; None becomes null."""
    kind = column.type
    if pa.types.is_date(kind):
        return array_of_json([v and v[:10] for v in values], pa.string()).cast(kind)
    if pa.types.is_string(kind) or pa.types.is_dictionary(kind):
        written = _json if pa.types.is_string(kind) else str
        texts = [v if v is None or isinstance(v, str) else written(v) for v in values]
        return array_of_json(texts, pa.string()).cast(kind)
    return array_of_json(values, kind)


def _schema(spec: Llm) -> dict[str, Any]:
    if isinstance(spec.type, dict):
        return dict(spec.type)
    if isinstance(spec.type, tuple):
        return {"enum": list(spec.type)}
    schema = dict(_SCHEMAS[spec.type])
    for bound, key in zip((spec.min, spec.max), _BOUNDS.get(schema["type"], ()), strict=False):
        if bound is not None:
            schema[key] = int(bound) if float(bound).is_integer() else bound
    if spec.pattern is not None:
        schema["pattern"] = spec.pattern
    return schema


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
