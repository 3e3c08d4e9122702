"""Models of vendors with interfaces of their own (Bedrock, Vertex, Azure …), through LiteLLM.

LiteLLM runs in this process and knows the vendors' requests and signatures; asking, retries, the
ledger and budgets are Fabula's. It is imported with the first request, and then loads its price
list from its own files: nothing is sent but the request.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from fabula.errors import (
    AuthenticationError,
    ModelError,
    PrerequisiteError,
    RateLimitError,
    UsageError,
)
from fabula.llm.client.chat import ChatReply, ChatRequest
from fabula.llm.client.completions import first_of, read_reply
from fabula.llm.client.meanings import asked_pause, meaning
from fabula.llm.client.redaction import Redactor
from fabula.llm.json_schema.dialect import Shape, shape
from fabula.llm.providers.openai import with_schema_in_words
from fabula.llm.providers.over_http import TOOL
from fabula.spec.models import ModelSpec

TRIES = 4
"""Calls of one request while the vendor is busy or fails."""
CONCURRENCY = 16
_SECRETS = re.compile(r"key|token|secret|password|credential", re.I)
_UNKNOWN = (
    "headers", "routing", "stream", "thinking", "rpm", "tpm", "ca_file", "proxy", "verify_tls",
    "max_reply", "batch_requests", "batch_tokens",
)  # fmt: skip
"""Settings that don't travel over the bridge."""


def open_bridge(settings: ModelSpec) -> BridgeModel:
    """Open `litellm:VENDOR/MODEL`; nothing is imported or called before the first request.

    Raises:
        PrerequisiteError: The extra `bridge` is not installed.
        UsageError: A setting can't travel over the bridge, or the variable of the key is not set.
    """
    if importlib.util.find_spec("litellm") is None:
        raise PrerequisiteError.for_extra("bridge", needed_by=f"`litellm:{settings.name}`")
    for name in _UNKNOWN:
        if getattr(settings, name) != ModelSpec.model_fields[name].get_default(
            call_default_factory=True
        ):
            raise UsageError(
                f"`{name}` is not possible for `litellm:{settings.name}`",
                code="model.setting",
                hint="leave it out; fields of the vendor's own go into `extra_body`",
            )
    if settings.api_key_env and not os.environ.get(settings.api_key_env):
        raise AuthenticationError(
            f"`litellm:{settings.name}` needs a key in {settings.api_key_env}",
            code="model.no-key",
            hint=f"export {settings.api_key_env}=…",
        )
    return BridgeModel(settings)


class BridgeModel:
    """One model behind LiteLLM."""

    form: Literal["chat", "completion"] = "chat"

    def __init__(self, settings: ModelSpec) -> None:
        self.name = f"litellm:{settings.name}"
        self.identity = " ".join(filter(None, ("litellm", settings.base_url, settings.name)))
        self.concurrency = settings.concurrency or CONCURRENCY
        self._settings = settings
        self._takes_schema = True

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Answer one request; see `ChatModel`."""
        shaped = shape(request.schema, "strict") if request.schema else None
        refused: ModelError | None = None
        if shaped is not None and self._takes_schema:
            try:
                reply = await self._ask(self._payload(request, shaped), "json_schema")
                return _restored(reply, shaped)
            except ModelError as error:
                if error.code != "model.rejected":
                    raise
                refused = error
        try:
            reply = await self._ask(self._payload(request, shaped, in_words=True), "prompt")
        except ModelError as error:
            raise refused or error from error
        self._takes_schema = self._takes_schema and refused is None
        return reply if shaped is None else _restored(reply, shaped)

    async def close(self) -> None:
        """Nothing to release: LiteLLM closes its own connections."""

    def _payload(
        self, request: ChatRequest, shaped: Shape | None, *, in_words: bool = False
    ) -> dict[str, Any]:
        settings, sampling = self._settings, request.sampling
        messages = [{"role": item.role, "content": item.content} for item in request.messages]
        payload: dict[str, Any] = {"model": settings.name, **settings.extra_body}
        if shaped is not None and in_words:
            messages = with_schema_in_words(messages, shaped.schema)
        elif shaped is not None:
            form = {"name": TOOL, "strict": shaped.strict, "schema": shaped.schema}
            payload["response_format"] = {"type": "json_schema", "json_schema": form}
        key = os.environ.get(settings.api_key_env) if settings.api_key_env else None
        values = {
            "temperature": first_of(sampling.temperature, settings.temperature),
            "top_p": first_of(sampling.top_p, settings.top_p),
            "top_k": settings.top_k,
            "max_tokens": first_of(sampling.max_tokens, settings.max_tokens),
            "seed": sampling.seed,
            "stop": list(sampling.stop) or None,
            "reasoning_effort": settings.reasoning_effort,
            "timeout": settings.timeout,
            "api_base": settings.base_url,
            "api_key": key,
        }
        known = {name: value for name, value in values.items() if value is not None}
        return {**payload, "messages": messages, **known}

    async def _ask(self, payload: Mapping[str, Any], mode: str) -> ChatReply:
        litellm = _litellm()
        for attempt in range(TRIES):
            try:
                answer = await litellm.acompletion(**payload, num_retries=0, drop_params=True)
            except Exception as error:  # LiteLLM's own kinds, and those of the vendors' packages
                told, pause = self._told(error)
                passes = told.code in ("model.unavailable", "model.busy")
                if not passes or attempt == TRIES - 1:
                    raise told from None  # its chain may quote a key
                await asyncio.sleep(2.0**attempt / 2 if pause is None else pause)
            else:
                return read_reply(answer.model_dump(), mode)
        raise AssertionError  # the loop returns or raises

    def _told(self, error: Exception) -> tuple[ModelError, float | None]:
        """An error in Fabula's words without secrets, and the pause that it asks for."""
        secrets = [value for name, value in os.environ.items() if _SECRETS.search(name)]
        lines = str(error).strip().splitlines() or [type(error).__name__]
        words = Redactor(secrets).text(lines[0])[:400]
        status = int(getattr(error, "status_code", None) or 500)
        pause = asked_pause(words, {})
        means = meaning(status, type(error).__name__, words, pause)
        told = f"`{self.name}`: {words}"
        if status in (401, 403) or "credentials" in words.lower():
            hint = "set what the vendor's own client reads, or `api_key_env`"
            return AuthenticationError(told, code="model.no-key", hint=hint), None
        if means == "quota":
            return RateLimitError(told, code="model.quota", hint="check the account"), None
        if means == "too-long":
            return ModelError(told, code="model.context-length"), None
        if means == "busy":
            return RateLimitError(told, code="model.busy", hint="run it again later"), pause
        if means == "passing":
            return ModelError(told, code="model.unavailable", hint="run it again later"), pause
        hint = "check the model's name and the settings in `extra_body`"
        return ModelError(told, code="model.rejected", hint=hint), None


def _restored(reply: ChatReply, shaped: Shape) -> ChatReply:
    return replace(reply, text=shaped.restore(reply.text))


def _litellm() -> Any:
    """LiteLLM, told to use nothing but the request: no prices from the web, no `.env`, no calls."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    os.environ.setdefault("LITELLM_MODE", "PRODUCTION")
    import logging

    import litellm

    litellm.telemetry = False
    litellm.suppress_debug_info = True
    logging.getLogger("LiteLLM").setLevel(logging.CRITICAL)  # it writes requests and errors out
    return litellm
