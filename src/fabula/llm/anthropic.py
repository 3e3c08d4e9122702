"""Chat models behind Anthropic's messages API; structure is asked for by a forced tool."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from fabula.errors import ModelError
from fabula.llm.chat import ChatReply, ChatRequest, Finish
from fabula.llm.completions import ONLY_REASONING, joined, read_usage, whole_text
from fabula.llm.dialect import Shape, shape
from fabula.llm.endpoint import Endpoint
from fabula.llm.limits import Place
from fabula.llm.verdicts import Rejection

TOOL = "reply"
DEFAULT_MAX_TOKENS = 8192
"""The API wants a limit with every request."""

_FINISHES: dict[str, Finish] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refusal",
}


class AnthropicModel:
    """One model on an endpoint that speaks Anthropic's messages API.

    Args:
        endpoint: The server, its limits and the model's name there.
        name: The model as the user named it.
    """

    form: Literal["chat", "completion"] = "chat"

    def __init__(self, endpoint: Endpoint, *, name: str) -> None:
        self.name = name
        self.identity = endpoint.identity
        self.concurrency = endpoint.limits.concurrency
        self._endpoint = endpoint

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Answer one request; see `ChatModel`."""
        shaped = shape(request.schema, self._endpoint.preset.dialect) if request.schema else None
        async with self._endpoint.limits.place() as place:
            answer = await self._post(place, self._payload(request, shaped))
        reply = read_message(answer, "tools" if shaped else "prompt")
        return replace(reply, text=shaped.restore(reply.text)) if shaped else reply

    async def close(self) -> None:
        """Release the connections."""
        await self._endpoint.close()

    async def _post(self, place: Place, payload: dict[str, Any]) -> dict[str, Any]:
        expected = sum(len(turn["content"]) for turn in payload["messages"]) // 4 + 256
        answer = await self._endpoint.post(
            place, "/messages", payload, expects="content", tokens=expected
        )
        if isinstance(answer, Rejection):
            raise ModelError(
                f"`{self.name}` refuses the request ({answer.status}): {answer.message}",
                code="model.rejected",
                hint="check the model's name and settings",
            )
        usage = read_usage(answer)
        total = (usage.prompt_tokens or 0) + (usage.completion_tokens or 0)
        self._endpoint.limits.went_well(expected, total or None)
        return answer

    def _payload(self, request: ChatRequest, shaped: Shape | None) -> dict[str, Any]:
        settings, sampling = self._endpoint.settings, request.sampling
        system = [item.content for item in request.messages if item.role == "system"]
        body: dict[str, Any] = {
            "model": self._endpoint.model,
            "max_tokens": sampling.max_tokens or settings.max_tokens or DEFAULT_MAX_TOKENS,
            "messages": [
                {"role": item.role, "content": item.content}
                for item in request.messages
                if item.role != "system"
            ],
        }
        if system:
            body["system"] = "\n\n".join(system)
        temperature = sampling.temperature
        if temperature is None:
            temperature = settings.temperature
        # The API knows neither seeds nor min_p, and temperatures up to 1 only.
        values = {
            "temperature": None if temperature is None else min(temperature, 1.0),
            "top_p": sampling.top_p,
            "stop_sequences": list(sampling.stop) or None,
        }
        body.update({name: value for name, value in values.items() if value is not None})
        if shaped:
            body["tools"] = [
                {"name": TOOL, "description": "Gives the answer.", "input_schema": shaped.schema}
            ]
            body["tool_choice"] = {"type": "tool", "name": TOOL}
        return body


def read_message(answer: Mapping[str, Any], mode: str) -> ChatReply:
    """The payload of a message: a tool's input where there is one, else its text."""
    content = answer.get("content")
    content = content if isinstance(content, list) else []
    blocks = [block for block in content if isinstance(block, dict)]
    inputs = [
        json.dumps(block["input"], ensure_ascii=False) for block in blocks if "input" in block
    ]
    texts = [str(block["text"]) for block in blocks if block.get("type") == "text"]
    text = joined(inputs) or "".join(texts)
    thought = any(block.get("type") == "thinking" for block in blocks)
    return ChatReply(
        whole_text(text),
        finish=_FINISHES.get(str(answer.get("stop_reason")), "unknown"),
        usage=read_usage(answer),
        model=str(answer.get("model") or ""),
        mode=mode,
        problem=ONLY_REASONING if thought and not text else "",
    )
