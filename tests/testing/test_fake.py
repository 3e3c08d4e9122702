"""The `fake` model: offline, deterministic, within the schema."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import random
import re
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, Field

import fabula as fb
from fabula.llm.client.chat import ChatModel, ChatRequest, Message
from fabula.llm.json_schema.dialect import shape
from fabula.llm.json_schema.patterns import matching
from fabula.llm.json_schema.samples import make_value
from fabula.llm.providers.catalogue import open_model
from tests.llm.builders import PERSON, asking


class Address(BaseModel):
    street: str
    city: Annotated[str, Field(max_length=8)]


class Patient(BaseModel):
    id: UUID
    name: Annotated[str, Field(min_length=3, max_length=20)]
    code: Annotated[str, Field(pattern=r"^[A-Z]{3}-\d{4}(-[xy])?$")]
    age: Annotated[int, Field(ge=18, lt=21)]
    weight: Annotated[float, Field(gt=40, le=41)]
    dose: Annotated[int, Field(multiple_of=5, ge=3, le=20)]
    born: dt.date
    seen: dt.datetime
    at: dt.time
    ward: Literal["a", "b"]
    kind: Literal["patient"] = "patient"
    active: bool
    nothing: None
    home: Address
    others: Annotated[list[Address], Field(min_length=2, max_length=2)]
    pair: tuple[int, str]
    scores: dict[str, int]
    tags: Annotated[set[Literal["x", "y", "z"]], Field(min_length=3)]
    either: Address | int | None
    nested: list[list[str]]


@pytest.fixture
def fake() -> ChatModel:
    return open_model("fake")


async def test_every_value_is_within_its_schema(fake: ChatModel) -> None:
    """Choices, bounds, lengths, patterns, formats, unions, nesting; a hundred times."""
    schema = Patient.model_json_schema()
    for sample in range(100):
        reply = await fake.complete(asking(schema=schema, sample=sample))
        Patient.model_validate_json(reply.text)


def test_values_are_within_the_schema_that_a_strict_endpoint_gets() -> None:
    """What was folded into descriptions is honoured too."""
    shaped = shape(Address.model_json_schema(), "strict")
    assert "maxLength" not in json.dumps(shaped.schema["properties"]["street"])
    for seed in range(50):
        Address.model_validate(make_value(random.Random(seed), shaped.schema))


def test_recursive_schemas_end() -> None:
    class Node(BaseModel):
        name: str
        left: Node | None
        children: list[Node]

    schema = Node.model_json_schema()
    schema["$defs"]["Node"]["properties"]["left"]["anyOf"].reverse()
    for seed in range(20):
        Node.model_validate(make_value(random.Random(seed), schema))


async def test_the_same_request_gets_the_same_reply(fake: ChatModel) -> None:
    """The same command twice gives identical bytes."""
    requests = [asking(f"{n}", schema=PERSON, sample=s) for n in range(20) for s in range(5)]
    first = await asyncio.gather(*(fake.complete(request) for request in requests))
    again = await asyncio.gather(*(fake.complete(request) for request in requests))
    assert first == again
    assert len({reply.text for reply in first}) > 90


async def test_n_rows_are_n_items(fake: ChatModel) -> None:
    """By the schema's bounds, or by the number in the prompt."""
    rows: dict[str, Any] = {"type": "array", "items": PERSON}
    bound = {**rows, "minItems": 7, "maxItems": 7}
    reply = await fake.complete(asking(schema={"type": "object", "properties": {"rows": bound}}))
    assert len(json.loads(reply.text)["rows"]) == 7
    reply = await fake.complete(asking("Write 12 new rows about shops.", schema=rows))
    assert len(json.loads(reply.text)) == 12


async def test_free_text_is_as_long_as_asked(fake: ChatModel) -> None:
    reply = await fake.complete(asking("Write about lamps in 30 to 50 words."))
    assert len(reply.text.split()) == 40
    reply = await fake.complete(asking("Describe a bright lamp."))
    assert 5 < len(reply.text.split()) < 40


def test_strings_follow_the_names_of_their_properties() -> None:
    """Plausible in form."""
    schema = {
        "type": "object",
        "properties": {
            name: {"type": "string"} for name in ("customerEmail", "city", "order_date", "x")
        },
    }
    made = make_value(random.Random(1), schema)
    assert "@example.com" in made["customerEmail"]
    assert made["city"].isalpha()
    assert dt.date.fromisoformat(made["order_date"])
    assert made["x"]


@pytest.mark.parametrize(
    "pattern",
    [
        r"^\(\d{3}\) \d{3}-\d{4}$",
        r"^[A-Z][a-z]+( [A-Z][a-z]+)?$",
        r"(?:foo|bar)\.[^/\s]{2,4}",
        r"^(\w)\1{2}$",
        r"^[\w.+-]+@[a-z]+\.(com|org)$",
        r"^.{5}$",
        r"^\S+\D\W$",
        r"^[^a-z]$",
        r"^a*?b+?c??$",
        r"^[äöü€]{3}$",
        "",
    ],
)
def test_strings_match_their_pattern(pattern: str) -> None:
    rng = random.Random(5)
    for _ in range(50):
        assert re.search(pattern, matching(rng, pattern))


def test_a_pattern_that_cannot_be_read_gets_some_word() -> None:
    """ECMAScript's patterns differ from Python's."""
    assert matching(random.Random(1), r"^\p{L}+$")


async def test_its_identity_lets_runs_mark_what_it_made(fake: ChatModel) -> None:
    """Nobody takes made-up values for a model's."""
    assert (fake.name, fake.identity) == ("fake", "fake")
    reply = await fake.complete(ChatRequest((Message("user", "hi"),)))
    assert reply.model == "fake"
    assert reply.usage.prompt_tokens == 1
    await fake.close()


async def test_it_tells_the_facts_that_a_prompt_holds(fake: ChatModel) -> None:
    """Trials of `describe` need no model."""
    prompt = 'Tell them.\nFacts as JSON: {"name": "Ada", "born": [1815, null]}\nWishes: 20 words.'
    reply = await fake.complete(ChatRequest((Message("user", prompt),)))
    assert "Ada" in reply.text
    assert "1815" in reply.text
    assert len(reply.text.split()) == 20


def test_a_set_within_a_set_of_a_pattern_warns_nobody():
    """Python may read such a pattern differently one day; here, warnings are errors."""
    code = {"type": "string", "pattern": "[[a-c]{2}"}
    made = fb.rows({"properties": {"code": code}}, prompt="codes", n=2, model="fake")
    assert all(set(row["code"]) <= set("[abc") for row in made)


def test_a_fake_judge_passes_every_row() -> None:
    """Grades by chance would end a trial of a spec with its rows refused."""
    made = fb.generate(
        {
            "fabula": 1,
            "tables": {
                "turns": {
                    "n": 20,
                    "columns": {
                        "question": {"kind": "text", "prompt": "Ask."},
                        "score": {
                            "kind": "judge",
                            "of": ["question"],
                            "rubric": {"helpful": "1..5", "correct": "1..7"},
                            "at_least": 6,
                        },
                        "polite": {"kind": "judge", "of": ["question"], "rubric": "Is it polite?"},
                    },
                }
            },
        },
        model="fake",
    ).to_arrow("turns")
    assert set(made["score"].to_pylist()) == {6.0}
    assert set(made["polite"].to_pylist()) == {True}
