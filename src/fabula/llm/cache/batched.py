"""A model that is asked by batches: calls gather until no more come, then go out together.

To callers it is a model like any other, only slow: what one would have open at once becomes one
batch, so rows that need not know of each other go out as one, and rows that must differ go out
in rounds. Requests are the same as live ones, and so are the rows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from fabula.llm.client.chat import AbstractProxy, ChatModel, ChatReply, ChatRequest

if TYPE_CHECKING:
    from fabula.llm.cache.batches import Batches

GATHER_SECONDS = 0.1
"""How long no further call must have come before a batch goes out."""
AT_ONCE = 4096
"""Calls that may wait for batches at once."""

OnBatch: TypeAlias = Callable[[str, int], None]
"""Told a batch's state and size at each look."""

_Waiting = tuple[ChatRequest, "asyncio.Future[ChatReply]"]


class Batched(AbstractProxy):
    """A model whose calls are gathered into batches; `on_batch` is told of each look at one."""

    def __init__(self, model: ChatModel, batches: Batches, on_batch: OnBatch | None = None) -> None:
        super().__init__(model)
        self.concurrency = AT_ONCE
        self._batches = batches
        self._on_batch = on_batch
        self._waiting: list[_Waiting] = []
        self._timer: asyncio.TimerHandle | None = None
        self._sent: set[asyncio.Task[None]] = set()

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Answer one request, together with those that come at the same time.

        Raises:
            BudgetReached: The batch would go beyond the budget.
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
        except Exception as exc:  # whatever it is, the calls that wait must hear of it
            for _, future in gathered:
                if not future.done():
                    future.set_exception(exc)
            return
        for (_, future), reply in zip(gathered, replies, strict=True):
            if not future.done():
                future.set_result(reply)
