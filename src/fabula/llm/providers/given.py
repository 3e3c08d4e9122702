"""A model object passed where a model's name is expected.

It becomes a name that carries the object, so that a plan shows it and a run opens it.
"""

from __future__ import annotations

from typing import Any

from fabula.errors import UsageError
from fabula.llm.client.chat import AbstractProxy, ChatModel, ChatReply, ChatRequest

PARTS = ("name", "identity", "form", "concurrency", "complete", "close")
"""Members of a model; see `ChatModel`."""

PREFIX = "given:"


class GivenModel(str):
    """A model object's name, which carries the object."""

    __slots__ = ("model",)
    model: ChatModel


def is_model(value: object) -> bool:
    """Whether a value is a model, complete or not."""
    return not isinstance(value, str | type) and hasattr(value, "complete")


def given_name(model: Any) -> Any:
    """The name that represents a model object; any other value unchanged.

    Raises:
        UsageError: The object lacks a part of a model.
    """
    if not is_model(model):
        return model
    if lacking := [part for part in PARTS if not hasattr(model, part)]:
        raise UsageError(
            f"the model {type(model).__name__} has no `{lacking[0]}`",
            code="model.incomplete",
            hint=f"a model has {', '.join(f'`{part}`' for part in PARTS)}: see `ChatModel`",
        )
    named = GivenModel(PREFIX + model.name)
    named.model = model
    return named


class Lent(AbstractProxy):
    """A caller's model, which Fabula doesn't close."""

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Answer one request; see `ChatModel`."""
        return await self._model.complete(request)

    async def close(self) -> None:
        """Leave the model open for its owner."""
