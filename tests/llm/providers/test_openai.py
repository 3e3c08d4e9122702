"""Chat completions over real HTTP: what is sent, what is read, how structure is asked for."""

from __future__ import annotations

import asyncio
import json

import pytest

from fabula.errors import ModelError
from fabula.llm.client.chat import ChatRequest, Message, Sampling, Usage
from fabula.testing import Call, ChatServer, Reply
from fabula.testing import replies as script
from tests.llm.builders import ADA, PERSON, Opened, asking


async def test_a_request_carries_messages_sampling_and_schema(opened: Opened) -> None:
    """Every name, type, description, bound and choice reaches the model."""
    with ChatServer([ADA]) as server:
        model = opened(server, temperature=0.5, max_tokens=200)
        messages = (Message("system", "You write data."), Message("user", "One person, ünïcode 🦊"))
        sampling = Sampling(top_p=0.9, seed=7, stop=("END",))
        reply = await model.complete(ChatRequest(messages, schema=PERSON, sampling=sampling))
    assert reply.text == ADA
    assert reply.mode == "json_schema"
    body = server.calls[0].body
    assert body["messages"][1] == {"role": "user", "content": "One person, ünïcode 🦊"}
    assert (body["temperature"], body["max_tokens"]) == (0.5, 200)
    assert (body["top_p"], body["seed"], body["stop"]) == (0.9, 7, ["END"])
    sent = body["response_format"]["json_schema"]
    assert sent["strict"] is True
    assert sent["schema"] == {**PERSON, "additionalProperties": False}


async def test_a_request_overrides_the_models_own_sampling(opened: Opened) -> None:
    with ChatServer() as server:
        model = opened(server, temperature=0.5)
        await model.complete(asking(sampling=Sampling(temperature=0.0)))
    assert server.calls[0].body["temperature"] == 0.0


async def test_a_plain_reply_reports_its_tokens_and_model(opened: Opened) -> None:
    with ChatServer(["Hello."]) as server:
        reply = await opened(server, name="some-model").complete(asking("Say hello."))
    assert (reply.text, reply.mode, reply.model) == ("Hello.", "prompt", "some-model")
    assert reply.usage == Usage(3, 2)


@pytest.mark.parametrize(
    ("refuse", "mode"),
    [
        ([], "json_schema"),
        (["json_schema"], "tools"),
        (["json_schema", "tools"], "json_object"),
        (["json_schema", "tools", "json_object"], "prompt"),
    ],
)
async def test_structure_steps_down_to_what_the_server_takes(
    opened: Opened, refuse: list[str], mode: str
) -> None:
    """Without an edit by the user; each refusal costs one request, not one a call."""
    with ChatServer(refuse=refuse) as server:
        model = opened(server)
        replies = await asyncio.gather(
            *(model.complete(asking(f"person {n}", schema=PERSON)) for n in range(20))
        )
    assert {reply.mode for reply in replies} == {mode}
    assert all(set(json.loads(reply.text)) == set(PERSON["properties"]) for reply in replies)
    assert len(server.calls) == 20 + len(refuse)


async def test_the_working_mode_is_remembered_for_the_endpoint(opened: Opened) -> None:
    """A second model at the same endpoint starts where the first one ended."""
    with ChatServer(refuse=["json_schema"]) as server:
        await opened(server).complete(asking(schema=PERSON))
        await opened(server).complete(asking("again", schema=PERSON))
    assert [call.mode for call in server.calls] == ["json_schema", "tools", "tools"]


async def test_text_instead_of_a_tool_call_steps_down(opened: Opened) -> None:
    """A server that ignores tools is asked in words, and the tokens add up."""
    prose = Reply("Sure, with pleasure.", as_text=True)
    with ChatServer([prose, ADA], refuse=["json_schema"]) as server:
        reply = await opened(server).complete(asking(schema=PERSON))
    assert (reply.text, reply.mode) == (ADA, "json_object")
    assert [call.mode for call in server.calls] == ["json_schema", "tools", "json_object"]
    assert reply.usage.completion_tokens == len(prose.text or "") // 4 + 1 + len(ADA) // 4 + 1


