"""Typed rows when calls fail: what was made stays, and the same job continues."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest

from fabula.errors import AuthenticationError, ModelError, UsageError
from fabula.llm.cache.budget import Budget
from fabula.llm.cache.ledger import Ledger
from fabula.llm.client.limits import Patience
from fabula.llm.rows.ask import ask_rows
from fabula.llm.rows.job import RowField
from fabula.testing import ChatServer
from fabula.testing.replies import (
    failed,
    invalid_envelope,
    reset,
    says,
)
from tests.llm.builders import Opened
from tests.llm.rows.jobs import by_place, product, shop


async def test_one_failing_call_does_not_lose_the_others(opened: Opened) -> None:
    given = [{"id": number} for number in range(40)]

    def answer(call: Any) -> Any:
        number = int(call.prompt.rpartition('{"id": ')[2].partition("}")[0])
        return failed(500, "broken") if number in (5, 17, 33) else product(number)

    with ChatServer(answer) as server:
        job = shop(40, given=given, rows_per_call=1)
        result = await ask_rows(opened(server, concurrency=8), job)
    assert [number for number, row in enumerate(result.rows) if row is None] == [5, 17, 33]
    assert [reject.row for reject in result.rejects] == [5, 17, 33]
    assert all("500" in reject.reason for reject in result.rejects)
    assert result.error is None


async def test_a_server_that_keeps_failing_ends_the_job_with_its_own_error(
    opened: Opened,
) -> None:
    """Bounded, and no call for each of a hundred rows."""
    with ChatServer(lambda _: failed(500, "out of order")) as server:
        model = opened(server, patience=Patience(tries=1), concurrency=8)
        with pytest.raises(ModelError, match="out of order"):
            await ask_rows(model, shop(100, given=[{}] * 100, rows_per_call=1))
        assert 16 <= len(server.calls) <= 16 + 8
        with pytest.raises(ModelError, match="out of order"):
            await ask_rows(model, shop(1))


@pytest.mark.parametrize("event", [failed(503), reset(), invalid_envelope()])
async def test_passing_failures_are_no_attempts(opened: Opened, event: Any) -> None:
    with ChatServer([event, event, product(1)]) as server:
        result = await ask_rows(opened(server), shop(1, attempts=0))
    assert result.rows == [product(1)]


async def test_a_refused_key_ends_the_job_at_its_first_request(opened: Opened) -> None:
    with ChatServer([failed(401)]) as server:
        model = opened(server, concurrency=8)
        with pytest.raises(AuthenticationError):
            await ask_rows(model, shop(50, rows_per_call=1))
    assert len(server.calls) == 1


async def test_a_failure_in_mid_job_returns_the_rows_made_before(
    opened: Opened, tmp_path: Any
) -> None:
    """The budget ends; a second run asks only for what is missing."""
    with ChatServer(by_place) as server, closing(Ledger(tmp_path / "ledger")) as ledger:
        job = shop(30, rows_per_call=3)
        first = await ask_rows(opened(server, ledger=ledger, budget=Budget(max_calls=4)), job)
        assert first.error is not None
        assert first.error.code == "budget.max-calls"
        made = sum(row is not None for row in first.rows)
        assert made == 12
        assert not first.rejects
        second = await ask_rows(opened(server, ledger=ledger), job)
    assert None not in second.rows
    assert (second.calls, second.cached) == (6, 4)
    assert len(server.calls) == 10


async def test_the_same_job_again_asks_nothing_and_gives_the_same_rows(
    opened: Opened, tmp_path: Any
) -> None:
    """Requests depend on earlier waves alone, never on timing or on how many go at once."""
    delays = iter([0.05, 0.0, 0.03, 0.0, 0.02] * 40)

    def answer(call: Any) -> Any:
        reply = says(by_place(call))
        return type(reply)(reply.text, delay=next(delays, 0.0))

    with ChatServer(answer) as server, closing(Ledger(tmp_path / "ledger")) as ledger:
        job = shop(60, rows_per_call=2)
        first = await ask_rows(opened(server, ledger=ledger, concurrency=8), job)
        asked = len(server.calls)
        second = await ask_rows(opened(server, ledger=ledger, concurrency=2), job)
    assert len(server.calls) == asked
    assert second.rows == first.rows
    assert second.calls == 0


@pytest.mark.parametrize(
    ("n", "rest"),
    [
        (-1, {}),
        (2, {"given": [{}]}),
        (2, {"prompts": ["x"]}),
        (1, {"fields": ()}),
        (1, {"text": True}),
        (1, {"attempts": -1}),
        (1, {"rows_per_call": 0}),
        (1, {"fields": (RowField("x", {"type": "word"}),)}),
        (1, {"fields": (RowField("x", {"type": "string", "pattern": "("}),)}),
        (1, {"fields": (RowField("x", {"$ref": "#/$defs/no"}),)}),
    ],
)
async def test_a_job_that_makes_no_sense_is_refused_early(
    opened: Opened, n: int, rest: dict[str, Any]
) -> None:
    with ChatServer() as server, pytest.raises(UsageError):
        await ask_rows(opened(server), shop(n, **rest))
    assert not server.calls


async def test_no_rows_asked_are_no_rows_and_no_call(opened: Opened) -> None:
    with ChatServer() as server:
        result = await ask_rows(opened(server), shop(0))
    assert result.rows == []
    assert not server.calls
