"""OpenAI's batches over real HTTP: the same results as live calls, found again after a kill."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fabula.errors import BudgetReached
from fabula.llm.cache.batch_endpoints import OpenAIDesk
from fabula.llm.cache.batches import Batches
from fabula.llm.cache.budget import Budget
from fabula.llm.cache.ledger import Ledger
from fabula.testing import Call, ChatServer, Reply
from fabula.testing import replies as script
from tests.llm.builders import PERSON, Opened, asking

WANTED = [asking(f"person {n}", schema=PERSON) for n in range(12)] + [asking("some words")]


async def test_a_batch_gives_what_live_calls_give(opened: Opened, tmp_path: Path) -> None:
    """In the order asked, through the ledger; a second run makes no request."""
    ledger, live_ledger = Ledger(tmp_path / "a.sqlite"), Ledger(tmp_path / "b.sqlite")
    seen: list[tuple[str, int]] = []
    with ChatServer() as server:
        batches = Batches(opened(server), ledger, poll=0.01)
        replies = await batches.complete(WANTED, progress=lambda state, n: seen.append((state, n)))
        live_model = opened(server, ledger=live_ledger)
        live = [await live_model.complete(request) for request in WANTED]
        before = len(server.calls)
        again = await batches.complete(WANTED)
        assert len(server.calls) == before
    ledger.close()
    live_ledger.close()
    assert [reply.text for reply in replies] == [reply.text for reply in live]
    assert [reply.text for reply in again] == [reply.text for reply in live]
    assert sum(call.batched for call in server.calls) == len(WANTED)
    assert [state for state, _ in seen] == ["in_progress", "completed"]
    assert not batches.under_way()


async def test_a_batch_is_found_again_by_another_process(opened: Opened, tmp_path: Path) -> None:
    """Kill while waiting, run again; nothing is handed in twice, also with more requests."""
    path = tmp_path / "ledger.sqlite"
    with ChatServer() as server:
        first = Ledger(path)
        await Batches(opened(server), first).submit(WANTED[:8])
        first.close()
        second, budget = Ledger(path), Budget(max_calls=len(WANTED))
        batches = Batches(opened(server), second, budget=budget, poll=0.01)
        assert len(batches.under_way()) == 1
        await batches.complete(WANTED)
        second.close()
    assert budget.calls == len(WANTED)
    asked = [call.prompt for call in server.calls]
    assert len(asked) == len(set(asked)) == len(WANTED)


async def test_replies_of_a_batch_are_kept_even_when_they_are_no_longer_wanted(
    opened: Opened, tmp_path: Path
) -> None:
    """Nothing that was paid for is lost when the spec changes meanwhile."""
    ledger = Ledger(tmp_path / "ledger.sqlite")
    with ChatServer() as server:
        batches = Batches(opened(server), ledger, poll=0.01)
        await batches.submit(WANTED)
        await batches.complete(WANTED[:1])
        await batches.complete(WANTED)
    ledger.close()
    assert len(server.calls) == len(WANTED)


async def test_odd_line_separators_in_replies_do_not_break_a_batch(
    opened: Opened, tmp_path: Path
) -> None:
    """Unicode knows more line breaks than a file of lines does."""
    ledger = Ledger(tmp_path / "ledger.sqlite")
    with ChatServer("one\u2028two\x85three") as server:
        batches = Batches(opened(server), ledger, poll=0.01)
        [reply] = await batches.complete(WANTED[-1:])
    ledger.close()
    assert reply.text == "one\u2028two\x85three"
    assert len(server.calls) == 1


async def test_lines_that_fail_are_asked_live(opened: Opened, tmp_path: Path) -> None:
    def fail_third(call: Call) -> Reply | None:
        return script.failed(500) if call.batched and "person 3" in call.prompt else None

    ledger, budget = Ledger(tmp_path / "ledger.sqlite"), Budget()
    with ChatServer(fail_third) as server:
        batches = Batches(opened(server), ledger, budget=budget, poll=0.01)
        replies = await batches.complete(WANTED)
    ledger.close()
    assert all(json.loads(reply.text) for reply in replies[:-1])
    assert [call.prompt for call in server.calls if not call.batched] == ["person 3"]
    assert budget.calls == len(WANTED)


async def test_a_fresh_ledger_asks_by_batch_again_and_only_once(
    opened: Opened, tmp_path: Path
) -> None:
    """`--fresh`."""
    with ChatServer() as server:
        for fresh in (False, True):
            ledger = Ledger(tmp_path / "ledger.sqlite", fresh=fresh)
            replies = await Batches(opened(server), ledger, poll=0.01).complete(WANTED)
            ledger.close()
            assert not any(reply.cached for reply in replies)
    assert len(server.calls) == 2 * len(WANTED)


async def test_the_budget_stops_a_batch_before_it_is_handed_in(
    opened: Opened, tmp_path: Path
) -> None:
    """Budget cap."""
    ledger = Ledger(tmp_path / "ledger.sqlite")
    with ChatServer() as server:
        batches = Batches(opened(server), ledger, budget=Budget(max_calls=5), poll=0.01)
        with pytest.raises(BudgetReached):
            await batches.complete(WANTED)
        assert server.calls == []
        assert len(await batches.complete(WANTED[:5])) == 5
    ledger.close()


PROVIDERS = pytest.mark.parametrize("provider", ["openai-compatible", "anthropic"])


@PROVIDERS
async def test_both_interfaces_give_what_live_calls_give(
    opened: Opened, tmp_path: Path, provider: str
) -> None:
    """In one batch, found in any order."""
    ledger = Ledger(tmp_path / "ledger.sqlite")
    with ChatServer() as server:
        replies = await Batches(opened(server, provider=provider), ledger, poll=0.01).complete(
            WANTED
        )
        live_model = opened(server, provider=provider)
        live = [await live_model.complete(request) for request in WANTED]
    ledger.close()
    assert [reply.text for reply in replies] == [reply.text for reply in live]
    assert [call.batched for call in server.calls] == [True] * 13 + [False] * 13


@PROVIDERS
async def test_a_cut_file_of_results_costs_its_last_line_alone(
    opened: Opened, tmp_path: Path, provider: str
) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    with ChatServer(cut_results=True) as server:
        model = opened(server, provider=provider)
        replies = await Batches(model, ledger, poll=0.01).complete(WANTED)
    ledger.close()
    assert all(reply.text for reply in replies)
    assert sum(not call.batched for call in server.calls) == 1


async def test_a_full_queue_is_filled_by_smaller_batches_one_after_the_other(
    opened: Opened, tmp_path: Path
) -> None:
    """No request goes out live, and none is paid twice."""
    ledger, states = Ledger(tmp_path / "ledger.sqlite"), list[tuple[str, int]]()
    with ChatServer(most_queued=5) as server:
        batches = Batches(opened(server), ledger, poll=0.01)
        replies = await batches.complete(WANTED, progress=lambda *state: states.append(state))
    ledger.close()
    assert all(reply.text for reply in replies)
    assert sum(call.batched for call in server.calls) == len(server.calls) == len(WANTED)
    assert max(n for state, n in states if state == "completed") <= 5


@PROVIDERS
@pytest.mark.parametrize("setting", [{"batch_requests": 4}, {"batch_tokens": 800}])
async def test_batches_hold_no_more_than_the_settings_say(
    opened: Opened, tmp_path: Path, provider: str, setting: dict[str, int]
) -> None:
    ledger, sizes = Ledger(tmp_path / "ledger.sqlite"), list[int]()
    with ChatServer() as server:
        model = opened(server, provider=provider, **setting)
        batches = Batches(model, ledger, poll=0.01)
        await batches.complete(WANTED, progress=lambda _, n: sizes.append(n))
    ledger.close()
    assert 2 <= max(sizes) <= 6
    assert all(call.batched for call in server.calls)


async def test_batches_stay_below_the_vendors_size(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OpenAIDesk, "most_bytes", 3_000)
    ledger, sizes = Ledger(tmp_path / "ledger.sqlite"), list[int]()
    with ChatServer() as server:
        batches = Batches(opened(server), ledger, poll=0.01)
        await batches.complete(WANTED, progress=lambda _, n: sizes.append(n))
    ledger.close()
    assert 1 <= max(sizes) < len(WANTED)
    assert len(server.calls) == len(WANTED)
