"""From a `DatasetSpec` to a YAML file that is pleasant to read and edit: one line per column."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Mapping
from typing import Any

from fabula.kinds.base.parameters import SpecModel
from fabula.spec.plain import to_plain

SCHEMA_FILE = "fabula.schema.json"
"""The JSON Schema that editors look for alongside a spec; `fabula schema` prints it."""

_WIDTH = 100
_WORD = re.compile(r"[^\W\d]\w*([ ./-]\w+)*|\d+[smhdwy]|\d\d?-\d\d?")
_RESERVED = {"null", "true", "false", "yes", "no", "on", "off"}
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")


def to_yaml(spec: SpecModel, *, notes: Mapping[str, str] | None = None) -> str:
    """The spec as the text of a YAML file.

    Args:
        spec: The spec; what equals a default is left out.
        notes: Remarks by place (`tables.users.columns.age`), written behind the line.

    Examples:
        >>> from fabula.spec.oneline import parse_line
        >>> print(to_yaml(parse_line("id key, age int 18..90")))
        # yaml-language-server: $schema=./fabula.schema.json
        fabula: 1
        name: rows
        tables:
          rows:
            columns:
              id:  {kind: key}
              age: {kind: uniform, min: 18, max: 90, decimals: 0}
        <BLANKLINE>
    """
    lines = [f"# yaml-language-server: $schema=./{SCHEMA_FILE}"]
    lines += _mapping(to_plain(spec), (), notes or {})
    return "\n".join(lines) + "\n"


def _mapping(
    data: Mapping[Any, Any], place: tuple[str, ...], notes: Mapping[str, str]
) -> list[str]:
    """A block of `key: value` lines, indented by its depth."""
    indent = "  " * len(place)
    names = [len(_scalar(key)) for key in data] if place[-1:] == ("columns",) else [0]
    wide = min(max(names), 24)
    lines: list[str] = []
    for key, value in data.items():
        here = (*place, str(key))
        name = f"{_scalar(key)}:"
        note = f"  # {notes[path]}" if (path := ".".join(here)) in notes else ""
        if len(here) == 2 and place[0] == "tables" and lines:
            lines.append("")
        line = f"{indent}{name:<{wide + 1}} {_flow(value)}"
        if _is_short(here, value, line):
            lines.append(line + note)
        elif isinstance(value, str):
            lines += [
                f"{indent}{name} {_literal_mark(value)}{note}",
                *_literal(value, indent + "  "),
            ]
        else:
            lines.append(f"{indent}{name}{note}")
            inside = _mapping if isinstance(value, Mapping) else _list
            lines += inside(value, here, notes)
    return lines


def _list(items: list[Any], place: tuple[str, ...], notes: Mapping[str, str]) -> list[str]:
    """A block of `- value` lines; an item is in flow style, unless it holds a long matrix."""
    indent = "  " * len(place)
    lines: list[str] = []
    for i, item in enumerate(items):
        here = (*place, str(i))
        remark = f"  # {notes[path]}" if (path := ".".join(here)) in notes else ""
        line = f"{indent}- {_flow(item)}"
        if len(line) > _WIDTH and isinstance(item, Mapping) and "matrix" in item:
            first, *rest = _mapping(item, here, {})
            lines += [f"{indent}- {first.lstrip()}{remark}", *rest]
        else:
            lines.append(line + remark)
    return lines


def _is_short(place: tuple[str, ...], value: Any, line: str) -> bool:
    """Whether a value is written on the line of its key."""
    if isinstance(value, str):
        return _literal_mark(value) is None
    if not isinstance(value, Mapping | list) or not value:
        return True
    return not _is_skeleton(place) and len(line) <= _WIDTH and not _has_lines(value)


def _is_skeleton(place: tuple[str, ...]) -> bool:
    """Whether a place is always a block, however short."""
    match place:
        case ("tables" | "models" | "outputs",) | ("tables", _):
            return True
        case ("tables", _, "columns" | "checks" | "correlations" | "examples"):
            return True
    return False


def _has_lines(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_has_lines(item) for item in value.values())
    return isinstance(value, str) and _literal_mark(value) is not None


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return (
            "{" + ", ".join(f"{_scalar(key)}: {_flow(item)}" for key, item in value.items()) + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case dt.date():
            return value.isoformat()
        case float() if not math.isfinite(value):
            return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
        case str():
            return _text(value)
    return str(value)


def _text(text: str) -> str:
    """Text as it is where that is safe, else in quotes."""
    if _WORD.fullmatch(text) and text.lower() not in _RESERVED:
        return text
    if _UNPRINTABLE.search(text):
        quoted = json.dumps(text, ensure_ascii=False)
        return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found.group()):04x}", quoted)
    if "\\" in text or '"' in text:
        return "'" + text.replace("'", "''") + "'"
    return f'"{text}"'


def _literal_mark(text: str) -> str | None:
    """How a text of several lines is introduced, or None if it must be quoted."""
    body = text.removesuffix("\n")
    lines = body.split("\n")
    plain = all(line == line.rstrip() and not _UNPRINTABLE.search(line) for line in lines)
    if "\n" not in text or not plain or not lines[-1] or not lines[0] or lines[0][0] == " ":
        return None
    return "|" if text.endswith("\n") else "|-"


def _literal(text: str, indent: str) -> list[str]:
    return [f"{indent}{line}".rstrip() for line in text.removesuffix("\n").split("\n")]
