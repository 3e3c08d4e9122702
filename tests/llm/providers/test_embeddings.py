"""Embeddings over real HTTP; the scripted server answers in another order than asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fabula.errors import ModelError, OutputError
from fabula.llm.cache.budget import Budget
from fabula.llm.cache.ledger import Ledger
from fabula.llm.providers.embeddings import TEXTS_A_CALL, open_embedder
from fabula.spec.models import ModelSpec
from fabula.testing import Call, ChatServer, Reply
from fabula.testing import replies as script
from fabula.testing.embeddings import embedding
from tests.llm.builders import QUICK


def settings(server: ChatServer) -> ModelSpec:
    return ModelSpec(provider="openai-compatible", name="embedder", base_url=server.url)


async def test_each_text_gets_its_own_vector_in_order() -> None:
    """Batched, order-safe, duplicates and empty texts included."""
    texts = [f"text {n % 300}" for n in range(320)] + ["", "ünïcode 🦊"]
    with ChatServer() as server:
        embedder = open_embedder(settings(server))
        vectors = await embedder.embed(texts)
        await embedder.close()
    expected = np.array([embedding(text or " ") for text in texts], dtype=np.float32)
    assert np.array_equal(vectors, expected)
    assert len(server.calls) == 3
    assert max(len(call.body["input"]) for call in server.calls) == TEXTS_A_CALL


async def test_known_vectors_come_from_the_ledger(tmp_path: Path) -> None:
    """However texts are grouped, each is paid for once."""
    ledger, budget = Ledger(tmp_path / "ledger.sqlite"), Budget()
    with ChatServer() as server:
        embedder = open_embedder(settings(server), ledger=ledger, budget=budget)
        first = await embedder.embed(["a", "b"])
        second = await embedder.embed(["c", "b", "a"])
        await embedder.close()
    ledger.close()
    assert np.array_equal(second[[2, 1]], first)
    assert server.calls[1].body["input"] == ["c"]
    assert (budget.calls, budget.cached) == (2, 2)


async def test_no_texts_make_no_call() -> None:
    """N = 0."""
    with ChatServer() as server:
        assert len(await open_embedder(settings(server)).embed([])) == 0
    assert server.calls == []


async def test_other_vectors_than_asked_for_are_an_error() -> None:
    """Nothing is guessed by position."""
    short = '{"data": [{"index": 0, "embedding": [1, 2]}]}'
    with ChatServer(lambda _: script.Reply(body=short)) as server:
        embedder = open_embedder(settings(server))
        with pytest.raises(OutputError):
            await embedder.embed(["a", "b"])
        await embedder.close()


async def test_failures_are_tried_again_and_refusals_are_named() -> None:
    answers = iter([script.failed(500), None, script.failed(400, "not an embedder")])
    with ChatServer(lambda _: next(answers)) as server:
        embedder = open_embedder(settings(server), patience=QUICK)
        await embedder.embed(["a"])
        with pytest.raises(ModelError, match="not an embedder"):
            await embedder.embed(["b"])
        await embedder.close()


@pytest.mark.parametrize(
    "refusal",
    [
        script.failed(400, "Value error, batch size is invalid, it should not be larger than 10."),
        script.failed(413, "batch size 45 > maximum allowed batch size 10"),
        script.failed(422, "too many inputs"),
    ],
)
async def test_an_endpoint_that_takes_fewer_texts_a_call_gets_fewer(refusal: Reply) -> None:
    """Learnt for the calls that follow, too."""

    def answer(call: Call) -> Reply | None:
        return refusal if len(call.body["input"]) > 10 else None

    texts = [f"text {number}" for number in range(45)]
    with ChatServer(answer) as server:
        embedder = open_embedder(settings(server), patience=QUICK)
        made = await embedder.embed(texts)
        first = len(server.calls)
        await embedder.embed([f"other {text}" for text in texts])
        await embedder.close()
    assert np.array_equal(made, np.array([embedding(text) for text in texts], dtype=np.float32))
    assert first <= 15
    assert len(server.calls) - first <= 9
