"""From spec text to plain data, with the line of every value. The first step of loading.

Reads YAML 1.2 (and so JSON) from the parser's events instead of through a constructor: half the
time, no object but plain ones can come out, and duplicate keys, tags and bombs are seen. Knows
nothing about what a spec means.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
)

from fabula.errors import SpecError, Violation

MAX_DEPTH = 60
MAX_VALUES = 2_000_000

MOST_TEXT = 4_000_000
"""Characters of a spec; of more, reading takes minutes."""
MOST_DIGITS = 1_000
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9_]*)|0x[0-9a-fA-F]+|0o[0-7]+")
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|[0-9][0-9_]*\.[0-9]*|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan", re.I
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?\s*([zZ]|[-+]\d\d(:?\d\d)?)?")
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}

_CAUSES = (
    (r"'\\t'|tab", "indent with spaces, not tabs"),
    (r"mapping values are not allowed", "put quotes around text that contains `: `"),
    (r"unknown escape", r"write regular expressions in single quotes: '\d{3}'"),
    (r"expected ',' or|expected <block end>", "close every `{` and `[`, and align the lines"),
    (r"could not find expected ':'", "every key needs a colon: `name: value`"),
    (r"'@'|'`'|'%'", "put quotes around text that starts with a special character"),
    (r"unexpected end|quoted scalar", "close the quotes"),
)


_OTHER_CAUSE = "a spec is YAML or JSON; `fabula init --template shop` writes one to compare with"


@dataclass(frozen=True, slots=True)
class Node:
    """A value of the text, the line that it or its key stands on, and how many values it holds."""

    data: Any
    line: int
    children: Mapping[Any, Node] | Sequence[Node] = ()
    size: int = 1


@dataclass
class _Reading:
    """The state of one pass over the events."""

    events: Iterator[Event]
    anchors: dict[str, Node] = field(default_factory=dict)
    problems: list[Violation] = field(default_factory=list)
    values: int = 0


def read(text: str, *, file: str | None = None) -> Node:
    """The values of a YAML or JSON text with their lines.

    Raises:
        SpecError: The text is empty, or is neither YAML nor JSON; every duplicate key is named.
    """
    text = text.removeprefix("\ufeff")
    if len(text) > MOST_TEXT:
        message = f"the spec has more than {MOST_TEXT:,} characters"
        hint = "keep rows and long texts in files of their own, and name them in the spec"
        raise SpecError([Violation("spec.too-large", message, None, hint, file)])
    reading = _Reading(iter(YAML(typ="safe", pure=True).parse(text)))
    try:
        node = _document(reading)
    except YAMLError as error:
        reading.problems.append(_syntax(error))
        raise SpecError(_in_file(reading.problems, file)) from error
    if reading.problems:
        raise SpecError(_in_file(reading.problems, file))
    if node is None or node.data is None:
        hint = "`fabula init --template shop` writes a spec to start from"
        raise SpecError([Violation("spec.empty", "the spec is empty", None, hint, file)])
    return node


def read_data(text: str, *, file: str | None = None) -> Any:
    """The values of a YAML or JSON text without their lines: several times faster for JSON.

    Raises:
        SpecError: As `read` does.
    """
    if text.lstrip("\ufeff \t\r\n").startswith("{"):
        try:
            return json.loads(text.removeprefix("\ufeff"), object_pairs_hook=_distinct)
        except json.JSONDecodeError as error:
            if file is not None and file.endswith(".json"):
                message = f"this is not valid JSON: {error.msg.lower()}, column {error.colno}"
                hint = "close every `{`, `[` and quote, with commas between"
                problem = Violation("spec.syntax", message, hint=hint, file=file, line=error.lineno)
                raise SpecError([problem]) from error
        except (ValueError, RecursionError):
            pass  # the YAML reader says where
    return read(text, file=file).data


class _DuplicateKey(ValueError):
    """A JSON object repeats a key."""


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        raise _DuplicateKey
    return data


def _document(reading: _Reading) -> Node | None:
    documents = 0
    node: Node | None = None
    for event in reading.events:
        if isinstance(event, DocumentStartEvent):
            documents += 1
            if documents > 1:
                hint = "keep one document; tables of one dataset go under one `tables:`"
                _problem(reading, event, "the file holds several documents (`---`)", hint)
                break
            node = _node(reading, next(reading.events), 0)
    return node


def _node(reading: _Reading, event: Event, depth: int) -> Node:
    """The value that starts with `event`, whose further events are taken from the reading."""
    reading.values += 1
    line = event.start_mark.line + 1
    if depth > MAX_DEPTH or reading.values > MAX_VALUES:
        raise MarkedYAMLError(
            problem="the values are nested too deeply, or there are too many of them",
            problem_mark=event.start_mark,
        )
    if isinstance(event, AliasEvent):
        return _aliased(reading, event, line)
    assert isinstance(event, ScalarEvent | CollectionStartEvent)
    if event.tag is not None and event.tag != "!":
        _problem(reading, event, f"tags such as `{event.tag}` are not supported", "remove it")
    if isinstance(event, ScalarEvent):
        node = Node(_scalar(reading, event), line)
    elif isinstance(event, MappingStartEvent):
        node = _mapping(reading, line, depth)
    else:
        items = []
        while not isinstance(item := next(reading.events), SequenceEndEvent):
            items.append(_node(reading, item, depth + 1))
        size = 1 + sum(item.size for item in items)
        node = Node([item.data for item in items], line, items, size)
    if event.anchor is not None:
        reading.anchors[event.anchor] = node
    return node


def _aliased(reading: _Reading, event: AliasEvent, line: int) -> Node:
    node = reading.anchors.get(event.anchor)
    if node is None:
        raise MarkedYAMLError(
            problem=f"`*{event.anchor}` is used before `&{event.anchor}` marks a value",
            problem_mark=event.start_mark,
        )
    reading.values += node.size
    return replace(node, line=line)


def _mapping(reading: _Reading, line: int, depth: int) -> Node:
    children: dict[Any, Node] = {}
    merged: dict[Any, Node] = {}
    while not isinstance(event := next(reading.events), MappingEndEvent):
        if not isinstance(event, ScalarEvent):
            hint = 'put quotes around templates: "{{ name }}"'
            _problem(reading, event, "a key must be one plain value", hint)
            _node(reading, event, depth + 1)
            _node(reading, next(reading.events), depth + 1)
            continue
        key, key_line = _scalar(reading, event), event.start_mark.line + 1
        value = _node(reading, next(reading.events), depth + 1)
        if key == "<<" and event.style is None:
            for source in (value,) if isinstance(value.data, dict) else value.children:
                merged |= source.children if isinstance(source.children, Mapping) else {}
        elif key in children:
            message = f"the key `{event.value}` is given twice (first on line {children[key].line})"
            _problem(reading, event, message, "keep one of the two", code="spec.duplicate-key")
        else:
            children[key] = Node(value.data, key_line, value.children, value.size)
    children = {**merged, **children} if merged else children
    size = 1 + sum(child.size for child in children.values())
    return Node({key: child.data for key, child in children.items()}, line, children, size)


def _scalar(reading: _Reading, event: ScalarEvent) -> Any:
    """The value of one scalar: quoted is text; plain follows YAML 1.2, with dates.

    A number with leading zeros (`00123`) stays text, so that codes survive.
    """
    text: str = event.value
    if event.style is not None or event.tag == "!":
        return text
    word = text.lower()
    if word in _WORDS and text in (word, word.capitalize(), word.upper()):
        return _WORDS[word]
    if text[0] not in "+-.0123456789":
        return text
    try:
        if _INTEGER.fullmatch(text):
            if len(text) > MOST_DIGITS:
                raise ValueError
            return int(text, 0)
        if _FLOAT.fullmatch(text):
            return _float(word)
        if _DATE.fullmatch(text):
            return dt.date.fromisoformat(text)
        if _TIME.fullmatch(text):
            return dt.datetime.fromisoformat(text.replace(" ", "T", 1).replace(" ", "").upper())
    except ValueError:
        hint = "put quotes around it if it is meant as text"
        _problem(reading, event, f"`{text[:40]}` is not a number, date or time", hint)
    return text


def _float(word: str) -> float:
    if word.endswith((".inf", ".nan")):
        return -math.inf if word[0] == "-" else math.inf if "inf" in word else math.nan
    return float(word.replace("_", ""))


def _problem(
    reading: _Reading, event: Event, message: str, hint: str, *, code: str = "spec.syntax"
) -> None:
    line = event.start_mark.line + 1
    reading.problems.append(Violation(code, message, hint=hint, line=line))


def _in_file(problems: list[Violation], file: str | None) -> list[Violation]:
    return [replace(problem, file=file) for problem in problems]


def _syntax(error: YAMLError) -> Violation:
    """Bad YAML, in words: what, where, and the usual cause."""
    if not isinstance(error, MarkedYAMLError) or error.problem_mark is None:
        reason = str(error).split("\n", 1)[0]
        return Violation(
            "spec.syntax", f"this is not valid YAML: {reason}", hint="save the file as UTF-8 text"
        )
    mark, problem = error.problem_mark, error.problem or "unreadable"
    cause = f"{error.context or ''} {problem}"
    hint = next((hint for pattern, hint in _CAUSES if re.search(pattern, cause)), _OTHER_CAUSE)
    message = f"this is not valid YAML: {problem}, column {mark.column + 1}"
    return Violation("spec.syntax", message, hint=hint, line=mark.line + 1)
