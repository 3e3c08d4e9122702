"""What may stand at the caret of a spec: keys, kinds, values and names, by the JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from fabula.io.formats import written_formats
from fabula.llm.client.presets import PROVIDERS
from fabula.spec.schema import json_schema

_CARET = "caret\ue000"
"""Stands for the word at the caret; a private character, which no spec holds."""
_LEFT, _RIGHT = re.compile(r"[\w.-]+\Z"), re.compile(r"\A[\w.-]+")
_KEY_PLACE = re.compile(r"\s*(?:-\s+)*\Z")
_TABLES = frozenset({"to", "table"})
_COLUMNS = frozenset({"column", "columns", "of"})
"""Keys whose text names a table, and a column of the same table."""
_MOST = 60

Schema = Mapping[str, Any]


@dataclass
class _Level:
    """A mapping or a list that is open at the caret.

    Attributes:
        is_mapping: Whether it is a mapping.
        key: The key whose value is read; None where a key comes next.
        values: What its keys hold, where that is a scalar.
    """

    is_mapping: bool
    key: str | None = None
    values: dict[str, str] = field(default_factory=dict)

    def take(self, text: str) -> None:
        """Note a scalar: a key, or the value of one."""
        if self.is_mapping and self.key is None:
            self.key = text
            self.values.setdefault(text, "")
        elif self.is_mapping and self.key is not None:
            self.values[self.key], self.key = text, None


def completions(before: str, after: str) -> dict[str, Any]:
    """What may stand at the caret.

    Args:
        before: The spec up to the caret; it may be half-written.
        after: The rest of it.

    Returns:
        `left` and `right`, the characters around the caret that a choice replaces, and `choices`:
        each with the `text` to write, how many characters the caret then stands `back`, a `label`,
        and what it is `about`.
    """
    line = before[before.rfind("\n") + 1 :]
    left, right = _word(_LEFT, line), _word(_RIGHT, after)
    head, tail = before.removesuffix(left), after.removeprefix(right)
    follows = tail.lstrip(" ").startswith(":")
    found: list[dict[str, Any]] = []
    for mark in _marks(line.removesuffix(left), follows=follows):
        levels = _read(head + mark + tail) or _read(head + mark)
        if levels and not found:
            found = [
                each | {"text": each["label"]} if follows else each
                for each in _choices(levels, before + after)
                if each["label"].startswith(left) and each["label"] != left + right
            ]
    return {"left": len(left), "right": len(right), "choices": found[:_MOST]}


def _word(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[0] if found else ""


def _marks(before: str, *, follows: bool) -> Iterator[str]:
    """What is tried in place of the word, given what stands before it in its line."""
    if re.search(r"(?:^|\s)#", before):
        return
    if _KEY_PLACE.fullmatch(before) and not follows:
        yield f"{_CARET}: 0"
    yield _CARET


def _walk(text: str) -> Iterator[tuple[list[_Level], str]]:
    """Each scalar of a text with the levels around it, as far as the text can be read."""
    levels: list[_Level] = []
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            if isinstance(event, MappingStartEvent | SequenceStartEvent):
                levels.append(_Level(isinstance(event, MappingStartEvent)))
            elif isinstance(event, MappingEndEvent | SequenceEndEvent):
                levels.pop()
                if levels:
                    levels[-1].key = None
            elif isinstance(event, ScalarEvent) and levels:
                yield levels, str(event.value)
                levels[-1].take(str(event.value))
    except YAMLError:
        return  # what comes after the caret may be half-written; what it says is then unknown


def _read(text: str) -> list[_Level] | None:
    """The levels around the mark, with all that is known of them; None where it isn't reached."""
    around: list[_Level] | None = None
    for levels, value in _walk(text):
        if value == _CARET and around is None:  # the values are shared: later ones are added
            around = [_Level(each.is_mapping, each.key, each.values) for each in levels]
    return around


def _choices(levels: Sequence[_Level], text: str) -> Iterator[dict[str, Any]]:
    """What the schema has for a place, and the names that the spec itself gives."""
    nodes = [_schema()]
    for level in levels[:-1]:
        nodes = [under for node in nodes for under in _below(node, level)]
    here = levels[-1]
    if here.is_mapping and here.key is None:
        yield from _keys(nodes, here)
        return
    asked = [under for node in nodes for under in _below(node, here)]
    key = here.key or next((each.key for each in reversed(levels) if each.key), "")
    yield from _values(asked, nodes if here.is_mapping else (), key)
    for name in _names(key, levels, text):
        yield _choice(name)


