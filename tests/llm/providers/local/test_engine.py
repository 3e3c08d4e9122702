"""The embedded model itself; its weights are pulled once."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fabula.errors import ModelError, PrerequisiteError
from fabula.llm.client.chat import ChatModel, ChatRequest, Message, Sampling
from fabula.llm.json_schema.validation import compile_schema
from fabula.llm.providers.local import open_local
from fabula.llm.providers.local.engine import LocalModel
from fabula.llm.providers.local.pull import pull_weights
from fabula.llm.rows import RowField, RowsJob, ask_rows


@pytest.fixture
async def model() -> AsyncIterator[ChatModel]:
    try:
        pull_weights()
    except PrerequisiteError as problem:
        pytest.skip(str(problem))
    opened = open_local()
    yield opened
    await opened.close()


def going_on(text: str, **sampling: object) -> ChatRequest:
    return ChatRequest((Message("user", text),), sampling=Sampling(**sampling))


@pytest.mark.parametrize(
    ("path", "code"),
    [("/no/such.gguf", "model.missing-file"), (__file__, "model.unreadable")],
)
def test_a_path_that_is_no_model_is_refused_at_once(path: str, code: str) -> None:
    with pytest.raises(ModelError) as caught:
        open_local(path)
    assert caught.value.code == code
    assert path in caught.value.message


async def test_a_file_that_only_looks_like_a_model_is_refused_when_it_loads(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + os.urandom(2_000))
    model = open_local(str(broken))
    with pytest.raises(ModelError) as caught:
        await model.complete(going_on("hello"))
    assert caught.value.code == "model.unreadable"
    assert capfd.readouterr() == ("", "")
    await model.close()


@pytest.mark.parametrize("purpose", ["program", "spec"])
async def test_what_it_is_too_weak_for_is_refused_with_better_models(purpose: str) -> None:
    model = open_local()
    with pytest.raises(PrerequisiteError) as caught:
        await model.complete(ChatRequest((Message("user", "x"),), purpose=purpose))
    assert caught.value.code == "model.too-weak"
    assert "--model openai:" in str(caught.value.hint)
    await model.close()


@pytest.mark.slow
@pytest.mark.local_model
async def test_one_user_message_is_text_that_goes_on(
    model: ChatModel, capfd: pytest.CaptureFixture[str]
) -> None:
    reply = await model.complete(going_on("one, two, three, four,", max_tokens=8, temperature=0.0))
    assert "five" in reply.text
    assert reply.finish == "length"
    assert reply.usage.completion_tokens == 8
    assert capfd.readouterr() == ("", "")


@pytest.mark.local_model
async def test_a_conversation_goes_through_the_chat_template(model: ChatModel) -> None:
    turns = (Message("system", "You are brief."), Message("user", "Say hello."))
    reply = await model.complete(ChatRequest(turns, sampling=Sampling(max_tokens=40)))
    assert reply.text.strip()
    assert "<|im_" not in reply.text


@pytest.mark.local_model
async def test_a_model_of_chat_form_never_just_goes_on(model: ChatModel) -> None:
    larger = LocalModel("larger", "larger", pull_weights, "chat")
    question = going_on("What is the capital of France?", max_tokens=4)
    bare, templated = await model.complete(question), await larger.complete(question)
    assert (templated.usage.prompt_tokens or 0) > (bare.usage.prompt_tokens or 0) + 10
    await larger.close()


@pytest.mark.slow
@pytest.mark.local_model
async def test_replies_follow_the_schema_even_where_it_has_no_bounds(model: ChatModel) -> None:
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "code": {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{3}$"},
            "mail": {"type": "string", "format": "email"},
            "when": {"type": "string", "format": "date"},
            "price": {"type": "number", "minimum": 2, "maximum": 3},
            "tags": {"type": "array", "items": {"enum": ["x", "y"]}, "uniqueItems": True},
            "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        },
        "required": ["name", "code", "mail", "when", "price", "tags", "note"],
    }
    check = compile_schema({**schema, "properties": {**schema["properties"], "tags": {}}})
    requests = [
        ChatRequest((Message("user", "An item in JSON:\n"),), schema=schema, sample=sample)
        for sample in range(2)
    ]
    for reply in await asyncio.gather(*map(model.complete, requests)):
        assert reply.mode == "grammar"
        assert check(json.loads(reply.text))


@pytest.mark.local_model
async def test_more_calls_than_slots_all_get_an_answer(model: ChatModel) -> None:
    replies = await asyncio.gather(
        *(model.complete(going_on("- Wool Hat\n-", max_tokens=6, seed=n)) for n in range(12))
    )
    assert len({reply.text for reply in replies}) > 3


@pytest.mark.local_model
async def test_a_prompt_that_is_too_long_is_a_named_error(model: ChatModel) -> None:
    with pytest.raises(ModelError) as caught:
        await model.complete(going_on("word " * 9_000))
    assert caught.value.code == "model.context-length"


@pytest.mark.slow
@pytest.mark.local_model
async def test_rows_and_texts_come_in_exact_numbers(model: ChatModel) -> None:
    name = RowField("name", {"type": "string"}, "product name of a few words")
    colour = RowField("colour", {"enum": ["red", "blue"]})
    given = [{"category": word} for word in ("dress", "coat")]
    rows = await ask_rows(model, RowsJob("a fashion store", (name, colour), 2, given=given))
    assert [row is not None and row["colour"] in ("red", "blue") for row in rows.rows] == [True] * 2
    names = await ask_rows(model, RowsJob("a fashion store", (name,), 4))
    assert len({row["name"].casefold() for row in names.rows if row}) == 4
    blurb = RowField("blurb", {"type": "string"})
    prompts = ["One sentence that sells a red hat.", "One sentence about a blue kettle."]
    texts = await ask_rows(model, RowsJob("", (blurb,), 2, text=True, prompts=prompts, attempts=8))
    assert all(row is not None and row["blurb"][-1] in '.!?"' for row in texts.rows)
