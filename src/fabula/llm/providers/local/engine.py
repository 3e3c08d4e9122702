"""The embedded engine as a `ChatModel`: llama.cpp in this process, through `xllamacpp`.

For a model of completion form, a request of exactly one user message is text to continue: the reply
is what the model writes after it, up to `sampling.stop`. The small embedded model does that best
(`small_models` writes such text). Any other conversation uses the model's own chat template. A
schema becomes a grammar, so structured replies always parse.

Calls block in C++ with the GIL released, in one thread per slot of the engine; slots share one
context and reuse the evaluated prefix of earlier prompts.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any, Literal

from fabula.errors import ModelError, PrerequisiteError
from fabula.llm.client.chat import ChatModel, ChatReply, ChatRequest, Finish, Usage
from fabula.llm.json_schema.grammar import bounded

SLOTS = 8
CONTEXT = 4096
TEMPERATURE = 0.9
MIN_P = 0.1
MAX_TOKENS = 400
TOO_WEAK_FOR = frozenset({"program", "spec"})
"""Purposes that are too hard for a model of 135 million parameters."""


class LocalModel:
    """A GGUF model in this process; the first request calls `weights` to find the file."""

    def __init__(
        self,
        name: str,
        identity: str,
        weights: Callable[[], Path],
        form: Literal["chat", "completion"],
    ) -> None:
        self.name = name
        self.identity = identity
        self.form = form
        self.concurrency = SLOTS
        self._weights = weights
        self._threads = ThreadPoolExecutor(SLOTS, thread_name_prefix="fabula-local")
        self._loading = Lock()

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Answer one request; see `ChatModel.complete`."""
        check_able(self, request)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._answer, request)

    async def close(self) -> None:
        """Stop the engine and free its memory, after open calls have ended."""
        await asyncio.to_thread(self._threads.shutdown)
        self.__dict__.pop("_server", None)

    @cached_property
    def _server(self) -> Any:
        return start(self._weights())

    def _answer(self, request: ChatRequest) -> ChatReply:
        with self._loading:
            server = self._server
        body = _body(request)
        goes_on = self.form == "completion" and [m.role for m in request.messages] == ["user"]
        if goes_on:
            answer = server.handle_completions({**body, "prompt": request.messages[0].content})
        else:
            turns = [{"role": turn.role, "content": turn.content} for turn in request.messages]
            answer = server.handle_chat_completions({**body, "messages": turns})
        return _reply(answer, self.name, "prompt" if request.schema is None else "grammar")


def check_able(model: ChatModel, request: ChatRequest) -> None:
    """Ensure that a model is not too small for the purpose.

    Raises:
        PrerequisiteError: It only continues text, but must write code.
    """
    if model.form == "completion" and request.purpose in TOO_WEAK_FOR:
        raise PrerequisiteError(
            f"the model `{model.name}` is too small to write a {request.purpose}",
            code="model.too-weak",
            hint="--model openai:gpt-4o-mini or --model ollama:qwen3",
        )


def start(weights: Path) -> Any:
    """Load a GGUF file; llama.cpp prints nothing.

    The engine also opens a port on 127.0.0.1, which Fabula doesn't use; a random key keeps other
    users out.
    """
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(weights)
    params.n_parallel = SLOTS
    params.n_ctx = CONTEXT
    params.kv_unified = True  # slots share the context, so one long prompt also fits
    params.warmup = False
    params.verbosity = -1
    params.api_keys = [secrets.token_hex(16)]
    params.cache_ram_mib = 0  # prefixes stay in the slots, so no second cache
    params.ui = False
    params.endpoint_slots = False
    threads = max(1, (os.cpu_count() or 1) // 2)  # spinning threads starve each other when busy
    params.cpuparams.n_threads = threads
    params.cpuparams_batch.n_threads = threads
    try:
        return xllamacpp.Server(params)
    except RuntimeError as problem:
        raise ModelError(
            f"`{weights}` can't be loaded: not a GGUF model that this engine knows",
            code="model.unreadable",
            hint="use another file; if it is the embedded model's own, delete it and run "
            "`fabula models pull local`",
        ) from problem


def _body(request: ChatRequest) -> dict[str, Any]:
    import xllamacpp

    sampling = request.sampling
    body: dict[str, Any] = {
        "temperature": TEMPERATURE if sampling.temperature is None else sampling.temperature,
        "min_p": MIN_P if sampling.min_p is None else sampling.min_p,
        "max_tokens": sampling.max_tokens or MAX_TOKENS,
    }
    if sampling.top_p is not None:
        body["top_p"] = sampling.top_p
    if sampling.seed is not None:
        body["seed"] = sampling.seed
    if sampling.stop:
        body["stop"] = list(sampling.stop)
    if request.schema is not None:
        body["grammar"] = xllamacpp.json_schema_to_grammar(bounded(request.schema))
    return body


def _reply(answer: Mapping[str, Any], model: str, mode: str) -> ChatReply:
    if "error" in answer:
        error = answer["error"]
        too_long = error.get("type") == "exceed_context_size_error"
        raise ModelError(
            f"the model `{model}` can't answer: {error.get('message', 'no reason given')}",
            code="model.context-length" if too_long else "model.rejected",
            hint="shorten the prompt, or use a larger model, as in --model ollama:qwen3",
        )
    choice, usage = answer["choices"][0], answer.get("usage", {})
    text = choice["text"] if "text" in choice else choice["message"]["content"] or ""
    finish: Finish = "length" if choice["finish_reason"] == "length" else "stop"
    tokens = Usage(usage.get("prompt_tokens"), usage.get("completion_tokens"))
    return ChatReply(text=text, finish=finish, usage=tokens, model=model, mode=mode)
