"""The class that a table was made from, while models are asked: its validators tell them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, field_validator, model_validator

import fabula as fb
from fabula.testing import Call, ChatServer
from tests.acceptance.builders import as_reply, asked_rows, at


class Film(BaseModel):
    """A film whose title and year must agree with rules that no schema tells."""

    year: Annotated[int, fb.col.uniform(min=1990, max=1999, decimals=0)]
    title: str
    sequel: str

    @field_validator("title")
    @classmethod
    def _has_two_words(cls, value: str) -> str:
        if len(value.split()) != 2:
            raise ValueError("a title has two words")
        return value

    @model_validator(mode="after")
    def _sequel_goes_on(self) -> Film:
        if not self.sequel.startswith(self.title):
            raise ValueError(f"a sequel of {self.year} starts with the title")
        return self


def test_validators_of_the_class_are_told_to_the_model() -> None:
    """A row that the class refuses is asked again with the exact error."""

    def answer(call: Call) -> str:
        if "a title has two words" not in call.prompt:
            return as_reply({"title": "Heat", "sequel": "Heat 2"})
        if "starts with the title" not in call.prompt:
            return as_reply({"title": "Red Heat", "sequel": "Cold"})
        return as_reply({"title": "Red Heat", "sequel": "Red Heat 2"})

    with ChatServer(answer) as server:
        spec = fb.resolve(Film, prompt="films").model_copy(
            update={"models": {"default": at(server)}}
        )
        made = fb.generate(spec, n=1)
    assert len(server.calls) == 3
    assert "`title`: value error, a title has two words, not 'Heat'" in server.calls[1].prompt
    year = made.to_dicts()[0]["year"]
    assert f"a sequel of {year} starts with the title" in server.calls[2].prompt
    assert made.to_models(Film)[0].sequel == "Red Heat 2"


def test_a_rule_on_a_text_names_its_reason_when_it_is_asked_again() -> None:
    """Own prompts too; the rule may look at a column that the prompt does not name."""

    def answer(call: Call) -> str:
        return "It is cheap." if "does not hold" in call.prompt else "It is dear."

    with ChatServer(answer) as server:
        made = fb.generate(
            {
                "fabula": 1,
                "models": {"default": at(server).model_dump(exclude_none=True)},
                "tables": {
                    "things": {
                        "n": 2,
                        "columns": {
                            "price": {"kind": "constant", "value": 5},
                            "blurb": {"kind": "text", "prompt": "One line of praise."},
                        },
                        "checks": [
                            {
                                "kind": "row",
                                "sql": "price > 9 or blurb not like '%dear%'",
                                "repair": "resample",
                            }
                        ],
                    }
                },
            }
        )
    assert [row["blurb"] for row in made.to_dicts()] == ["It is cheap."] * 2
    assert len(server.calls) == 4
    assert 'blurb = "It is dear."' in server.calls[-1].prompt
    assert "price = 5" in server.calls[-1].prompt


def test_a_class_without_own_rules_costs_no_call_more() -> None:
    """One call for rows that are good."""

    class Plain(BaseModel):
        """Just a name."""

        name: str

    with ChatServer(
        lambda call: as_reply(*({"name": f"N{place}"} for place in range(asked_rows(call))))
    ) as server:
        spec = fb.resolve(Plain, prompt="people").model_copy(
            update={"models": {"default": at(server)}}
        )
        assert fb.generate(spec, n=5).num_rows == 5
    assert len(server.calls) == 1
