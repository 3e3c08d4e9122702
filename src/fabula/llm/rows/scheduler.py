"""Runs calls concurrently but decides everything in order.

Calls are decided one after another and their replies are settled in the same order; each time one
is settled, the next ones are decided. A call's content therefore depends only on replies, never on
their timing, which lets a ledger replay a run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

C = TypeVar("C")
"""A call."""
O = TypeVar("O")  # noqa: E741  (outcome)
"""A call's outcome."""


class Window(Generic[C, O]):
    """The open calls, from the oldest unsettled one to the newest decided one.

    Args:
        decide: Returns the next call, or None while there is no slot or nothing to ask. Called
            again after each settled call; if no call is open, None ends the loop.
        ask: Sends a call.
        settle: Takes a call and its outcome, in the order of the calls.
    """

    def __init__(
        self,
        decide: Callable[[], C | None],
        ask: Callable[[C], Awaitable[O]],
        settle: Callable[[C, O], None],
    ) -> None:
        self._decide = decide
        self._ask = ask
        self._settle = settle
        self._calls: dict[int, C] = {}
        self._outcomes: dict[int, O] = {}
        self._ready: asyncio.Queue[int | None] = asyncio.Queue()
        self._decided = 0
        self._settled = 0
        self._at_once = 1

    async def run(self, at_once: int) -> None:
        """Run until nothing is left to ask, with a maximum number of open calls."""
        self._at_once = at_once
        self._advance()
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(at_once):
                    group.create_task(self._work())
        except BaseExceptionGroup as problems:  # for example a bug in a caller's function
            raise problems.exceptions[0] from None

    async def _work(self) -> None:
        while (number := await self._ready.get()) is not None:
            self._outcomes[number] = await self._ask(self._calls[number])
            while self._settled in self._outcomes:
                call = self._calls.pop(self._settled)
                self._settle(call, self._outcomes.pop(self._settled))
                self._settled += 1
                self._advance()

    def _advance(self) -> None:
        while (call := self._decide()) is not None:
            self._calls[self._decided] = call
            self._ready.put_nowait(self._decided)
            self._decided += 1
        if not self._calls:
            for _ in range(self._at_once):
                self._ready.put_nowait(None)
