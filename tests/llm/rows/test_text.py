"""Free text, one prompt a row."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fabula.llm.client.chat import ChatModel
from fabula.llm.rows.ask import ask_rows, ask_rows_sync
from fabula.llm.rows.job import RowField, RowsJob
from fabula.testing import Call, ChatServer
from fabula.testing.fake.model import FakeModel
from fabula.testing.replies import cut, empty, filtered, null_content, reasoning_only, refusal, says
from tests.llm.builders import Opened
from tests.llm.rows.jobs import shop

BLURB = RowField("blurb", {"type": "string"})


def blurbs(*prompts: str, **rest: Any) -> RowsJob:
    return RowsJob("", (BLURB,), len(prompts), text=True, prompts=prompts, **rest)


async def test_each_row_has_its_own_prompt_and_rows_keep_their_order(opened: Opened) -> None:
    prompts = [f"Sell item {number} with {{braces}}." for number in range(20)]

    def answer(call: Call) -> str:
        return f"Buy {call.prompt.partition('item ')[2].split()[0]} today."

    with ChatServer(answer, latency=0.01) as server:
        result = await ask_rows(opened(server, concurrency=5), blurbs(*prompts))
    assert result.rows == [{"blurb": f"Buy {number} today."} for number in range(20)]
    assert server.most_open <= 5
    assert all(call.schema is None for call in server.calls)


@pytest.mark.parametrize(
    "reply",
    [
        says("A fine mug."),
        says("  A fine mug.\n"),
        says('"A fine mug."'),
        says("<think>hm</think>A fine mug."),
        says("```text\nA fine mug.\n```"),
    ],
)
async def test_the_text_comes_without_its_wrapping(opened: Opened, reply: Any) -> None:
    with ChatServer([reply]) as server:
        result = await ask_rows(opened(server), blurbs("Sell a mug."))
    assert result.rows == [{"blurb": "A fine mug."}]


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        (empty(), "empty"),
        (null_content(), "empty"),
        (says(" \n"), "empty"),
        (refusal(), "refused"),
        (says("I cannot help with that."), "refusal"),
        (says("I'm sorry, but I can't assist with that request."), "refusal"),
        (says("As an AI language model, I cannot write reviews."), "refusal"),
        (reasoning_only(), "reasoning"),
        (filtered(), "content filter"),
        (cut("This mug is the be"), "cut off"),
    ],
)
async def test_what_is_no_text_is_asked_again_with_its_cause(
    opened: Opened, reply: Any, cause: str
) -> None:
    """Refusals and half texts never become data."""
    with ChatServer([reply, "A fine mug."]) as server:
        result = await ask_rows(opened(server), blurbs("Sell a mug."))
    assert result.rows == [{"blurb": "A fine mug."}]
    assert cause in server.calls[1].prompt


@pytest.mark.parametrize(
    "text",
    [
        "I can't log in to my account since yesterday.",
        "I'm sorry to hear about your loss; the parcel will be replaced.",
        "Unfortunately the kettle broke after a week.",
        "I cannot recommend this mug enough!",
    ],
)
async def test_a_text_that_only_sounds_like_a_refusal_is_kept(opened: Opened, text: str) -> None:
    with ChatServer([text]) as server:
        result = await ask_rows(opened(server), blurbs("A message from a customer."))
    assert result.rows == [{"blurb": text}]


async def test_a_check_of_length_asks_again_with_its_words(opened: Opened) -> None:
    def check(row: dict[str, Any]) -> list[str]:
        words = len(row["blurb"].split())
        return [] if words >= 4 else [f"{words} words, at least 4 are wanted"]

    with ChatServer(["Too short.", "This is long enough."]) as server:
        result = await ask_rows(opened(server), blurbs("Sell.", check_row=check))
    assert result.rows == [{"blurb": "This is long enough."}]
    assert "2 words, at least 4 are wanted" in server.calls[1].prompt
    assert "Too short." in server.calls[1].prompt


async def test_equal_prompts_are_separate_requests() -> None:
    """Equal prompts are told apart by their sample number."""
    asked = []

    class Recording(FakeModel):
        async def complete(self, request: Any) -> Any:
            asked.append((request.messages, request.sample))
            return await super().complete(request)

    await ask_rows(Recording(), blurbs("Say hi.", "Say hi.", "Say ho."))
    assert sorted(sample for _, sample in asked) == [0, 0, 1]
    assert len(set(asked)) == 3


async def test_examples_and_demands_stand_before_each_prompt(opened: Opened) -> None:
    job = blurbs("One.", "Two.", examples=["A {warm} hat."], extra="Be kind.")
    with ChatServer(lambda call: f"Text {call.number}.") as server:
        await ask_rows(opened(server), job)
    for call in server.calls:
        asked = call.texts[-1]
        assert '"A {warm} hat."' in asked
        assert "Be kind." in asked
        assert asked.endswith(("One.", "Two."))


async def test_free_texts_about_a_subject_differ(opened: Opened) -> None:
    job = RowsJob("letters to the editor", (BLURB,), 3, text=True)
    with ChatServer(["Dear sir.", "dear  SIR.", "Dear all.", "Hello."]) as server:
        result = await ask_rows(opened(server, concurrency=1), job)
    assert [row and row["blurb"] for row in result.rows] == ["Dear sir.", "Hello.", "Dear all."]
    assert "letters to the editor" in server.calls[0].prompt
    assert "Fields of a row" not in server.calls[0].prompt


async def test_a_typed_value_with_its_own_prompt_is_asked_by_schema(opened: Opened) -> None:
    score = RowField("score", {"type": "integer", "minimum": 1, "maximum": 5}, "stars")
    job = shop(2, fields=(score,), prompts=["Rate a mug.", "Rate a pan."])
    with ChatServer([{"score": "4"}, {"score": 2}]) as server:
        result = await ask_rows(opened(server, concurrency=1), job)
    assert result.rows == [{"score": 4}, {"score": 2}]
    assert "Rate a mug." in server.calls[0].prompt
    assert server.calls[0].schema is not None


def test_sync_and_async_callers_get_the_same_rows_inside_and_outside_a_loop() -> None:
    job = blurbs("One.", "Two.", "Three.")
    plain = ask_rows_sync(FakeModel(), job)

    async def inside() -> tuple[Any, Any]:
        return ask_rows_sync(FakeModel(), job), await ask_rows(FakeModel(), job)

    nested, awaited = asyncio.run(inside())
    assert plain.rows == nested.rows == awaited.rows
    assert None not in plain.rows


async def test_progress_counts_rows_up_to_the_number_asked() -> None:
    told: list[int] = []
    model: ChatModel = FakeModel()
    await ask_rows(model, blurbs("One.", "Two.", "Three."), on_rows=told.append)
    assert told == sorted(told)
    assert told[-1] == 3
