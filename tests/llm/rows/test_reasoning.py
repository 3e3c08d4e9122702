"""Reasoning is taken off a reply in all its spellings, and never out of a value."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fabula.llm.rows.ask import ask_rows
from fabula.llm.rows.reasoning import without_thoughts
from fabula.testing import ChatServer
from fabula.testing.replies import Reply
from tests.llm.builders import Opened
from tests.llm.rows.jobs import listed, product, shop

DRAFT = json.dumps(listed(*({"name": f"DRAFT {n}", "price": 9} for n in range(2))))
FINAL = json.dumps(listed(product(1), product(2)))
HARMONY = (
    "<|channel|>analysis<|message|>Maybe {draft}? No.<|end|><|start|>assistant"
    "<|channel|>final<|message|>{final}<|return|>"
)
WRAPPED = [
    "<think>Maybe {draft}</think>{final}",
    "<thought>Maybe {draft}</thought>\n{final}",
    "<reasoning>Maybe {draft}</reasoning>\n```json\n{final}\n```",
    "◁think▷Maybe {draft}◁/think▷{final}",
    "[THINK]Maybe {draft}[/THINK]{final}",
    "<seed:think>Maybe {draft}</seed:think>{final}",
    "Maybe {draft}</think>{final}",
    "Thinking Process: maybe {draft}\n\nFinal answer: {final}",
    "**Thinking Process**\n1. {draft}\n\n**Final Answer:**\n{final}",
    "analysisMaybe {draft}assistantfinal{final}",
    HARMONY,
    "I start with {draft}\nWait, that is wrong. Corrected:\n{final}",
    "{final}<|im_end|>",
]


@pytest.mark.parametrize("form", WRAPPED)
async def test_rows_come_from_the_final_answer_and_not_from_its_draft(
    opened: Opened, form: str
) -> None:
    text = form.replace("{draft}", DRAFT).replace("{final}", FINAL)
    with ChatServer(text) as server:
        result = await ask_rows(opened(server), shop(2))
    assert result.rows == [product(1), product(2)]
    assert len(server.calls) == 1


@pytest.mark.parametrize("form", [*WRAPPED, "First {draft}, on reflection {final}"])
async def test_one_row_comes_from_the_last_object(opened: Opened, form: str) -> None:
    draft, final = ({"name": "DRAFT", "price": 9}, product(3))
    text = form.replace("{draft}", json.dumps(draft)).replace("{final}", json.dumps(final))
    with ChatServer(text) as server:
        result = await ask_rows(opened(server), shop(1))
    assert result.rows == [final]


@pytest.mark.parametrize(
    "tag", ["<think>2+2</think>4", "the <reasoning> element", "[THINK]", "a<|im_end|>"]
)
@pytest.mark.parametrize("around", ["{}", "```json\n{}\n```", "Sure!\n{}", "<think>hm</think>{}"])
def test_signs_of_reasoning_inside_json_strings_are_data(tag: str, around: str) -> None:
    value: Any = {"rows": [{"name": tag, "price": 1}, {"name": f"x {tag}", "price": 2}]}
    text = around.replace("{}", json.dumps(value))
    assert json.dumps(value) in without_thoughts(text)
    assert "hm" not in without_thoughts(text)


@pytest.mark.parametrize(
    "text", ["<think>never ends", "<|channel|>analysis<|message|>hm", "[THINK]a"]
)
def test_a_reply_of_reasoning_alone_holds_no_answer(text: str) -> None:
    assert without_thoughts(text) == ""


async def test_reasoning_parts_of_a_message_are_no_answer(opened: Opened) -> None:
    parts = [{"type": "reasoning", "text": DRAFT}, {"type": "text", "text": FINAL}]
    with ChatServer(Reply(message={"role": "assistant", "content": parts})) as server:
        result = await ask_rows(opened(server), shop(2))
    assert result.rows == [product(1), product(2)]


async def test_a_revised_answer_that_lacks_rows_is_asked_again(opened: Opened) -> None:
    half = f"{DRAFT}\nNo, better:\n{json.dumps(listed(product(9)))}"
    with ChatServer(lambda call: half if call.number == 1 else None) as server:
        result = await ask_rows(opened(server), shop(2))
    assert None not in result.rows
    assert not any(str(row and row["name"]).startswith("DRAFT") for row in result.rows)
