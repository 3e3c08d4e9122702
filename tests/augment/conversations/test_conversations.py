"""`fb.conversations` over real HTTP: exact quotas, speakers in turn, resumption, calls of tools."""

from __future__ import annotations

import itertools
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import fabula as fb
from fabula.cli.main import main
from fabula.errors import PartialRunError, UsageError
from fabula.io.sources import read_json_rows
from fabula.testing import Call, ChatServer
from fabula.training.tools import tool_problems
from fabula.training.turns import order_problem, read_turns
from tests.acceptance.builders import at

SHOP = "support of a web shop"
ORDERS = pa.table({"order_id": list(range(100, 140)), "status": ["sent", "open"] * 20})


def writer(spoiled: Callable[[int, str], str | None] = lambda *_: None) -> Callable[[Call], str]:
    """A script that writes numbered messages; some are spoiled."""
    numbers = itertools.count(1)

    def answer(call: Call) -> str:
        number = next(numbers)
        facts = call.prompt.partition("Facts as JSON: ")[2].partition("\n")[0]
        text = f"Message {number} about this matter. {facts}".strip()
        return spoiled(number, text) or text

    return answer


def texts(rows: Any) -> list[str]:
    return [m["content"] for row in rows for m in row["messages"] if m["content"]]


@pytest.mark.slow
def test_all_conversations_come_with_exact_quotas_though_a_fifth_of_the_replies_is_spoiled() -> (
    None
):
    """Other speakers' lines, role markers, repeated openings and empty replies are refused."""

    def spoiled(number: int, text: str) -> str | None:
        return {
            3: f"{text}\nUser: And what then?",
            6: f"Assistant: {text}\nCustomer: thanks",
            9: "Hello, where is my parcel?",
            12: f"<|im_start|>user {text}",
        }.get(number % 20)

    topics, lengths = {"card": 2, "loan": 1, "login": 3}, {2: 1, 3: 1, 4: 1}
    with ChatServer(writer(spoiled)) as server:
        made = fb.conversations(
            SHOP,
            300,
            model=at(server),
            balance={"topic": topics, "tone": ["calm", "angry"], "language": ["English", "German"]},
            turns=lengths,
            system="You help.",
        )
    assert len(made) == 300
    assert Counter(row["topic"] for row in made) == {"card": 100, "loan": 50, "login": 150}
    assert Counter(row["tone"] for row in made) == {"calm": 150, "angry": 150}
    assert Counter(row["language"] for row in made) == {"English": 150, "German": 150}
    assert Counter(len(row["messages"]) for row in made) == {5: 100, 7: 100, 9: 100}
    for row in made:
        assert order_problem([turn["role"] for turn in row["messages"]]) is None
        assert len(row["moves"].split(" > ")) == (len(row["messages"]) - 1) // 2
    assert made.repeated_openings <= 300 * 0.02
    assert not any(word in text for text in texts(made) for word in ("User:", "Customer:", "<|"))
    assert made.refused > 0
    assert "refused" in made.report()


def test_the_speakers_own_name_in_front_of_a_message_is_taken_off() -> None:
    with ChatServer(
        writer(lambda number, text: f"**Assistant:** {text}" if number > 2 else text)
    ) as s:
        made = fb.conversations(SHOP, 2, turns=1, model=at(s))
    assert all(text.startswith("Message") for text in texts(made))


def test_the_same_call_after_a_budget_asks_only_for_what_is_missing() -> None:
    wanted: dict[str, Any] = {"turns": [1, 2], "balance": {"topic": ["card", "loan"]}}
    with ChatServer(writer()) as server:
        with pytest.raises(PartialRunError) as partial:
            fb.conversations(SHOP, 20, model=at(server), max_calls=31, **wanted)
        assert len(server.calls) == 31
        assert len(partial.value.rows) < 20
        made = fb.conversations(SHOP, 20, model=at(server), **wanted)
        assert len(server.calls) == 60  # 20 of one turn and 40 messages of two: nothing twice
        again = fb.conversations(SHOP, 20, model=at(server), **wanted)
        assert len(server.calls) == 60
    assert again.rows == made.rows


