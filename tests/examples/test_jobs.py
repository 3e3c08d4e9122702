"""The jobs in `examples/`, run as users run them: with `fake`, and with replies as they come."""

from __future__ import annotations

import itertools
import json
import random
import re
import runpy
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fabula.cli.main import main
from fabula.llm.json_schema.samples import make_value
from fabula.testing import Call, ChatServer, Reply
from fabula.training.tools import tool_problems
from fabula.training.turns import read_turns
from tests.acceptance.builders import asked_rows, known_rows
from tests.topics.topic_server import Script, words

EXAMPLES = Path(__file__).parents[2] / "examples"
SCRIPTS = sorted(path.stem for path in EXAMPLES.glob("*.py"))
REFUSED = ("json_schema", "tools", "json_object")
"""What a server refuses that can only write text."""

Answer = Callable[[Call], Any]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every job runs in a folder of its own, with a ledger of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FABULA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")


def run(name: str, model: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run an example as `python examples/NAME.py MODEL` does; gives its names."""
    path = str(EXAMPLES / f"{name}.py")
    monkeypatch.setattr(sys, "argv", [path, model])
    return runpy.run_path(path, run_name="__main__")


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_job_runs_without_a_model(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run(name, "fake", monkeypatch)


def answered(
    name: str, answer: Answer, monkeypatch: pytest.MonkeyPatch, **server: Any
) -> tuple[dict[str, Any], list[Call]]:
    with ChatServer(answer, **server) as running:
        monkeypatch.setenv("OPENAI_BASE_URL", running.url)
        return run(name, "openai:gpt-4o-mini", monkeypatch), running.calls


NAMES = ["Toaster", "Kettle, electric", "Blender", "Mixer", "Oven", "Fridge", "Fan", "Iron", "Lamp"]


def test_a_fenced_csv_with_prose_and_dollars_is_five_items(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def answer(_: Call) -> str:
        rows = [f'"{name}", "$1,0{place}9.50", {place}' for place, name in enumerate(NAMES[:5])]
        table = "\n".join(["Name, Price (dollars), Inventory  ", *rows])
        return f"Sure! Here are 5 items:\n\n```csv\n{table}\n```\n\nLet me know if you need more!"

    answered("items", answer, monkeypatch, refuse=REFUSED)
    items = pd.read_csv("items.csv")
    assert list(items.columns) == ["Name", "Price (dollars)", "Inventory"]
    assert list(items["Name"]) == NAMES[:5]
    assert items["Price (dollars)"][3] == 1039.5


def test_appliances_are_repaired_until_they_are_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    names, prices = iter(NAMES), itertools.chain([-1], itertools.repeat("$29.99"))

    def answer(call: Call) -> str:
        rows = [
            {"name": name, "price": next(prices), "inventory": "12"}
            for name in itertools.islice(names, asked_rows(call))
        ]
        return f"<think>They want appliances.</think>\n{json.dumps({'appliances': rows})}"

    made, calls = answered("appliances", answer, monkeypatch, refuse=REFUSED)
    assert [each.price for each in made["appliances"]] == [29.99] * 5
    assert any("-1 is not above 0" in call.prompt for call in calls)


def test_appended_rows_may_lie_beyond_the_first_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    names = iter(NAMES + [f"Thing {place}" for place in range(9)])
    prices = itertools.count(30, 90)

    def answer(call: Call) -> str:
        made = itertools.islice(names, asked_rows(call))
        rows = [
            {"name": name, "Inventory": place, "Price (dollars)": next(prices) + 0.99}
            for place, name in enumerate(made)
        ]
        return json.dumps(rows[0] if len(rows) == 1 else {"rows": rows})

    made, _ = answered("append", answer, monkeypatch, refuse=REFUSED)
    longer = made["longer"]
    assert list(longer.columns) == ["Name", "Price (dollars)", "Inventory"]
    assert longer["Price (dollars)"].iloc[-1] > 800
    assert len(longer) == 10


def test_televisions_that_break_the_ratio_are_asked_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: dict[int, int] = {}

    def answer(call: Call) -> str:
        rows = []
        for row in known_rows(call):
            size = row["size"]
            kind = "QLED" if seen.setdefault(size, 0) else "OLED"
            seen[size] += 1
            price = size * 10 * (2 if kind == "QLED" else 1)
            wrong = size == 55 and kind == "QLED" and seen[size] == 2
            rows.append({"type": kind.lower(), "price": f"${price * (4 if wrong else 1):,}"})
        return json.dumps({"rows": rows} if len(rows) > 1 else rows[0])

    with ChatServer(answer, refuse=REFUSED) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        command = ["generate", str(EXAMPLES / "tvs.yaml"), "-o", "tvs.csv"]
        assert main([*command, "--model", "openai:gpt-4o-mini"]) == 0, capsys.readouterr()
    assert "1.5 * avg(price)" in server.calls[0].prompt
    assert len(server.calls) > 1
    tvs = pd.read_csv("tvs.csv").pivot_table(index="size", columns="type", values="price")
    assert (tvs["QLED"] / tvs["OLED"]).between(1.5, 3).all()


def test_rules_of_televisions_fail_where_nobody_knows_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = main(["generate", str(EXAMPLES / "tvs.yaml"), "-o", "tvs.csv", "--model", "fake"])
    assert code in (1, 4)
    told = capsys.readouterr().err
    assert "FAIL" in told or "rejected" in told


def house(number: int, size: float) -> list[Any]:
    return [number, f"{size} m²", f"€{size * 3000:,.0f}", "Graz", max(1, int(size // 30))]


def test_ids_from_zero_and_units_are_read_and_relations_hold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def answer(_: Call) -> str:
        head = "| ID | House Size (m^2) | House price | Location | Number of bedrooms |"
        rows = [house(number, 40 + 15 * number) for number in range(10)]
        lines = [f"| {' | '.join(map(str, row))} |" for row in rows]
        return "\n".join(["Here is the data:", head, "|---|---|---|---|---|", *lines])

    answered("housing", answer, monkeypatch, refuse=REFUSED)
    houses = pd.read_csv("housing.csv")
    assert list(houses["id"]) == list(range(1, 11))
    assert houses["house price"][0] == 120_000


PROGRAM = """
import pandas as pd
import numpy as np

size = np.random.uniform(40, 200, 100).round(1)
df = pd.DataFrame({
    "id": range(1, 101),
    "house_size_m2": size,
    "house_price": (size * 3000).round(2),
    "location": np.random.choice(["Graz", "Linz"], 100),
    "number_of_bedrooms": (size // 30).clip(1).astype(int),
})
"""
TABLES = """
import pandas as pd
import numpy as np

location = pd.DataFrame({
    "id": range(1, 11), "country": "Austria", "city": [f"Town {i}" for i in range(10)],
})
house_types = pd.DataFrame({
    "id": range(1, 5), "house_type": ["Flat", "Villa", "Loft", "Bungalow"],
})
housing = pd.DataFrame({
    "id": range(1, 101),
    "house_type_id": np.random.randint(1, 5, 100),
    "location_id": np.random.randint(ORPHAN, 11, 100),
    "house_size_m2": np.random.uniform(30, 200, 100),
    "house_price": np.random.uniform(1e5, 9e5, 100),
})
print(housing.head())
"""


def fenced(code: str) -> str:
    return f"Here is a program that does it:\n\n```python\n{code}\n```\n\nI assumed euros."


@pytest.mark.skipif(sys.platform != "linux", reason="the sandbox needs Landlock")
def test_a_program_is_mended_and_makes_more_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(call: Call) -> str:
        return fenced(
            PROGRAM.replace("np.random.choice", "np.choice") if call.number == 1 else PROGRAM
        )

    made, calls = answered("housing_program", answer, monkeypatch)
    assert made["houses"].num_rows == 100
    assert made["more"].num_rows == 1_000
    assert "np.choice" in calls[1].prompt


@pytest.mark.skipif(sys.platform != "linux", reason="the sandbox needs Landlock")
def test_orphans_of_three_tables_go_back_to_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(call: Call) -> str:
        return fenced(TABLES.replace("ORPHAN", "0" if call.number == 1 else "1"))

    made, calls = answered("housing_tables", answer, monkeypatch)
    assert {name: table.num_rows for name, table in made["homes"].items()} == {
        "location": 10,
        "house_types": 4,
        "housing": 100,
    }
    assert "location_id" in calls[1].prompt


def test_bills_keep_their_codes_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = itertools.count(1)

    def answer(call: Call) -> str:
        rows = [
            {
                "patient_id": str(number),
                "patient_name": f"Zephyrine Quell {'abcdefghijklmnop'[number % 16]}{number}",
                "diagnosis_code": "J20.9",
                "procedure_code": 99203,
                "total_charge": "$1,500.00",
                "insurance_claim_amount": "$1,200",
            }
            for number in itertools.islice(numbers, asked_rows(call))
        ]
        return "```json\n" + json.dumps({"bills": rows}) + "\n```"

    made, calls = answered("medical_bills", answer, monkeypatch, refuse=REFUSED)
    assert {bill.procedure_code for bill in made["bills"]} == {"99203"}
    assert {bill.total_charge for bill in made["bills"]} == {1500.0}
    assert all(text in calls[-1].prompt for text in made["EXAMPLES"])


def test_a_film_left_out_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(call: Call) -> Any:
        tom = "Tom Hanks" in call.prompt
        name, films = (
            ("Tom Hanks", ["Forrest Gump", "Green Mile"])
            if tom
            else ("Mads Mikkelsen", ["Hannibal", "Another Round"])
        )
        if "preferences" not in call.prompt and "gossip" not in call.prompt:
            return json.dumps({"actor": name, "films": films})
        told = films if call.number > 2 else films[:1]
        return f'Sure! Here\'s a text:\n\n"Word is that {name} was in {" and ".join(told)}."'

    made, calls = answered("actors", answer, monkeypatch, refuse=REFUSED)
    assert made["texts"][0]["text"] == "Word is that Tom Hanks was in Forrest Gump and Green Mile."
    assert made["found"].films == ["Hannibal", "Another Round"]
    assert any("Green Mile" in call.prompt for call in calls[2:])


def pair(topic: str, number: int) -> dict[str, str]:
    return {
        "product_name": f"{topic} {words(number)}",
        "category": topic,
        "description": f"It does {words(500 + number)}.",
    }


def test_fenced_pairs_with_a_preamble_become_a_balanced_chat_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    numbers = itertools.count()

    def new(topics: list[str]) -> list[dict[str, Any]]:
        return [
            {"row": place, "topic": topic, **pair(topic, 100 + next(numbers))}
            for place, topic in enumerate(topics, 1)
        ]

    topics = Script(write=new)

    def answer(call: Call) -> Any:
        balancing = ("a name for each cluster", "new topics for", "Rows that are wanted")
        if call.path.endswith("embeddings") or any(text in call.prompt for text in balancing):
            return topics(call)
        pairs = [
            pair("Food" if number % 4 else "Vehicle", number)
            for number in itertools.islice(numbers, asked_rows(call))
        ]
        return Reply(f"Certainly!\n```json\n{json.dumps({'pairs': pairs})}\n```", as_text=True)

    made, _ = answered("product_pairs", answer, monkeypatch)
    assert len(made["made"]) == 24
    lines = [
        json.loads(line)
        for name in ("train", "test")
        for line in Path(f"product_pairs/{name}.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert len(lines) == 30
    told = [line["messages"][-1]["content"] for line in lines]
    assert all(text.startswith("It does ") and text.endswith(".") for text in told)


def test_support_chats_look_up_orders_that_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    """A third of the replies with calls break the schema of their tool at first."""

    def answer(call: Call) -> Any:
        schema, drawn = call.schema, zlib.crc32(call.prompt.encode())
        if schema is None:
            facts = call.prompt.partition("Facts as JSON: ")[2].partition("\n")[0]
            return f"Message {drawn}. {facts}".strip()
        if drawn % 3 == 0 and "not accepted" not in call.prompt:
            broken = [{"name": "get_order", "arguments": {"order": "mine"}}]
            return {"calls": broken} if "calls" in schema["properties"] else {"reply": broken}
        if "reply" in schema["properties"]:
            return {"reply": {"say": f"All is well ({drawn})."}}
        first = schema["properties"]["calls"]["items"].get("anyOf", [{}])[0]
        return {"calls": [make_value(random.Random(drawn), first)]}

    made, _ = answered("support_chat", answer, monkeypatch)
    talks, orders = made["talks"], {row["order_id"]: row for row in made["orders"]}
    assert len(talks) == 20
    assert talks.refused > 5
    looked_up = 0
    for row in talks:
        turns = read_turns(row["messages"])
        assert turns is not None
        assert [*tool_problems(turns, row["tools"])] == []
        calls = {call.id: call for turn in turns for call in turn.calls}
        for turn in turns:
            call = calls.get(turn.answers)
            told = json.loads(turn.text) if call is not None else {}
            if call is not None and call.name == "get_order" and "error" not in told:
                looked_up += 1
                assert told == orders[json.loads(call.arguments)["order_id"]]
    assert looked_up >= 12  # the first call of eight and of four conversations
    assert Path("support_chat/README.md").exists()


def test_no_wrong_sum_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = itertools.count()

    def answer(call: Call) -> Any:
        boxes, pears, eaten = map(
            int, re.findall(r"\d+", call.prompt.partition("The task:")[2])[:3]
        )
        wrong = next(numbers) % 4 == 0
        return {"reasoning": "Multiply, then take away.",
                "solution": str(boxes * pears - eaten + wrong)}  # fmt: skip

    made, _ = answered("checked_maths", answer, monkeypatch)
    assert [int(row["solution"]) for row in made["solved"]] == [
        int(row["answer"]) for row in made["solved"]
    ]
    assert made["solved"].solved == 30
    assert len(Path("checked_maths.jsonl").read_text(encoding="utf-8").splitlines()) == 30


def test_every_answer_about_the_museum_stands_in_its_document(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A third of the quotes is invented at first."""
    numbers = itertools.count()

    def answer(call: Call) -> Any:
        assert call.schema is not None
        if "is_right" in call.schema["properties"]:
            return {"is_right": True}
        number = next(numbers)
        question = {"question": f"What of matter {number}?", "answer": "", "quotes": []}
        if "Leave `answer` and `quotes` empty" in call.prompt:
            return question
        shown = re.findall(r"^<passage [^\n]*>\n(.*?)\n</passage>$", call.prompt, re.M | re.S)
        quotes = ["The museum was founded by two sisters."] if number % 3 == 0 else shown
        return {**question, "answer": "It is so.", "quotes": quotes}

    made, _ = answered("grounded_questions", answer, monkeypatch)
    found = made["made"]
    assert len(found) == 20
    assert found.refused["a quote does not stand in its source"] >= 5
    spans = [span for row in found for span in row["spans"]]
    assert {span["document"] for span in spans} == {"visit.html", "rules.md", "loans.docx"}
    for span in spans:
        text = found.documents[span["document"]].text
        assert text[span["start"] : span["end"]] == span["quote"]
