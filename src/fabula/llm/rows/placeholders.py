"""Finds placeholders that a model leaves where values were wanted.

A model copies them from the form that a prompt shows (`<name>`, `…`, `string`), or leaves them to
its reader (`Dear [Your Name]`). What the user's own words hold is data, however it looks. A
character that was lost on the way is told likewise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from fabula.llm.json_schema.wording import as_json
from fabula.llm.rows.job import RowField, RowsJob
from fabula.llm.rows.names import plain_name

_SIGN = re.compile(r"[<\[{…]|\.\.|__")
_DOTS = re.compile(r"[<\[{(\"']*\s*(?:\.{2,}|…)+\s*[>\]})\"']*")
_WHOLE = re.compile(r"(?:<|\[|\{\{?|__)\s*([^<>\[\]{}]{1,60}?)\s*(?:>|\]|\}\}?|__)")
_TO_FILL = (
    r"(?:your|insert|enter|add|fill|put|write|describe|placeholder|example"
    r"|(?:ihr|dein)e?|einfügen|votre|insérer|su|tu|insertar|inserire)\b"
)
_WITHIN = re.compile(
    rf"(?:\[|<|\{{\{{)\s*(?:{_TO_FILL}[^<>\[\]{{}}\n]{{0,40}}"
    r"|(?:[\w'’/-]+ ){0,3}(?:name|date|number|address|e-?mail|phone|company|amount))\s*"
    r"(?:\](?!\()|>|\}\})",
    re.I,
)
_WANTED = re.compile(r"templat|placeholder|bracket|anonymi|redact|mask|vorlage|platzhalter", re.I)
_TYPES = frozenset({"string", "str"})
_ABOUT_TYPES = re.compile(r"type|format|kind|schema", re.I)
_WORDS = re.compile(r"[^\W\d_]{2,}")
_LOST = "\ufffd"
_BROKEN = re.compile(rf"[{_LOST}\ud800-\udfff]")
_FORMAL = ("enum", "const", "pattern", "format")
"""Words of a schema that say themselves what a text may be."""


class Placeholders:
    """Looks for placeholders in the rows of one job."""

    def __init__(self, job: RowsJob) -> None:
        self._job = job
        self._descriptions = {each.name: plain_name(each.description) for each in job.fields}
        self._formal = {each.name for each in job.fields if any(map(each.schema.get, _FORMAL))}

    def problems(self, row: Mapping[str, Any], place: int | None) -> list[str]:
        """What in a row's values was not filled in.

        Args:
            row: The values of a row, straightened.
            place: The row's place in the job, or None where it has none.
        """
        found = [
            (each.name, text)
            for each in self._job.fields
            for name, text in _texts(each.name, row.get(each.name))
            if _BROKEN.search(text) or self._is_placeholder(each, name, text)
        ]
        found = found or self._copied_names(row)
        if not found:
            return []
        asked = self._asked(place)
        return [
            f"`{name}`: {as_json(text[:80])} {_fault(text)}"
            for name, text in found
            if not _is_said(text, asked)
        ]

    def _is_placeholder(self, field: RowField, name: str, text: str) -> bool:
        if field.name in self._formal:
            return False
        if _SIGN.search(text):
            whole = _WHOLE.fullmatch(text)
            if _DOTS.fullmatch(text) or (whole and _stands_for(whole[1], name)):
                return True
            return _WITHIN.search(text) is not None and not _WANTED.search(self._asked(None))
        if text.casefold() in _TYPES:
            return not _ABOUT_TYPES.search(f"{name} {field.description}")
        described = self._descriptions[field.name]
        return bool(described) and " " in text and plain_name(text[:400]) == described

    def _copied_names(self, row: Mapping[str, Any]) -> list[tuple[str, str]]:
        """The values of a row of texts that repeats the names of its fields."""
        texts = [(each.name, str(row.get(each.name))) for each in self._job.fields]
        is_header = len(texts) > 1 and all(name == text for name, text in texts)
        return texts if is_header and not self._formal else []

    def _asked(self, place: int | None) -> str:
        """The user's own words about a row."""
        job = self._job
        words = [job.subject, job.extra, *map(as_json, job.examples)]
        words += [each.description for each in job.fields]
        if place is not None:
            words += [job.prompts[place]] if job.prompts is not None else []
            words += [as_json(job.given[place])] if job.given is not None else []
        elif job.prompts is not None:
            words += job.prompts[:1]
        return "\n".join(words)


def _fault(text: str) -> str:
    if _BROKEN.search(text):
        return "has lost a character; write it whole"
    return "is a placeholder; write a real value"


def _is_said(text: str, asked: str) -> bool:
    """Whether the user's own words hold a placeholder: a plain word counts in quotes alone."""
    if broken := _BROKEN.findall(text):
        return set(broken) == {_LOST} and _LOST in asked
    return (text if _SIGN.search(text) else as_json(text)) in asked


def _stands_for(inner: str, name: str) -> bool:
    """Whether words in brackets stand for the value of a field."""
    words = {word.casefold() for word in _WORDS.findall(inner)}
    if words <= _TYPES | {"text", "value", "number", "integer"} and words:
        return True
    named = {word.casefold() for word in _WORDS.findall(name)}
    return bool(words & named) or re.match(_TO_FILL, inner, re.I) is not None


def _texts(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """The texts inside a value, each with the name of the member that holds it."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(name, item)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(str(key), item)
