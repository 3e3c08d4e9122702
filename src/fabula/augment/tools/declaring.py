"""Tools from what declares them: Python functions, files of tools, OpenAPI, tables.

A file of Python runs in the sandbox alone, when its functions are declared and at each call.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from fabula.augment.tools.inside import declared_function
from fabula.augment.tools.tool import Run, State, Tool, ToolFailure
from fabula.errors import SourceError, UsageError, did_you_mean
from fabula.io.examples import plain_value
from fabula.io.formats import ENDINGS
from fabula.schemas.documents import Documents, read_document

_INSIDE = "fabula.augment.tools.inside"
_TABLE = re.compile(r"(?P<name>[\w.-]+)=(?P<file>.+?):(?P<by>[^:/\\]+)")
_METHODS = ("get", "put", "post", "delete", "patch")
_DEEPEST = 12


def tools_of(given: Any) -> tuple[Tool, ...]:
    """All tools that are given, each under its own name.

    Args:
        given: One or several of: a `Tool`, a Python function, a mapping that declares a tool, a
            path of JSON or YAML (a list of tools, or OpenAPI), a path of Python (`tools.py`,
            `tools.py:get_order`), and `NAME=FILE:COLUMN`, which looks up rows of a table.

    Raises:
        UsageError: It declares no tool, or a name twice.
        SourceError: A file can't be read.
    """
    single = isinstance(given, Tool | str | Path | Mapping) or callable(given)
    tools = [tool for each in ([given] if single else given) for tool in _tools(each)]
    names = [tool.name for tool in tools]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"there are two tools `{name}`", code="usage.tool")
    return tuple(tools)


def _tools(given: Any) -> Iterable[Tool]:
    if isinstance(given, Tool):
        return (given,)
    if isinstance(given, Mapping):
        return (_mapped(given),)
    if callable(given):
        return (_of_function(given),)
    if not isinstance(given, str | Path):
        raise UsageError(
            f"a {type(given).__name__} declares no tool",
            code="usage.tool",
            hint="give a function, a mapping with `name` and `parameters`, or a file",
        )
    table = _TABLE.fullmatch(str(given))
    if table:
        by = [name.strip() for name in table["by"].split(",")]
        return (Tool.from_table(table["name"], Path(table["file"]), by=by),)
    file, _, name = str(given).partition(".py:")
    if str(given).endswith(".py") or name:
        return _of_program(Path(f"{file}.py" if name else file), name)
    return _of_document(Path(given))


def _of_function(function: Callable[..., Any]) -> Tool:
    told = declared_function(function)

    def run(arguments: Mapping[str, Any], state: State) -> Any:
        more = {"state": state} if told["takes_state"] else {}
        return plain_value(function(**arguments, **more))

    return _made(told, told["parameters"], run)


def _of_program(path: Path, name: str) -> list[Tool]:
    """The functions of a file of Python, declared and called in the sandbox."""
    source, declared = _functions(path, name)
    return [_made(told, told["parameters"], _sandboxed(source, told)) for told in declared]


def sandboxed_check(place: str) -> Callable[[Mapping[str, Any]], Any]:
    """A function of a Python file, `FILE.py:NAME`, that checks in the sandbox how a talk ended.

    Raises:
        UsageError: There is no such function.
        SourceError: The file can't be read.
    """
    file, _, name = place.rpartition(":")
    if not file or not name:
        raise UsageError(
            f"`{place}` names no function", code="usage.tool", hint="write `checks.py:refunded`"
        )
    source, (told,) = _functions(Path(file), name)
    run = _sandboxed(source, told)
    wanted = told["parameters"].get("properties", {})

    def check(ended: Mapping[str, Any]) -> Any:
        try:
            return run({each: ended[each] for each in wanted}, dict(ended["state"]))
        except KeyError as error:
            raise UsageError(
                f"`{place}` takes {error}, which a conversation has not",
                code="usage.tool",
                hint=f"name its parameters {', '.join(ended)}",
            ) from error
        except ToolFailure as error:
            raise UsageError(f"`{place}` fails: {error}", code="usage.check-end") from error

    return check


def _functions(path: Path, name: str) -> tuple[str, list[dict[str, Any]]]:
    """A file's source, and what its public functions, or the one of a name, declare."""
    from fabula.sandbox.run import run

    try:
        source = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(
            f"`{path}` can't be read: {getattr(error, 'strerror', None) or error}",
            code="source.unreadable",
            hint="give a file of functions, or `get_order=orders.csv:order_id` for a table",
        ) from error
    outcome = run(f"{_INSIDE}:declare", {"source": source})
    if outcome.fault is not None:
        raise UsageError(
            f"`{path}` fails in the sandbox: {outcome.fault.message}", code="usage.tool"
        )
    declared = [dict(told) for told in outcome.notes["functions"]]
    names = [str(told["name"]) for told in declared]
    if name and name not in names:
        hint = did_you_mean(name, names) or f"it defines {', '.join(names) or 'none'}"
        raise UsageError(f"`{path}` defines no function `{name}`", code="usage.tool", hint=hint)
    return source, [told for told in declared if name in ("", told["name"])]