def _keys(nodes: Iterable[Schema], here: _Level) -> Iterator[dict[str, Any]]:
    """The keys of a mapping that it has not yet: those it needs lead."""
    found: dict[str, tuple[bool, str]] = {}
    for node in nodes:
        for each in _alternatives(node, here):
            for name, told in each.get("properties", {}).items():
                if name not in here.values:
                    needed = name in each.get("required", ())
                    found.setdefault(name, (not needed, told.get("description", "")))
    for name, (_, about) in sorted(found.items(), key=lambda each: each[1][0]):
        yield _choice(name, about, f"{name}: ")


def _choice(label: str, about: str = "", text: str = "", back: int = 0) -> dict[str, Any]:
    return {"label": label, "about": about, "text": text or label, "back": back}


def _values(
    nodes: Iterable[Schema], owners: Iterable[Schema], key: str
) -> Iterator[dict[str, Any]]:
    """The values that a place takes, where they are listed."""
    found: dict[str, str] = {}
    for owner in owners:
        chosen = _discriminator(owner)
        if chosen and chosen["propertyName"] == key:
            for name, target in chosen["mapping"].items():
                found.setdefault(name, _target(target).get("description", ""))
    for node in nodes:
        if kinds := _discriminator(node):
            name = kinds["propertyName"]
            yield _choice(f"{{{name}: }}", "in one line", f"{{{name}: }}", back=1)
        for each in _alternatives(node, None):
            listed = each.get("enum", [each["const"]] if "const" in each else [])
            if each.get("type") == "boolean":
                listed = [True, False]
            for value in listed:
                name = str(value).lower() if isinstance(value, bool) else str(value)
                found.setdefault(name, "")
    for name, about in found.items():
        yield _choice(name, about)


def _names(key: str, levels: Sequence[_Level], text: str) -> list[str]:
    """Tables, columns or models of the spec, where a key takes their names."""
    if key == "provider":
        return list(PROVIDERS)
    if key not in _TABLES | _COLUMNS | {"model"}:
        return []
    spec = _outline(text)
    path = [level.key for level in levels]
    if key == "model":
        return [*spec.get("models", {}), "local", "fake"]
    tables: Mapping[str, Any] = spec.get("tables", {})
    if key in _TABLES:
        return list(tables)
    own = tables.get(str(path[1])) if len(path) > 2 and path[0] == "tables" else None
    return list((own or {}).get("columns", {}))


def _outline(text: str) -> dict[str, Any]:
    """The keys of a spec in each other, of as much of it as can be read."""
    found: dict[str, Any] = {}
    for levels, value in _walk(text):
        path = [level.key for level in levels[:-1]]
        if levels[-1].is_mapping and levels[-1].key is None and None not in path:
            at = found
            for part in path:
                at = at.setdefault(str(part), {})
            at.setdefault(value, {})
    return found


@cache
def _schema() -> Schema:
    return json_schema(written_formats())


def _target(reference: str) -> Schema:
    node: Schema = _schema()["$defs"][reference.rpartition("/")[2]]
    return node


def _discriminator(node: Schema) -> Schema | None:
    """What tells the alternatives of a place apart, where one key does."""
    if "$ref" in node:
        return _discriminator(_target(node["$ref"]))
    if "discriminator" in node:
        return dict(node["discriminator"])
    return next(filter(None, map(_discriminator, node.get("anyOf", ()))), None)


def _alternatives(node: Schema, here: _Level | None) -> Iterator[Schema]:
    """What a place may be; where its kind is told, that one alone."""
    if "$ref" in node:
        yield from _alternatives(_target(node["$ref"]), here)
    elif "discriminator" in node and here is not None:
        chosen = node["discriminator"]
        name, mapping = chosen["propertyName"], chosen["mapping"]
        told = mapping.get(here.values.get(name, ""))
        if told:
            yield _target(told)
        else:
            yield {"properties": {name: {"description": "what it is"}}, "required": [name]}
    elif "anyOf" in node or "oneOf" in node:
        for each in (*node.get("anyOf", ()), *node.get("oneOf", ())):
            yield from _alternatives(each, here)
    else:
        yield node


def _below(node: Schema, level: _Level) -> Iterator[Schema]:
    """The schemas of what a level's present key holds, or of a list's items."""
    for each in _alternatives(node, level):
        if not level.is_mapping:
            items = [each.get("items"), *each.get("prefixItems", ())]
            yield from (item for item in items if isinstance(item, Mapping))
        elif level.key is not None:
            own = each.get("properties", {}).get(level.key, each.get("additionalProperties"))
            if isinstance(own, Mapping):
                yield own
