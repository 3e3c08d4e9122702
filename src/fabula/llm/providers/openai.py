"""Chat models behind any server that speaks OpenAI's chat completions API.

Structured replies are requested by a ladder of modes, from the strictest to the one that every
server accepts: `json_schema` → `tools` → `json_object` → `prompt`. A refused mode is never tried
again; the mode that works is remembered for the endpoint.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fabula.llm.client.capabilities import LADDER, Mode
from fabula.llm.client.chat import ChatReply, ChatRequest, Usage
from fabula.llm.client.completions import filtered_reply, first_of, read_reply
from fabula.llm.client.limits import Place
from fabula.llm.client.responses import Rejection
from fabula.llm.json_schema.dialect import Shape
from fabula.llm.providers.over_http import TOOL, AbstractHttpModel


class OpenAIModel(AbstractHttpModel):
    """One model on an OpenAI-compatible endpoint."""

    path = "/chat/completions"
    expects = "choices"

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Answer one request; see `ChatModel`."""
        async with self.endpoint.limits.place() as place:
            return await self._climb(place, request)

    @property
    def mode(self) -> Mode:
        """How structured output is currently requested."""
        return self._habits.mode or LADDER[0]

    def _read(self, answer: Mapping[str, Any], mode: Mode) -> ChatReply:
        return read_reply(answer, mode)

    async def _climb(self, place: Place, request: ChatRequest) -> ChatReply:
        """Ask in the strictest mode that is known to work, and step down while it is refused."""
        shaped = self._shaped(request.schema)
        rungs: list[Mode] = _rungs(self._habits.mode) if shaped else ["prompt"]
        refused: Rejection | None = None
        spent = Usage()
        while True:
            mode = rungs[0]
            payload = self._payload(request, shaped, mode)
            doubtful = len(rungs) > 1 and self._habits.mode != mode
            answer = await self._post(place, request, payload, doubtful=doubtful)
            if isinstance(answer, Rejection):
                if answer.filtered:
                    return filtered_reply(answer, spent, mode)
                if self._habits.learn(answer, payload):
                    continue
                refused = refused or answer
                rungs.pop(0)
                if not rungs:
                    raise self._rejected(refused)
                continue
            reply = read_reply(answer, mode)
            spent += reply.usage
            if mode == "tools" and self._habits.mode != mode and _is_prose(reply):
                rungs.pop(0)
                continue
            if shaped:
                if reply.finish == "stop":
                    self._habits.mode = mode
                return replace(reply, text=shaped.restore(reply.text), usage=spent)
            return replace(reply, usage=spent)

    def _payload(self, request: ChatRequest, shaped: Shape | None, mode: Mode) -> dict[str, Any]:
        """The request's body in one mode."""
        settings, sampling = self.endpoint.settings, request.sampling
        messages = [{"role": item.role, "content": item.content} for item in request.messages]
        body: dict[str, Any] = {"model": self.endpoint.model, "messages": messages}
        values: dict[str, Any] = {
            "temperature": first_of(sampling.temperature, settings.temperature),
            "top_p": first_of(sampling.top_p, settings.top_p),
            "top_k": settings.top_k,
            "min_p": sampling.min_p,
            "max_tokens": first_of(sampling.max_tokens, settings.max_tokens),
            "seed": sampling.seed,
            "stop": list(sampling.stop) or None,
        }
        body |= {name: value for name, value in values.items() if value is not None}
        if shaped is not None:
            body = _with_form(body, shaped, mode)
        if self._habits.stream:
            body["stream_options"] = {"include_usage": True}
        return self._habits.fit({**body, **self._further})


def _with_form(body: dict[str, Any], shaped: Shape, mode: Mode) -> dict[str, Any]:
    """A request's body that asks for structured output in one mode."""
    if mode == "json_schema":
        form = {"name": TOOL, "strict": shaped.strict, "schema": shaped.schema}
        return {**body, "response_format": {"type": "json_schema", "json_schema": form}}
    if mode == "tools":
        function = {"name": TOOL, "description": "Gives the answer.", "parameters": shaped.schema}
        choice = {"type": "function", "function": {"name": TOOL}}
        return {
            **body,
            "tools": [{"type": "function", "function": function}],
            "tool_choice": choice,
        }
    body = {**body, "messages": with_schema_in_words(body["messages"], shaped.schema)}
    return {**body, "response_format": {"type": "json_object"}} if mode == "json_object" else body


def with_schema_in_words(
    messages: list[dict[str, str]], schema: Mapping[str, Any]
) -> list[dict[str, str]]:
    """The messages with the schema in the system message, where it is the same in every call."""
    words = (
        "Answer with JSON only: no prose around it and no code fence. "
        f"The JSON follows this JSON Schema:\n{json.dumps(schema, ensure_ascii=False)}"
    )
    if messages and messages[0]["role"] == "system":
        first = {"role": "system", "content": f"{messages[0]['content']}\n\n{words}"}
        return [first, *messages[1:]]
    return [{"role": "system", "content": words}, *messages]


def _rungs(mode: Mode | None) -> list[Mode]:
    return list(LADDER[LADDER.index(mode) :] if mode else LADDER)


def _is_prose(reply: ChatReply) -> bool:
    """Whether a structured reply is text without any JSON."""
    return reply.finish == "stop" and bool(reply.text.strip()) and not set("{[") & set(reply.text)
