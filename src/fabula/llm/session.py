"""The models of one run: opened when first needed, behind one ledger and one budget."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from fabula.errors import UsageError
from fabula.llm.cache.budget import Budget
from fabula.llm.client.chat import ChatModel
from fabula.llm.client.presets import known_provider
from fabula.llm.providers.given import given_name
from fabula.spec.models import ModelSpec, model_spec

if TYPE_CHECKING:
    from fabula.llm.cache.batched import OnBatch
    from fabula.llm.cache.batches import Batches
    from fabula.llm.cache.ledger import Ledger
    from fabula.llm.providers.dry_run import Rehearsal

OpenModel: TypeAlias = "Callable[[str | ModelSpec | Mapping[str, Any] | ChatModel], ChatModel]"
"""Opens a language model by its name or its settings in a spec, or returns a model object."""


@contextmanager
def models_of_run(
    *,
    fresh: bool = False,
    budget: Budget | None = None,
    batch: bool | OnBatch = False,
    rehearsal: Rehearsal | None = None,
    ledger: Path | None = None,
    known: Iterable[Path] = (),
) -> Iterator[OpenModel]:
    """Opens the models of one run; they share a ledger, opened when first needed.

    Args:
        fresh: Ask again even where a reply is known.
        budget: What the run may spend; the models share it.
        batch: Ask by the provider's batches instead of live; a function is told of each look.
        rehearsal: Notes what would be asked; then no model is asked anything.
        ledger: The ledger's file; by default the one in Fabula's home.
        known: Other ledgers, whose replies are known too.
    """
    ledgers: list[Ledger] = []

    def opened(model: str | ModelSpec | Mapping[str, Any] | ChatModel) -> ChatModel:
        from fabula.llm.providers.catalogue import open_model

        named: str | ModelSpec | Mapping[str, Any] = given_name(model)
        chat = open_model(named if isinstance(named, str) else model_spec(named))
        if rehearsal is not None:
            from fabula.llm.providers.dry_run import StandIn

            return StandIn(chat, rehearsal)
        if not _is_recorded(named):
            return chat
        from fabula.llm.cache.batched import Batched
        from fabula.llm.cache.cached import Recorded
        from fabula.llm.cache.ledger import Ledger

        if not ledgers:
            ledgers.append(Ledger(ledger, fresh=fresh))
            for path in known:
                ledgers[0].take(path)
        if batch:
            on_batch = None if isinstance(batch, bool) else batch
            return Batched(chat, _batches(chat, ledgers[0], budget), on_batch)
        return Recorded(chat, ledgers[0], budget)

    try:
        yield opened
    finally:
        for opened_one in ledgers:
            opened_one.close()


def _is_recorded(model: str | ModelSpec | Mapping[str, Any]) -> bool:
    """Whether a model's replies are kept; invented ones are not."""
    provider = known_provider(model.partition(":")[0]) if isinstance(model, str) else None
    return provider is None or provider.is_recorded


def _batches(model: ChatModel, ledger: Ledger, budget: Budget | None) -> Batches:
    """The batches of a model.

    Raises:
        UsageError: It has none.
    """
    from fabula.llm.cache.batch_endpoints import BatchModel
    from fabula.llm.cache.batches import Batches

    if not isinstance(model, BatchModel) or not model.endpoint.preset.interface.desk:
        raise UsageError(
            f"`{model.name}` does not support batches",
            code="model.no-batches",
            hint="run without `--batch`; batches are for OpenAI's and Anthropic's interfaces",
        )
    return Batches(model, ledger, budget=budget)