async def test_a_payload_written_as_text_is_no_reason_to_ask_again(opened: Opened) -> None:
    """Nothing that was paid for is discarded."""
    with ChatServer([Reply(ADA, as_text=True)], refuse=["json_schema"]) as server:
        reply = await opened(server).complete(asking(schema=PERSON))
    assert reply.text == ADA
    assert len(server.calls) == 2


async def test_a_refused_request_that_no_mode_cures_is_one_clear_error(opened: Opened) -> None:
    """The first refusal is the one that is shown."""
    with (
        ChatServer(lambda call: script.failed(400, f"no {call.mode} today")) as server,
        pytest.raises(ModelError, match="no json_schema today") as caught,
    ):
        await opened(server).complete(asking(schema=PERSON))
    assert caught.value.code == "model.rejected"
    assert len(server.calls) == 4


@pytest.mark.parametrize("name", ["temperature", "min_p", "seed"])
async def test_an_unsupported_parameter_is_left_out_from_then_on(opened: Opened, name: str) -> None:
    """Reasoning models and strict gateways take fewer parameters."""
    sampling = Sampling(temperature=0.3, min_p=0.1, seed=3)
    with ChatServer(refuse_parameters=[name]) as server:
        model = opened(server)
        for number in range(3):
            await model.complete(asking(f"{number}", sampling=sampling))
    assert [name in call.body for call in server.calls] == [True, False, False, False]


async def test_the_token_limit_takes_the_name_that_the_server_wants(opened: Opened) -> None:
    def newer(call: Call) -> Reply | None:
        old = "max_tokens" in call.body
        words = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
        return script.failed(400, words) if old else None

    with ChatServer(newer) as server:
        model = opened(server, max_tokens=50)
        await asyncio.gather(*(model.complete(asking(f"{n}")) for n in range(8)))
    sent = [call.body.get("max_completion_tokens") for call in server.calls]
    assert sent == [None] + [50] * 8


async def test_a_tool_call_by_another_name_is_accepted(opened: Opened) -> None:
    with ChatServer([script.tool_calls(ADA, name="make_person")]) as server:
        reply = await opened(server).complete(asking(schema=PERSON))
    assert reply.text == ADA
    assert reply.finish == "stop"


async def test_several_tool_calls_become_one_list(opened: Opened) -> None:
    bob = ADA.replace("Ada", "Bob")
    with ChatServer([script.tool_calls(ADA, bob)]) as server:
        reply = await opened(server).complete(asking(schema=PERSON))
    assert json.loads(reply.text) == [json.loads(ADA), json.loads(bob)]


def _choice(finish: str | None = "stop", **more: object) -> dict[str, object]:
    return {"index": 0, "message": {"content": "half"}, "finish_reason": finish, **more}


@pytest.mark.parametrize(
    ("choices", "text", "finish"),
    [
        ([_choice("stop", native_finish_reason="MAX_TOKENS")], "half", "length"),
        ([_choice(None, native_finish_reason="SAFETY")], "half", "content_filter"),
        ([_choice("stop", native_finish_reason="a new word")], "half", "stop"),
        ([_choice(content_filter_results={"hate": {"filtered": True}})], "half", "content_filter"),
        ([_choice(content_filter_results={"hate": {"filtered": False}})], "half", "stop"),
        ([_choice(index=1), _choice(message={"content": "first"})], "first", "stop"),
        ([_choice(message={"content": ["half"]})], "half", "stop"),
        ([{"delta": {"content": "half"}, "finish_reason": "done"}], "half", "stop"),
        ([_choice("maxTokens")], "half", "length"),
        ([_choice("Content-Filter")], "half", "content_filter"),
        ([_choice("token_limit")], "half", "length"),
        ([_choice("finished")], "half", "stop"),
    ],
)
async def test_what_a_gateway_or_a_filter_knows_of_a_choice_counts(
    opened: Opened, choices: list[dict[str, object]], text: str, finish: str
) -> None:
    """A cut or filtered reply is never whole, whatever its first reason says."""
    with ChatServer([Reply(body=json.dumps({"choices": choices}))]) as server:
        reply = await opened(server).complete(asking())
    assert (reply.text, reply.finish, reply.problem) == (text, finish, "")


