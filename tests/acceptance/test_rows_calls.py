"""Many calls of `fb.rows` at once: their limit, failures, order, and both callers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import fabula as fb
from fabula.testing import Call, ChatServer
from fabula.testing.replies import rate_limited
from tests.acceptance.bills import Bill, asked, bill
from tests.acceptance.builders import as_reply, asked_rows, at, numbered


def by_request(call: Call) -> str:
    """Rows that depend on the request alone, so that timing can't matter."""
    start = sum(call.prompt.encode()) * 100
    return as_reply(*(bill(start + place) for place in range(asked_rows(call))))


def test_the_limit_of_open_calls_holds_and_rows_keep_their_order() -> None:
    """No two prompts are equal, because each wave tells of the ones before."""
    with ChatServer(numbered(bill), latency=0.02) as server:
        made = fb.rows(Bill, **asked(40, model=at(server, concurrency=8), rows_per_call=1))
    assert len(made) == 40
    assert 1 < server.most_open <= 8
    assert len({call.prompt for call in server.calls}) >= 5


def test_three_of_forty_fail_and_are_asked_again() -> None:
    good = numbered(bill)

    def script(call: Call) -> Any:
        return '{"patient_id": "?"}' if call.number in (7, 19, 33) else good(call)

    with ChatServer(script) as server:
        made = fb.rows(Bill, **asked(40, model=at(server, concurrency=8), rows_per_call=1))
    assert len(made) == 40
    assert len(server.calls) == 43
    assert sum("`code` is missing" in call.prompt for call in server.calls) == 3


def test_a_storm_of_429_slows_down_and_ends() -> None:
    good = numbered(bill)

    def script(call: Call) -> Any:
        return rate_limited(0.02) if 5 < call.number < 30 else good(call)

    with ChatServer(script) as server:
        made = fb.rows(Bill, **asked(30, model=at(server, concurrency=8), rows_per_call=1))
    assert len(made) == 30


def test_both_callers_get_the_same_rows(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """Sync, async, and both at once inside one loop."""
    with ChatServer(by_request) as server:
        options = asked(12, model=at(server, concurrency=4), rows_per_call=2)
        sync = fb.rows(Bill, **options)
        monkeypatch.setenv("FABULA_HOME", str(tmp_path / "another"))

        async def both() -> list[list[Bill]]:
            return list(await asyncio.gather(fb.arows(Bill, **options), fb.arows(Bill, **options)))

        calls = len(server.calls)
        assert asyncio.run(both()) == [sync, sync]
        assert calls < len(server.calls) <= 3 * calls
