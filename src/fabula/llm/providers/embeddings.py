"""Texts as vectors, from any server that speaks OpenAI's embeddings API.

The ledger stores each text's vector separately, so a text is paid for once, however texts are
grouped into calls.
"""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Sequence
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabula.errors import ModelError, OutputError
from fabula.llm.cache.budget import Budget
from fabula.llm.cache.ledger import Entry, Ledger, request_key
from fabula.llm.cache.prices import price_of
from fabula.llm.client.chat import ChatReply, ChatRequest, Message, Usage
from fabula.llm.client.completions import read_usage
from fabula.llm.client.endpoint import Endpoint
from fabula.llm.client.limits import Patience
from fabula.llm.client.responses import Rejection
from fabula.llm.providers.catalogue import model_settings
from fabula.spec.models import ModelSpec

TEXTS_A_CALL = 128
TOO_MANY = frozenset({"model.context-length", "model.rejected"})
"""Errors that fewer texts per call may avoid."""
_SIZE = re.compile(r"batch|larger than|more than|at most|maximum|exceed|limit|up to|<=", re.I)

Vectors = NDArray[np.float32]


def open_embedder(
    model: str | ModelSpec,
    *,
    ledger: Ledger | None = None,
    budget: Budget | None = None,
    patience: Patience | None = None,
) -> Embedder:
    """Open an embedding model, such as `openai:text-embedding-3-small`."""
    settings = model_settings(model) if isinstance(model, str) else model
    endpoint = Endpoint(settings, patience=patience)
    name = f"{settings.provider}:{settings.name}"
    return Embedder(endpoint, name=name, ledger=ledger, budget=budget)


class Embedder:
    """An embedding model on an endpoint; vectors in its ledger are not requested again."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        name: str,
        ledger: Ledger | None = None,
        budget: Budget | None = None,
    ) -> None:
        self.name = name
        self.identity = f"{endpoint.identity} embeddings"
        self.budget = budget or Budget()
        self._endpoint = endpoint
        self._ledger = ledger
        self._price = price_of(name, self.identity)
        self._texts_a_call = TEXTS_A_CALL

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """One row for each text, in the order of the texts.

        Raises:
            ModelError: The endpoint can't embed.
            OutputError: It returned the wrong number or size of vectors.
        """
        wanted = list(dict.fromkeys(texts))
        known = {} if self._ledger is None else self._known(wanted)
        new = [text for text in wanted if text not in known]
        for made in await asyncio.gather(*(self._some(group) for group in self._grouped(new))):
            known.update(made)
        if not texts:
            return np.empty((0, 0), dtype=np.float32)
        return np.stack([known[text] for text in texts])

    async def close(self) -> None:
        """Release the connections."""
        await self._endpoint.close()

    def _known(self, texts: Sequence[str]) -> dict[str, Vectors]:
        found: dict[str, Vectors] = {}
        for text in texts:
            reply = self._ledger and not self._ledger.fresh and self._ledger.find(self._key(text))
            if reply:
                found[text] = np.frombuffer(base64.b64decode(reply.text), dtype=np.float32)
        self.budget.cached += len(found)
        return found

    def _key(self, text: str) -> bytes:
        return request_key(self.identity, ChatRequest((Message("user", text),)))

    def _grouped(self, texts: Sequence[str]) -> list[Sequence[str]]:
        size = self._texts_a_call
        return [texts[at : at + size] for at in range(0, len(texts), size)]

    async def _some(self, texts: Sequence[str]) -> dict[str, Vectors]:
        """Vectors of texts in one call, or in several if the endpoint takes fewer at once."""
        if len(texts) > self._texts_a_call:  # learned while this call waited
            return await self._in_parts(texts)
        try:
            return await self._call(texts)
        except ModelError as error:
            if error.code not in TOO_MANY or len(texts) == 1:
                raise
            named = [int(number) for number in re.findall(r"\d+", error.message)]
            allowed = [number for number in named if 0 < number < len(texts)]
            fewer = max(allowed) if allowed and _SIZE.search(error.message) else len(texts) // 2
            self._texts_a_call = min(self._texts_a_call, fewer)
            return await self._in_parts(texts)

    async def _in_parts(self, texts: Sequence[str]) -> dict[str, Vectors]:
        made: dict[str, Vectors] = {}
        for part in self._grouped(texts):
            made.update(await self._some(part))
        return made

    async def _call(self, texts: Sequence[str]) -> dict[str, Vectors]:
        ticket = self.budget.begin(sum(map(len, texts)), self._price, model=self.name)
        started = perf_counter()
        try:
            answer = await self._post(texts)
        except BaseException:
            self.budget.abandon(ticket)
            raise
        prompt_tokens = read_usage(answer).prompt_tokens
        usage = Usage(prompt_tokens, None if prompt_tokens is None else 0)
        self.budget.finish(ticket, usage, reply_characters=0)
        made = dict(zip(texts, self._read(answer, len(texts)), strict=True))
        if self._ledger:
            seconds = perf_counter() - started
            await asyncio.gather(*(self._keep(text, made[text], seconds) for text in texts))
        return made

    async def _post(self, texts: Sequence[str]) -> dict[str, Any]:
        # Endpoints refuse empty texts.
        body = {"model": self._endpoint.model, "input": [text or " " for text in texts]}
        expected = sum(map(len, texts)) // 4
        async with self._endpoint.limits.place() as place:
            answer = await self._endpoint.post(
                place, "/embeddings", body, expects="data", tokens=expected
            )
            if isinstance(answer, Rejection):
                raise ModelError(
                    f"`{self.name}` does not embed ({answer.status}): {answer.message}",
                    code="model.rejected",
                    hint="name an embedding model, like openai:text-embedding-3-small",
                )
            self._endpoint.limits.went_well(expected, read_usage(answer).prompt_tokens)
        return answer

    def _read(self, answer: dict[str, Any], count: int) -> list[Vectors]:
        """The vectors in the order of the texts; servers may answer in any order."""
        try:
            by_index = {item["index"]: item["embedding"] for item in answer["data"]}
            matrix = np.array([by_index[at] for at in range(count)], dtype=np.float32)
        except (KeyError, TypeError, ValueError):
            matrix = np.empty((0,), dtype=np.float32)
        if matrix.ndim != 2 or len(answer["data"]) != count:
            raise OutputError(
                f"`{self.name}` did not return one vector for each of {count} texts",
                code="model.embeddings",
                hint="check that the model is an embedding model",
            )
        return list(matrix)

    async def _keep(self, text: str, vector: Vectors, seconds: float) -> None:
        if self._ledger:
            reply = ChatReply(base64.b64encode(vector.tobytes()).decode(), mode="embedding")
            entry = Entry(self.identity, "embedding", seconds, reply)
            await self._ledger.keep(self._key(text), entry)
