"""The prompts for small models, and what of their replies is kept."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from fabula.llm.client.chat import ChatReply
from fabula.llm.rows.job import RowField, RowsJob
from fabula.llm.rows.prompt_format import Call
from fabula.llm.rows.reply import ReplyReader
from fabula.llm.rows.row_check import compile_fields
from fabula.llm.rows.small_models.postprocess import loops, tidy, whole_sentences
from fabula.llm.rows.small_models.prompt_format import CompletionForm

NAME = RowField("name", {"type": "string"}, "product name")
PRICE = RowField("price", {"type": "number", "minimum": 5, "maximum": 9})
FASHION = "Items sold by an online fashion store."


def form_of(job: RowsJob) -> CompletionForm:
    return CompletionForm(job, ReplyReader(job.fields, compile_fields(job.fields)))


def text_of(form: CompletionForm, row: int = 0) -> str:
    [message] = form.request(Call((row,))).messages
    return message.content


def blurbs(*prompts: str) -> RowsJob:
    blurb = RowField("blurb", {"type": "string"})
    return RowsJob("", (blurb,), len(prompts), text=True, prompts=prompts)


def test_one_free_value_is_the_next_line_of_a_list() -> None:
    form = form_of(RowsJob(FASHION, (NAME,), 3))
    text = text_of(form)
    assert text.startswith("Items sold by an online fashion store. product name:\n- ")
    assert text.endswith("\n-")
    assert "Dress" in text
    request = form.request(Call((0,)))
    assert (request.schema, request.sampling.stop) == (None, ("\n",))


def test_the_prefix_is_the_same_for_all_rows_and_what_is_known_comes_last() -> None:
    given = [{"id": 7, "category": "coat"}, {"id": 8, "category": "hat"}]
    form = form_of(RowsJob(FASHION, (NAME,), 2, given=given))
    coat, hat = text_of(form, 0), text_of(form, 1)
    assert coat.endswith("category: coat\nname:")
    assert coat.removesuffix("category: coat\nname:") == hat.removesuffix("category: hat\nname:")


def test_several_values_are_the_next_line_of_a_file_of_valid_examples() -> None:
    code = RowField("code", {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{3}$"})
    kind = RowField("kind", {"enum": ["new", "used"]})
    job = RowsJob(FASHION, (NAME, PRICE, code, kind), 1)
    form, check = form_of(job), compile_fields(job.fields)
    reading = ReplyReader(job.fields, check).read(text_of(form), asked=4, cut=False)
    assert len(reading.items) == 4
    assert [check(item)[1] for item in reading.items] == [[]] * 4
    assert form.request(Call((0,))).schema is not None


@pytest.mark.parametrize(
    "examples",
    [["Silk Robe", "Felt Hat"], [{"name": "Silk Robe"}, {"name": "Felt Hat"}]],
)
def test_human_examples_take_the_place_of_the_built_in_ones(examples: list[Any]) -> None:
    text = text_of(form_of(RowsJob(FASHION, (NAME,), 1, examples=examples)))
    assert text.endswith("- Silk Robe\n- Felt Hat\n-")
    assert "Linen" not in text


def test_human_lines_stand_before_the_rows_when_several_values_are_asked() -> None:
    job = RowsJob("bills", (NAME, PRICE), 1, examples=["Patient {x}: 12 EUR"], extra="be odd")
    assert "bills. be odd:\n- Patient {x}: 12 EUR\n" in text_of(form_of(job))


def test_prose_is_the_answer_to_a_task_after_a_few_answered_ones() -> None:
    text = text_of(form_of(blurbs("Sell a\nred hat.")))
    assert text.endswith("\n\nTask: Sell a red hat.\nAnswer:")
    assert text.count("Answer:") == 5


def test_longer_texts_get_more_tokens() -> None:
    form = form_of(blurbs("Sell a hat.", "Sell a hat in 60 to 150 words."))
    limits = [form.request(Call((row,))).sampling.max_tokens for row in (0, 1)]
    assert limits == [90, 300]


@pytest.mark.parametrize(
    ("text", "row"),
    [
        (" Wool Coat", {"name": "Wool Coat"}),
        (' "Wool Coat" ,', {"name": "Wool Coat"}),
        (" ", None),
        (" Linen Wrap Dress", None),
        (" Leather Leather Shoes", None),
        (" coat", None),
    ],
)
def test_copies_echoes_loops_and_nothing_are_refused(text: str, row: dict[str, str] | None) -> None:
    form = form_of(RowsJob(FASHION, (NAME,), 1, given=[{"category": "coat"}]))
    reading = form.read(ChatReply(text), Call((0,)))
    assert list(reading.items) == ([row] if row else [])
    assert bool(reading.problem) == (row is None)


def test_a_name_that_does_not_end_is_no_name() -> None:
    reading = form_of(RowsJob(FASHION, (NAME,), 1)).read(
        ChatReply(" Wool Coat with a", finish="length"), Call((0,))
    )
    assert reading.problem == "the value does not end: Wool Coat with a"


def test_prose_ends_with_its_last_whole_sentence() -> None:
    form = form_of(blurbs("Sell a hat."))
    cut = ChatReply(' A warm hat. It costs 3.5 euros! And "it', finish="length")
    assert form.read(cut, Call((0,))).items == ({"blurb": "A warm hat. It costs 3.5 euros!"},)
    assert not form.read(ChatReply(" A warm hat"), Call((0,))).items
    assert not form.read(ChatReply(" Sell a hat."), Call((0,))).items


def test_a_row_whose_texts_are_an_examples_is_refused() -> None:
    form = form_of(RowsJob(FASHION, (NAME, PRICE), 1))
    copied = form.read(ChatReply('{"name": "Linen Wrap Dress", "price": 6}'), Call((0,)))
    assert not copied.items
    assert "copy of an example" in copied.bad[0][1]
    assert form.read(ChatReply('{"name": "Wool Hat", "price": 6}'), Call((0,))).items


def test_a_text_that_the_grammar_ended_goes_back_to_its_last_sentence() -> None:
    form = form_of(RowsJob(FASHION, (NAME, PRICE), 1))
    text = "A hat. " + ", ".join(f"word{number}" for number in range(30))
    [row] = form.read(ChatReply(json.dumps({"name": text[:160], "price": 6})), Call((0,))).items
    assert row == {"name": "A hat.", "price": 6}
    endless = form.read(ChatReply(json.dumps({"name": text[7:167], "price": 6})), Call((0,)))
    assert not endless.items


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b a b a b a b a b", True),
        ("so so good", True),
        ("30000000000", True),
        ("a hat and a coat", False),
        ("", False),
    ],
)
def test_loops_are_told_from_plain_repetition(text: str, expected: bool) -> None:
    assert loops(text) is expected


def test_tidying_keeps_a_text_as_it_is_but_for_its_edges() -> None:
    assert tidy('  - "Two  words" ') == "Two words"
    assert tidy('12" pan') == '12" pan'
    assert whole_sentences("No end") == ""


def test_answered_tasks_of_the_job_come_before_built_in_ones_and_after_human_ones() -> None:
    """What a small model learns a task from."""
    job = blurbs("Tell x")
    shown = [{"task": "Tell a", "blurb": "It is a."}]
    human = [{"task": "Tell b", "blurb": "It is b."}]
    text = text_of(form_of(replace(job, shown=shown)))
    assert text == "Task: Tell a\nAnswer: It is a.\n\nTask: Tell x\nAnswer:"
    text = text_of(form_of(replace(job, shown=shown, examples=human)))
    assert text == "Task: Tell b\nAnswer: It is b.\n\nTask: Tell x\nAnswer:"
