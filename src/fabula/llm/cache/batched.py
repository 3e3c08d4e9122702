"""A model asked through batches: calls are collected until no more arrive, then sent together.

To callers it is a slow model like any other. Concurrent calls become one batch, so independent rows
go out together, and rows that must differ go out in rounds. Requests are the same as live ones, and
so are the rows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from fabula.llm.client.chat import AbstractProxy, ChatModel, ChatReply, ChatRequest

if TYPE_CHECKING:
    from fabula.llm.cache.batches import Batches

GATHER_SECONDS = 0.1
"""Seconds without a further call before a batch is sent."""
AT_ONCE = 4096
"""Maximum number of calls waiting for batches."""

OnBatch: TypeAlias = Callable[[str, int], None]
"""Called with a batch's state and size at each poll."""

_Waiting = tuple[ChatRequest, "asyncio.Future[ChatReply]"]


class Batched(AbstractProxy):
    """A model whose calls are collected into batches; `on_batch` is called at each poll of one."""

    def __init__(self, model: ChatModel, batches: Batches, on_batch: OnBatch | None = None) -> None:
        super().__init__(model)
        self.concurrency = AT_ONCE
        self._batches = batches
        self._on_batch = on_batch
        self._waiting: list[_Waiting] = []
        self._timer: asyncio.TimerHandle | None = None
        self._sent: set[asyncio.Task[None]] = set()

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Answer one request, together with concurrent ones.

        Raises:
            BudgetReached: The batch would exceed the budget.
            ModelError: The endpoint has no batches, or refused this one.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[ChatReply] = loop.create_future()
        self._waiting.append((request, future))
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_later(GATHER_SECONDS, self._send)
        return await future

    async def close(self) -> None:
        """Release the connections."""
        for task in self._sent:
            task.cancel()
        await super().close()

    def _send(self) -> None:
        gathered, self._waiting = self._waiting, []
        task = asyncio.get_running_loop().create_task(self._answer(gathered))
        self._sent.add(task)
        task.add_done_callback(self._sent.discard)

    async def _answer(self, gathered: list[_Waiting]) -> None:
        try:
            requests = [request for request, _ in gathered]
            replies = await self._batches.complete(requests, progress=self._on_batch)
        except Exception as exc:  # any error must reach the waiting calls
            for _, future in gathered:
                if not future.done():
                    future.set_exception(exc)
            return
        for (_, future), reply in zip(gathered, replies, strict=True):
            if not future.done():
                future.set_result(reply)
