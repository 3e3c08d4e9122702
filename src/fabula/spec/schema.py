"""The JSON Schema of specs, for completion and red squiggles in editors.

Pydantic gives the form; added here are the short forms that files may use (which pydantic expands
before it looks), the words of the docstrings, and `kind` as a required key.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel

from fabula.extensions import load_plugins
from fabula.kinds import KINDS
from fabula.kinds.base.distributions import AbstractDistribution
from fabula.kinds.base.parameters import SpecModel
from fabula.kinds.checks import CHECKS
from fabula.kinds.source import ACTIONS
from fabula.spec.tables import DatasetSpec
from fabula.spec.training_formats import TRAINING_FORMATS

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_TEXT = {"type": "string"}
_COUNT: dict[str, Any] = {"type": "string", "pattern": r"^[0-9]+(_[0-9]+)*$"}
_SHORT_FORMS: dict[tuple[str, str], dict[str, Any]] = {
    ("TableSpec", "primary_key"): _TEXT,
    ("TableSpec", "n"): _COUNT,
    ("TableSpec", "learned"): _TEXT,
}
"""What a file may write instead of the full form, by class and key; kinds tell theirs."""


def json_schema(file_formats: Sequence[str]) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a spec file, given the file formats that are written."""
    load_plugins()
    schema = DatasetSpec.model_json_schema()
    definitions: dict[str, Any] = schema.pop("$defs")
    entries = [*KINDS.values(), *CHECKS.values()]
    classes = {cls.__name__: cls for cls in [*_below(SpecModel), *entries]}
    for name, definition in [*definitions.items(), ("DatasetSpec", schema)]:
        _explain(definition, classes[name])
        _require_kind(definition)
    shorts = {
        (kind.__name__, key): dict(short)
        for kind in KINDS.values()
        for key, short in kind.short_forms.items()
    }
    for (name, key), short in {**shorts, **_SHORT_FORMS}.items():
        _allow(definitions[name]["properties"], key, short)
    formats = [*file_formats, *TRAINING_FORMATS.written()]
    definitions["OutputSpec"]["properties"]["format"]["enum"] = formats
    del definitions["TableSpec"]["properties"]["name"]
    _allow_short_cardinality(definitions["PerParent"])
    _allow_inline_component(definitions)
    _allow_kinds_of_rows(definitions)
    return {
        "$schema": DIALECT,
        "title": "Fabula spec",
        **{key: value for key, value in schema.items() if key != "title"},
        "$defs": definitions,
    }


def _below(base: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """All classes below one."""
    for cls in base.__subclasses__():
        yield cls
        yield from _below(cls)


def summary(cls: type[BaseModel]) -> str:
    """The first sentence of the class's documentation."""
    return " ".join(inspect.cleandoc(cls.__doc__ or "").partition("\n\n")[0].split())


def attribute_docs(cls: type[BaseModel]) -> dict[str, str]:
    """What the `Attributes:` sections of a class and its bases say about each key."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        section = inspect.cleandoc(base.__doc__ or "").partition("Attributes:\n")[2]
        for name, text in re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", section, re.MULTILINE):
            found[name] = " ".join(text.split())
    return found


def _explain(definition: dict[str, Any], cls: type[BaseModel]) -> None:
    """Put the docstring's summary on a class and its `Attributes:` on the keys."""
    summary = inspect.cleandoc(cls.__doc__ or "").partition("\n\nAttributes:")[0]
    definition["description"] = " ".join(summary.split())
    docs = attribute_docs(cls)
    for name, prop in definition["properties"].items():
        prop.pop("title", None)
        if prop.get("default", 0) is None:
            del prop["default"]
        if name in docs:
            prop["description"] = docs[name]


def _require_kind(definition: dict[str, Any]) -> None:
    kind = definition["properties"].get("kind", {})
    if "const" in kind:
        definition["required"] = ["kind", *definition.get("required", [])]


def _allow(properties: dict[str, Any], key: str, short: dict[str, Any]) -> None:
    """Accept a short form alongside the full one."""
    full = properties[key]
    about = {word: full.pop(word) for word in ("description", "default") if word in full}
    branches = full["anyOf"] if set(full) == {"anyOf"} else [full]
    properties[key] = {"anyOf": [*branches, short], **about}


def _allow_short_cardinality(per_parent: dict[str, Any]) -> None:
    """Accept `poisson: 10`, `uniform: [1, 5]` and the like."""
    either = {"type": ["number", "string", "object"]}
    properties = per_parent["properties"]
    distributions = [n for n, kind in KINDS.items() if issubclass(kind, AbstractDistribution)]
    for name in distributions:
        about = f"A {name} number of rows for each parent, by its mean or its parameters."
        properties[name] = {**either, "description": about}
    properties["uniform"] = {
        "type": ["array", "object"],
        "description": "Lowest and highest number of rows for each parent: `[1, 5]`.",
    }


def _allow_inline_component(definitions: dict[str, Any]) -> None:
    """Accept `{kind: normal, mean: 5, weight: 2}` as a part of a mixture."""
    full = definitions["Component"]
    names = full["properties"]["column"]["discriminator"]["mapping"]
    inline = {
        "type": "object",
        "properties": {"kind": {"enum": list(names)}, "weight": full["properties"]["weight"]},
        "required": ["kind"],
    }
    definitions["Component"] = {"description": full["description"], "anyOf": [full, inline]}


def _allow_kinds_of_rows(definitions: dict[str, Any]) -> None:
    """Accept a table `kind: simulation`, or `kind: source` with actions among its columns."""
    names = list(ACTIONS)
    action = {
        "anyOf": [
            {"type": "string", "pattern": f"^({'|'.join(names)})( *:.*)?$"},
            {"type": "object", "propertyNames": {"enum": names}, "maxProperties": 1},
        ],
        "description": "What happens to a real column: `replace`, `drop`, `{keep: confirmed}`.",
    }
    source, table = definitions["SourceTable"]["properties"], definitions["TableSpec"]["properties"]
    _allow(source["columns"], "additionalProperties", action)
    _allow(source, "locale", _TEXT)
    _allow(table["columns"], "additionalProperties", action)
    about = "The rows are those of a real `file`, or of the model of agents in one."
    table["kind"] = {"enum": ["source", "simulation"], "description": about}
    table |= {name: source[name] for name in ("file", "person", "locale")}
    simulation = definitions["SimulationTable"]["properties"]
    table |= {name: simulation[name] for name in ("table", "steps", "days", "parameters", "run")}
