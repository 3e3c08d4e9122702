"""Rows of a class, a schema or plain text, asked few-shot, as `fb.rows` gives them."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd
import pytest
from pydantic import BaseModel, Field

import fabula as fb
from fabula.errors import PartialRunError, UsageError
from fabula.testing import Call, ChatServer, Reply
from fabula.testing.replies import failed
from tests.acceptance.bills import EXTRA, SEEDS, Bill, asked, bill
from tests.acceptance.builders import as_reply, asked_rows, at, numbered


def test_a_class_gives_objects_a_schema_dicts_and_nothing_text() -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    with ChatServer(numbered(bill)) as server:
        assert fb.rows(Bill, **asked(1, model=at(server))) == [Bill(**bill(0))]
    with ChatServer(['{"city": "Graz"}']) as server:
        assert fb.rows(schema, prompt="cities", n=1, model=at(server)) == [{"city": "Graz"}]
    with ChatServer(["A kettle that hums."]) as server:
        assert fb.rows(prompt="slogans", n=1, model=at(server)) == ["A kettle that hums."]


@pytest.mark.parametrize(
    "refused",
    [(), ("json_schema",), ("json_schema", "tools"), ("json_schema", "tools", "json_object")],
)
def test_servers_that_take_less_get_less(refused: Sequence[str]) -> None:
    """Each server is asked in the best way that it takes, without a word from us."""
    seen: list[Any] = []
    with ChatServer(numbered(bill), refuse=refused) as server:
        made = fb.rows(Bill, **asked(3, model=at(server), on_result=seen.append))
    assert [row.patient_id for row in made] == [1000, 1001, 1002]
    mode = ["json_schema", "tools", "json_object", "prompt"][len(refused)]
    assert set(seen[0].modes) == {mode}


def test_a_request_holds_every_seed_the_subject_and_the_demand() -> None:
    with ChatServer(numbered(bill)) as server:
        fb.rows(Bill, **asked(1, model=at(server)))
    prompt = server.calls[0].prompt
    assert all(word in prompt for word in (*SEEDS, "medical_billing", EXTRA))


@dataclass
class Pet:
    name: str
    age: int


AWKWARD = 'brace {name} {{ x }} %s %(y)d "quote" \\ \n new line 🐈 ]] import os'


@pytest.mark.parametrize(
    "example",
    [
        AWKWARD,
        {"bill": AWKWARD, "any key": 1},
        Pet(AWKWARD, 3),
        Bill(**{**bill(1), "patient_name": f"Ada {AWKWARD}"}),
        pd.DataFrame({"note": [AWKWARD], "class": [7]}).iloc[0],
    ],
    ids=["text", "mapping", "dataclass", "pydantic", "frame row"],
)
def test_examples_may_be_anything(example: Any) -> None:
    """Braces, percent signs, quotes and new lines stay data, in JSON."""
    kept = copy.deepcopy(example)
    with ChatServer(numbered(bill)) as server:
        fb.rows(Bill, **asked(2, examples=[example], model=at(server), rows_per_call=1))
    for call in server.calls:
        assert json.dumps(AWKWARD, ensure_ascii=False)[1:-1] in call.prompt
    assert (example == kept) is True or (example == kept).all()


def test_a_frame_may_be_the_examples() -> None:
    frame = pd.DataFrame({"name": ["Ada", "Bo"], "age": [3, 4]})
    with ChatServer(numbered(lambda i: {"name": f"P{i}", "age": i})) as server:
        made = fb.rows(Pet, prompt="pets", n=2, examples=frame, model=at(server))
    assert made == [Pet("P0", 0), Pet("P1", 1)]
    assert '{"name": "Bo", "age": 4}' in server.calls[0].prompt


def test_without_demand_and_examples_the_prompt_is_still_whole() -> None:
    with ChatServer(numbered(bill)) as server:
        fb.rows(Bill, prompt="bills", n=1, model=at(server))
    prompt = server.calls[0].prompt
    assert "None" not in prompt
    assert "In addition" not in prompt
    assert "Examples" not in prompt


def test_later_requests_show_earlier_rows_and_always_the_seeds() -> None:
    """After 50 rows, one a call, the seeds are there and the prompt is bounded."""
    with ChatServer(numbered(bill)) as server:
        made = fb.rows(Bill, **asked(50, model=at(server, concurrency=1), rows_per_call=1))
    assert len(made) == 50
    assert "Person 0" in server.calls[1].prompt
    assert re.search(r"Person \d\d", server.calls[49].prompt)
    assert all(seed in server.calls[49].prompt for seed in SEEDS)
    lengths = [len(call.prompt) for call in server.calls]
    assert max(lengths) < lengths[0] + 3_500


def test_repeats_are_refused_told_and_at_last_a_stall() -> None:
    """Another case is not an other name; the used value is named in the next request."""
    shouted = {**bill(0), "patient_id": 5, "patient_name": "PERSON  0"}
    script = [as_reply(bill(0)), as_reply(shouted)] + [as_reply(bill(0))] * 40
    with ChatServer(script) as server, pytest.raises(PartialRunError) as caught:
        fb.rows(
            Bill,
            **asked(3, model=at(server), rows_per_call=1, unique=["patient_id", "patient_name"]),
        )
    assert [row.patient_id for row in caught.value.rows] == [1000]
    assert "added hardly anything new" in caught.value.message
    assert any("already used" in call.prompt for call in server.calls[2:])


def test_unique_fields_hold_over_the_whole_run() -> None:
    """A number from the first call comes back in the last one, far outside any window."""

    def repeats(number: int) -> dict[str, Any]:
        return {**bill(number), "patient_id": 1000 if number == 30 else 1000 + number}

    with ChatServer(numbered(repeats)) as server:
        made = fb.rows(Bill, **asked(40, model=at(server), rows_per_call=1, unique="patient_id"))
    assert len({row.patient_id for row in made}) == 40
    assert len(server.calls) == 41


def test_a_second_call_gives_its_own_rows_and_changes_nothing() -> None:
    """Two callers do not meet, and the examples stay as they were."""
    examples: list[Any] = [*SEEDS, {"patient_id": 1}]
    kept = copy.deepcopy(examples)
    with ChatServer(numbered(bill)) as server:
        first = fb.rows(Bill, **asked(4, model=at(server), examples=examples))
        second = fb.rows(Bill, **asked(1, model=at(server), examples=examples, sample=1))
    assert (len(first), len(second)) == (4, 1)
    assert examples == kept
    assert "Person 0" not in server.calls[-1].prompt


def test_a_failure_keeps_the_rows_before_it_and_going_on_repeats_no_call() -> None:
    """The quota ends at row 5 of 10; the same call then makes 6 requests, not 10."""
    good = numbered(bill)
    broken = True

    def script(call: Call) -> Any:
        spent = Reply("no quota", status=429, error="insufficient_quota")
        return spent if broken and len(server.calls) == 5 else good(call)

    with ChatServer(script) as server:
        options = asked(10, model=at(server, concurrency=1), rows_per_call=1)
        with pytest.raises(PartialRunError) as caught:
            fb.rows(Bill, **options)
        assert [row.patient_id for row in caught.value.rows] == [1000, 1001, 1002, 1003]
        assert "quota" in caught.value.message
        assert len(server.calls) == 5
        broken = False
        made = fb.rows(Bill, **options)
        assert [row.patient_id for row in made] == [1000 + i for i in range(10)]
        assert len(server.calls) == 5 + 6
        assert fb.rows(Bill, **options) == made
        assert len(server.calls) == 5 + 6


def test_a_hundred_rows_in_ten_calls() -> None:
    with ChatServer(numbered(bill)) as server:
        made = fb.rows(Bill, **asked(100, model=at(server), rows_per_call=10))
    assert len({row.patient_id for row in made}) == 100
    assert [asked_rows(call) for call in server.calls] == [10] * 10


class Part(BaseModel):
    """Nested, optional, listed, chosen and bounded values."""

    name: str = Field(max_length=20, description="name of the part")
    kind: Literal["bolt", "nut"]
    tags: list[str] = Field(min_length=1)
    size: dict[str, float]
    inside: Part | None = None
    ratio: float = Field(ge=0, le=1, default=0.5)


def test_every_kind_of_field_is_asked_and_typed() -> None:
    """The request carries names, types, descriptions and choices; replies become objects."""
    part = {"name": "M3", "kind": "bolt", "tags": ["a"], "size": {"d": 3.0}, "ratio": 0.2}
    whole = {**part, "inside": {**part, "inside": None}}
    with ChatServer([json.dumps(whole)]) as server:
        [made] = fb.rows(Part, prompt="parts", n=1, model=at(server))
    assert made == Part(**{**part, "inside": Part(**part)})
    sent = json.dumps(server.calls[0].body)
    assert all(word in sent for word in ("name of the part", "bolt", "tags", "ratio", "inside"))


def test_the_users_checks_go_back_to_the_model() -> None:
    """Row and table checks in Python; every earlier problem is told."""
    bad, worse, good = ({**bill(0), "claim": claim} for claim in (500.0, 400.0, 50.0))

    def affordable(row: Bill) -> str | None:
        return (
            None if row.claim <= row.charge else f"claim {row.claim} is above charge {row.charge}"
        )

    with ChatServer([as_reply(bad), as_reply(worse), as_reply(good)]) as server:
        made = fb.rows(Bill, **asked(1, model=at(server), check_row=affordable))
    assert [row.claim for row in made] == [50.0]
    assert len(server.calls) == 3
    assert "claim 500.0 is above charge" in server.calls[1].prompt
    assert "claim 500.0 is above" in server.calls[2].prompt
    assert "claim 400.0 is above" in server.calls[2].prompt

    def spread(made: list[Bill]) -> dict[int, str]:
        return {1: "the second bill must be above 1000"} if made[1].charge < 1000 else {}

    script = [as_reply(bill(0), bill(1)), as_reply(bill(2000))]
    with ChatServer(script) as server:
        made = fb.rows(Bill, **asked(2, model=at(server), check_table=spread))
    assert [row.charge for row in made] == [100.0, 2100.0]
    assert "must be above 1000" in server.calls[1].prompt


def test_the_class_own_validator_tells_the_model() -> None:
    """A Pydantic validator's words are in the next prompt."""
    with ChatServer([as_reply({**bill(0), "patient_name": "Ada"}), as_reply(bill(1))]) as server:
        fb.rows(Bill, **asked(1, model=at(server)))
    assert "a name has at least two words" in server.calls[1].prompt


