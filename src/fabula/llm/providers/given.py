"""A model object that the caller hands over where a model's name is expected.

It travels as a name that carries the object, so that a plan shows it and a run opens it.
"""

from __future__ import annotations

from typing import Any

from fabula.errors import UsageError
from fabula.llm.client.chat import AbstractProxy, ChatModel, ChatReply, ChatRequest

PARTS = ("name", "identity", "form", "concurrency", "complete", "close")
"""What a model has; see `ChatModel`."""

PREFIX = "given:"


class GivenModel(str):
    """The name of a model object, with the object."""

    __slots__ = ("model",)
    model: ChatModel


def is_model(value: object) -> bool:
    """Whether a value is a model, or at least means to be one."""
    return not isinstance(value, str | type) and hasattr(value, "complete")


def given_name(model: Any) -> Any:
    """The name that stands for a model object; any other value as it is.

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
    """A caller's model, which is not closed here."""

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Answer one request; see `ChatModel`."""
        return await self._model.complete(request)

    async def close(self) -> None:
        """Leave the model open for its owner."""
