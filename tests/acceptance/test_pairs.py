"""Training pairs of any shape, exactly as many as asked, as `fb.pairs` gives them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

import fabula as fb
from fabula.errors import PartialRunError, UsageError
from fabula.testing import Call, ChatServer, Reply
from fabula.testing.replies import cut
from tests.acceptance.builders import as_reply, asked_rows, at, known_rows, numbered
from tests.acceptance.conftest import Run

SHAPE = "product name and category → description"
TEXT_ONLY = ("json_schema", "tools", "json_object")


def pair(number: int) -> dict[str, str]:
    return {
        "product_name": f"Thing {number}",
        "category": "Kitchen",
        "description": f"It is {number}.",
    }


def as_text(*numbers: int) -> str:
    """Pairs in the form of the reference."""
    blocks = (
        f"{place}.\nInput: Thing {number}, Kitchen\nOutput: It is {number}."
        for place, number in enumerate(numbers, 1)
    )
    return "\n\n".join(blocks)


def texts(size: int) -> Callable[[Call], str]:
    """A server that always answers with `size` new pairs as numbered text."""
    made = 0

    def script(_: Call) -> str:
        nonlocal made
        made += size
        return as_text(*range(made - size, made))

    return script


def test_three_replies_that_overlap_are_counted_and_know_of_each_other() -> None:
    """45 parsed, 9 duplicates, 36 kept; used products stand in calls 2 and 3."""
    replies = [as_text(*range(15)), as_text(*range(10, 25)), as_text(*range(21, 36))]
    shouted = replies[1].replace("Thing 1", "THING  1")  # case and spacing tell no inputs apart
    with ChatServer([replies[0], shouted, replies[2]]) as server:
        made = fb.pairs(SHAPE, 36, model=at(server), rows_per_call=15)
    assert made.counted == "45 parsed, 9 duplicates, 36 kept"
    names = [" ".join(row["product_name"].casefold().split()) for row in made]
    assert sorted(names) == sorted(f"thing {i}" for i in range(36))
    for call in server.calls[1:]:
        assert '"Thing 14"' in call.prompt
        assert "do not repeat" in call.prompt


def test_it_asks_on_until_all_are_there() -> None:
    """Exactly 100 of replies of 15."""
    with ChatServer(texts(15)) as server:
        made = fb.pairs(SHAPE, 100, model=at(server))
    assert len(made) == len({row["product_name"] for row in made}) == 100
    assert 7 <= len(server.calls) <= 12


def test_it_stops_when_hardly_anything_new_comes_and_says_so() -> None:
    """The stall rule."""
    with ChatServer(lambda _: as_text(*range(15))) as server, pytest.raises(PartialRunError) as end:
        fb.pairs(SHAPE, 100, model=at(server), rows_per_call=15)
    assert "15 of 100 rows are distinct" in end.value.message
    assert len(end.value.rows) == 15
    assert end.value.rows.duplicates >= 45
    assert len(server.calls) <= 40


def test_a_server_that_can_do_json_is_asked_for_json() -> None:
    with ChatServer(numbered(pair)) as server:
        made = fb.pairs(SHAPE, 30, model=at(server))
    assert list(made) == [pair(i) for i in range(30)]
    assert all(call.body["response_format"]["type"] == "json_schema" for call in server.calls)


def _chat(row: dict[str, str]) -> list[dict[str, str]]:
    said = f"{row['product_name']}, {row['category']}"
    return [{"role": "user", "content": said}, {"role": "assistant", "content": row["description"]}]


def _two_sides(given: str, wanted: str, row: dict[str, str]) -> dict[str, Any]:
    return {given: f"{row['product_name']}, {row['category']}", wanted: row["description"]}


OBJECTS: dict[str, Callable[[dict[str, str]], Any]] = {
    "input and output": lambda row: _two_sides("input", "output", row),
    "capital letters": lambda row: _two_sides("Input", "Output", row),
    "prompt and completion": lambda row: _two_sides("prompt", "completion", row),
    "question and answer": lambda row: _two_sides("question", "answer", row),
    "objects on both sides": lambda row: {
        "input": {name: row[name] for name in ("product_name", "category")},
        "output": {"description": row["description"]},
    },
    "a chat": lambda row: {"messages": _chat(row)},
}
WRAPPERS: dict[str, Callable[[list[Any]], str]] = {
    "pairs": lambda made: json.dumps({"pairs": made}),
    "a list": json.dumps,
    "a fence": lambda made: f"Here you are:\n```json\n{json.dumps({'data': made})}\n```",
    "lines": lambda made: "\n".join(map(json.dumps, made)),
    "Python": lambda made: str({"pairs": made}),
}


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
@pytest.mark.parametrize("form", OBJECTS.values(), ids=OBJECTS)
def test_objects_of_two_sides_are_pairs(
    form: Callable[[dict[str, str]], Any], wrap: Callable[[list[Any]], str]
) -> None:
    reply = wrap([form(pair(number)) for number in range(3)])
    with ChatServer([reply], refuse=TEXT_ONLY) as server:
        made = fb.pairs(SHAPE, 3, model=at(server), attempts=0)
    assert list(made) == [pair(number) for number in range(3)]


def test_one_pair_of_two_sides_is_one_pair() -> None:
    reply = json.dumps(OBJECTS["objects on both sides"](pair(1)))
    with ChatServer([reply]) as server:
        made = fb.pairs(SHAPE, 1, model=at(server), attempts=0)
    assert list(made) == [pair(1)]


def test_an_input_that_does_not_split_into_its_fields_is_asked_again() -> None:
    bad = json.dumps({"pairs": [{"input": "Mug, 12 oz, Kitchen", "output": "Warm."}]})
    with ChatServer([bad, json.dumps(pair(1))]) as server:
        made = fb.pairs(SHAPE, 1, model=at(server))
    assert list(made) == [pair(1)]
    assert len(server.calls) == 2


def test_a_server_that_can_not_is_asked_for_numbered_text() -> None:
    """Its first answer shows it; from the second call on the text form is asked."""

    def script(call: Call) -> str:
        start = 100 * call.number
        return as_text(*range(start, start + asked_rows(call)))

    with ChatServer(script, refuse=TEXT_ONLY) as server:
        made = fb.pairs(SHAPE, 12, model=at(server), rows_per_call=4)
    assert len(made) == 12
    last = server.calls[-1]
    assert "Input: <product_name>, <category>\nOutput: <description>" in last.prompt
    assert "JSON object" not in last.prompt
    assert not {"response_format", "tools"} & set(last.body)


def test_numbered_text_can_be_demanded() -> None:
    with ChatServer(texts(5)) as server:
        fb.pairs(SHAPE, 5, model=at(server), numbered=True, rows_per_call=5)
    assert "Output: <description>" in server.calls[0].prompt
    assert "Reply with JSON" not in server.calls[0].prompt


@pytest.mark.parametrize("refused", [(), TEXT_ONLY])
def test_blocks_that_can_not_be_read_are_asked_again_with_the_reason(
    refused: tuple[str, ...],
) -> None:
    """Parsed + rejected = count of `Input` markers, over the whole run."""
    bad = "1.\nInput: Mug Kitchen\nOutput: no comma\n2.\nInput: A, B, C\nOutput: two commas"
    replies = [f"{bad}\n3.\nInput: Thing 0, Kitchen\nOutput: It is 0.", as_text(1, 2)]
    with ChatServer(replies, refuse=refused) as server:
        made = fb.pairs(SHAPE, 3, model=at(server), rows_per_call=3)
    assert sorted(row["product_name"] for row in made) == ["Thing 0", "Thing 1", "Thing 2"]
    assert made.parsed + len(made.unread) == sum(reply.count("Input") for reply in replies)
    assert [raw.partition("\n")[2] for raw, _ in made.unread] == [
        "Input: Mug Kitchen\nOutput: no comma",
        "Input: A, B, C\nOutput: two commas",
    ]
    assert "2 fields" in server.calls[-1].prompt


def test_a_pair_cut_off_by_the_length_limit_is_not_taken() -> None:
    text = as_text(*range(6))
    replies = iter([cut(text[: text.index("It is 5") + 4])])
    fresh = texts(3)
    with ChatServer(
        lambda call: next(replies, None) or fresh(call).replace("Thing", "New")
    ) as server:
        made = fb.pairs(SHAPE, 6, model=at(server), rows_per_call=6)
    assert len(made) == 6
    assert all(row["description"].endswith(".") for row in made)
    assert made.unread[0][0].startswith("6.\nInput: Thing 5")


def test_attributes_are_dealt_out_over_the_calls() -> None:
    """Topics are partitioned; each call is told which of its pairs is about what."""
    seen: list[dict[str, Any]] = []

    def script(call: Call) -> str:
        known = known_rows(call)
        seen.extend(known)
        rows = [{"row": i, **pair(1000 * call.number + i)} for i in range(1, len(known) + 1)]
        return as_reply(*rows) if len(rows) > 1 else as_reply(pair(1000 * call.number))

    balance = {"topic": ["billing", "login", "refund"], "tone": {"calm": 2, "angry": 1}}
    with ChatServer(script) as server:
        made = fb.pairs(SHAPE, 36, model=at(server), balance=balance, rows_per_call=6)
    assert Counter(row["topic"] for row in made) == {"billing": 12, "login": 12, "refund": 12}
    assert Counter(row["tone"] for row in made) == {"calm": 24, "angry": 12}
    assert seen == [{"topic": row["topic"], "tone": row["tone"]} for row in made]
    assert {len({row["topic"] for row in known_rows(call)}) for call in server.calls} == {1}


def test_numbers_keep_pairs_with_their_attributes_in_text_too() -> None:
    """A block that is missing does not shift the others."""

    def script(call: Call) -> str:
        if call.number == 1:
            return as_text(0, 1, 2).replace("2.\nInput: Thing 1, Kitchen", "2.\nInput: Thing")
        return as_text(7)

    with ChatServer(script) as server:
        made = fb.pairs(
            SHAPE, 3, model=at(server), balance={"topic": ["a", "b", "c"]}, numbered=True
        )
    assert [(row["topic"], row["product_name"]) for row in made] == [
        ("a", "Thing 0"),
        ("b", "Thing 7"),
        ("c", "Thing 2"),
    ]


class Ticket(BaseModel):
    """A ticket with its answer."""

    topic: str
    question: str
    answer: str


def test_a_class_declares_the_shape_and_checks_every_pair() -> None:
    fresh = numbered(lambda i: {"question": f"Why {i}?", "answer": "no" if i == 1 else f"So {i}."})
    with ChatServer(fresh) as server:
        made = fb.pairs(
            Ticket,
            4,
            model=at(server),
            balance={"topic": ["login"]},
            check_pair=lambda pair: None if pair.answer != "no" else "the answer is too short",
            rows_per_call=1,
        )
    assert len(made.to_models(Ticket)) == 4
    assert {row["topic"] for row in made} == {"login"}
    assert "the answer is too short" in "".join(call.prompt for call in server.calls)
    with pytest.raises(UsageError, match="takes no `balanse`"):
        fb.pairs(Ticket, 4, model="fake", balanse={"topic": ["a"]})  # type: ignore[call-arg]
    with pytest.raises(UsageError, match="belongs to the output"):
        fb.pairs(Ticket, 4, model="fake", balance={"answer": ["yes"]})


def test_examples_subject_and_demand_are_in_every_prompt() -> None:
    example = {"product_name": "Thing 0", "category": "Kitchen", "description": "{{ 7 * 7 }}"}
    with ChatServer(numbered(pair)) as server:
        made = fb.pairs(
            SHAPE,
            25,
            model=at(server),
            prompt="an odd shop",
            extra="no plastic",
            examples=[example],
        )
    assert "Thing 0" not in {row["product_name"] for row in made}  # an example is not a new pair
    for call in server.calls:
        assert "an odd shop" in call.prompt
        assert "no plastic" in call.prompt
        assert json.dumps(example) in call.prompt


def test_pairs_go_on_where_a_limit_stopped_them() -> None:
    """And the same again asks nothing."""
    with ChatServer(numbered(pair)) as server:
        with pytest.raises(PartialRunError):
            fb.pairs(SHAPE, 100, model=at(server), max_calls=2)
        asked = len(server.calls)
        made = fb.pairs(SHAPE, 100, model=at(server))
        total = len(server.calls)
        again = fb.pairs(SHAPE, 100, model=at(server))
    assert asked == 2
    assert len(server.calls) == total
    assert again.rows == made.rows


def test_the_command_writes_counts_and_rejects(fabula: Run) -> None:
    """The file, its counts, and what gave no pair."""
    bad = "9.\nInput: Mug Kitchen\nOutput: no comma"

    def script(call: Call) -> str:
        if call.number == 1:
            return f"{as_text(*range(8))}\n{bad}"
        return as_text(6 + call.number)

    with ChatServer(script) as server:
        ended = fabula("pairs", SHAPE, "-n", "10", "-o", "p.jsonl", server=server)
        assert ended.code == 0, ended.err
        assert "10 parsed, 0 duplicates, 1 unreadable, 10 kept" in ended.err
        assert "Wrote `p.jsonl` (10)" in ended.err
        rows = [json.loads(line) for line in Path("p.jsonl").read_text("utf-8").splitlines()]
        assert sorted(row["product_name"] for row in rows) == [f"Thing {i}" for i in range(10)]
        assert json.loads(Path("p.jsonl.rejects.jsonl").read_text("utf-8"))["raw"] == bad
        assert fabula("pairs", SHAPE, "-n", "10", "-o", "p.jsonl", server=server).code == 2


def test_the_command_goes_on_after_a_shortfall(fabula: Run) -> None:
    """What came is in the file; the same command replaces it by the whole."""
    with ChatServer(numbered(pair)) as server:
        command = ("pairs", SHAPE, "-n", "60", "-o", "p.jsonl", "--rows-per-call", "10")
        ended = fabula(*command, "--max-calls", "2", server=server)
        assert ended.code == 4
        assert "20 kept" in ended.err
        ended = fabula(*command, server=server)
    assert ended.code == 0, ended.err
    assert "2 more answered from the ledger" in ended.err
    assert len(Path("p.jsonl").read_text("utf-8").splitlines()) == 60
    assert len(server.calls) == 6


def test_the_command_exports_and_the_result_passes_the_check(fabula: Run) -> None:
    """End to end."""
    with ChatServer(numbered(lambda i: {"row": i + 1, **pair(i)})) as server:
        ended = fabula(
            *("pairs", SHAPE, "-n", "20", "-o", "sets", "--format", "chat-jsonl"),
            *("--split", "train=0.8,test=20%", "--system", "You sell."),
            server=server,
        )
    assert ended.code == 0, ended.err
    assert "`sets/train.jsonl` (16), `sets/test.jsonl` (4)" in ended.err
    assert re.search(r"about \d+ tokens, the longest example \d+ \(estimates\)", ended.err)
    assert "gpt-4o-mini" in ended.err
    assert fabula("validate", "sets/train.jsonl").out.startswith("Checks: 7 passed")


def test_a_dry_run_shows_the_prompt_and_the_cost_and_asks_nothing(fabula: Run) -> None:
    """--dry-run."""
    with ChatServer() as server:
        ended = fabula(
            "pairs", SHAPE, "-n", "50", "--balance", "topic=a,b", "--dry-run", server=server
        )
    assert ended.code == 0, ended.err
    assert 'Known values of the rows:\n1. {"topic": "a"}' in ended.out
    assert "calls" in ended.out
    assert server.calls == []


def test_the_command_refuses_what_can_not_be_meant(fabula: Run) -> None:
    """Early, with a hint."""
    for words in (
        ("pairs", "no arrow"),
        ("pairs", "a → b", "--output", "x.jsonl"),
        ("pairs", "a → b", "--balance", "topic"),
        ("pairs", "a → b", "--split", "train"),
        ("pairs", "a → b", "--balance", "b=x,y"),
        ("pairs", "a → b", "-n", "-1"),
    ):
        ended = fabula(*words, "--model", "fake")
        assert ended.code == 2, words
        assert "error[usage" in ended.err


def test_replies_that_are_refusals_end_in_a_named_error() -> None:
    refusing = ChatServer(lambda _: Reply("I cannot help with that.", as_text=True))
    with refusing as server, pytest.raises(fb.FabulaError) as caught:
        fb.pairs(SHAPE, 3, model=at(server), numbered=True)
    assert caught.value.exit_code == 4