def test_what_stays_bad_ends_with_the_rows_that_are_good() -> None:
    """Two of ten stay bad: eight are kept, each attempt is told."""

    def script(call: Call) -> str:
        if asked_rows(call) == 10:
            rows = [bill(i) for i in range(10)]
            rows[2] = {**rows[2], "charge": "abc"}
            del rows[6]["code"]
            return as_reply(*rows)
        return as_reply(*({**bill(50 + i), "charge": "abc"} for i in range(asked_rows(call))))

    with ChatServer(script) as server, pytest.raises(PartialRunError) as caught:
        fb.rows(Bill, **asked(10, model=at(server), rows_per_call=10))
    assert len(caught.value.rows) == 8
    assert [item.row for item in caught.value.rejects] == [2, 6]
    assert "abc" in caught.value.rejects[0].reason
    assert '"abc"' in server.calls[1].prompt
    assert "`code` is missing" in server.calls[1].prompt


@pytest.mark.parametrize("given", [1, 4, 8])
def test_more_or_fewer_rows_than_asked_end_in_exactly_five(given: int) -> None:
    numbers = iter(range(1000))

    def script(call: Call) -> str:
        wanted = given if call.number == 1 else asked_rows(call)
        return as_reply(*(bill(next(numbers)) for _ in range(wanted)))

    with ChatServer(script) as server:
        assert len(fb.rows(Bill, **asked(5, model=at(server), rows_per_call=5))) == 5


