"""Language models on a cluster: one process asks for all workers, with one ledger and one limit."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from fabula.engines.usage import ModelUsage
from fabula.errors import FabulaError
from fabula.llm.cache.budget import Budget
from fabula.llm.client.chat import ChatModel, ChatReply, ChatRequest
from fabula.llm.session import models_of_run
from fabula.runs.cluster.ray_cluster import ray_module
from fabula.spec.tables import ModelSpec

AT_ONCE = 4096
"""Requests that wait in the asking process; how many are sent at a time the models decide."""


class Asking:
    """The process that asks, on the node of this one, so that the ledger is this machine's.

    Args:
        fresh: Ask again even where a reply is known.
        budget: What the run may spend.
    """

    def __init__(self, *, fresh: bool, budget: Budget) -> None:
        ray = ray_module()
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy as On

        here = On(ray.get_runtime_context().get_node_id(), soft=False)
        remote = ray.remote(num_cpus=0, max_concurrency=AT_ONCE, max_restarts=0)(Asker)
        settings = {name: value for name, value in os.environ.items() if name.isupper()}
        self._actor = remote.options(scheduling_strategy=here).remote(settings, fresh, budget)
        self.door = Door(self._actor)

    def with_lost_calls(self, usage: Mapping[str, ModelUsage]) -> dict[str, ModelUsage]:
        """The usage with the calls of workers that died before they could tell of them."""
        ray = ray_module()

        spent: Mapping[str, ModelUsage] = ray.get(self._actor.spent.remote())
        total = dict(usage)
        for identity, all_calls in spent.items():
            accounts = [name for name, item in total.items() if item.identity == identity]
            told = sum(total[name].calls for name in accounts)
            if not accounts or all_calls.calls <= told:
                continue
            lost = all_calls.calls - told
            first = total[accounts[0]]
            others = [total[name] for name in accounts[1:]]
            notes = {**first.notes, "calls for workers that died": lost}
            total[accounts[0]] = replace(
                first,
                calls=first.calls + lost,
                prompt_tokens=_rest(all_calls.prompt_tokens, [o.prompt_tokens for o in others]),
                completion_tokens=_rest(
                    all_calls.completion_tokens, [o.completion_tokens for o in others]
                ),
                notes=notes,
            )
        return total

    def close(self) -> None:
        """Close the models and the ledger, and end the process."""
        ray = ray_module()

        ray.get(self._actor.close.remote())
        ray.kill(self._actor)


@dataclass(frozen=True)
class Door:
    """Opens models that the asking process asks."""

    actor: Any

    def open(self, settings: Any) -> ChatModel:
        """A model by its name or settings."""
        ray = ray_module()

        facts = ray.get(self.actor.open.remote(settings))
        if isinstance(facts, FabulaError):
            raise facts
        return RemoteModel(self.actor, settings, **facts)


class RemoteModel:
    """A model that the asking process asks; see `ChatModel`."""

    def __init__(self, actor: Any, settings: str | ModelSpec, **facts: Any) -> None:
        self._actor, self._settings = actor, settings
        self.name: str = facts["name"]
        self.identity: str = facts["identity"]
        self.form = facts["form"]
        self.concurrency: int = facts["concurrency"]

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Answer one request."""
        reply: ChatReply | FabulaError = await self._actor.complete.remote(self._settings, request)
        if isinstance(reply, FabulaError):
            raise reply
        return reply

    async def close(self) -> None:
        """Nothing is held here."""


class Asker:
    """Asks the models of a run, in a process of its own."""

    def __init__(self, settings: Mapping[str, str], fresh: bool, budget: Budget) -> None:
        os.environ.update(settings)
        self._stack = ExitStack()
        self._open = self._stack.enter_context(models_of_run(fresh=fresh, budget=budget))
        self._models: dict[str, ChatModel] = {}
        self._spent: dict[str, ModelUsage] = {}

    async def open(self, settings: str | ModelSpec) -> dict[str, Any] | FabulaError:
        """What a model tells of itself."""
        try:
            model = self._model(settings)
        except FabulaError as error:
            return error
        names = ("name", "identity", "form", "concurrency")
        return {name: getattr(model, name) for name in names}

    async def complete(
        self, settings: str | ModelSpec, request: ChatRequest
    ) -> ChatReply | FabulaError:
        """A reply, or why there is none."""
        model = self._model(settings)
        try:
            reply = await model.complete(request)
        except FabulaError as error:
            return error
        if not reply.cached:
            past = self._spent.get(model.identity, ModelUsage(model.name, model.identity))
            usage = reply.usage
            made = replace(
                ModelUsage(model.name, model.identity),
                calls=1,
                prompt_tokens=usage.prompt_tokens,
                completion_tokens=usage.completion_tokens,
            )
            self._spent[model.identity] = past + made
        return reply

    async def spent(self) -> dict[str, ModelUsage]:
        """What was asked of each model, by its identity."""
        return self._spent

    async def close(self) -> None:
        """Close the models and the ledger."""
        for model in self._models.values():
            await model.close()
        self._stack.close()

    def _model(self, settings: str | ModelSpec) -> ChatModel:
        key = repr(settings) if isinstance(settings, str) else settings.model_dump_json()
        if key not in self._models:
            self._models[key] = self._open(settings)
        return self._models[key]


def _rest(total: int | None, others: list[int | None]) -> int | None:
    return None if total is None else total - sum(other or 0 for other in others)
