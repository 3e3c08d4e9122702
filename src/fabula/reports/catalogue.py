"""What each column kind and check is, read from its class: for `fabula kinds` and the docs."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import PydanticUndefined

from fabula.kinds import KINDS
from fabula.kinds.base.columns import AbstractColumn, AbstractNumber
from fabula.kinds.base.parameters import SpecModel
from fabula.render import grid
from fabula.spec.schema import attribute_docs, summary


@dataclass(frozen=True)
class Described:
    """One parameter: its name, what it takes, its default (or `required`), what it means."""

    name: str
    takes: str
    default: str
    meaning: str


def details(cls: type[SpecModel]) -> str:
    """What the class's documentation says between its first sentence and its attributes."""
    text = inspect.cleandoc(cls.__doc__ or "").partition("\n\n")[2]
    return re.split(r"^Attributes:", text, flags=re.MULTILINE)[0].strip()


def parameters(cls: type[SpecModel]) -> list[Described]:
    """The parameters that a kind adds to those that every kind has, its own ones first."""
    own = [name for name in cls.__annotations__ if name in cls.model_fields]
    names = dict.fromkeys([*own, *cls.model_fields])
    return [_described(cls, name) for name in names if name not in _shared(cls)]


def shared_parameters(cls: type[SpecModel] = AbstractColumn) -> list[Described]:
    """The parameters that every column kind (or every check) has."""
    return [_described(cls, name) for name in cls.model_fields if name != "kind"]


def kinds_text() -> str:
    """Every column kind in one line, and what all of them take."""
    kinds = grid.lines([(name, summary(cls)) for name, cls in KINDS.items()])
    return "\n".join([*kinds, "", *_listing("Every kind also takes", shared_parameters())])


def kind_text(kind: str) -> str:
    """One column kind: what it is, its parameters, an example."""
    cls = KINDS[kind]
    parts = [f"{kind}: {summary(cls)}", details(cls)]
    if own := parameters(cls):
        parts.append("\n".join(_listing("Parameters", own)))
    shared = ", ".join(item.name for item in shared_parameters())
    parts += [f"Also, as with every kind: {shared}.", f"Example:\n  column: {cls.example}"]
    return "\n\n".join(part for part in parts if part)


def kinds_markdown() -> str:
    """Every column kind as a page of the reference."""
    parts = [
        "# Column kinds",
        "Written by `fabula kinds --format markdown` from the classes in `fabula.kinds`.",
        "## What every kind takes",
        _table(shared_parameters()),
    ]
    for kind, cls in KINDS.items():
        parts += [f"## {kind}", summary(cls), details(cls), _table(parameters(cls))]
        parts.append(f"```yaml\ncolumn: {cls.example}\n```")
    return "\n\n".join(part for part in parts if part)


def _table(described: list[Described]) -> str:
    if not described:
        return ""
    rows = [(f"`{item.name}`", item.takes, item.default, item.meaning) for item in described]
    head = [("parameter", "takes", "default", "meaning"), ("---", "---", "---", "---")]
    escaped = [" | ".join(cell.replace("|", "\\|") for cell in row) for row in [*head, *rows]]
    return "\n".join(f"| {line} |" for line in escaped)


def _listing(title: str, described: list[Described]) -> list[str]:
    lines = [f"{title}:"]
    for item in described:
        default = item.default if item.default in ("", "required") else f"default {item.default}"
        lines.append(
            "  " + ", ".join(part for part in (f"{item.name}: {item.takes}", default) if part)
        )
        lines += textwrap.wrap(item.meaning, 96, initial_indent=" " * 6, subsequent_indent=" " * 6)
    return lines


def _shared(cls: type[SpecModel]) -> tuple[str, ...]:
    """Fields of the family's root, which is the class below SpecModel."""
    family = [base for base in cls.__mro__ if issubclass(base, SpecModel) and base != SpecModel]
    return tuple(family[-1].model_fields)


def _described(cls: type[SpecModel], name: str) -> Described:
    field = cls.model_fields[name]
    properties = cls.model_json_schema()["properties"]
    takes = _takes(properties[name])
    if name in getattr(cls, "expressions", ()):
        takes = takes.replace("text", "SQL")
    elif name in AbstractNumber.model_fields:
        takes = takes.removesuffix(" or text")
    default = field.get_default(call_default_factory=True)
    if default is PydanticUndefined:
        shown = "required"
    elif default in (None, "", (), {}):
        shown = ""
    else:
        shown = _plain(default)
    return Described(name, takes, shown, attribute_docs(cls).get(name, ""))


def _plain(value: Any) -> str:
    """A default as one would write it in YAML."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _takes(schema: Mapping[str, Any]) -> str:
    """What a JSON Schema admits, in words."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2]).lower()
    if "const" in schema:
        return str(schema["const"])
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        words = [_takes(item) for item in schema["anyOf"] if item.get("type") != "null"]
        if "number" in words:
            words = [word for word in words if word != "integer"]
        if {"yes or no", "number", "text"} <= set(words):
            return "value"
        return " or ".join(dict.fromkeys(words))
    if schema.get("type") == "array":
        return f"list of {_takes(schema['items'])}" if "items" in schema else "list"
    if schema.get("type") == "number" and (schema.get("minimum"), schema.get("maximum")) == (0, 1):
        return "0 to 1"
    names = {"string": "text", "boolean": "yes or no", "object": "mapping"}
    formats = {"date-time": "time", "date": "date"}
    kind = str(schema.get("type", "value"))
    return formats.get(schema.get("format", ""), names.get(kind, kind))
