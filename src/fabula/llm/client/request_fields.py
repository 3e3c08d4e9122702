"""Request fields that vendors name differently: thinking, its effort, routing."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from fabula.errors import UsageError
from fabula.spec.models import ModelSpec

THINKING_TOKENS = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16384, "xhigh": 32768}
"""Anthropic's budget of thinking tokens for each effort."""


def further_fields(settings: ModelSpec) -> dict[str, Any]:
    """The extra fields that the user sets; they override those of every request.

    Raises:
        UsageError: The vendor has no such field.
    """
    effort, thinking = settings.reasoning_effort, settings.thinking
    vendor = _vendor(settings)
    fields: dict[str, Any] = {}
    if thinking is False and effort not in (None, "none"):
        raise UsageError(
            f"`thinking: false` and `reasoning_effort: {effort}` contradict each other",
            code="model.thinking",
            hint="leave one of them out",
        )
    if vendor == "anthropic":
        if thinking is False or effort == "none":
            fields["thinking"] = {"type": "disabled"}
        elif thinking or effort:
            budget = THINKING_TOKENS[effort or "medium"]
            fields["thinking"] = {"type": "enabled", "budget_tokens": budget}
    elif vendor == "openrouter":
        reasoning = {"enabled": thinking, "effort": effort}
        given = {name: value for name, value in reasoning.items() if value is not None}
        fields |= {"reasoning": given} if given else {}
    else:
        fields |= {"reasoning_effort": effort} if effort else {}
        if thinking is not None and not effort:
            fields |= _thinking(vendor, thinking)
    if settings.routing:
        fields["provider"] = dict(settings.routing)
    return {**fields, **settings.extra_body}


def _thinking(vendor: str, thinking: bool) -> dict[str, Any]:
    """The switch for thinking, in the vendor's own words."""
    if vendor in ("openai", "gemini", "groq", "ollama"):
        return {"reasoning_effort": "medium" if thinking else "none"}
    if vendor == "dashscope":
        return {"enable_thinking": thinking}
    if vendor in ("deepseek", "zhipu"):
        return {"thinking": {"type": "enabled" if thinking else "disabled"}}
    if vendor == "mistral":
        raise UsageError(
            "Mistral has no switch for thinking",
            code="model.thinking",
            hint="choose a model with or without thinking, or use `extra_body`",
        )
    # vLLM, SGLang, llama.cpp and LM Studio pass it to the model's chat template.
    return {"chat_template_kwargs": {"enable_thinking": thinking}}


def _vendor(settings: ModelSpec) -> str:
    """The vendor whose field names an endpoint knows: by its provider's name, else by its host."""
    host = urlsplit(settings.base_url or "").hostname or ""
    hosts = {
        "dashscope": "dashscope", "deepseek": "deepseek", "bigmodel": "zhipu", "z.ai": "zhipu",
        "openrouter": "openrouter", "api.openai.com": "openai",
    }  # fmt: skip
    named = next((vendor for part, vendor in hosts.items() if part in host), None)
    return named or settings.provider
