"""What endpoints refuse or want, learnt from their own words and paid for once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from fabula.errors import FabulaError, ModelError, RateLimitError
from fabula.llm.client.chat import ChatRequest, Message
from fabula.llm.client.meanings import asked_pause
from fabula.testing import Call, ChatServer, Reply
from fabula.testing.replies import failed
from tests.llm.builders import ADA, PERSON, Opened, asking

DIALECTS = ["openai-compatible", "anthropic", "gemini"]
WITH_SYSTEM = ChatRequest((Message("system", "Be brief."), Message("user", "Greet.")))


def refusing(
    when: Callable[[dict[str, Any]], bool], refusal: Reply, then: str = "fine"
) -> Callable[[Call], Any]:
    """A server that refuses some requests and answers all others."""
    return lambda call: refusal if when(call.body) else then


def has_system(body: dict[str, Any]) -> bool:
    return "system" in body or any(turn["role"] == "system" for turn in body["messages"])


@pytest.mark.parametrize("provider", DIALECTS)
@pytest.mark.parametrize("status", [400, 500])
async def test_a_system_text_goes_in_front_where_there_is_no_system_role(
    opened: Opened, provider: str, status: int
) -> None:
    script = refusing(has_system, failed(status, "System role not supported"))
    with ChatServer(script) as server:
        model = opened(server, provider=provider)
        assert [(await model.complete(WITH_SYSTEM)).text for _ in range(3)] == ["fine"] * 3
    assert len(server.calls) == 4
    assert server.calls[-1].body["messages"] == [{"role": "user", "content": "Be brief.\n\nGreet."}]


@pytest.mark.parametrize("provider", DIALECTS)
async def test_a_temperature_that_is_not_taken_is_left_out(opened: Opened, provider: str) -> None:
    refusal = failed(400, "`temperature` is deprecated for this model.")
    with ChatServer(refusing(lambda body: "temperature" in body, refusal)) as server:
        model = opened(server, provider=provider, temperature=0.9)
        assert [(await model.complete(asking())).text for _ in range(3)] == ["fine"] * 3
    assert len(server.calls) == 4


@pytest.mark.parametrize("provider", DIALECTS)
@pytest.mark.parametrize(
    "words",
    [
        "max_tokens: 9000 > 4096, which is the maximum allowed number of output tokens for m-0307",
        "max_tokens is too large: 9000. This model supports at most 4,096 completion tokens",
        "Invalid max_tokens value, the valid range of max_tokens is [1, 4096]",
    ],
)
async def test_a_limit_of_tokens_is_lowered_to_the_one_that_is_named(
    opened: Opened, provider: str, words: str
) -> None:
    script = refusing(lambda body: body["max_tokens"] > 4096, failed(400, words))
    with ChatServer(script) as server:
        model = opened(server, provider=provider, max_tokens=9000)
        assert (await model.complete(asking())).text == "fine"
        assert (await model.complete(asking())).text == "fine"
    assert [call.body["max_tokens"] for call in server.calls] == [9000, 4096, 4096]


CHUNKS = (
    'data: {"model": "m", "choices": [{"index": 0, "delta": {"content": "fi"}}]}\n\n'
    ': keep-alive\n\ndata: {"choices": [{"index": 0, "delta": {"content": "ne"}, '
    '"finish_reason": "stop"}]}\n\n'
    'data: {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}\n\n'
    "data: [DONE]\n\n"
)
EVENTS = (
    'event: message_start\ndata: {"type": "message_start", "message": {"model": "m", '
    '"usage": {"input_tokens": 3}}}\n\n'
    'data: {"type": "content_block_start", "index": 0, "content_block": {"type": "text", '
    '"text": ""}}\n\n'
    'data: {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", '
    '"text": "fine"}}\n\n'
    'data: {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, '
    '"usage": {"output_tokens": 2}}\n\ndata: {"type": "message_stop"}\n\n'
)


@pytest.mark.parametrize(
    ("provider", "stream"), [("openai-compatible", CHUNKS), ("anthropic", EVENTS)]
)
@pytest.mark.parametrize("asks_first", [True, False])
async def test_a_reply_that_comes_as_a_stream_is_read(
    opened: Opened, provider: str, stream: str, asks_first: bool
) -> None:
    """Whether the endpoint says that it only streams, or streams unasked."""
    refusal = failed(400, "enable_thinking must be set to false for non-streaming calls")

    def script(call: Call) -> Reply:
        unasked = not asks_first or call.body.get("stream")
        return Reply(body=stream) if unasked else refusal

    with ChatServer(script) as server:
        reply = await opened(server, provider=provider).complete(asking())
    assert (reply.text, reply.finish, reply.model) == ("fine", "stop", "m")
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (3, 2)
    assert len(server.calls) == 1 + asks_first


async def test_arguments_of_a_tool_that_come_in_pieces_are_put_together(opened: Opened) -> None:
    pieces = [ADA[:9], ADA[9:]]
    body = "".join(
        "data: "
        + json.dumps(
            {
                "choices": [
                    {
                        "delta": {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]},
                        "finish_reason": end,
                    }
                ]
            }
        )
        + "\n\n"
        for piece, end in zip(pieces, [None, "tool_calls"], strict=True)
    )
    with ChatServer([Reply(body=body)]) as server:
        assert (await opened(server).complete(asking(schema=PERSON))).text == ADA


@pytest.mark.parametrize(
    "broken",
    [
        CHUNKS[: CHUNKS.index('"finish_reason"')],
        'data: {"choices": [{"delta": {"content": "fi"}}]}\n\ndata: {"error": {"code": 502}}\n\n',
    ],
    ids=["cut", "error"],
)
async def test_a_stream_that_breaks_off_is_asked_again(opened: Opened, broken: str) -> None:
    with ChatServer([Reply(body=broken), Reply(body=CHUNKS)]) as server:
        assert (await opened(server).complete(asking())).text == "fine"
    assert len(server.calls) == 2


@pytest.mark.parametrize(
    ("status", "words", "calls"),
    [
        (404, "No endpoints found that support tool use", 1),
        (404, "No endpoints found that can handle the requested parameters", 1),
        (500, "failed to parse grammar", 1),
        (501, "not implemented", 1),
        (500, "internal error", 3),
    ],
)
async def test_a_form_that_is_refused_by_another_status_is_left(
    opened: Opened, status: int, words: str, calls: int
) -> None:
    script = refusing(lambda body: "response_format" in body, failed(status, words), ADA)
    with ChatServer(script) as server:
        model = opened(server)
        assert [(await model.complete(asking(schema=PERSON))).text for _ in range(2)] == [ADA] * 2
    assert len(server.calls) == calls + 2


@pytest.mark.parametrize("provider", DIALECTS)
@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (403, "403", "Your chosen model requires moderation and your input was flagged"),
        (400, "invalid_request_error", "Content Exists Risk"),
        (400, "data_inspection_failed", "Input data may contain inappropriate content."),
        (400, "content_filter", "blocked by policy"),
    ],
)
async def test_one_prompt_that_is_flagged_stops_nothing_else(
    opened: Opened, provider: str, status: int, code: str, words: str
) -> None:
    def script(call: Call) -> Any:
        return failed(status, words, error=code) if "bad" in call.prompt else "fine"

    with ChatServer(script) as server:
        model = opened(server, provider=provider)
        flagged = await model.complete(asking("bad"))
        assert (await model.complete(asking("good"))).text == "fine"
    assert (flagged.text, flagged.finish, flagged.problem) == ("", "content_filter", words)


@pytest.mark.parametrize("provider", DIALECTS)
@pytest.mark.parametrize(
    ("status", "words", "code"),
    [
        (400, "Your credit balance is too low to access the API.", "model.quota"),
        (403, "insufficient balance", "model.quota"),
        (429, "You exceeded your current quota, check your billing details.", "model.quota"),
        (403, "not in your country", "model.authentication"),
    ],
)
async def test_what_no_waiting_cures_ends_at_once(
    opened: Opened, provider: str, status: int, words: str, code: str
) -> None:
    with (
        ChatServer(lambda _: failed(status, words)) as server,
        pytest.raises(FabulaError) as caught,
    ):
        await opened(server, provider=provider).complete(asking())
    assert caught.value.code == code
    assert len(server.calls) == 1


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("Please try again in 1h13m24.5s.", 4404.5),
        ("Please try again in 7m12s", 432),
        ("Please try again in 300ms", 0.3),
        ("retry in 36.5s", 36.5),
        ("try again after 30 seconds", 30),
        ("try again in 2 minutes", 120),
        ("try again in 1 day", 86400),
        ("try again later", None),
    ],
)
def test_pauses_in_words_are_read(words: str, seconds: float | None) -> None:
    assert asked_pause(words, {}) == seconds


def test_a_pause_in_an_errors_details_is_read() -> None:
    """As Gemini asks for it."""
    info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "37s"}
    assert asked_pause("Resource exhausted", {"details": [{}, info]}) == 37


async def test_a_wait_of_hours_is_said_at_once(opened: Opened) -> None:
    limit = failed(429, "Rate limit reached: requests per day. Please try again in 1h13m24.5s.")
    with ChatServer(lambda _: limit) as server, pytest.raises(RateLimitError, match="4404 s"):
        await opened(server).complete(asking())
    assert len(server.calls) == 1


async def test_a_limit_a_minute_in_the_words_of_a_spent_quota_is_waited_for(
    opened: Opened,
) -> None:
    words = "You exceeded your current quota: GenerateRequestsPerMinutePerProjectPerModel"
    with ChatServer([failed(429, words), "fine"]) as server:
        assert (await opened(server).complete(asking())).text == "fine"


@pytest.mark.parametrize("reason", ["model_length", "MAX_TOKENS", "max_output_tokens"])
async def test_a_reply_that_hit_a_limit_is_cut_whatever_the_limit_is_called(
    opened: Opened, reason: str
) -> None:
    with ChatServer([Reply("half a sen", finish=reason)]) as server:
        assert (await opened(server).complete(asking())).finish == "length"


async def test_a_finish_reason_that_nobody_knows_is_not_taken_for_whole(opened: Opened) -> None:
    with ChatServer([Reply("half a sen", finish="exhausted")]) as server:
        reply = await opened(server).complete(asking())
    assert reply.finish == "length"
    assert "`exhausted`" in reply.problem


@pytest.mark.parametrize(
    ("provider", "settings", "expected"),
    [
        ("openai-compatible", {"extra_body": {"a": {"b": 1}}}, {"a": {"b": 1}}),
        ("openai-compatible", {"top_p": 0.5, "top_k": 4}, {"top_p": 0.5, "top_k": 4}),
        ("openai-compatible", {"reasoning_effort": "low"}, {"reasoning_effort": "low"}),
        (
            "vllm",
            {"thinking": False},
            {"chat_template_kwargs": {"enable_thinking": False}},
        ),
        ("gemini", {"thinking": False}, {"reasoning_effort": "none"}),
        ("anthropic", {"thinking": False}, {"thinking": {"type": "disabled"}}),
        (
            "anthropic",
            {"reasoning_effort": "low", "temperature": 0.5, "max_tokens": 100},
            {"thinking": {"type": "enabled", "budget_tokens": 2048}, "max_tokens": 2148},
        ),
        (
            "openrouter",
            {"routing": {"only": ["x"]}, "reasoning_effort": "high"},
            {"provider": {"only": ["x"]}, "reasoning": {"effort": "high"}},
        ),
    ],
)
async def test_settings_reach_the_request_and_tell_models_apart(
    opened: Opened, provider: str, settings: dict[str, Any], expected: dict[str, Any]
) -> None:
    with ChatServer() as server:
        model = opened(server, provider=provider, **settings)
        plain = opened(server, provider=provider)
        await model.complete(asking())
    assert expected.items() <= server.calls[0].body.items()
    assert model.identity != plain.identity


async def test_settings_that_contradict_each_other_are_refused(opened: Opened) -> None:
    with pytest.raises(FabulaError, match="contradict"):
        opened("http://127.0.0.1:1/v1", thinking=False, reasoning_effort="high")


async def test_a_field_of_the_users_own_that_is_refused_is_an_error(opened: Opened) -> None:
    """It is never left out in silence."""
    refusal = failed(400, "Unrecognized request argument supplied: top_secret")
    script = refusing(lambda body: "top_secret" in body, refusal)
    with ChatServer(script) as server, pytest.raises(ModelError, match="top_secret"):
        await opened(server, extra_body={"top_secret": 1}).complete(asking())
