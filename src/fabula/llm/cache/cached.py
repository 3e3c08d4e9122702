"""A model whose replies are kept in the ledger and counted in a budget, and one that only replays.

This is the model that runs use: known replies are free, new ones are on disk before they are used.
"""

from __future__ import annotations

from math import inf
from time import perf_counter
from typing import Literal

from fabula.errors import ModelError
from fabula.llm.cache.budget import Budget
from fabula.llm.cache.ledger import Entry, Ledger, request_key
from fabula.llm.cache.prices import price_of
from fabula.llm.client.chat import ChatModel, ChatReply, ChatRequest
from fabula.llm.client.limits import Limits


class Recorded:
    """A model behind a ledger, where replies are kept, and a budget."""

    def __init__(
        self, model: ChatModel, ledger: Ledger | None, budget: Budget | None = None
    ) -> None:
        self.name = model.name
        self.identity = model.identity
        self.form: Literal["chat", "completion"] = model.form
        # While some replies are being written, others are asked for.
        self.concurrency = model.concurrency * (1 if ledger is None else 2)
        self.ledger = ledger
        self.budget = budget or Budget()
        self._model = model
        self._price = price_of(model.name, model.identity)
        # A call is accounted for when it is made, not while it waits for its turn; and the first
        # one goes alone where its size decides how many more the budget has room for.
        scout = inf if self.budget.needs_sizes else 0.0
        self._turns = Limits(model.concurrency, scout=scout)

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Answer one request, from the ledger where it can.

        Raises:
            BudgetReached: The answer is not known and the budget is used up.
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

    async def close(self) -> None:
        """Release the model. The ledger is closed by whoever opened it."""
        await self._model.close()

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
        return Entry(self.identity, request.purpose, perf_counter() - started, reply)


class Replay:
    """A model that answers from a ledger alone and never calls anything.

    Args:
        model: The model whose replies are wanted; it is not called.
        ledger: Where they are.
    """

    def __init__(self, model: ChatModel, ledger: Ledger) -> None:
        self.name = model.name
        self.identity = model.identity
        self.form: Literal["chat", "completion"] = model.form
        self.concurrency = model.concurrency
        self._ledger = ledger

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Answer one request from the ledger.

        Raises:
            ModelError: The ledger holds no reply to it.
        """
        reply = self._ledger.find(request_key(self.identity, request))
        if reply is None:
            raise ModelError(
                f"the ledger {self._ledger.path} holds no reply of `{self.name}` to this request",
                code="model.not-recorded",
                hint="run once without replaying; the spec, seed or model differs from the "
                "recorded run",
            )
        return reply

    async def close(self) -> None:
        """Nothing to release."""
