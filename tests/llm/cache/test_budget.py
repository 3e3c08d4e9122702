"""Limits on calls, tokens and money, and what things cost."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from fabula.errors import BudgetReached, UsageError
from fabula.llm.cache.budget import Budget
from fabula.llm.cache.ledger import Ledger
from fabula.llm.cache.prices import FREE, Price, price_of, prices_dated
from fabula.llm.client.chat import ChatModel, Usage
from fabula.llm.providers.catalogue import open_model
from fabula.testing import ChatServer
from fabula.testing import replies as script
from tests.llm.builders import Opened, asking

CHEAP = Price(1.0, 2.0)


async def ask_in_turn(model: ChatModel, count: int) -> None:
    for number in range(count):
        await model.complete(asking(f"{number}"))


@pytest.mark.parametrize("at_once", [1, 8])
async def test_calls_stop_at_the_limit_and_the_same_command_goes_on(
    opened: Opened, tmp_path: Path, at_once: int
) -> None:
    """Stops before the next call; what was answered is kept and not asked again."""
    with ChatServer() as server:
        for limit, total in ((7, 7), (5, 12), (8, 20)):
            ledger, budget = Ledger(tmp_path / "ledger.sqlite"), Budget(max_calls=limit)
            model = opened(server, ledger=ledger, budget=budget, concurrency=at_once)
            outcomes = await asyncio.gather(
                *(model.complete(asking(f"{n}")) for n in range(20)), return_exceptions=True
            )
            ledger.close()
            reached = [item for item in outcomes if isinstance(item, BudgetReached)]
            assert len(reached) == 20 - total
            assert {(item.exit_code, item.code) for item in reached} <= {(4, "budget.max-calls")}
            assert len(server.calls) == total


async def test_tokens_stop_at_the_limit(opened: Opened, tmp_path: Path) -> None:
    ledger, budget = Ledger(tmp_path / "ledger.sqlite"), Budget(max_tokens=500)
    with ChatServer(lambda _: "word " * 80) as server:
        model = opened(server, ledger=ledger, budget=budget, concurrency=4)
        outcomes = await asyncio.gather(
            *(model.complete(asking(f"{n}")) for n in range(30)), return_exceptions=True
        )
    ledger.close()
    assert any(isinstance(outcome, BudgetReached) for outcome in outcomes)
    used = (budget.usage.prompt_tokens or 0) + (budget.usage.completion_tokens or 0)
    assert 390 <= used <= 500


async def test_money_stops_at_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """0.15 and 0.60 dollars a million tokens; a call costs some 0.00006."""
    ledger, budget = Ledger(tmp_path / "ledger.sqlite"), Budget(max_cost=0.001)
    with ChatServer(lambda _: "word " * 80) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        model = open_model("openai:gpt-4o-mini", ledger=ledger, budget=budget)
        with pytest.raises(BudgetReached) as caught:
            await ask_in_turn(model, 100)
        await model.close()
    ledger.close()
    assert caught.value.code == "budget.max-cost"
    assert budget.cost is not None
    assert 0.0009 < budget.cost <= 0.001
    assert "higher limit" in (caught.value.hint or "")


async def test_a_cost_that_cannot_be_known_is_not_a_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Usage missing → cost unknown; the token limit still holds by an estimate."""
    ledger, budget = Ledger(tmp_path / "ledger.sqlite"), Budget(max_tokens=100)
    with ChatServer(lambda _: script.no_usage("word " * 40)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        model = open_model("openai:gpt-4o-mini", ledger=ledger, budget=budget)
        with pytest.raises(BudgetReached):
            await ask_in_turn(model, 100)
        await model.close()
    ledger.close()
    assert budget.cost is None
    assert budget.usage == Usage(None, None)
    assert 1 <= len(server.calls) <= 3


async def test_a_limit_in_money_needs_a_price(opened: Opened, tmp_path: Path) -> None:
    """A limit that can't be kept is refused, not ignored."""
    ledger = Ledger(tmp_path / "ledger.sqlite")
    with ChatServer() as server:
        budget = Budget(max_cost=1)
        model = opened(server, ledger=ledger, budget=budget, provider="openai", name="gpt-99")
        with pytest.raises(UsageError) as caught:
            await model.complete(asking())
    ledger.close()
    assert caught.value.code == "budget.unknown-price"
    assert server.calls == []


def test_a_failed_call_gives_back_what_was_set_aside() -> None:
    budget = Budget(max_calls=1)
    budget.abandon(budget.begin(100, CHEAP, model="m"))
    ticket = budget.begin(100, CHEAP, model="m")
    with pytest.raises(BudgetReached):
        budget.begin(100, CHEAP, model="m")
    budget.finish(ticket, Usage(100, 50), reply_characters=200)
    assert budget.cost == pytest.approx(0.0002)
    assert (budget.calls, budget.usage) == (1, Usage(100, 50))


@pytest.mark.parametrize("name", ["max_calls", "max_tokens", "max_cost"])
def test_negative_limits_are_refused(name: str) -> None:
    """N negative."""
    with pytest.raises(UsageError):
        Budget(**{name: -1})


@pytest.mark.parametrize(
    ("name", "price"),
    [
        ("openai:gpt-4o-mini", Price(0.15, 0.60)),
        ("openai:gpt-4o-mini-2024-07-18", Price(0.15, 0.60)),
        ("openrouter:openai/gpt-4o", Price(2.50, 10.00)),
        ("anthropic:claude-sonnet-4-5-20250929", Price(3.00, 15.00)),
        ("anthropic:claude-3-5-haiku-latest", Price(0.80, 4.00)),
        ("ollama:qwen3", FREE),
        ("local", FREE),
        ("local:/models/a.gguf", FREE),
        ("fake", FREE),
        ("openai:gpt-99", None),
        ("openai-compatible:m", None),
        ("openrouter:meta-llama/llama-3.1-8b-instruct:free", FREE),
    ],
)
def test_prices_are_found_by_the_users_name(name: str, price: Price | None) -> None:
    """Unknown model → tokens only."""
    assert price_of(name) == price


@pytest.mark.parametrize(
    ("name", "address", "price"),
    [
        ("openai-compatible:mine", "http://localhost:8000/v1", FREE),
        ("openai-compatible:mine", "http://[::1]:8000/v1 mine", FREE),
        ("openai-compatible:gpt-4o-mini", "http://127.0.0.1:4000", Price(0.15, 0.60)),
        ("openai-compatible:mine", "https://models.example.com/v1", None),
        ("openai:gpt-4o-mini", "http://127.0.0.1:4000", Price(0.15, 0.60)),
    ],
)
def test_a_server_of_ones_own_is_free_unless_it_passes_calls_on(
    name: str, address: str, price: Price | None
) -> None:
    assert price_of(name, address) == price


def test_the_list_says_its_month() -> None:
    assert re.fullmatch(r"20\d\d-\d\d", prices_dated())
