"""A class has the last word on the rows that were made from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import pytest
from pydantic import BaseModel, ConfigDict, Field, model_validator

from fabula.errors import CheckError
from fabula.inference.row_classes import objects_of, row_problems


class Address(BaseModel):
    street: str


class Person(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    tags: list[str] = []
    address: Address | None = None
    n: int = Field(0, ge=0, alias="count")

    @model_validator(mode="after")
    def _tagged(self) -> Person:
        if self.n and not self.tags:
            raise ValueError("a counted person has tags")
        return self


@dataclass
class Point:
    x: Annotated[float, Field(le=1)]


def test_rows_become_objects_and_json_text_is_decoded() -> None:
    rows = [{"name": "[a]", "tags": '["x"]', "address": '{"street": "s"}', "n": 1}]
    assert list(objects_of(Person, rows)) == [
        Person(name="[a]", tags=["x"], address=Address(street="s"), count=1)
    ]
    assert list(objects_of(Point, [{"x": 0.5}])) == [Point(0.5)]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"name": "a", "n": -1}, "`n`: input should be greater than or equal to 0, not -1"),
        ({"name": "a", "n": 1}, "a counted person has tags"),
        ({"name": "a", "tags": "[broken"}, "`tags`: input should be a valid list, not '[broken'"),
        ({"n": 1}, "`name`: field required"),
    ],
)
def test_a_refused_row_is_named_with_its_reason(row: dict[str, object], words: str) -> None:
    with pytest.raises(CheckError) as caught:
        list(objects_of(Person, [{"name": "fine"}, row]))
    assert caught.value.message.startswith("`Person` refuses row 1: ")
    assert words in caught.value.message


def test_fields_still_to_come_are_no_fault_of_a_row() -> None:
    assert row_problems(Person, {"n": 3}) == []
    assert row_problems(Person, {"name": "a"}) == []
    (problem,) = row_problems(Person, {"name": "a", "n": "x"})
    assert "not 'x'" in problem
