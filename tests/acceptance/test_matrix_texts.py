"""Every failure for texts of given fields and for fields of given texts, over real HTTP."""

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

from fabula.errors import FabulaError, PartialRunError
from fabula.testing import Call, ChatServer, Reply
from fabula.testing.replies import cut, failed
from tests.acceptance.builders import at
from tests.acceptance.kinds import thing
from tests.acceptance.test_matrix import BAD_REPLIES, EVENTS
from tests.acceptance.texts import KINDS, Make, good_rows, honest
from tests.failures import short

N = 6
THINGS = [thing(i) for i in range(N)]

both = pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)


def good_after(*events: Any) -> Callable[[Call], Any]:
    """Events first, then good answers for ever."""
    left = iter(events)
    return lambda call: next(left, None) or honest(call)


@both
@pytest.mark.parametrize("reply", BAD_REPLIES.values(), ids=BAD_REPLIES)
def test_a_reply_without_data_is_asked_again_with_the_cause(make: Make, reply: Reply) -> None:
    """Empty, null, white space, refusal, thoughts alone, content filter, chatter."""
    with ChatServer(good_after(reply)) as server:
        assert make(at(server), N) == THINGS
    assert sum("not accepted" in call.prompt for call in server.calls) == 1
    assert len(server.calls) == N + 1


@both
@pytest.mark.parametrize("reply", BAD_REPLIES.values(), ids=BAD_REPLIES)
def test_replies_without_data_end_in_a_named_error(make: Make, reply: Reply) -> None:
    """Bounded, exit 4, nothing counted as data."""
    with ChatServer(lambda _: reply) as server, pytest.raises(FabulaError) as caught:
        make(at(server), N)
    assert caught.value.exit_code == 4
    assert caught.value.hint
    assert good_rows(caught.value) == 0
    assert len(server.calls) <= 8 * N


@both
def test_thoughts_before_the_payload_are_left_out(make: Make) -> None:
    with ChatServer(lambda call: f"<think>\nname?\n</think>\n{honest(call)}") as server:
        assert make(at(server), N) == THINGS


@both
def test_a_cut_reply_is_asked_again(make: Make) -> None:
    """Finish_reason length."""
    script = good_after(cut('name is Thing 0 and price is 10.5. "Th'), None)
    with ChatServer(script) as server:
        assert make(at(server), N) == THINGS
    assert len(server.calls) == N + 1


@both
@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_what_passes_is_waited_for(make: Make, event: Reply) -> None:
    """429 with Retry-After, 500, 503, reset, timeout, invalid envelope, usage missing."""
    answered = event.text is None and event.status == 200 and not event.usage

    def script(call: Call) -> Any:
        if call.number > 1:
            return honest(call)
        return Reply(honest(call), usage=False) if answered else event

    with ChatServer(script) as server:
        assert make(at(server, **short(event)), N) == THINGS
    assert N <= len(server.calls) <= N + 1


@both
@pytest.mark.parametrize("status", [401, 404])
def test_what_does_not_pass_is_one_request(
    make: Make, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """401 and 404; the key is never printed."""
    monkeypatch.setenv("A_KEY_OF_MINE", "sk-very-secret-value")
    reply = failed(status, "no, sk-very-secret-value is wrong")
    with ChatServer(lambda _: reply) as server, pytest.raises(FabulaError) as caught:
        make(at(server, api_key_env="A_KEY_OF_MINE"), 40)
    assert len(server.calls) == 1
    assert "sk-very-secret-value" not in f"{caught.value} {caught.value.to_dict()}"


@both
def test_the_same_again_asks_nothing_and_gives_the_same(make: Make) -> None:
    with ChatServer(honest) as server:
        first = make(at(server), 30)
        assert make(at(server), 30) == first
    assert len(server.calls) == 30


@both
@pytest.mark.parametrize("limit", [{"max_calls": 4}, {"max_tokens": 600}])
def test_a_limit_stops_before_the_next_call(make: Make, limit: dict[str, int]) -> None:
    """Budget caps. What came is kept, and a run without the limit continues from there."""
    with ChatServer(honest) as server:
        model = at(server, concurrency=1)
        with pytest.raises(PartialRunError, match=next(iter(limit))) as caught:
            make(model, 40, **limit)
        before = len(server.calls)
        assert good_rows(caught.value) == before < 40
        assert len(caught.value.rows) == 40
        assert len(make(model, 40)) == 40
        assert len(server.calls) == 40


@both
def test_money_is_limited_only_where_prices_are_known(make: Make) -> None:
    """Budget in money."""
    with ChatServer(honest) as server, pytest.raises(FabulaError, match="price"):
        make(at(server, "gpt-99", provider="openai"), N, max_cost=0.01)
    assert server.calls == []


@both
@pytest.mark.parametrize("n", [0, 1])
def test_nothing_and_one(make: Make, n: int) -> None:
    with ChatServer(honest) as server:
        assert make(at(server), n) == THINGS[:n]
    assert len(server.calls) == n


WORKER = """
    import sys
    from fabula.spec.tables import ModelSpec
    from tests.acceptance.texts import KINDS
    name, url, n = sys.argv[1], sys.argv[2], int(sys.argv[3])
    made = KINDS[name](ModelSpec(name="m", base_url=url, concurrency=2), n)
    assert len({row["name"] for row in made}) == n, len(made)
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_a_killed_run_repeats_no_answered_call(name: str, tmp_path: Path) -> None:
    """Kill -9 in mid-run, then the same command."""
    root = Path(__file__).parents[2]
    n = 60
    paths = [str(root), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    with ChatServer(lambda call: Reply(honest(call), delay=0.03)) as server:
        command = [sys.executable, "-c", textwrap.dedent(WORKER), name, server.url, str(n)]
        first = subprocess.Popen(command, env=environment, cwd=tmp_path)
        deadline = time.monotonic() + 60
        while len(server.calls) < 10 and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        assert len(server.calls) >= 10
        subprocess.run(command, env=environment, cwd=tmp_path, check=True, timeout=120)
        prompts = [json.dumps(call.body) for call in server.calls]
        assert len(set(prompts)) == n
        assert len(prompts) - n <= 2 + 2  # in flight, and answered but not yet on disk