def test_wrong_calls_are_refused_before_any_request() -> None:
    """No rows, negative numbers, unknown fields, a schema without fields."""
    with ChatServer() as server:
        assert fb.rows(Bill, prompt="x", n=0, model=at(server)) == []
        with pytest.raises(UsageError, match="-1 rows"):
            fb.rows(Bill, prompt="x", n=-1, model=at(server))
        with pytest.raises(UsageError, match="which is not a field"):
            fb.rows(Bill, prompt="x", n=1, model=at(server), unique="patient")
        with pytest.raises(UsageError, match="describes no rows"):
            fb.rows(3, prompt="x", n=1, model=at(server))  # type: ignore[call-overload]
        with pytest.raises(UsageError, match="no fields"):
            fb.rows({"type": "string"}, prompt="x", n=1, model=at(server))
        with pytest.raises(UsageError, match="not a list of examples"):
            fb.rows(Bill, prompt="x", n=1, model=at(server), examples="one")
    assert server.calls == []


def test_a_limit_stops_before_the_next_call() -> None:
    """What was answered stays; a higher limit continues from there."""
    with ChatServer(numbered(bill)) as server:
        options = asked(10, model=at(server, concurrency=1), rows_per_call=1)
        with pytest.raises(PartialRunError, match="max_calls") as caught:
            fb.rows(Bill, **options, max_calls=4)
        assert len(caught.value.rows) == len(server.calls) == 4
        assert len(fb.rows(Bill, **options, max_calls=6)) == 10
        assert len(server.calls) == 10


def test_text_repeats_of_an_example_are_no_new_rows() -> None:
    """Plain text, several a call."""
    script = ['{"rows": [{"text": "Hum."}, {"text": "Boil!"}]}', '{"text": "Steam"}']
    with ChatServer(script) as server:
        made = fb.rows(prompt="slogans", n=2, examples=["hum."], rows_per_call=2, model=at(server))
    assert sorted(made) == ["Boil!", "Steam"]


def test_another_server_gives_its_own_rows() -> None:
    """Base URL, model, key and headers belong to the call."""
    with ChatServer(numbered(bill)) as one, ChatServer(numbered(lambda i: bill(i + 500))) as two:
        first = fb.rows(Bill, **asked(2, model=at(one, "small", headers={"X-Team": "a"})))
        second = fb.rows(Bill, **asked(2, model=at(two, "large")))
    assert (first[0].patient_id, second[0].patient_id) == (1000, 1500)
    assert one.calls[0].body["model"] == "small"
    assert one.calls[0].headers["X-Team"] == "a"
    assert two.calls[0].body["model"] == "large"


def test_a_wrong_key_is_one_request_and_never_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY_OF_MINE", "sk-secret-value")
    with ChatServer(lambda _: failed(401, "bad key", error="invalid_api_key")) as server:
        with pytest.raises(fb.FabulaError) as caught:
            fb.rows(Bill, **asked(8, model=at(server, api_key_env="SECRET_KEY_OF_MINE")))
        assert len(server.calls) == 1
    assert "sk-secret-value" not in str(caught.value)
