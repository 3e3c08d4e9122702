"""A model whose replies are kept in the ledger and counted in a budget.

Runs use this model: known replies are free, and new ones are on disk before they are used.
"""

from __future__ import annotations

from math import inf
from time import perf_counter

from fabula.llm.cache.budget import Budget
from fabula.llm.cache.ledger import Entry, Ledger, request_key
from fabula.llm.cache.prices import price_of
from fabula.llm.client.chat import AbstractProxy, ChatModel, ChatReply, ChatRequest
from fabula.llm.client.limits import Limits


class Recorded(AbstractProxy):
    """A model behind a budget and a ledger, which its opener closes."""

    def __init__(
        self, model: ChatModel, ledger: Ledger | None, budget: Budget | None = None
    ) -> None:
        super().__init__(model)
        # While some replies are being written, others are requested.
        self.concurrency = model.concurrency * (1 if ledger is None else 2)
        self.ledger = ledger
        self.budget = budget or Budget()
        self._price = self.price or price_of(model.name, model.identity)
        # A call is counted when it is sent, not while it waits. If a limit depends on reply
        # lengths, the first call goes alone, so that its size is known.
        scout = inf if self.budget.needs_sizes else 0.0
        self._turns = Limits(model.concurrency, scout=scout)

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Answer one request, from the ledger if possible.

        Raises:
            BudgetReached: The reply is not known and the budget is used up.
            SinkError: The ledger can't be written.
            ModelError: The model can't answer.
        """

        async def ask() -> Entry:
            async with self._turns.place():
                return await self._ask(request)

        if self.ledger is None:
            return (await ask()).reply
        reply = await self.ledger.once(request_key(self.identity, request), ask)
        self.budget.cached += reply.cached
        return reply

    async def _ask(self, request: ChatRequest) -> Entry:
        characters = sum(len(message.content) for message in request.messages)
        ticket = self.budget.begin(characters, self._price, model=self.name)
        started = perf_counter()
        try:
            reply = await self._model.complete(request)
        except BaseException:
            self.budget.abandon(ticket)
            raise
        self.budget.finish(ticket, reply.usage, reply_characters=len(reply.text))
        self._turns.went_well(0, None)
        seconds = perf_counter() - started
        return Entry(self.identity, request.purpose, seconds, reply, request.messages)
