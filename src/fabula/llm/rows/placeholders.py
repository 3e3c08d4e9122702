"""Finds placeholders that a model writes instead of values.

A model copies them from the form in a prompt (`<name>`, `…`, `string`), or leaves them to its
reader (`Dear [Your Name]`). Placeholders in the user's own text are data. Corrupted characters are
reported likewise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from fabula.llm.json_schema.wording import as_json
from fabula.llm.rows.job import RowField, RowsJob
from fabula.llm.rows.names import plain_name

_SIGN = re.compile(r"[<\[{…]|\.\.|__")
_DOTS = re.compile(r"[<\[{(\"']*\s*(?=[.…]*(?:\.\.|…))[.…]+\s*[>\]})\"']*")
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
_LEFT_OUT = re.compile(
    r"null|undefined|(?:same as|see|as) (?:above|before|the previous)|ditto|to be filled(?: in)?",
    re.I,
)
_ABOUT_TYPES = re.compile(r"type|format|kind|schema", re.I)
_WORDS = re.compile(r"[^\W\d_]{2,}")
_LOST = "\ufffd"
_BROKEN = re.compile(rf"[{_LOST}\ud800-\udfff]|Ã[©¼¶¤¨±Ÿ³ª§«®]|â€[™œ“”˜]")
"""Half a character, a replacement character, and UTF-8 decoded as Latin-1."""
_FORMAL = ("enum", "const", "pattern", "format")
"""Schema keywords that define what a text may be."""


class Placeholders:
    """Finds placeholders in the rows of one job."""

    def __init__(self, job: RowsJob) -> None:
        self._job = job
        self._descriptions = {each.name: plain_name(each.description) for each in job.fields}
        self._formal = {each.name for each in job.fields if any(map(each.schema.get, _FORMAL))}

    def problems(self, row: Mapping[str, Any], place: int | None) -> list[str]:
        """The problems of a row's values that were not filled in.

        Args:
            row: The normalised values of a row.
            place: The row's position in the job, or None if it has none.
        """
        found = [
            (each.name, text)
            for each in self._job.fields
            for name, text in _texts(each.name, row.get(each.name))
            if _BROKEN.search(text)
            or self._is_placeholder(each, name, text)
            or self._is_prompt(text, place)
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
        if _LEFT_OUT.fullmatch(text):
            return True
        described = self._descriptions[field.name]
        return bool(described) and " " in text and plain_name(text[:400]) == described

    def _is_prompt(self, text: str, place: int | None) -> bool:
        """Whether a text repeats its whole request."""
        job = self._job
        if not job.text or job.prompts is None or place is None or job.fields[0].description:
            return False
        prompt = job.prompts[place]
        return abs(len(prompt) - len(text)) < len(text) and plain_name(prompt) == plain_name(text)

    def _copied_names(self, row: Mapping[str, Any]) -> list[tuple[str, str]]:
        """The values of a row of texts that only repeats its fields' names."""
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
        return "has a corrupted character; write it correctly"
    return "is a placeholder or what was asked; write a real value"


def _is_said(text: str, asked: str) -> bool:
    """Whether the user's own words contain a placeholder: a plain word counts only in quotes."""
    if broken := _BROKEN.findall(text):
        return set(broken) <= set(_BROKEN.findall(asked))
    return (text if _SIGN.search(text) else as_json(text)) in asked


def _stands_for(inner: str, name: str) -> bool:
    """Whether bracketed words stand for a field's value."""
    words = {word.casefold() for word in _WORDS.findall(inner)}
    if words <= _TYPES | {"text", "value", "number", "integer"} and words:
        return True
    named = {word.casefold() for word in _WORDS.findall(name)}
    return bool(words & named) or re.match(_TO_FILL, inner, re.I) is not None


def _texts(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """The texts inside a value, each with its member's name."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(name, item)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(str(key), item)
