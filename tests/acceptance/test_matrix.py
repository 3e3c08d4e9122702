"""Every failure for every way to have a model write rows, over real HTTP."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import fabula as fb
from fabula.errors import FabulaError, PartialRunError, UsageError
from fabula.testing import Call, ChatServer, Reply
from fabula.testing.replies import (
    cut,
    failed,
    no_usage,
)
from tests.acceptance.builders import as_reply, asked_rows, at, numbered
from tests.acceptance.kinds import KINDS, Make, made_before, thing
from tests.failures import NO_ANSWERS, PASSING, short

N = 6

every_kind = pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)


def good_after(*events: Any) -> Callable[[Call], Any]:
    """Events first, then rows for ever."""
    good = numbered(thing)
    left = iter(events)

    def script(call: Call) -> Any:
        event = next(left, None)
        return good(call) if event is None else event

    return script


BAD_REPLIES = {
    **NO_ANSWERS,
    "refusal in words": Reply("I'm sorry, but I can't assist with that.", as_text=True),
    "chatter": Reply("Here you go!", as_text=True),
}


@every_kind
@pytest.mark.parametrize("reply", BAD_REPLIES.values(), ids=BAD_REPLIES)
def test_a_reply_without_data_is_asked_again_with_the_cause(make: Make, reply: Reply) -> None:
    """Empty string, null content, white space, refusal, reasoning only, content filter."""
    with ChatServer(good_after(reply)) as server:
        assert make(at(server), N) == [thing(i) for i in range(N)]
    assert "not accepted" in server.calls[1].prompt


@every_kind
@pytest.mark.parametrize("reply", BAD_REPLIES.values(), ids=BAD_REPLIES)
def test_replies_without_data_end_in_a_named_error(make: Make, reply: Reply) -> None:
    """Bounded, exit 4, nothing counted as data."""
    with ChatServer(lambda _: reply) as server, pytest.raises(FabulaError) as caught:
        make(at(server), N)
    assert caught.value.exit_code == 4
    assert made_before(caught.value) == 0
    assert caught.value.hint
    assert len(server.calls) <= 8 * N


@every_kind
def test_thoughts_before_the_payload_are_left_out(make: Make) -> None:
    good = numbered(thing)

    def script(call: Call) -> str:
        return f'<think>\nrows? {{"name": 1}}\n</think>\n{good(call)}'

    with ChatServer(script) as server:
        assert make(at(server), N) == [thing(i) for i in range(N)]
    assert len(server.calls) == 1


@every_kind
def test_a_cut_reply_gives_no_half_row(make: Make) -> None:
    """Finish_reason length. The whole rows stay, the rest is asked again."""
    whole = as_reply(*(thing(i) for i in range(N)))
    fresh = numbered(lambda i: thing(i + 100))
    with ChatServer(
        lambda call: cut(whole[: whole.index("Thing 4") + 3]) if call.number == 1 else fresh(call)
    ) as server:
        made = make(at(server), N)
    assert len(made) == N
    assert [row["name"] for row in made[:4]] == [f"Thing {i}" for i in range(4)]
    assert all("Thing" in row["name"] for row in made)


EVENTS = {**PASSING, "no usage": no_usage()}


@every_kind
@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_what_passes_is_waited_for(make: Make, event: Reply) -> None:
    """429 with Retry-After, 500, 503, reset, timeout, invalid envelope, usage missing."""
    with ChatServer(good_after(event)) as server:
        made = make(at(server, **short(event)), N)
    assert len(made) == N
    assert 1 <= len(server.calls) <= 3


@every_kind
@pytest.mark.parametrize(
    ("status", "error"), [(401, "invalid_api_key"), (403, "forbidden"), (404, "model_not_found")]
)
def test_what_does_not_pass_is_one_request(
    make: Make, status: int, error: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """401 and 404. One clear message, one request; the key is never printed."""
    monkeypatch.setenv("A_KEY_OF_MINE", "sk-very-secret-value")
    reply = failed(status, "no, sk-very-secret-value is wrong", error=error)
    with ChatServer(lambda _: reply) as server, pytest.raises(FabulaError) as caught:
        make(at(server, api_key_env="A_KEY_OF_MINE"), 40)
    assert len(server.calls) == 1
    told = f"{caught.value} {caught.value.to_dict()} {caught.value.__cause__}"
    assert "sk-very-secret-value" not in told


@every_kind
def test_the_same_again_asks_nothing_and_gives_the_same(make: Make) -> None:
    with ChatServer(numbered(thing)) as server:
        first = make(at(server), 30, **({"output": "a.csv"} if make is KINDS["csv"] else {}))
        calls = len(server.calls)
        second = make(at(server), 30, **({"output": "b.csv"} if make is KINDS["csv"] else {}))
    assert first == second
    assert len(server.calls) == calls
    if make is KINDS["csv"]:
        assert Path("a.csv").read_bytes() == Path("b.csv").read_bytes()


@every_kind
@pytest.mark.parametrize("limit", [{"max_calls": 2}, {"max_tokens": 700}])
def test_a_limit_stops_before_the_next_call(make: Make, limit: dict[str, int]) -> None:
    """Budget caps. What came is valid, and a run without the limit continues from there."""
    with ChatServer(numbered(thing)) as server:
        model = at(server, concurrency=1)
        with pytest.raises(PartialRunError) as caught:
            make(model, 200, **limit)
        before = len(server.calls)
        assert 1 <= before <= 4
        assert next(iter(limit)) in caught.value.message
        assert 0 < made_before(caught.value) < 200
        made = make(model, 200)
        assert len({row["name"] for row in made}) == 200
        total = len(server.calls)
        make(model, 200)
        assert len(server.calls) == total


@every_kind
def test_money_is_limited_only_where_prices_are_known(make: Make) -> None:
    """Budget in money."""
    with ChatServer(numbered(thing)) as server, pytest.raises(FabulaError, match="price"):
        make(at(server, "gpt-99", provider="openai"), N, max_cost=0.01)
    assert server.calls == []


@every_kind
@pytest.mark.parametrize("n", [0, 1])
def test_no_row_and_one_row(make: Make, n: int) -> None:
    with ChatServer(numbered(thing)) as server:
        assert make(at(server), n) == [thing(i) for i in range(n)]
    assert len(server.calls) == n


@every_kind
def test_fewer_than_no_rows_are_refused(make: Make) -> None:
    with ChatServer() as server, pytest.raises(UsageError):
        make(at(server), -1)
    assert server.calls == []


NAMES = ["class", "index", "row", "größe", "数量", "a, b", 'say "x"', "per cent %s {x}"]


def test_awkward_names_in_a_schema() -> None:
    """For rows; frames and tables by prompt have tests of their own."""
    schema = {"properties": {name: {"type": "string"} for name in NAMES}}
    with ChatServer(numbered(lambda i: {name: f"{name} {i}" for name in NAMES})) as server:
        made = fb.rows(schema, prompt="x", n=3, model=at(server))
    assert made == [{name: f"{name} {i}" for name in NAMES} for i in range(3)]


def test_awkward_names_in_a_spec_and_its_file() -> None:
    """For tables: the names reach the model and the file as they are."""
    columns: dict[str, Any] = {name: {"kind": "llm"} for name in NAMES}
    spec = fb.resolve({"tables": {"rows": {"n": 3, "columns": columns}}})
    with ChatServer(numbered(lambda i: {name: f"{name} {i}" for name in NAMES})) as server:
        spec = spec.model_copy(update={"models": {"default": at(server)}})
        fb.generate(spec, output="odd.csv")
    assert fb.extend("odd.csv", 0).column_names == NAMES


WORKER = """
    import sys
    from fabula.spec.tables import ModelSpec
    from tests.acceptance.kinds import KINDS
    name, url, n = sys.argv[1], sys.argv[2], int(sys.argv[3])
    model = ModelSpec(name="m", base_url=url, concurrency=2)
    made = KINDS[name](model, n)
    assert len({row["name"] for row in made}) == n, len(made)
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_a_killed_run_repeats_no_answered_call(name: str, tmp_path: Path) -> None:
    """Kill -9 in mid-run, then the same command. Nothing is lost or doubled."""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", textwrap.dedent(WORKER), name]
    path = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": path}
    n = 200

    seen: dict[str, int] = {}

    def by_request(call: Call) -> Reply:
        start = 1_000 * seen.setdefault(call.prompt, len(seen))
        rows = [{**thing(start + place), "price": 9.5} for place in range(asked_rows(call))]
        return Reply(as_reply(*rows), delay=0.05)

    with ChatServer(by_request) as server:
        first = subprocess.Popen([*command, server.url, str(n)], env=environment, cwd=tmp_path)
        deadline = time.monotonic() + 60
        while len(server.calls) < 5 and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        time.sleep(0.2)
        killed_at = len(server.calls)
        assert killed_at >= 5
        subprocess.run(
            [*command, server.url, str(n)], env=environment, cwd=tmp_path, check=True, timeout=120
        )
        prompts = [json.dumps(call.body) for call in server.calls]
        in_flight = 2 + 2  # what was open at the kill, and what was answered but not yet on disk
        assert len(prompts) - len(set(prompts)) <= in_flight
        after = len(server.calls)
        subprocess.run(
            [*command, server.url, str(n)], env=environment, cwd=tmp_path, check=True, timeout=120
        )
        assert len(server.calls) == after
