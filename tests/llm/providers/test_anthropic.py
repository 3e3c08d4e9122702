"""Anthropic's messages API over real HTTP."""

from __future__ import annotations

import json

import pytest

from fabula.errors import AuthenticationError, ModelError
from fabula.llm.client.chat import ChatReply, ChatRequest, Message, Sampling
from fabula.llm.providers.catalogue import open_model
from fabula.testing import ChatServer
from fabula.testing import replies as script
from tests.llm.builders import ADA, PERSON, QUICK, asking

LENGTH = "length"


async def complete(*requests: ChatRequest) -> list[ChatReply]:
    model = open_model("anthropic:claude-haiku-4-5", patience=QUICK)
    try:
        return [await model.complete(request) for request in requests]
    finally:
        await model.close()


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-1")
    return monkeypatch


async def test_messages_are_sent_as_the_api_wants_them(environment: pytest.MonkeyPatch) -> None:
    """System apart, a limit always, temperature within bounds, the key in its header."""
    with ChatServer(["Servus."]) as server:
        environment.setenv("ANTHROPIC_BASE_URL", server.root)
        messages = (Message("system", "Be brief."), Message("user", "Greet."))
        sampling = Sampling(temperature=1.5, seed=3, stop=("END",))
        [reply] = await complete(ChatRequest(messages, sampling=sampling))
    assert (reply.text, reply.finish) == ("Servus.", "stop")
    assert reply.usage.completion_tokens == 2
    call = server.calls[0]
    assert call.path == "/v1/messages"
    assert call.headers["x-api-key"] == "sk-ant-1"
    assert call.headers["anthropic-version"] == "2023-06-01"
    assert call.body["system"] == "Be brief."
    assert call.body["messages"] == [{"role": "user", "content": "Greet."}]
    assert (call.body["temperature"], call.body["max_tokens"]) == (1.0, 8192)
    assert call.body["stop_sequences"] == ["END"]


async def test_structure_is_asked_for_by_a_forced_tool(environment: pytest.MonkeyPatch) -> None:
    with ChatServer([ADA]) as server:
        environment.setenv("ANTHROPIC_BASE_URL", server.root)
        [reply] = await complete(asking(schema=PERSON))
    assert json.loads(reply.text) == json.loads(ADA)
    assert reply.mode == "tools"
    assert server.calls[0].body["tool_choice"] == {"type": "tool", "name": "reply"}
    assert server.calls[0].schema["properties"] == PERSON["properties"]


@pytest.mark.parametrize(
    ("body", "text", "finish"),
    [
        ('{"content": [], "stop_reason": "refusal"}', "", "refusal"),
        (
            '{"content": [{"type": "text", "text": "x"}], "stop_reason": "max_tokens"}',
            "x",
            "length",
        ),
        ('{"content": [{"type": "thinking", "thinking": "hm"}]}', "", "unknown"),
        (
            '{"content": [{"type": "tool_use", "input": {"a": 1}}, '
            '{"type": "tool_use", "input": {"a": 2}}], "stop_reason": "tool_use"}',
            '[{"a": 1}, {"a": 2}]',
            "stop",
        ),
    ],
)
async def test_other_replies_are_named(
    environment: pytest.MonkeyPatch, body: str, text: str, finish: str
) -> None:
    with ChatServer([script.Reply(body=body)]) as server:
        environment.setenv("ANTHROPIC_BASE_URL", server.root)
        [reply] = await complete(asking(schema=PERSON))
    assert (reply.text, reply.finish) == (text, finish)
    assert bool(reply.problem) == ("thinking" in body)


async def test_failures_are_tried_again_or_named(environment: pytest.MonkeyPatch) -> None:
    with ChatServer([script.failed(529, "overloaded"), "fine"]) as server:
        environment.setenv("ANTHROPIC_BASE_URL", server.root)
        [reply] = await complete(asking())
        assert reply.text == "fine"
    with ChatServer([script.failed(400, "bad schema")]) as server:
        environment.setenv("ANTHROPIC_BASE_URL", server.root)
        with pytest.raises(ModelError, match="bad schema"):
            await complete(asking())
    with ChatServer(key="another") as server:
        environment.setenv("ANTHROPIC_BASE_URL", server.root)
        with pytest.raises(AuthenticationError, match="ANTHROPIC_API_KEY"):
            await complete(asking())
        assert len(server.calls) == 1
