"""The models of one run: opened when first needed, behind one ledger and one budget."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

from fabula.errors import UsageError
from fabula.llm.cache.batched import Batched, OnBatch
from fabula.llm.cache.budget import Budget
from fabula.llm.cache.cached import Recorded
from fabula.llm.cache.ledger import Ledger
from fabula.llm.client.chat import ChatModel
from fabula.llm.providers.catalogue import open_model, settings_of
from fabula.llm.providers.dry_run import Rehearsal, StandIn

if TYPE_CHECKING:
    from fabula.llm.cache.batches import Batches
    from fabula.spec.models import ModelSpec

OpenModel: TypeAlias = "Callable[[str | ModelSpec | Mapping[str, Any]], ChatModel]"
"""Opens a language model by its name or its settings in a spec."""


@contextmanager
def models_of_run(
    *,
    fresh: bool = False,
    budget: Budget | None = None,
    batch: bool | OnBatch = False,
    rehearsal: Rehearsal | None = None,
) -> Iterator[OpenModel]:
    """A way to open the models of one run; they share a ledger, opened when first needed.

    Args:
        fresh: Ask again even where a reply is known.
        budget: What the run may spend; the models share it.
        batch: Ask by the provider's batches instead of live; a function is told of each look.
        rehearsal: Notes what would be asked; then no model is asked anything.
    """
    ledgers: list[Ledger] = []

    def opened(model: str | ModelSpec | Mapping[str, Any]) -> ChatModel:
        chat = open_model(model if isinstance(model, str) else settings_of(model))
        if rehearsal is not None:
            return StandIn(chat, rehearsal)
        if model == "fake":
            return chat
        if not ledgers:
            ledgers.append(Ledger(fresh=fresh))
        if batch:
            on_batch = None if isinstance(batch, bool) else batch
            return Batched(chat, _batches(chat, ledgers[0], budget), on_batch)
        return Recorded(chat, ledgers[0], budget)

    try:
        yield opened
    finally:
        for ledger in ledgers:
            ledger.close()


def _batches(model: ChatModel, ledger: Ledger, budget: Budget | None) -> Batches:
    """The batches of a model.

    Raises:
        UsageError: It has none.
    """
    from fabula.llm.cache.batches import Batches
    from fabula.llm.providers.anthropic import AnthropicModel
    from fabula.llm.providers.openai import OpenAIModel

    if not isinstance(model, OpenAIModel | AnthropicModel):
        raise UsageError(
            f"`{model.name}` takes no batches",
            code="model.no-batches",
            hint="run without `--batch`; batches are for OpenAI's and Anthropic's interfaces",
        )
    return Batches(model, ledger, budget=budget)
