"""Reads chat completions in every form that servers send."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from fabula.llm.client.chat import ChatReply, Finish, Usage
from fabula.llm.client.responses import Rejection

_STOP = (
    "stop", "eos", "eos_token", "end_turn", "stop_sequence", "tool_calls", "tool_use",
    "function_call", "complete", "completed", "end", "end_of_turn", "end_of_text", "eot",
    "stop_token", "done", "finished", "normal", "success",
)  # fmt: skip
_LENGTH = (
    "length", "max_tokens", "model_length", "model_context_window_exceeded",
    "max_output_tokens", "max_new_tokens", "max_length", "token_limit", "incomplete",
    "context_length_exceeded", "context_window_exceeded", "context_overflow",
)  # fmt: skip
_FILTERED = (
    "content_filter", "content_filtered", "safety", "recitation", "prohibited_content",
    "blocklist", "spii", "sensitive", "policy_violation", "guardrail_intervened",
)  # fmt: skip
_FINISHES: dict[str, Finish] = {
    **dict.fromkeys(_STOP, "stop"),
    **dict.fromkeys(_LENGTH, "length"),
    **dict.fromkeys(_FILTERED, "content_filter"),
    "refusal": "refusal",
}
_WORDS = re.compile(r"[\s-]+|(?<=[a-z])(?=[A-Z])")
_REASONING_PARTS = ("reasoning", "thinking", "reasoning_text", "summary_text")
_MOST_TOKENS = 2**53
ONLY_REASONING = "the model wrote only reasoning and no answer"


def read_reply(answer: Mapping[str, Any], mode: str) -> ChatReply:
    """The payload of a chat completion, wherever the server put it.

    The arguments of a tool call count, whatever the tool's name; those of several calls become one
    JSON list, in order.
    """
    choice = _first_choice(answer.get("choices"))
    message = first_of(choice.get("message"), choice.get("delta"))
    message = message if isinstance(message, dict) else {"content": choice.get("text")}
    finish, problem = _finish_of(choice)
    text = _arguments(message) or _content(first_of(message.get("content"), message.get("parsed")))
    refusal = message.get("refusal")
    if not text.strip() and refusal:
        text, finish = str(refusal), "refusal"
    reasoning = _reasoning(message)
    if not text.strip() and not refusal and reasoning:
        problem = ONLY_REASONING
    return ChatReply(
        whole_text(text),
        finish=finish,
        usage=read_usage(answer),
        model=str(answer.get("model") or ""),
        mode=mode,
        problem=problem,
        reasoning=whole_text(reasoning),
    )


def _first_choice(choices: Any) -> Mapping[str, Any]:
    """The choice with the lowest index; servers may send several in any order."""
    listed = choices if isinstance(choices, list) else []
    known: list[Mapping[str, Any]] = [each for each in listed if isinstance(each, dict)]
    return min(known, key=_number, default={})


def _number(choice: Mapping[str, Any]) -> int:
    number = choice.get("index")
    return number if isinstance(number, int) else 0


def _finish_of(choice: Mapping[str, Any]) -> tuple[Finish, str]:
    """Why a model stopped; gateways and filters may be more precise than `finish_reason`."""
    finish, problem = read_finish(choice.get("finish_reason"))
    native, _ = read_finish(choice.get("native_finish_reason"))
    known = _plain(choice.get("native_finish_reason")) in _FINISHES
    if finish in ("stop", "unknown") and known and native != "stop":
        return native, ""
    verdicts = choice.get("content_filter_results")
    parts = verdicts.values() if isinstance(verdicts, dict) else ()
    if any(isinstance(part, dict) and part.get("filtered") is True for part in parts):
        return "content_filter", ""
    return finish, problem


def _plain(reason: object) -> str:
    """A reason in the spelling of the table: `maxTokens` and `MAX-TOKENS` are `max_tokens`."""
    return _WORDS.sub("_", str(reason)).lower()


def read_finish(reason: object) -> tuple[Finish, str]:
    """Why a model stopped, and the problem with it; an unknown reason counts as a cut."""
    if reason is None or reason == "":
        return "unknown", ""
    finish = _FINISHES.get(_plain(reason))
    if finish is None:
        return "length", f"the model stopped for an unknown reason: `{reason}`"
    return finish, ""


def filtered_reply(rejection: Rejection, usage: Usage, mode: str) -> ChatReply:
    """The reply to a request that the vendor's filter refused."""
    return ChatReply("", "content_filter", usage, mode=mode, problem=rejection.message)


def first_of(*values: Any) -> Any:
    """The first value that is not None."""
    return next((value for value in values if value is not None), None)


def whole_text(text: str) -> str:
    """The text with halves of cut characters replaced, since they can't be encoded."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def read_usage(answer: Mapping[str, Any]) -> Usage:
    """The tokens that the server counted; None if it does not report them."""
    usage = answer.get("usage")
    if not isinstance(usage, dict):
        return Usage()
    return Usage(
        _count(usage.get("prompt_tokens", usage.get("input_tokens"))),
        _count(usage.get("completion_tokens", usage.get("output_tokens"))),
    )


def _count(value: Any) -> int | None:
    """A number of tokens; None for an impossible value, which is then estimated."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value <= _MOST_TOKENS else None


def _arguments(message: Mapping[str, Any]) -> str:
    calls = message.get("tool_calls")
    calls = calls if isinstance(calls, list) else []
    functions = [call.get("function") for call in calls if isinstance(call, dict)]
    functions.append(message.get("function_call"))  # the form before tools
    given = [item.get("arguments") for item in functions if isinstance(item, dict)]
    texts = [item if isinstance(item, str) else json.dumps(item) for item in given if item]
    return joined([text for text in texts if text.strip()])


def joined(payloads: list[str]) -> str:
    """JSON payloads as one: a single one unchanged, several as a list."""
    return payloads[0] if len(payloads) == 1 else f"[{', '.join(payloads)}]" if payloads else ""


def _reasoning(message: Mapping[str, Any]) -> str:
    """The model's reasoning, from a separate field or from parts of the content."""
    for name in ("reasoning_content", "reasoning"):
        if isinstance(message.get(name), str):
            return str(message[name]).strip()
    content = message.get("content")
    parts = (
        [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []
    )
    thoughts = [part for part in parts if part.get("type") in _REASONING_PARTS]
    texts = [part.get("text") or part.get("thinking") or part.get("reasoning") for part in thoughts]
    return "\n".join(text for text in texts if isinstance(text, str)).strip()


def _content(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, dict):  # an object instead of its text
        return json.dumps(content, ensure_ascii=False)
    if isinstance(content, list):
        said = [part for part in content if isinstance(part, dict)]
        if len(content) == 1 and isinstance(content[0], str):
            return content[0]
        if said and not any("type" in part or "text" in part for part in said):
            return json.dumps(content, ensure_ascii=False)  # rows instead of their text
        texts = [part.get("text") for part in said if part.get("type") not in _REASONING_PARTS]
        parts = [text.get("value") if isinstance(text, dict) else text for text in texts]
        return "".join(part for part in parts if isinstance(part, str))
    return ""