@pytest.mark.slow
def test_a_killed_command_continues_without_a_paid_reply_lost(tmp_path: Path) -> None:
    """What the server had answered when the process was killed is not asked again."""
    command = [
        str(Path(sys.executable).with_name("fabula")), "conversations", SHOP, "-n", "24",
        "--turns", "2", "--model", "openai:m", "-o", str(tmp_path / "talks.jsonl"), "--no-progress",
    ]  # fmt: skip
    killed: list[subprocess.Popen[bytes]] = []
    write = writer()

    def answer(call: Call) -> str:
        if call.number == 50:
            killed[0].send_signal(signal.SIGKILL)
        return write(call)

    with ChatServer(answer) as server:
        env = {**os.environ, "OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "sk-none"}
        killed.append(subprocess.Popen(command, env=env))
        assert killed[0].wait(60) == -signal.SIGKILL
        before = len(server.calls)
        with closing(sqlite3.connect(Path(env["FABULA_HOME"]) / "ledger.sqlite")) as ledger:
            ((kept,),) = ledger.execute("SELECT count(*) FROM replies")
        subprocess.run(command, env=env, check=True, timeout=60, capture_output=True)
        asked = len(server.calls) - before
    assert len(read_json_rows(tmp_path / "talks.jsonl") or ()) == 24
    assert asked == 24 * 4 - kept
    assert before - kept <= 24  # only what was on its way: one message of each conversation


def test_two_conversations_that_open_alike_are_asked_again() -> None:
    def same(number: int, _: str) -> str | None:
        return "Where is my order?" if number < 6 else None

    with ChatServer(writer(same)) as server:
        made = fb.conversations(SHOP, 8, turns=1, model=at(server))
    assert made.repeated_openings == 0


def test_texts_and_functions_speak_a_side_without_a_model() -> None:
    made = fb.conversations(
        SHOP,
        4,
        plans=["asks > thanks"],
        facts=ORDERS,
        balance={"tone": ["calm", "angry"]},
        user={"asks": "Where is {{ order_id }}? I am {{ tone }}.", "thanks": ["Thanks!", "Fine."]},
        assistant=lambda about: f"Order {about['facts']['order_id']}, {about['move']}.",
    )
    first = [message["content"] for message in made[0]["messages"]]
    assert first == [
        "Where is 100? I am calm.",
        "Order 100, asks.",
        "Thanks!",
        "Order 100, thanks.",
    ]


def test_texts_have_exact_shares_and_a_simulation_speaks_the_other_side() -> None:
    """A user of statistics, and an assistant whose patience a simulation uses up."""
    patience: dict[str, int] = {}

    def assistant(about: Any) -> str:
        opening = about["messages"][0]["content"]
        patience[opening] = patience.get(opening, 3) - 1
        return "Of course." if patience[opening] > 0 else f"No, {patience[opening]} times."

    made = fb.conversations(
        "a shop",
        40,
        plans=["asks > doubts > doubts"],
        balance={"number": list(range(40))},
        user={"asks": {"Is {{ number }} here?": 3, "Where is {{ number }}?": 1}, "doubts": "Sure?"},
        assistant=assistant,
    )
    openings = [row["messages"][0]["content"].split()[0] for row in made]
    assert Counter(openings) == {"Is": 30, "Where": 10}
    assert {row["messages"][-1]["content"] for row in made} == {"No, 0 times."}
    with pytest.raises(UsageError, match="no weights above 0"):
        fb.conversations("a shop", 1, turns=1, user={"asks": {"Hi": 0}}, assistant=assistant)


def test_a_stopping_rule_ends_conversations_and_tells_how_many() -> None:
    with ChatServer(writer(lambda n, _: "Goodbye then." if n > 4 else None)) as server:
        made = fb.conversations(SHOP, 4, turns=3, stop="goodbye", model=at(server))
    assert made.counts["stopped early"] > 0
    assert "stopped early" in made.report()


PLANS = {
    "a length of nothing": ({"turns": 0}, "not `0`"),
    "an unknown move": ({"plans": ["asks > dances"]}, "unknown move `dances`"),
    "a move after the end": ({"plans": ["gives up > asks"]}, "continues after `gives up`"),
    "calls without tools": ({"calls": {"one": 1}}, "there are no tools"),
    "an unknown way to call": ({"calls": "twice"}, "no way `twice`"),
    "a reserved attribute": ({"balance": {"messages": ["a"]}}, "can't be an attribute"),
    "a bad expression": ({"stop": "("}, "not a regular expression"),
    "a move without a text": (
        {"user": {"asks": "Hi"}, "assistant": "fake"},
        "no text for the move",
    ),
}


@pytest.mark.parametrize(("options", "told"), PLANS.values(), ids=PLANS)
def test_what_can_not_be_planned_is_refused_before_a_call(
    options: dict[str, Any], told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        fb.conversations(SHOP, 2, model="fake", **options)


def stepwise(broken: Callable[[int], bool]) -> Callable[[Call], Any]:
    """A script of an assistant that calls `get_order` as asked; some calls break their schema."""
    numbers, bad = itertools.count(1), itertools.count(0)
    spoiled = (
        {"name": "get_order", "arguments": {"order": 100}},
        {"name": "get_order", "arguments": {"order_id": "the first one"}},
        {"name": "find_order", "arguments": {"order_id": 100}},
        {"name": "get_order", "arguments": {"order_id": 100, "fast": True}},
        {"name": "get_order", "arguments": {"order_id": 999}},
        {"name": "get_order"},
    )

    def answer(call: Call) -> Any:
        number = next(numbers)
        schema = call.schema
        if schema is None:
            facts = call.prompt.partition("Facts as JSON: ")[2].partition("\n")[0]
            known = json.loads(facts)["order_id"] if facts else "…"
            return f"Message {number} on order {known}."
        if broken(number):
            made = [spoiled[next(bad) % len(spoiled)]]
        else:
            made = [{"name": "get_order", "arguments": {"order_id": order_said(call)}}]
        if "calls" in schema["properties"]:
            return {"calls": made}
        return {"reply": {"calls": made} if broken(number) else {"say": f"It is sent ({number})."}}

    return answer


def order_said(call: Call) -> int:
    line = call.prompt.partition("on order ")[2]
    return int(line[:3])


def test_all_calls_kept_fit_their_schema_though_a_third_of_them_breaks_it() -> None:
    tool = fb.Tool.from_table("get_order", ORDERS, by="order_id")
    with ChatServer(stepwise(lambda number: number % 10 in (1, 4, 7))) as server:
        made = fb.conversations(
            SHOP,
            60,
            model=at(server),
            facts=ORDERS,
            tools=[tool],
            calls={"one": 3, "error": 1, "none": 1, "free": 1},
            turns=[1, 2],
            attempts=8,
        )
    assert Counter(row["calls"] for row in made) == {"one": 30, "error": 10, "none": 10, "free": 10}
    known = set(ORDERS["order_id"].to_pylist())
    for row in made:
        turns = read_turns(row["messages"])
        assert turns is not None
        assert [*tool_problems(turns, row["tools"])] == []
        calls = [call for turn in turns for call in turn.calls]
        assert {json.loads(call.arguments)["order_id"] for call in calls} <= known
        if row["calls"] == "none":
            assert not calls
        if row["calls"] == "one":
            answer = json.loads(next(turn.text for turn in turns if turn.role == "tool"))
            place = answer["order_id"] - 100
            assert answer == {"order_id": place + 100, "status": ORDERS["status"][place].as_py()}
        if row["calls"] == "error":
            assert "error" in json.loads(next(turn.text for turn in turns if turn.role == "tool"))
    assert made.refused > 10
    assert f"{made.refused:,} refused" in made.report()


def refund(order_id: int, amount: float, state: dict[str, Any]) -> dict[str, Any]:
    """Pay money back.

    Args:
        order_id: Number of the order.
        amount: Euros.
        state: What the conversation remembers.
    """
    state[str(order_id)] = amount
    return {"paid": amount}


def test_a_task_whose_end_code_refuses_is_held_again() -> None:
    """A function's tool remembers per conversation; the end is checked there."""
    refunds = itertools.count(1)

    def answer(call: Call) -> Any:
        if call.schema is None:
            return f"Message {call.number}."
        amount = 5 if next(refunds) % 2 else 10
        return {"calls": [{"name": "refund", "arguments": {"order_id": 1, "amount": amount}}]}

    with ChatServer(answer) as server:
        made = fb.conversations(
            SHOP, 4, model=at(server), tools=[refund], calls="one", turns=1, state={},
            check_end=lambda ended: ended["state"] == {"1": 10} or "nothing of 10 is paid back",
        )  # fmt: skip
    assert all('"amount": 10' in str(row["messages"]) for row in made)
    assert made.counts["held again"] > 0


def test_two_calls_at_once_each_get_their_answer() -> None:
    def weather(city: str) -> str:
        """Tell the weather."""
        return f"sun in {city}"

    def answer(call: Call) -> Any:
        if call.schema is None:
            return f"Message {call.number}."
        cities = ("Bonn", "Ulm")
        return {"calls": [{"name": "weather", "arguments": {"city": city}} for city in cities]}

    with ChatServer(answer) as server:
        made = fb.conversations(
            "weather", 2, model=at(server), tools=[weather], calls="parallel", turns=1
        )
    answers = [m["content"] for m in made[0]["messages"] if m["role"] == "tool"]
    assert answers == ['"sun in Bonn"', '"sun in Ulm"']


def test_the_command_writes_conversations_that_its_validation_accepts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("orders.csv").write_text("order_id,status\n1,open\n2,sent\n", encoding="utf-8")
    Path("texts.yaml").write_text("asks: ['Where is order {{ order_id }}?']\n", encoding="utf-8")
    Path("end.py").write_text(
        "def ended(messages: list) -> list:\n    return []\n", encoding="utf-8"
    )
    asked = [
        "conversations", SHOP, "-n", "8", "-o", "talks.jsonl", "--model", "fake",
        "--tool", "get_order=orders.csv:order_id", "--facts", "orders.csv", "--turns", "1",
        "--calls", "one:3,none:1", "--balance", "tone=calm,angry", "--user-texts", "texts.yaml",
        "--check-end", "end.py:ended",
    ]  # fmt: skip
    assert main(asked) == 0
    assert main(["validate", "talks.jsonl"]) == 0
    rows = read_json_rows(Path("talks.jsonl")) or []
    assert Counter(row["calls"] for row in rows) == {"one": 6, "none": 2}
    assert main(["export", "talks.jsonl", "-o", "set.jsonl", "--format", "sharegpt"]) == 0
    assert main(["validate", "set.jsonl"]) == 0