def _sandboxed(source: str, told: Mapping[str, Any]) -> Run:
    from fabula.sandbox.run import Limits, run

    def call(arguments: Mapping[str, Any], state: State) -> Any:
        request = {**told, "source": source, "arguments": dict(arguments), "state": dict(state)}
        outcome = run(f"{_INSIDE}:call", request, limits=Limits(seconds=10, result=1 << 20))
        if outcome.fault is not None:
            raise ToolFailure(outcome.fault.message)
        state.clear()
        state.update(outcome.notes["state"])
        return outcome.notes["result"]

    return call


def _of_document(path: Path) -> list[Tool]:
    if ENDINGS.get(path.suffix.lower(), "json") not in ("json", "jsonl"):
        raise UsageError(
            f"the table `{path}` has no name for its tool, and no column to look rows up by",
            code="usage.tool",
            hint=f"write `get_row={path}:COLUMN`",
        )
    root = read_document(path)
    if isinstance(root, Mapping) and ("openapi" in root or "swagger" in root):
        tools = list(_operations(Documents(path, root)))
    else:
        listed = root.get("tools", root) if isinstance(root, Mapping) else root
        listed = [listed] if isinstance(listed, Mapping) else listed
        tools = [_mapped(each) for each in listed if isinstance(each, Mapping)]
    if not tools:
        raise UsageError(
            f"`{path}` declares no tool",
            code="usage.tool",
            hint="give a list of tools with `name` and `parameters`, or an OpenAPI document",
        )
    return tools


def _mapped(given: Mapping[str, Any]) -> Tool:
    """A tool as OpenAI, Anthropic and the Model Context Protocol declare it."""
    function = given.get("function", given)
    names = ("parameters", "input_schema", "inputSchema")
    schema: Any = next((function[name] for name in names if name in function), {})
    if "name" not in function or not isinstance(schema, Mapping):
        raise UsageError(
            "a mapping declares no tool without `name` and `parameters`",
            code="usage.tool",
            hint='write {"name": "get_order", "parameters": {"type": "object", …}}',
        )
    return _made(function, {"type": "object", **schema})


def _made(told: Mapping[str, Any], parameters: Mapping[str, Any], run: Run | None = None) -> Tool:
    """A tool whose schema stands by itself: references into it are followed."""
    whole = _rooted(parameters)
    whole.pop("$defs", None)
    whole.pop("definitions", None)
    return Tool(str(told["name"]), str(told.get("description") or ""), whole, run)


def _operations(documents: Documents) -> Iterable[Tool]:
    """Each operation of an OpenAPI document: its parameters, and its body's fields."""
    for place, item in (documents.root.get("paths") or {}).items():
        shared = item.get("parameters", ())
        for method in _METHODS:
            operation = item.get(method)
            if operation is None:
                continue
            properties: dict[str, Any] = {}
            required: list[str] = []
            for given in map(documents.flat, (*shared, *operation.get("parameters", ()))):
                told = {"description": given["description"]} if given.get("description") else {}
                whole = _whole(documents, given.get("schema", given))
                properties[given["name"]] = {**_plain_schema(whole), **told}
                required += [given["name"]] if given.get("required") else []
            content = documents.flat(operation.get("requestBody") or {}).get("content") or {}
            bodies = [part.get("schema", {}) for part in content.values()]
            body = _whole(documents, bodies[0]) if bodies else {}
            properties |= body.get("properties", {})
            required += body.get("required", ())
            parameters = {
                "type": "object",
                "properties": properties,
                "required": list(dict.fromkeys(required)),
                "additionalProperties": False,
            }
            named = operation.get("operationId") or f"{method}_{place}"
            name = re.sub(r"\W+", "_", named).strip("_")[:64]
            about = operation.get("summary") or operation.get("description") or f"{method} {place}"
            yield Tool(name, " ".join(str(about).split()), parameters)


def _whole(documents: Documents, schema: Any, depth: int = 0) -> dict[str, Any]:
    """A schema with every reference in it followed; a circle ends at a depth."""
    if depth > _DEEPEST:
        return {}
    made = documents.flat(schema)
    if isinstance(made.get("properties"), Mapping):
        made["properties"] = {
            name: _whole(documents, part, depth + 1) for name, part in made["properties"].items()
        }
    if isinstance(made.get("items"), Mapping):
        made["items"] = _whole(documents, made["items"], depth + 1)
    for word in ("anyOf", "oneOf"):
        if word in made:
            made[word] = [_whole(documents, part, depth + 1) for part in made[word]]
    return made


def _rooted(schema: Mapping[str, Any]) -> dict[str, Any]:
    documents = Documents(Path("tool"), schema)
    return _whole(documents, documents.root)


def _plain_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A parameter's schema; Swagger 2 has its place and name among the schema's words."""
    return {k: v for k, v in schema.items() if k not in ("in", "name", "required", "style")}
