"""Opens the model that a user names."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from fabula.errors import UsageError, did_you_mean
from fabula.llm.cache.budget import Budget
from fabula.llm.cache.cached import Recorded
from fabula.llm.cache.ledger import Ledger
from fabula.llm.client.chat import ChatModel
from fabula.llm.client.limits import Patience
from fabula.llm.client.presets import (
    COMPATIBLE,
    PROVIDERS,
    endpoints,
    imported,
    known_provider,
    preset,
)
from fabula.llm.providers.given import GivenModel, Lent
from fabula.lookup import failed_plugins
from fabula.spec.models import ModelSpec, model_spec

if TYPE_CHECKING:
    from fabula.spec.models import ModelSpec


def open_model(
    model: str | ModelSpec,
    *,
    ledger: Ledger | None = None,
    budget: Budget | None = None,
    patience: Patience | None = None,
) -> ChatModel:
    """Open a model. Nothing is called and no key is read before its first request.

    Args:
        model: `local`, `local:FILE.gguf`, `fake`, `PROVIDER:NAME`, with optional settings after a
            `?`, or a settings object.
        ledger: Stores the model's replies and returns known ones.
        budget: Counts the model's calls and stops them.
        patience: Retry limits of a call.

    Raises:
        UsageError: No such model or provider; the hint names the nearest.
        PrerequisiteError: The extra for the local model is not installed.

    Examples:
        >>> open_model("openai:gpt-4o-mini").identity
        'https://api.openai.com/v1 gpt-4o-mini'
    """
    opened = _open(model, patience)
    return Recorded(opened, ledger, budget) if ledger or budget else opened


def model_settings(name: str) -> ModelSpec:
    """The settings of `PROVIDER:NAME` or `PROVIDER:NAME?SETTING=VALUE&…`.

    Raises:
        UsageError: No such model, provider or setting, or an invalid value.

    Examples:
        >>> model_settings("openai:gpt-5-mini?reasoning_effort=low").reasoning_effort
        'low'
    """
    bare, asks, settings = name.partition("?")
    if asks:
        plain = model_settings(bare)
        return model_spec({"provider": plain.provider, "name": plain.name, **_values(settings)})
    provider, colon, model = name.partition(":")
    known = known_provider(provider)
    if known is not None and known.is_bare and known.has(model, colon):
        return ModelSpec(provider=known.name, name=model)
    if not colon or (known and not known.has_names):
        alone = [other for other, entry in PROVIDERS.items() if entry.is_bare]
        words = [*alone, *(f"{other}:NAME" for other in endpoints())]
        near = did_you_mean(name, alone)
        if known is not None:
            near = (
                f"name the model too: `{name}:MODEL`"
                if known.has_names
                else f"write `{known.name}`"
            )
        raise UsageError(
            f"no model is called `{name}`{failed_plugins()}",
            code="model.unknown",
            hint=near or f"use one of {', '.join(words)}, or define it under `models:` in the spec",
        )
    if provider == COMPATIBLE or not model:
        raise UsageError(
            f"`{name}` does not say " + ("which model" if not model else "where the server is"),
            code="model.incomplete",
            hint="write `openai:MODEL` and set OPENAI_BASE_URL, or define the model under "
            "`models:` in the spec with `base_url` and `name`",
        )
    return ModelSpec(provider=preset(provider).name, name=model)


def _values(settings: str) -> dict[str, Any]:
    """The settings after a model's name: JSON if it parses, else text."""
    values: dict[str, Any] = {}
    for name, text in parse_qsl(settings, keep_blank_values=True):
        try:
            values[name] = json.loads(text)
        except ValueError:
            values[name] = text
    return values


def _open(model: str | ModelSpec, patience: Patience | None) -> ChatModel:
    if isinstance(model, GivenModel):
        return Lent(model.model)
    named = model if isinstance(model, str) else f"{model.provider}:{model.name}"
    name = named.partition("?")[0]
    settings = model_settings(model) if isinstance(model, str) else model
    if settings.price_per_file is not None:
        raise UsageError(
            f"`price_per_file` of `{name}` is for pictures and speech, and it is asked for texts",
            code="model.setting",
            hint="leave it out; texts are paid by tokens",
        )
    provider = preset(settings.provider)
    if provider.opens is not None:
        opened: ChatModel = imported(provider.opens)(settings)
        return opened
    if not provider.base_url and not settings.base_url:
        raise UsageError(
            f"the model `{settings.name}` has no address",
            code="model.base-url",
            hint="give it a `base_url`, like http://127.0.0.1:8000/v1",
        )
    # Only users of HTTP load the HTTP stack.
    from fabula.llm.client.endpoint import Endpoint

    spoken: ChatModel = imported(provider.interface.model)(
        Endpoint(settings, patience=patience), name=name
    )
    return spoken
