"""The scripted server, as users meet it: any HTTP client, no Fabula in between."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import Any

import pytest

from fabula.testing import Call, ChatServer
from fabula.testing import replies as script

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def post(server: ChatServer, path: str, body: Any, **headers: str) -> tuple[int, Any]:
    connection = HTTPConnection("127.0.0.1", int(server.root.rpartition(":")[2]), timeout=10)
    try:
        connection.request("POST", path, json.dumps(body), headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def chat(server: ChatServer, prompt: str = "hi", **rest: Any) -> tuple[int, Any]:
    body = {"model": "m", "messages": [{"role": "user", "content": prompt}], **rest}
    return post(server, "/v1/chat/completions", body)


def content(reply: tuple[int, Any]) -> Any:
    return reply[1]["choices"][0]["message"]["content"]


def test_answers_come_in_order_then_made_up() -> None:
    with ChatServer(["one", {"n": 2}, script.failed(500, "ouch")]) as server:
        assert content(chat(server)) == "one"
        assert json.loads(content(chat(server))) == {"n": 2}
        status, body = chat(server)
        assert (status, body["error"]["message"]) == (500, "ouch")
        made = content(chat(server))
        assert made
        assert content(chat(server)) == made
    assert [call.number for call in server.calls] == [1, 2, 3, 4, 5]


def test_one_answer_is_given_again_and_again() -> None:
    with ChatServer("same") as server:
        assert [content(chat(server, f"{n}")) for n in range(3)] == ["same"] * 3
    with ChatServer(script.failed(503)) as server:
        assert [chat(server)[0] for _ in range(3)] == [503] * 3


def test_answers_are_chosen_by_words_in_the_prompt() -> None:
    with ChatServer({"lamp": "bright", "": "other"}) as server:
        assert content(chat(server, "a lamp please")) == "bright"
        assert content(chat(server, "a chair")) == "other"


def test_answers_are_chosen_by_a_function_of_the_call() -> None:
    def answer(call: Call) -> str | None:
        return f"call {call.number}" if "name" in call.prompt else None

    with ChatServer(answer) as server:
        assert content(chat(server, "your name?")) == "call 1"
        assert content(chat(server, "else?")) != "call 2"


@pytest.mark.parametrize("mode", ["json_schema", "tools", "json_object"])
def test_made_up_answers_fit_the_wanted_schema(mode: str) -> None:
    form: dict[str, Any] = {
        "json_schema": {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "x", "schema": SCHEMA},
            }
        },
        "tools": {"tools": [{"type": "function", "function": {"name": "f", "parameters": SCHEMA}}]},
        "json_object": {"response_format": {"type": "json_object"}},
    }[mode]
    prompt = f"Follow this JSON Schema:\n{json.dumps(SCHEMA)} please"
    with ChatServer() as server:
        _, body = chat(server, prompt, **form)
        message = body["choices"][0]["message"]
        text = message["content"]
        if mode == "tools":
            text = message["tool_calls"][0]["function"]["arguments"]
        assert isinstance(json.loads(text)["n"], int)
        assert server.calls[0].mode == mode
        assert server.calls[0].schema == SCHEMA
    with ChatServer(refuse=[mode]) as server:
        assert chat(server, prompt, **form)[0] == 400


def test_open_requests_are_counted_and_places_limited() -> None:
    with ChatServer(latency=0.8, places=3) as server, ThreadPoolExecutor(8) as pool:
        statuses = [status for status, _ in pool.map(lambda _: chat(server), range(8))]
    assert server.most_open == 8
    assert sorted(statuses) == [200] * 3 + [429] * 5


def test_a_cut_connection_and_a_slow_answer() -> None:
    with ChatServer([script.reset(), script.slow(0.1, "late")]) as server:
        with pytest.raises(OSError, match=r"."):
            chat(server)
        assert content(chat(server)) == "late"


def test_other_routes_answer_as_openai_and_anthropic_do() -> None:
    with ChatServer(["Servus"], key="k", models=["m"]) as server:
        assert chat(server)[0] == 401
        bearer = {"Authorization": "Bearer k"}
        status, body = post(server, "/v1/embeddings", {"model": "m", "input": ["a", "b"]}, **bearer)
        assert (status, [item["index"] for item in body["data"]]) == (200, [1, 0])
        assert post(server, "/v1/embeddings", {"model": "x", "input": "a"}, **bearer)[0] == 404
        asked = {"model": "m", "messages": [], "system": "Be brief."}
        _, body = post(server, "/v1/messages", asked, **{"x-api-key": "k"})
        assert body["content"] == [{"type": "text", "text": "Servus"}]
    assert server.calls[-1].prompt == "Be brief."


@pytest.mark.parametrize("body", [b"", b"no JSON", b"[]"])
def test_a_request_that_is_no_json_object_gets_400(body: bytes) -> None:
    with ChatServer() as server:
        connection = HTTPConnection("127.0.0.1", int(server.root.rpartition(":")[2]), timeout=10)
        connection.request("POST", "/v1/chat/completions", body)
        assert connection.getresponse().status == 400
        connection.close()


def test_a_mistake_in_a_script_is_raised_in_the_test() -> None:
    with pytest.raises(ZeroDivisionError), ChatServer(lambda call: str(call.number // 0)) as server:
        assert chat(server)[0] == 500


def test_a_reply_may_name_its_own_kind_of_content() -> None:
    page = script.Reply(body="<html>", headers={"content-type": "text/html"})
    with ChatServer([page, "{}"]) as server:
        kinds = []
        for _ in range(2):
            connection = HTTPConnection("127.0.0.1", int(server.root.rpartition(":")[2]))
            connection.request("POST", "/v1/chat/completions", json.dumps({"messages": []}))
            response = connection.getresponse()
            kinds.append((response.status, response.headers.get_all("Content-Type")))
            connection.close()
    assert kinds == [(200, ["text/html"]), (200, ["application/json; charset=utf-8"])]