@pytest.mark.parametrize(
    ("scripted", "text", "finish", "problem"),
    [
        (script.empty(), "", "stop", ""),
        (script.null_content(), "", "stop", ""),
        (script.refusal("I cannot help."), "I cannot help.", "refusal", ""),
        (script.reasoning_only(), "", "stop", "the model wrote only reasoning and no answer"),
        (script.cut('{"name": "A'), '{"name": "A', "length", ""),
        (script.filtered("half"), "half", "content_filter", ""),
        (script.Reply(message={"content": [{"type": "text", "text": "ok"}]}), "ok", "stop", ""),
        (script.Reply(body='{"choices": [{"text": "old"}]}'), "old", "unknown", ""),
        (
            script.Reply(body='{"choices": [{"message": {"tool_calls": [{"function": "x"}]}}]}'),
            "",
            "unknown",
            "",
        ),
        (script.Reply("[" * 20_000), "[" * 20_000, "stop", ""),
    ],
)
async def test_replies_without_a_whole_payload_are_named(
    opened: Opened, scripted: Reply, text: str, finish: str, problem: str
) -> None:
    """Such a reply comes back at once and says what it is; it is not a transport failure."""
    with ChatServer([scripted]) as server:
        reply = await opened(server).complete(asking(schema={**PERSON, "required": []}))
    assert (reply.text, reply.finish, reply.problem) == (text, finish, problem)
    assert len(server.calls) == 1


async def test_a_filter_that_refuses_the_prompt_is_a_filtered_reply(opened: Opened) -> None:
    """Content_filter as HTTP 400 does not step the mode down."""
    refused = script.failed(400, "blocked by policy", error="content_filter")
    with ChatServer([refused]) as server:
        reply = await opened(server).complete(asking(schema=PERSON))
    assert (reply.text, reply.finish) == ("", "content_filter")
    assert len(server.calls) == 1


async def test_a_missing_usage_is_unknown(opened: Opened) -> None:
    """Usage missing."""
    with ChatServer([script.no_usage("hi")]) as server:
        reply = await opened(server).complete(asking())
    assert reply.usage == Usage(None, None)


async def test_half_characters_in_a_reply_can_be_stored(opened: Opened) -> None:
    """A cut emoji must not break the file that it is written to."""
    body = '{"choices": [{"message": {"content": "a\\ud83d!"}, "finish_reason": "stop"}]}'
    with ChatServer([Reply(body=body)]) as server:
        reply = await opened(server).complete(asking())
    assert reply.text == "a�!"


async def test_a_schema_that_is_a_list_is_wrapped_and_unwrapped(opened: Opened) -> None:
    """The caller sees the list that it asked for."""
    with ChatServer(['{"value": [1, 2, 3]}']) as server:
        schema = {"type": "array", "items": {"type": "integer"}}
        reply = await opened(server).complete(asking(schema=schema))
    assert json.loads(reply.text) == [1, 2, 3]
    assert server.calls[0].schema["required"] == ["value"]


async def test_optional_values_that_are_left_out_come_back_left_out(opened: Opened) -> None:
    """Optional → nullable on the way out, null → absent on the way in."""
    schema = {**PERSON, "required": ["name", "age"]}
    with ChatServer(['{"name": "Ada", "age": 36, "city": null}']) as server:
        reply = await opened(server).complete(asking(schema=schema))
    assert json.loads(reply.text) == {"name": "Ada", "age": 36}
    assert server.calls[0].schema["required"] == ["name", "age", "city"]


async def test_two_servers_answer_the_same_request_as_two_models(opened: Opened) -> None:
    """Base URL, model, key and headers per model."""
    with ChatServer(["one"]) as first, ChatServer(["two"]) as second:
        models = [
            opened(first, name="a", headers={"X-Team": "red"}),
            opened(second, name="b", headers={"X-Team": "blue"}),
        ]
        replies = [await model.complete(asking()) for model in models]
    assert [(reply.text, reply.model) for reply in replies] == [("one", "a"), ("two", "b")]
    assert [s.calls[0].headers["X-Team"] for s in (first, second)] == ["red", "blue"]
    assert len({model.identity for model in models}) == 2
