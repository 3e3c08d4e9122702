"""Keeps values distinct over a whole run, ignoring case and spacing."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from fabula.llm.json_schema.validation import quoted
from fabula.llm.json_schema.wording import as_json
from fabula.llm.rows.job import RowField, RowsJob

NAMED = 200
"""Maximum used values in a prompt; forms shorten the list further."""


class Distinct:
    """The used values of each group of fields that must not repeat."""

    def __init__(self, job: RowsJob) -> None:
        self._groups = list(job.unique)
        free = job.given is None and job.prompts is None
        if free and any(_is_open(each) for each in job.fields):
            self._groups.append(tuple(each.name for each in job.fields))
        self._taken: list[set[tuple[Any, ...]]] = [set() for _ in self._groups]
        self._label = _label(job, self._groups)
        self._named: deque[str] = deque(maxlen=NAMED)
        for row in job.used:
            self.add(row)

    def __bool__(self) -> bool:
        return bool(self._groups)

    def problem(self, row: Mapping[str, Any]) -> str | None:
        """How a row repeats another one, or None."""
        for group, taken in zip(self._groups, self._taken, strict=True):
            key = _key(row, group)
            if key is not None and key in taken:
                values = " and ".join(f"`{name}` {quoted(row.get(name))}" for name in group)
                return f"{values} {'is' if len(group) == 1 else 'are'} already used"
        return None

    def add(self, row: Mapping[str, Any]) -> None:
        """Mark a row's values as used."""
        for group, taken in zip(self._groups, self._taken, strict=True):
            key = _key(row, group)
            if key is not None:
                taken.add(key)
        if self._label and all(name in row for name in self._label):
            values = {name: row[name] for name in self._label}
            self._named.append(as_json(values if len(values) > 1 else values[self._label[0]]))

    def remove(self, row: Mapping[str, Any]) -> None:
        """Free a row's values again."""
        for group, taken in zip(self._groups, self._taken, strict=True):
            key = _key(row, group)
            if key is not None:
                taken.discard(key)

    def named(self) -> Sequence[str]:
        """Values to show the model, as JSON, newest last."""
        return tuple(self._named)


def _label(job: RowsJob, groups: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The fields that identify a row to the model: the first unique group, or the first text.

    Numbers identify nothing: a list of used sizes would only lead to odd ones.
    """
    if job.unique:
        return job.unique[0]
    open_fields = [each for each in job.fields if groups and _is_open(each)]
    named = open_fields if len(job.fields) == 1 else filter(_is_text, open_fields)
    return next(((each.name,) for each in named), ())


def _is_text(each: RowField) -> bool:
    return each.schema.get("type", "string") == "string" and "format" not in each.schema


def _is_open(each: RowField) -> bool:
    """Whether a field has more than a handful of possible values."""
    return "enum" not in each.schema and each.schema.get("type") not in ("boolean", "null")


def _key(row: Mapping[str, Any], group: Sequence[str]) -> tuple[Any, ...] | None:
    values = [row.get(name) for name in group]
    if any(value is None for value in values) and len(group) == 1:
        return None
    return tuple(_normal(value) for value in values)


def _normal(value: Any) -> Any:
    if isinstance(value, str):
        return " ".join(value.casefold().split())
    return repr(value).casefold() if isinstance(value, list | dict) else value
