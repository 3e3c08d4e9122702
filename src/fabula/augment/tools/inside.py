"""Functions as tools: what they declare, and calls of them, also inside the sandbox."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa
from pydantic import ConfigDict, TypeAdapter, create_model

from fabula.errors import UsageError
from fabula.sandbox.child import Emit

STATE = "state"
"""The parameter that gets what the tools of a conversation remember."""


def declared_function(function: Callable[..., Any]) -> dict[str, Any]:
    """A function's name, first sentence and the JSON Schema of its parameters.

    Raises:
        UsageError: A parameter can't be given by name, or has no JSON Schema.
    """
    name = function.__name__
    written = inspect.getdoc(function) or ""
    fields: dict[str, Any] = {}
    takes_state = False
    for each in inspect.signature(function, eval_str=True).parameters.values():
        if each.kind in (each.POSITIONAL_ONLY, each.VAR_POSITIONAL, each.VAR_KEYWORD):
            raise UsageError(
                f"the tool `{name}` has the parameter `{each}`, which has no name in a call",
                code="usage.tool",
                hint="give every parameter a name",
            )
        if each.name == STATE:
            takes_state = True
            continue
        kind = str if each.annotation is each.empty else each.annotation
        fields[each.name] = (kind, ... if each.default is each.empty else each.default)
    try:
        schema = create_model(name, __config__=ConfigDict(extra="forbid"), **fields)
        parameters = schema.model_json_schema()
    except Exception as error:  # whatever Pydantic says about an annotation
        raise UsageError(
            f"the tool `{name}` has parameters without a JSON Schema: {error}", code="usage.tool"
        ) from error
    parameters.pop("title", None)
    for field, part in parameters.get("properties", {}).items():
        part.pop("title", None)
        told = re.search(rf"^\s*{field}(?: \([^)]*\))?: (.+)$", written, re.M)
        if told:
            part["description"] = told[1].strip()
    return {
        "name": name,
        "description": " ".join(written.partition("\n\n")[0].split()),
        "parameters": parameters,
        "takes_state": takes_state,
    }


def declare(request: Mapping[str, Any], _tables: Mapping[str, pa.Table], _emit: Emit) -> Any:
    """Declare the public functions of a source."""
    own = [
        item
        for name, item in _names(request["source"]).items()
        if inspect.isfunction(item) and item.__module__ == "program" and not name.startswith("_")
    ]
    return {"functions": [declared_function(function) for function in own]}


def call(request: Mapping[str, Any], _tables: Mapping[str, pa.Table], _emit: Emit) -> Any:
    """Call one function of a source."""
    function = _names(request["source"])[request["name"]]
    state = dict(request[STATE])
    more = {STATE: state} if request["takes_state"] else {}
    result = TypeAdapter(Any).dump_python(function(**request["arguments"], **more), mode="json")
    return {"result": result, STATE: state}


def _names(source: str) -> dict[str, Any]:
    from fabula.sandbox.tracebacks import compiled

    names: dict[str, Any] = {"__name__": "program"}
    exec(compiled(source), names)
    return names
