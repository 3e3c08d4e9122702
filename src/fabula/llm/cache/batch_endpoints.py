"""Submits and collects batches: OpenAI's files and batches, Anthropic's batches.

Knows the paths, bodies and states of each vendor; `batches` decides what goes into which batch.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

from fabula.errors import ModelError
from fabula.llm.client.capabilities import Mode
from fabula.llm.client.chat import ChatModel, ChatReply, ChatRequest
from fabula.llm.client.endpoint import Endpoint
from fabula.llm.client.responses import Rejection, holds_answer

_QUEUE_FULL = re.compile(r"token_limit_exceeded|enqueued token|queue.{0,20}limit", re.I)


@runtime_checkable
class BatchModel(ChatModel, Protocol):
    """A model whose requests may be sent in batches."""

    endpoint: Endpoint

    @property
    def mode(self) -> Mode:
        """How structured output is currently requested."""
        ...

    def body(self, request: ChatRequest) -> dict[str, Any]:
        """The request's body."""
        ...

    def read(
        self, answer: Mapping[str, Any], schema: Mapping[str, Any] | None, mode: Mode
    ) -> ChatReply:
        """The reply in a response."""
        ...


@dataclass(frozen=True, slots=True)
class State:
    """A batch's state.

    Args:
        status: The vendor's word for it.
        is_over: Whether the batch has ended.
        results: Where its results are, or None while there are none.
        failure: Why the whole batch failed, or empty.
        queue_full: Whether it failed because too much was queued.
    """

    status: str
    is_over: bool
    results: str | None = None
    failure: str = ""
    queue_full: bool = False


class QueueFull(Exception):
    """A batch was rejected because too much is queued. Never leaves this package."""


class BatchDesk(Protocol):
    """Submits and collects the batches of one vendor."""

    most_requests: int
    most_bytes: int

    def line(self, key: str, body: Mapping[str, Any]) -> str:
        """A request as it is in a batch."""
        ...

    async def hand_in(self, lines: Sequence[str]) -> str:
        """Hand a batch in; gives the vendor's name for it.

        Raises:
            QueueFull: Too much is queued.
        """
        ...

    async def look(self, batch: str) -> State:
        """A batch's state."""
        ...

    async def results(self, place: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The good answers of a batch, by the keys of their requests."""
        ...


class OpenAIDesk:
    """OpenAI's batches: a file of requests, then a batch of it."""

    most_requests = 50_000
    most_bytes = 190_000_000  # 200 MB, less the form around the file
    path = "/v1/chat/completions"

    def __init__(self, endpoint: Endpoint, name: str) -> None:
        self._ask = _Asker(endpoint, name)

    def line(self, key: str, body: Mapping[str, Any]) -> str:
        """A request as it is in a batch."""
        return json.dumps({"custom_id": key, "method": "POST", "url": self.path, "body": body})

    async def hand_in(self, lines: Sequence[str]) -> str:
        """Hand a batch in; gives the vendor's name for it."""
        body, content_type = _multipart("\n".join(lines))
        file = await self._ask("POST", "/files", body, content_type=content_type, expects="id")
        order = {
            "input_file_id": file["id"],
            "endpoint": self.path,
            "completion_window": "24h",
        }
        made = await self._ask("POST", "/batches", json.dumps(order).encode(), expects="id")
        return str(made["id"])

    async def look(self, batch: str) -> State:
        """A batch's state."""
        state = await self._ask("GET", f"/batches/{batch}", expects="status")
        status, file = str(state["status"]), state.get("output_file_id")
        errors = state.get("errors")
        errors = errors.get("data") if isinstance(errors, dict) else None
        listed = [each for each in errors or () if isinstance(each, dict)]
        reasons = "; ".join(str(each.get("message")) for each in listed) or "no reason given"
        return State(
            status,
            status in ("completed", "expired", "cancelled", "failed"),
            f"/files/{file}/content" if file else None,
            reasons if status == "failed" else "",
            any(_QUEUE_FULL.search(f"{each.get('code')} {each.get('message')}") for each in listed),
        )

    async def results(self, place: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The good answers of a batch, by the keys of their requests."""
        answer = await self._ask("GET", place, expects=None)
        return _good_answers(str(answer["text"]))


class AnthropicDesk:
    """Anthropic's message batches: all requests in one body."""

    most_requests = 100_000
    most_bytes = 250_000_000  # 256 MB

    def __init__(self, endpoint: Endpoint, name: str) -> None:
        self._ask = _Asker(endpoint, name)

    def line(self, key: str, body: Mapping[str, Any]) -> str:
        """A request as it is in a batch."""
        return json.dumps({"custom_id": key, "params": body})

    async def hand_in(self, lines: Sequence[str]) -> str:
        """Hand a batch in; gives the vendor's name for it."""
        body = f'{{"requests": [{", ".join(lines)}]}}'.encode()
        made = await self._ask("POST", "/messages/batches", body, expects="id")
        return str(made["id"])

    async def look(self, batch: str) -> State:
        """A batch's state."""
        path = f"/messages/batches/{batch}"
        status = str(
            (await self._ask("GET", path, expects="processing_status"))["processing_status"]
        )
        over = status == "ended"
        return State(status, over, f"{path}/results" if over else None)

    async def results(self, place: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The good answers of a batch, by the keys of their requests."""
        answer = await self._ask("GET", place, expects=None)
        return _good_answers(str(answer["text"]))


class _Asker:
    """Sends the requests around batches to one endpoint."""

    def __init__(self, endpoint: Endpoint, name: str) -> None:
        self._endpoint = endpoint
        self._name = name

    async def __call__(
        self,
        method: Literal["GET", "POST"],
        path: str,
        body: bytes = b"",
        *,
        content_type: str = "application/json",
        expects: str | None,
    ) -> dict[str, Any]:
        async with self._endpoint.limits.place() as place:
            answer = await self._endpoint.deliver(
                place, method, path, body, content_type=content_type, expects=expects
            )
        if isinstance(answer, Rejection):
            if _QUEUE_FULL.search(f"{answer.code} {answer.message}"):
                raise QueueFull(answer.message)
            raise ModelError(
                f"`{self._name}` refused a batch ({answer.status}): {answer.message}",
                code="model.rejected",
                hint="run without batches",
            )
        return answer


def _good_answers(lines: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The answers in a file of results; what is cut, failed or odd is left to be asked live."""
    for line in lines.split("\n"):
        try:
            result = json.loads(line)
            key = str(result["custom_id"])
        except (ValueError, LookupError, TypeError):
            continue
        response, outcome = result.get("response"), result.get("result")
        if isinstance(response, dict) and response.get("status_code") == 200:
            answer, expects = response.get("body"), "choices"
        elif isinstance(outcome, dict) and outcome.get("type") == "succeeded":
            answer, expects = outcome.get("message"), "content"
        else:
            continue
        if isinstance(answer, dict) and not answer.get("error") and holds_answer(answer, expects):
            yield key, answer


def _multipart(lines: str) -> tuple[bytes, str]:
    """A form that uploads lines as a batch's input file."""
    boundary = uuid.uuid4().hex
    parts = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n',
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="batch.jsonl"\r\n'
        f"Content-Type: application/jsonl\r\n\r\n{lines}\r\n",
        f"--{boundary}--\r\n",
    )
    return "".join(parts).encode(), f"multipart/form-data; boundary={boundary}"
