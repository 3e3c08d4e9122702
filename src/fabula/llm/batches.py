"""Many requests as one of OpenAI's batches: half the price, an answer within a day.

A batch gives what live calls give: its replies go through the ledger, and requests that it could
not answer are asked live. What is under way is noted in files beside the ledger, so that a run
that was killed while it waited finds its batch again.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from time import time
from typing import Any, Literal

from fabula.errors import ModelError
from fabula.llm.batch_notes import Asked, Batch, read_note, write_note
from fabula.llm.budget import Budget, Ticket
from fabula.llm.chat import ChatReply, ChatRequest
from fabula.llm.ledger import Entry, Ledger, request_key
from fabula.llm.openai import OpenAIModel
from fabula.llm.prices import price_of
from fabula.llm.recorded import Recorded
from fabula.llm.verdicts import Rejection

REQUESTS_A_BATCH = 50_000
FIRST_PAUSE = 0.25
"""Seconds between the first two looks at a batch; doubled each time."""
GUESSED_REPLY = 256
"""Tokens of a reply, to set money aside before the first one is known."""
CHAT = "/v1/chat/completions"

Progress = Callable[[str, int], None]


class Batches:
    """Batches of one model.

    Args:
        model: The model; its endpoint must have `/files` and `/batches`.
        ledger: Keeps the replies, and the notes on open batches beside them.
        budget: What may be spent; by default without limits.
        poll: Seconds between two looks at a batch; the first looks come sooner.
    """

    def __init__(
        self,
        model: OpenAIModel,
        ledger: Ledger,
        *,
        budget: Budget | None = None,
        poll: float = 30.0,
    ) -> None:
        self._model = model
        self._ledger = ledger
        self._budget = budget or Budget()
        self._poll = poll
        full = price_of(model.name)
        self._price = full.halved() if full else None
        self._tickets: dict[str, Ticket] = {}
        self._collected: dict[str, ChatReply] = {}
        self._folder = ledger.path.parent / "batches"

    async def complete(
        self, requests: Sequence[ChatRequest], *, progress: Progress | None = None
    ) -> list[ChatReply]:
        """Answer requests in the order given: from the ledger, by batches, and the rest live.

        Args:
            requests: What is asked.
            progress: Told a batch's state and size at each look.

        Raises:
            BudgetReached: The requests would go beyond the budget.
            ModelError: The endpoint has no batches, or refused one.
        """
        await self.submit(requests)
        identity = self._model.identity
        wanted = {request_key(identity, request).hex() for request in requests}
        for batch in self.under_way():
            if wanted & batch.asked.keys():
                await self.wait(batch, progress=progress)
        live = Recorded(self._model, self._ledger, self._budget)

        async def answer(request: ChatRequest) -> ChatReply:
            collected = self._collected.get(request_key(identity, request).hex())
            return collected or await live.complete(request)

        return list(await asyncio.gather(*(answer(request) for request in requests)))

    def under_way(self) -> list[Batch]:
        """The batches that were handed in for this model and not collected yet."""
        batches = [read_note(path) for path in sorted(self._folder.glob("*.json"))]
        return [batch for batch in batches if batch.identity == self._model.identity]

    async def submit(self, requests: Iterable[ChatRequest]) -> list[Batch]:
        """Hand in what is neither known nor under way, and note it down."""
        waited_for = {key for batch in self.under_way() for key in batch.asked}
        new: dict[str, ChatRequest] = {}
        for request in requests:
            key = request_key(self._model.identity, request)
            known = not self._ledger.fresh and self._ledger.find(key)
            if not known and key.hex() not in waited_for:
                new[key.hex()] = request
        keys = list(new)
        return [
            await self._hand_in({key: new[key] for key in keys[at : at + REQUESTS_A_BATCH]})
            for at in range(0, len(keys), REQUESTS_A_BATCH)
        ]

    async def wait(self, batch: Batch, *, progress: Progress | None = None) -> None:
        """Wait until a batch is over and keep its replies."""
        pause = FIRST_PAUSE
        while True:
            state = await self._ask("GET", f"/batches/{batch.id}", expects="status")
            status = str(state["status"])
            if progress:
                progress(status, len(batch.asked))
            if status in ("completed", "expired", "cancelled", "failed"):
                break
            await asyncio.sleep(min(pause, self._poll))
            pause *= 2
        if file := state.get("output_file_id"):
            await self._collect(batch, str(file))
        self._note(batch.id).unlink(missing_ok=True)
        self._give_back(batch.asked)
        if status == "failed":
            raise ModelError(
                f"`{self._model.name}` refused the batch {batch.id}: {_reasons(state)}",
                code="model.batch-failed",
                hint="check the model's name, or run without batches",
            )

    async def _hand_in(self, requests: Mapping[str, ChatRequest]) -> Batch:
        lines = [
            json.dumps(
                {
                    "custom_id": key,
                    "method": "POST",
                    "url": CHAT,
                    "body": self._model.body(request),
                }
            )
            for key, request in requests.items()
        ]
        body, content_type = _multipart("\n".join(lines))
        try:
            for key, request in requests.items():
                characters = sum(len(message.content) for message in request.messages)
                self._tickets[key] = self._budget.begin(
                    characters,
                    self._price,
                    model=self._model.name,
                    reply_tokens=request.sampling.max_tokens or GUESSED_REPLY,
                )
            file = await self._ask("POST", "/files", body, content_type=content_type, expects="id")
            order = {"input_file_id": file["id"], "endpoint": CHAT, "completion_window": "24h"}
            made = await self._ask("POST", "/batches", json.dumps(order).encode(), expects="id")
        except BaseException:
            self._give_back(requests)
            raise
        asked = {key: Asked(item.schema, item.purpose) for key, item in requests.items()}
        batch = Batch(str(made["id"]), self._model.identity, time(), self._model.mode, asked)
        write_note(self._note(batch.id), batch)
        return batch

    async def _collect(self, batch: Batch, file: str) -> None:
        """Keep the good replies of a result file."""
        answer = await self._ask("GET", f"/files/{file}/content", expects=None)
        entries: list[tuple[bytes, Entry]] = []
        for line in filter(None, str(answer["text"]).split("\n")):
            result = json.loads(line)
            key, response = str(result["custom_id"]), result.get("response") or {}
            asked = batch.asked.get(key)
            if asked is None or response.get("status_code") != 200:
                continue
            reply = self._model.read(response["body"], asked.schema, batch.mode)
            ticket = self._tickets.pop(key, None) or self._budget.admit(self._price)
            self._budget.finish(ticket, reply.usage, reply_characters=len(reply.text))
            seconds = time() - batch.submitted
            entry = Entry(batch.identity, asked.purpose, seconds, reply)
            entries.append((bytes.fromhex(key), entry))
        kept = await asyncio.gather(*(self._ledger.keep(key, entry) for key, entry in entries))
        self._collected.update(zip((key.hex() for key, _ in entries), kept, strict=True))

    def _give_back(self, keys: Iterable[str]) -> None:
        for key in keys:
            if ticket := self._tickets.pop(key, None):
                self._budget.abandon(ticket)

    async def _ask(
        self,
        method: Literal["GET", "POST"],
        path: str,
        body: bytes = b"",
        *,
        content_type: str = "application/json",
        expects: str | None,
    ) -> dict[str, Any]:
        endpoint = self._model.endpoint
        async with endpoint.limits.place() as place:
            answer = await endpoint.deliver(
                place, method, path, body, content_type=content_type, expects=expects
            )
        if isinstance(answer, Rejection):
            raise ModelError(
                f"`{self._model.name}` refused a batch ({answer.status}): {answer.message}",
                code="model.rejected",
                hint="run without batches",
            )
        return answer

    def _note(self, batch_id: str) -> Path:
        return self._folder / f"{batch_id}.json"


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


def _reasons(state: Mapping[str, Any]) -> str:
    errors = (state.get("errors") or {}).get("data") or []
    return "; ".join(str(error.get("message")) for error in errors) or "no reason given"
