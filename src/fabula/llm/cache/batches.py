"""Many requests as a provider's batches: half the price, a reply within a day.

A batch gives the same result as live calls: its replies go through the ledger, and requests that it
could not answer are sent live. Open batches are recorded in files next to the ledger, so a run
killed while waiting finds its batch again. Requests are split by their number, their size and the
tokens that may be queued; if a provider says that too much is queued, smaller batches are sent one
after the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from time import time

from fabula.errors import ModelError
from fabula.llm.cache.batch_endpoints import BatchDesk, BatchModel, QueueFull
from fabula.llm.cache.batch_notes import Asked, Batch, read_note, write_note
from fabula.llm.cache.budget import CHARACTERS_A_TOKEN, Budget, Ticket
from fabula.llm.cache.cached import Recorded
from fabula.llm.cache.ledger import Entry, Ledger, request_key
from fabula.llm.cache.prices import price_of
from fabula.llm.client.chat import ChatReply, ChatRequest, Message
from fabula.llm.client.presets import imported

FIRST_PAUSE = 0.25
"""Seconds between the first two polls of a batch; doubled each time."""
GUESSED_REPLY = 256
"""Assumed tokens of a reply, to reserve money before the first one arrives."""

Progress = Callable[[str, int], None]


class Batches:
    """Batches of one model, whose endpoint must have them, polled about every `poll` seconds."""

    def __init__(
        self,
        model: BatchModel,
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
        self._messages: dict[str, tuple[Message, ...]] = {}
        self._folder = ledger.path.parent / "batches"
        settings = model.endpoint.settings
        desk = imported(model.endpoint.preset.interface.desk)
        self._desk: BatchDesk = desk(model.endpoint, model.name)
        self._most = min(
            settings.batch_requests or self._desk.most_requests, self._desk.most_requests
        )
        self._room = settings.batch_tokens

    async def complete(
        self, requests: Sequence[ChatRequest], *, progress: Progress | None = None
    ) -> list[ChatReply]:
        """Answer requests in the given order: from the ledger, by batches, and the rest live.

        Raises:
            BudgetReached: The requests would exceed the budget.
            ModelError: The endpoint has no batches, or refused one.
        """
        identity = self._model.identity
        wanted = {request_key(identity, request).hex(): request for request in requests}
        self._messages = {key: request.messages for key, request in wanted.items()}
        left = self._unknown(requests)
        while True:
            left = await self._hand_in_some(left)
            batches = self.under_way()
            mine = [batch for batch in batches if wanted.keys() & batch.asked.keys()]
            if not mine and not left:
                break
            first = (mine or batches)[0]  # a full queue may drain when another run's batch ends
            if not await self.wait(first, progress=progress):
                again = {key: wanted[key] for key in first.asked if key in wanted}
                left = self._with_less_room(again) | left
        live = Recorded(self._model, self._ledger, self._budget)

        async def answer(request: ChatRequest) -> ChatReply:
            collected = self._collected.get(request_key(identity, request).hex())
            return collected or await live.complete(request)

        return list(await asyncio.gather(*(answer(request) for request in requests)))

    def under_way(self) -> list[Batch]:
        """The submitted batches of this model that are not collected yet."""
        batches = [read_note(path) for path in sorted(self._folder.glob("*.json"))]
        return [batch for batch in batches if batch.identity == self._model.identity]

    async def submit(self, requests: Iterable[ChatRequest]) -> None:
        """Submit and record requests that are neither known nor open, as the queue permits."""
        await self._hand_in_some(self._unknown(requests))

    async def wait(self, batch: Batch, *, progress: Progress | None = None) -> bool:
        """Wait until a batch ends and keep its replies; False if too much was queued."""
        pause = FIRST_PAUSE
        while True:
            state = await self._desk.look(batch.id)
            if progress:
                progress(state.status, len(batch.asked))
            if state.is_over:
                break
            await asyncio.sleep(min(pause, self._poll))
            pause *= 2
        if state.results:
            await self._collect(batch, state.results)
        self._note(batch.id).unlink(missing_ok=True)
        self._give_back(batch.asked)
        if state.failure and not state.queue_full:
            raise ModelError(
                f"`{self._model.name}` refused the batch {batch.id}: {state.failure}",
                code="model.batch-failed",
                hint="check the model's name, or run without batches",
            )
        return not state.failure

    def _unknown(self, requests: Iterable[ChatRequest]) -> dict[str, ChatRequest]:
        """Requests that are neither known nor open, by their keys."""
        waited_for = {key for batch in self.under_way() for key in batch.asked}
        new: dict[str, ChatRequest] = {}
        for request in requests:
            key = request_key(self._model.identity, request)
            known = not self._ledger.fresh and self._ledger.find(key)
            if not known and key.hex() not in waited_for:
                new[key.hex()] = request
        return new

    async def _hand_in_some(self, requests: Mapping[str, ChatRequest]) -> dict[str, ChatRequest]:
        """Submit as much as may be queued; returns the rest."""
        left = dict(requests)
        while left and (self._room is None or not self.under_way()):
            part, lines = self._part(left)
            try:
                await self._hand_in(part, lines)
            except QueueFull:
                if self.under_way():
                    break
                left = self._with_less_room(part) | left
                if len(part) == 1:
                    del left[next(iter(part))]  # asked live
                continue
            left = {key: request for key, request in left.items() if key not in part}
        return left

    def _part(
        self, requests: Mapping[str, ChatRequest]
    ) -> tuple[dict[str, ChatRequest], list[str]]:
        """As many requests as one batch may contain, but at least one."""
        part: dict[str, ChatRequest] = {}
        lines: list[str] = []
        size = tokens = 0
        for key, request in requests.items():
            line = self._line(key, request)
            size += len(line.encode()) + 1
            tokens += _tokens(line)
            too_large = size > self._desk.most_bytes or (self._room and tokens > self._room)
            if part and (len(part) >= self._most or too_large):
                break
            part[key] = request
            lines.append(line)
        return part, lines

    def _line(self, key: str, request: ChatRequest) -> str:
        body = self._model.body(request)
        return self._desk.line(key, {name: body[name] for name in body if name not in _LIVE})

    def _with_less_room(self, part: Mapping[str, ChatRequest]) -> dict[str, ChatRequest]:
        """The requests of a refused batch to send in smaller ones; a single request goes live."""
        if len(part) < 2:
            return {}
        self._room = max(1, sum(_tokens(self._line(*each)) for each in part.items()) // 2)
        return dict(part)

    async def _hand_in(self, requests: Mapping[str, ChatRequest], lines: Sequence[str]) -> None:
        try:
            for key, request in requests.items():
                self._tickets[key] = self._budget.begin(
                    _characters(request),
                    self._price,
                    model=self._model.name,
                    reply_tokens=request.sampling.max_tokens or GUESSED_REPLY,
                )
            made = await self._desk.hand_in(lines)
        except BaseException:
            self._give_back(requests)
            raise
        asked = {key: Asked(item.schema, item.purpose) for key, item in requests.items()}
        batch = Batch(made, self._model.identity, time(), self._model.mode, asked)
        write_note(self._note(batch.id), batch)

    async def _collect(self, batch: Batch, place: str) -> None:
        """Keep the good replies of a result file."""
        answers = {
            key: answer for key, answer in await self._desk.results(place) if key in batch.asked
        }
        entries = list(self._entries(batch, answers))
        kept = await asyncio.gather(*(self._ledger.keep(key, entry) for key, entry in entries))
        self._collected.update(zip((key.hex() for key, _ in entries), kept, strict=True))

    def _entries(
        self, batch: Batch, answers: Mapping[str, Mapping[str, object]]
    ) -> Iterator[tuple[bytes, Entry]]:
        for key, answer in answers.items():
            asked = batch.asked[key]
            reply = self._model.read(answer, asked.schema, batch.mode)
            ticket = self._tickets.pop(key, None) or self._budget.admit(self._price)
            self._budget.finish(ticket, reply.usage, reply_characters=len(reply.text))
            seconds = time() - batch.submitted
            yield (
                bytes.fromhex(key),
                Entry(batch.identity, asked.purpose, seconds, reply, self._messages.get(key, ())),
            )

    def _give_back(self, keys: Iterable[str]) -> None:
        for key in keys:
            if ticket := self._tickets.pop(key, None):
                self._budget.abandon(ticket)

    def _note(self, batch_id: str) -> Path:
        return self._folder / f"{batch_id}.json"


_LIVE = frozenset({"stream", "stream_options"})
"""Fields of live requests that batches can't have."""


def _characters(request: ChatRequest) -> int:
    return sum(len(message.content) for message in request.messages)


def _tokens(line: str) -> int:
    """Estimated tokens of a request in the queue."""
    return len(line) // CHARACTERS_A_TOKEN
