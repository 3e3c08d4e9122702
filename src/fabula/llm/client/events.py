"""Assembles server-sent events into the reply that they form.

Some endpoints only stream, and some stream unasked. Knows the chunks of OpenAI's and the events of
Anthropic's interface.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

_BROKEN_OFF = "error"


def is_events(body: str) -> bool:
    """Whether a body is a stream of events rather than one JSON value."""
    return body.lstrip()[:6].startswith(("data:", "event:", ": ", ":\n", ":keep"))


def read_events(body: str) -> dict[str, Any] | None:
    """The reply of a stream; None if it contains none. A truncated one ends in `error`."""
    events = list(_events(body))
    failed = next((event for event in events if event.get("error")), None)
    if failed is not None:
        return {"error": failed["error"]}
    if any(event.get("type") == "message_start" for event in events):
        return _message(events)
    if any(isinstance(event.get("choices"), list) for event in events):
        return _completion(events)
    return events[0] if len(events) == 1 else None


def _events(body: str) -> Iterator[dict[str, Any]]:
    for line in body.splitlines():
        if not line.startswith("data:"):
            continue
        try:
            event = json.loads(line[5:])
        except ValueError:
            continue  # `[DONE]`, or the line where the stream was cut
        if isinstance(event, dict):
            yield event


def _completion(events: list[dict[str, Any]]) -> dict[str, Any]:
    """OpenAI's chunks as one chat completion."""
    answer: dict[str, Any] = {}
    message: dict[str, Any] = {"role": "assistant", "content": None}
    calls: dict[int, dict[str, Any]] = {}
    end = None
    for event in events:
        answer |= {key: event[key] for key in ("id", "model", "usage") if event.get(key)}
        choices = event.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else {}
        if not isinstance(choice, dict) or choice.get("index", 0) != 0:
            continue
        end = choice.get("finish_reason") or end
        delta = choice.get("delta") or choice.get("message") or {"content": choice.get("text")}
        for name in ("content", "refusal", "reasoning_content", "reasoning"):
            if isinstance(delta.get(name), str):
                message[name] = (message.get(name) or "") + delta[name]
        for place, part in enumerate(delta.get("tool_calls") or ()):
            function = part.get("function") or {}
            call = calls.setdefault(part.get("index", place), {"name": "", "arguments": ""})
            call["name"] += function.get("name") or ""
            call["arguments"] += function.get("arguments") or ""
    if calls:
        message["tool_calls"] = [
            {"type": "function", "function": call} for _, call in sorted(calls.items())
        ]
    choice = {"index": 0, "message": message, "finish_reason": end or _BROKEN_OFF}
    return {**answer, "choices": [choice]}


def _message(events: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Anthropic's events as one message; None if the stream broke off."""
    answer: dict[str, Any] = {}
    blocks: dict[int, dict[str, Any]] = {}
    for event in events:
        kind, place = event.get("type"), event.get("index", 0)
        if kind == "message_start":
            answer = dict(event["message"])
        elif kind == "content_block_start":
            blocks[place] = {**event["content_block"], "_json": ""}
        elif kind == "content_block_delta":
            _extend(blocks.setdefault(place, {"type": "text", "_json": ""}), event["delta"])
        elif kind == "message_delta":
            answer |= event["delta"]
            answer["usage"] = {**(answer.get("usage") or {}), **(event.get("usage") or {})}
    if not answer.get("stop_reason"):
        return None
    answer["content"] = list(blocks.values())
    for block in blocks.values():
        written = block.pop("_json")
        if written:
            try:
                block["input"] = json.loads(written)
            except ValueError:
                block["input"] = written  # cut; the reader of the reply says so
    return answer


def _extend(block: dict[str, Any], delta: Mapping[str, Any]) -> None:
    for name in ("text", "thinking"):
        if isinstance(delta.get(name), str):
            block[name] = block.get(name, "") + delta[name]
    block["_json"] += delta.get("partial_json") or ""
