"""Do the calls of tools in a conversation fit the tools that it declares?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fabula.errors import UsageError
from fabula.llm.json_schema.validation import Invalid, compile_schema
from fabula.training.turns import ToolCall, Turn, from_json

TOOL_NAME = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
"""Names of tools that the services take."""


def tool_problems(turns: Sequence[Turn], declared: Any) -> Iterator[str]:
    """What a trainer would refuse about the tools of one conversation.

    Args:
        turns: The conversation.
        declared: What the line holds under `tools` or `functions`; None if it holds nothing,
            and then the calls are checked among themselves alone.
    """
    tools = None if declared is None else _tools(declared)
    if isinstance(tools, str):
        yield tools
        tools = None
    for turn in turns:
        if turn.calls and turn.role != "assistant":
            yield f"has a call of a tool by `{turn.role}`"
        for call in turn.calls:
            yield from _call_problems(call, tools)
    yield from _answer_problems(turns)


def _tools(declared: Any) -> dict[str, Mapping[str, Any]] | str:
    """The schema of each tool's arguments; or in words what is wrong with the list."""
    listed = from_json(declared)
    if not isinstance(listed, list):
        return "has `tools` that are not a list"
    tools: dict[str, Mapping[str, Any]] = {}
    for tool in listed:
        function = tool.get("function", tool) if isinstance(tool, Mapping) else None
        name = function.get("name") if isinstance(function, Mapping) else None
        if not isinstance(name, str) or not TOOL_NAME.fullmatch(name):
            return f"declares a tool with the name {name!r}"
        if name in tools:
            return f"declares the tool `{name}` twice"
        schema = from_json(function.get("parameters")) or {}  # type: ignore[union-attr]
        if not isinstance(schema, Mapping):
            return f"declares `{name}` with parameters that are not a JSON Schema"
        tools[name] = schema
    return tools


def _call_problems(call: ToolCall, tools: Mapping[str, Mapping[str, Any]] | None) -> Iterator[str]:
    if not call.name:
        yield "calls a tool without a name"
        return
    arguments = from_json(call.arguments)
    if not isinstance(arguments, Mapping):
        yield f"calls `{call.name}` with arguments that are not a JSON object"
    elif tools is not None and call.name not in tools:
        yield f"calls `{call.name}`, which it does not declare"
    elif tools is not None and (problem := misfit(arguments, tools[call.name])):
        yield f"calls `{call.name}` with {problem}"


def misfit(arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """How arguments break their schema; empty if they fit."""
    try:
        read = compile_schema({"type": "object", **schema})(arguments)
    except Invalid as broken:
        return f"`{broken.path}`: {broken.problem}" if broken.path else broken.problem
    except (UsageError, AttributeError, KeyError, TypeError, ValueError, RecursionError) as wrong:
        return f"parameters that are not a JSON Schema: {wrong}"
    name = next((name for name in arguments if not _alike(arguments[name], read[name])), None)
    return f"`{name}` as another type than its schema's" if name is not None else ""


def _alike(given: Any, read: Any) -> bool:
    """Whether reading a value by its schema left its type as it is."""
    if isinstance(given, bool | str) or isinstance(read, bool | str):
        return type(given) is type(read)
    if isinstance(given, list) and isinstance(read, list):
        return all(_alike(one, other) for one, other in zip(given, read, strict=True))
    if isinstance(given, Mapping) and isinstance(read, Mapping):
        return all(_alike(given[name], read[name]) for name in given)
    return True


def _answer_problems(turns: Sequence[Turn]) -> Iterator[str]:
    """Each answer of a tool follows its call; each call is answered before the talk continues.

    Where calls have no ids, as in ShareGPT, one answer may be that of several calls.
    """
    with_ids = any(turn.answers or any(call.id for call in turn.calls) for turn in turns)
    called: list[str] = []
    unanswered: list[str] = []
    for turn in turns:
        if turn.role == "tool":
            if not called or (with_ids and not unanswered):
                yield "has an answer of a tool that nothing called"
            elif with_ids and turn.answers not in unanswered:
                yield f"answers the call `{turn.answers}`, which is not open"
            elif with_ids:
                unanswered.remove(turn.answers)
            else:
                unanswered = []
            continue
        if unanswered:
            yield "continues before every call of a tool is answered"
        called = [call.id for call in turn.calls]
        unanswered = list(called)
        if with_ids and ("" in called or len(set(called)) < len(called)):
            yield "has tool calls without their own ids"
