"""The common part of chat models behind an endpoint, for every interface."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from fabula.errors import ModelError
from fabula.llm.client.capabilities import Mode, habits_of
from fabula.llm.client.chat import ChatReply, ChatRequest
from fabula.llm.client.completions import read_usage
from fabula.llm.client.endpoint import Endpoint
from fabula.llm.client.limits import Place
from fabula.llm.client.request_fields import further_fields
from fabula.llm.client.responses import Rejection
from fabula.llm.json_schema.dialect import Shape, shape

TOOL = "reply"
"""The tool that requests a structured reply."""


class AbstractHttpModel(ABC):
    """One model on an endpoint, under the user's name for it."""

    form: Literal["chat", "completion"] = "chat"
    path: str
    """The path of requests below the base URL."""
    expects: str
    """A key of every good answer."""

    def __init__(self, endpoint: Endpoint, *, name: str) -> None:
        self.name = name
        self.endpoint = endpoint
        self.identity = endpoint.identity
        self.concurrency = endpoint.limits.concurrency
        self._habits = habits_of(self.identity)
        self._habits.stream |= endpoint.settings.stream
        self._further = further_fields(endpoint.settings)
        self._usual_length = 256

    @abstractmethod
    async def complete(self, request: ChatRequest) -> ChatReply:
        """Answer one request; see `ChatModel`."""

    async def close(self) -> None:
        """Release the connections."""
        await self.endpoint.close()

    @property
    @abstractmethod
    def mode(self) -> Mode:
        """How structured output is currently requested."""

    def body(self, request: ChatRequest) -> dict[str, Any]:
        """The request's body as currently sent, for batches."""
        return self._payload(request, self._shaped(request.schema), self.mode)

    def read(
        self, answer: Mapping[str, Any], schema: Mapping[str, Any] | None, mode: Mode
    ) -> ChatReply:
        """The reply in an answer, live or batched."""
        reply = self._read(answer, mode if schema else "prompt")
        shaped = self._shaped(schema)
        return replace(reply, text=shaped.restore(reply.text)) if shaped else reply

    @abstractmethod
    def _read(self, answer: Mapping[str, Any], mode: Mode) -> ChatReply:
        """The reply in an answer, in the endpoint's form."""

    @abstractmethod
    def _payload(self, request: ChatRequest, shaped: Shape | None, mode: Mode) -> dict[str, Any]:
        """The request's body."""

    def _shaped(self, schema: Mapping[str, Any] | None) -> Shape | None:
        return shape(schema, self.endpoint.preset.dialect) if schema else None

    async def _post(
        self, place: Place, request: ChatRequest, payload: dict[str, Any], *, doubtful: bool = False
    ) -> dict[str, Any] | Rejection:
        expected = sum(len(message.content) for message in request.messages) // 4
        expected += self._usual_length
        answer = await self.endpoint.post(
            place,
            self.path,
            payload,
            expects=self.expects,
            tokens=expected,
            doubtful=doubtful,
        )
        if not isinstance(answer, Rejection):
            usage = read_usage(answer)
            total = (usage.prompt_tokens or 0) + (usage.completion_tokens or 0)
            self.endpoint.limits.went_well(expected, total or None)
            if usage.completion_tokens:
                self._usual_length += (usage.completion_tokens - self._usual_length) // 8
        return answer

    def _rejected(self, rejection: Rejection) -> ModelError:
        return ModelError(
            f"`{self.name}` refuses the request ({rejection.status}): {rejection.message}",
            code="model.rejected",
            hint="no form of this request is accepted; check the model's name and settings",
        )
