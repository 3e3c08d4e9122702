"""Chat models behind Anthropic's messages API; structured output comes from a forced tool call."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fabula.llm.client.capabilities import Mode
from fabula.llm.client.chat import ChatReply, ChatRequest, Usage
from fabula.llm.client.completions import (
    ONLY_REASONING,
    filtered_reply,
    first_of,
    joined,
    read_finish,
    read_usage,
    whole_text,
)
from fabula.llm.client.responses import Rejection
from fabula.llm.json_schema.dialect import Shape
from fabula.llm.providers.over_http import TOOL, AbstractHttpModel

DEFAULT_MAX_TOKENS = 8192
"""The API requires a limit in every request."""


class AnthropicModel(AbstractHttpModel):
    """One model on an endpoint that speaks Anthropic's messages API."""

    path = "/messages"
    expects = "content"

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Answer one request; see `ChatModel`."""
        shaped = self._shaped(request.schema)
        mode: Mode = "tools" if shaped else "prompt"
        async with self.endpoint.limits.place() as place:
            while True:
                payload = self._payload(request, shaped, mode)
                answer = await self._post(place, request, payload)
                if not isinstance(answer, Rejection):
                    return self.read(answer, request.schema, mode)
                if answer.filtered:
                    return filtered_reply(answer, Usage(), mode)
                if not self._habits.learn(answer, payload):
                    raise self._rejected(answer)

    @property
    def mode(self) -> Mode:
        """How structured output is requested."""
        return "tools"

    def _read(self, answer: Mapping[str, Any], mode: Mode) -> ChatReply:
        return read_message(answer, mode)

    def _payload(self, request: ChatRequest, shaped: Shape | None, _: Mode) -> dict[str, Any]:
        settings, sampling = self.endpoint.settings, request.sampling
        system = [item.content for item in request.messages if item.role == "system"]
        body: dict[str, Any] = {
            "model": self.endpoint.model,
            "max_tokens": sampling.max_tokens or settings.max_tokens or DEFAULT_MAX_TOKENS,
            "messages": [
                {"role": item.role, "content": item.content}
                for item in request.messages
                if item.role != "system"
            ],
        }
        if system:
            body["system"] = "\n\n".join(system)
        temperature = first_of(sampling.temperature, settings.temperature)
        # The API has neither seeds nor min_p, and temperatures only up to 1.
        values = {
            "temperature": None if temperature is None else min(temperature, 1.0),
            "top_p": first_of(sampling.top_p, settings.top_p),
            "top_k": settings.top_k,
            "stop_sequences": list(sampling.stop) or None,
        }
        body.update({name: value for name, value in values.items() if value is not None})
        if shaped:
            body["tools"] = [
                {"name": TOOL, "description": "Gives the answer.", "input_schema": shaped.schema}
            ]
            body["tool_choice"] = {"type": "tool", "name": TOOL}
        body |= self._further
        thinking = body.get("thinking") or {}
        if thinking.get("type") == "enabled":
            # A thinking model can't be forced to use a tool, takes no temperature, and its thoughts
            # count as reply tokens.
            body = {name: body[name] for name in body if name not in ("temperature", "top_k")}
            body["max_tokens"] += thinking.get("budget_tokens", 0)
            if shaped:
                body["tool_choice"] = {"type": "auto"}
        return self._habits.fit(body)


def read_message(answer: Mapping[str, Any], mode: str) -> ChatReply:
    """The payload of a message: a tool's input if there is one, else its text."""
    content = answer.get("content")
    content = content if isinstance(content, list) else []
    blocks = [block for block in content if isinstance(block, dict)]
    given = [block["input"] for block in blocks if "input" in block]
    inputs = [
        value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for value in given
    ]
    texts = [str(block["text"]) for block in blocks if block.get("type") == "text"]
    text = joined(inputs) or "".join(texts)
    thoughts = [
        str(block.get("thinking", "")) for block in blocks if block.get("type") == "thinking"
    ]
    finish, problem = read_finish(answer.get("stop_reason"))
    return ChatReply(
        whole_text(text),
        finish=finish,
        usage=read_usage(answer),
        model=str(answer.get("model") or ""),
        mode=mode,
        problem=ONLY_REASONING if thoughts and not text else problem,
        reasoning=whole_text("\n".join(thoughts).strip()),
    )
