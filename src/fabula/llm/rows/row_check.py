"""Checks one row item against the fields of a job, under any spelling of their names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from fabula.llm.json_schema.validation import Invalid, compile_schema
from fabula.llm.rows.job import RowField
from fabula.llm.rows.names import match_names

ItemCheck: TypeAlias = Callable[[Any], tuple[dict[str, Any], list[str]]]
"""Takes an item, returns its normalised values and its problems."""


def compile_fields(fields: Sequence[RowField]) -> ItemCheck:
    """A function that normalises an item into the requested fields and lists its problems."""
    checks = [(each.name, compile_schema(_described(each)), each.required) for each in fields]
    names = [each.name for each in fields]

    def check(item: Any) -> tuple[dict[str, Any], list[str]]:
        if not isinstance(item, Mapping):
            return {}, ["the row is not an object"]
        if not all(name in item for name in names):
            renamed = match_names([str(key) for key in item if key not in names], names)
            item = {**{renamed.get(key, key): value for key, value in item.items()}, **_own(item)}
        values: dict[str, Any] = {}
        problems: list[str] = []
        for name, each, required in checks:
            value = item.get(name)
            if value is None and not required:
                values[name] = None
            elif value is None and name not in item:
                problems.append(f"`{name}` is missing")
            else:
                try:
                    values[name] = each(value)
                except Invalid as problem:
                    path = f"{name}.{problem.path}" if problem.path else name
                    problems.append(f"`{path}`: {problem.problem}")
        return values, problems

    def _own(item: Mapping[str, Any]) -> dict[str, Any]:
        """Values under their exact names win over renamed ones."""
        return {name: item[name] for name in names if name in item}

    return check


def _described(each: RowField) -> Mapping[str, Any]:
    """A field's schema with its name and description, which give the unit of numbers."""
    described = {"description": each.description} if each.description else {}
    return {"title": each.name, **described, **each.schema}
