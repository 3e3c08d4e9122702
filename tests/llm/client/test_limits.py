"""How much is asked at once and a minute, over real HTTP."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Iterable
from time import monotonic
from typing import Any

import pytest

from fabula.llm.client.limits import Limits, Pace, Patience
from fabula.testing import Call, ChatServer, Reply
from fabula.testing import replies as script
from tests.llm.builders import Opened, asking

Lasting = Callable[[Iterable[Coroutine[Any, Any, None]]], float]


class Clock(selectors.DefaultSelector):
    """Time that passes when everybody waits for it, and at no other time."""

    now = 1000.0

    def select(self, timeout: float | None = None) -> Any:
        assert timeout is not None, "everybody waits for what never comes"
        self.now += timeout
        return super().select(0)


class Waitless(asyncio.SelectorEventLoop):
    """A loop by such a clock."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        super().__init__(clock)

    def time(self) -> float:
        return self.clock.now


@pytest.fixture
def lasting(monkeypatch: pytest.MonkeyPatch) -> Lasting:
    """Tells how long tasks last that do nothing but wait, exactly and at once."""
    clock = Clock()
    monkeypatch.setattr("fabula.llm.client.limits.monotonic", lambda: clock.now)

    def lasting(tasks: Iterable[Coroutine[Any, Any, None]]) -> float:
        async def together() -> None:
            await asyncio.gather(*tasks)

        started = clock.now
        with asyncio.Runner(loop_factory=lambda: Waitless(clock)) as runner:
            runner.run(together())
        return clock.now - started

    return lasting


async def test_no_more_calls_are_open_than_allowed(opened: Opened) -> None:
    """40 calls, 8 at once, replies in the order of the requests."""
    with ChatServer(lambda call: call.prompt, latency=0.1) as server:
        model = opened(server, concurrency=8)
        replies = await asyncio.gather(*(model.complete(asking(f"{n}")) for n in range(40)))
    assert server.most_open == 8
    assert [reply.text for reply in replies] == [str(n) for n in range(40)]


async def test_a_storm_of_429_slows_down_and_finishes(opened: Opened) -> None:
    """The server takes 16 at once, 64 are wanted; few requests are refused."""
    with ChatServer(lambda call: call.prompt, latency=0.12, places=16) as server:
        model = opened(server, concurrency=64, patience=Patience(first_wait=0.1))
        replies = await asyncio.gather(*(model.complete(asking(f"{n}")) for n in range(150)))
    assert [reply.text for reply in replies] == [str(n) for n in range(150)]
    refused = len(server.calls) - 150
    # 64 at once without any control would see some 100 refusals.
    assert 0 < refused < 60


async def test_a_pause_that_the_endpoint_wants_holds_for_all_calls(opened: Opened) -> None:
    """Retry-After is not only for the call that got it."""
    arrivals: list[tuple[float, int]] = []

    def once_busy(call: Call) -> Reply | str:
        arrivals.append((monotonic(), call.number))
        return script.rate_limited(retry_after=0.3) if call.number == 1 else "done"

    with ChatServer(once_busy) as server:
        model = opened(server)
        await asyncio.gather(*(model.complete(asking(f"{n}")) for n in range(10)))
    assert min(at for at, number in arrivals if number > 1) - arrivals[0][0] >= 0.28


async def test_the_first_call_goes_alone_until_it_is_answered(opened: Opened) -> None:
    """What a wrong key or model costs is one request."""
    arrivals: list[float] = []

    def noted(call: Call) -> str:
        arrivals.append(monotonic())
        return call.prompt

    with ChatServer(noted, latency=0.4) as server:
        model = opened(server)
        await asyncio.gather(*(model.complete(asking(f"{n}")) for n in range(20)))
    assert arrivals[1] - arrivals[0] >= 0.4
    assert server.most_open > 10


def test_a_slow_first_answer_does_not_hold_the_others_back(lasting: Lasting) -> None:
    """A long first reply costs the scout's time, not its whole length."""
    limits = Limits(8, scout=0.1)

    async def hold() -> None:
        async with limits.place():
            await asyncio.sleep(0.4)

    assert lasting(hold() for _ in range(5)) == pytest.approx(0.5)


async def test_the_width_opens_fast_is_cut_once_a_round_and_grows_back_slowly() -> None:
    """Slow start, then additive increase and multiplicative decrease."""
    limits = Limits(64)
    assert limits.width == 1
    for answers, width in ((1, 17), (20, 37), (100, 64)):
        for _ in range(answers):
            limits.went_well(0, None)
        assert limits.width == width
    sent_at = monotonic()
    for _ in range(10):
        limits.was_busy(sent_at, 0)
    assert limits.width == 44
    for _ in range(45):
        limits.went_well(0, None)
    assert limits.width == 45
    for _ in range(5_000):
        limits.went_well(0, None)
    assert limits.width == 64


async def test_a_cancelled_call_gives_its_place_back() -> None:
    """An interrupted run must not leave the endpoint blocked."""
    limits = Limits(1)

    async def hold() -> None:
        async with limits.place():
            await asyncio.sleep(10)

    tasks = [asyncio.create_task(hold()) for _ in range(5)]
    await asyncio.sleep(0.01)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    async with asyncio.timeout(30), limits.place():
        pass


async def test_requests_a_minute_are_kept(opened: Opened) -> None:
    """1,200 a minute are 20 a second, and one second's worth may go at once."""
    with ChatServer() as server:
        model = opened(server, rpm=1200)
        started = monotonic()
        await asyncio.gather(*(model.complete(asking(f"{n}")) for n in range(30)))
    assert monotonic() - started > 0.4


def test_requests_a_minute_cost_no_longer_than_they_must(lasting: Lasting) -> None:
    limits = Limits(64, rpm=1200)
    assert lasting(limits.pace(0) for _ in range(30)) == pytest.approx(0.45)


async def test_tokens_a_minute_are_kept(opened: Opened) -> None:
    """120,000 a minute are 2,000 a second; a call takes some 500."""
    with ChatServer("word " * 400) as server:
        model = opened(server, tpm=120_000)
        started = monotonic()
        for number in range(6):
            await model.complete(asking(f"{number}"))
    assert monotonic() - started > 0.2


def test_tokens_a_minute_cost_no_longer_than_they_must(lasting: Lasting) -> None:
    limits = Limits(64, tpm=120_000)
    assert lasting(limits.pace(500) for _ in range(6)) == pytest.approx(0.25)


def test_a_pace_learns_what_was_really_used() -> None:
    pace = Pace(60)
    assert pace.take(1) == 0
    pace.adjust(59)
    assert pace.take(1) == pytest.approx(59, abs=0.1)


def test_waits_double_with_jitter_up_to_a_bound() -> None:
    patience = Patience(first_wait=1, longest_wait=10)
    for tries, step in ((1, 1), (2, 2), (3, 4), (4, 8), (5, 10), (50, 10)):
        waits = {patience.wait(tries) for _ in range(50)}
        assert all(step / 2 <= wait <= step for wait in waits)
        assert len(waits) > 1
