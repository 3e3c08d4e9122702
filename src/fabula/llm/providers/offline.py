"""Models that vLLM runs in this process: `vllm-offline:MODEL`, with the extra `vllm`.

Written by the interface that vLLM documents (`LLM.chat`, `SamplingParams`, structured outputs), and
tested against a stand-in with that interface: no test ran it on a GPU. Requests that wait together
are given to the engine together. vLLM also runs models of Transformers
(`extra_body: {model_impl: transformers}`).
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from fabula.errors import ModelError, PrerequisiteError, UsageError
from fabula.llm.client.chat import ChatReply, ChatRequest
from fabula.llm.client.completions import first_of, read_reply
from fabula.llm.json_schema.dialect import Shape, shape
from fabula.spec.models import ModelSpec

CONCURRENCY = 256
REPLY = 4_096
"""Tokens of a reply at most, where nothing else is asked; vLLM's own default is 16."""
_GATHERING = 0.01
"""Seconds that a request waits for others."""
_OF_ENDPOINTS = (
    "base_url", "api_key_env", "headers", "routing", "stream", "max_reply", "batch_requests",
    "batch_tokens", "timeout", "rpm", "tpm", "verify_tls", "ca_file", "proxy", "reasoning_effort",
)  # fmt: skip
_Waiting = tuple[ChatRequest, "asyncio.Future[ChatReply]"]


def open_offline(settings: ModelSpec) -> OfflineModel:
    """Open `vllm-offline:MODEL`; nothing is loaded before the first request.

    Raises:
        PrerequisiteError: The extra `vllm` is not installed.
        UsageError: A setting is one of endpoints.
    """
    if importlib.util.find_spec("vllm") is None:
        raise PrerequisiteError.for_extra("vllm", needed_by=f"`vllm-offline:{settings.name}`")
    for name in _OF_ENDPOINTS:
        usual = ModelSpec.model_fields[name].get_default(call_default_factory=True)
        if getattr(settings, name) != usual:
            raise UsageError(
                f"`{name}` is not possible for `vllm-offline:{settings.name}`",
                code="model.setting",
                hint="leave it out; arguments of vLLM's `LLM` go into `extra_body`",
            )
    return OfflineModel(settings)


class OfflineModel:
    """One model inside vLLM's engine."""

    form: Literal["chat", "completion"] = "chat"

    def __init__(self, settings: ModelSpec) -> None:
        self.name = f"vllm-offline:{settings.name}"
        engine = [json.dumps(settings.extra_body, sort_keys=True)] if settings.extra_body else []
        self.identity = " ".join(("vllm-offline", settings.name, *engine))
        self.concurrency = settings.concurrency or CONCURRENCY
        self._settings = settings
        self._engine: Any = None
        self._waiting: list[_Waiting] = []
        self._worker: asyncio.Task[None] | None = None

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Answer one request; see `ChatModel`."""
        waiting: asyncio.Future[ChatReply] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, waiting))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        return await waiting

    async def close(self) -> None:
        """Release the engine and its memory."""
        self._engine = None

    async def _work(self) -> None:
        """Give the engine all requests that wait, until none is left."""
        while True:
            await asyncio.sleep(_GATHERING)
            batch = [each for each in self._waiting if not each[1].done()]
            self._waiting.clear()
            if not batch:
                return
            replies = await asyncio.to_thread(self._answered, [request for request, _ in batch])
            for (_, waiting), reply in zip(batch, replies, strict=True):
                if waiting.done():  # its caller was cancelled
                    continue
                if isinstance(reply, ChatReply):
                    waiting.set_result(reply)
                else:
                    waiting.set_exception(reply)

    def _answered(self, requests: Sequence[ChatRequest]) -> Sequence[ChatReply | ModelError]:
        """A reply to each request, or why there is none: one wrong request loses no other."""
        try:
            return self._chat(requests)
        except Exception as error:  # vLLM refuses requests by errors of many kinds
            if len(requests) > 1 and self._engine is not None:
                return [self._answered([request])[0] for request in requests]
            return [self._told(error)] * len(requests)

    def _chat(self, requests: Sequence[ChatRequest]) -> list[ChatReply]:
        if self._engine is None:
            self._engine = _vllm().LLM(model=self._settings.name, **self._settings.extra_body)
        shapes = [shape(each.schema, "plain") if each.schema else None for each in requests]
        thinking = self._settings.thinking
        more = {} if thinking is None else {"chat_template_kwargs": {"enable_thinking": thinking}}
        outputs = self._engine.chat(
            [
                [{"role": it.role, "content": it.content} for it in each.messages]
                for each in requests
            ],
            sampling_params=list(map(self._sampling, requests, shapes)),
            use_tqdm=False,
            **more,
        )
        return [self._reply(*each) for each in zip(outputs, shapes, strict=True)]

    def _sampling(self, request: ChatRequest, shaped: Shape | None) -> Any:
        settings, asked = self._settings, request.sampling
        values = {
            "temperature": first_of(asked.temperature, settings.temperature),
            "top_p": first_of(asked.top_p, settings.top_p),
            "top_k": settings.top_k,
            "min_p": asked.min_p,
            "max_tokens": first_of(asked.max_tokens, settings.max_tokens, REPLY),
            "seed": asked.seed,
            "stop": list(asked.stop) or None,
        }
        known = {name: value for name, value in values.items() if value is not None}
        if shaped is not None:
            from vllm.sampling_params import StructuredOutputsParams

            known["structured_outputs"] = StructuredOutputsParams(json=shaped.schema)
        return _vllm().SamplingParams(**known)

    def _reply(self, output: Any, shaped: Shape | None) -> ChatReply:
        said = output.outputs[0]
        usage = {
            "prompt_tokens": len(output.prompt_token_ids or ()),
            "completion_tokens": len(said.token_ids),
        }
        choice = {"message": {"content": said.text}, "finish_reason": said.finish_reason}
        answer = {"choices": [choice], "usage": usage, "model": self._settings.name}
        reply = read_reply(answer, "prompt" if shaped is None else "json_schema")
        return reply if shaped is None else replace(reply, text=shaped.restore(reply.text))

    def _told(self, error: Exception) -> ModelError:
        words = (str(error).strip().splitlines() or [type(error).__name__])[0][:400]
        told = f"`{self.name}`: {words}"
        if "maximum model length" in words or "max_model_len" in words:
            return ModelError(told, code="model.context-length")
        hint = "check the model's name, the GPU's memory, and the arguments in `extra_body`"
        return ModelError(told, code="model.rejected", hint=hint)


def _vllm() -> Any:
    """The package, told to report nothing about its use."""
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    import vllm

    return vllm
