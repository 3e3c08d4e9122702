"""Tables from Pydantic classes and dataclasses."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import ipaddress
import uuid
from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, PositiveInt, create_model

import fabula as fb
from fabula.errors import SpecError
from fabula.inference.pydantic_models import guessed_table, table_from_class
from fabula.kinds.base.columns import AbstractColumn
from fabula.spec import col


class Size(enum.Enum):
    SMALL = "s"
    LARGE = "l"


class Address(BaseModel):
    street: str
    number: int


class Tree(BaseModel):
    name: str
    children: list[Tree] = []


def column(annotation: Any, *, name: str = "thing", prompt: str | None = None) -> AbstractColumn:
    """The column of a class with one field."""
    model = create_model("Customer", **{name: (annotation, ...)})
    return table_from_class(model, prompt=prompt).columns[name]


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (Literal["a", "b"], col.choice(["a", "b"])),
        (Size, col.choice(["s", "l"])),
        (bool, col.bernoulli()),
        (Annotated[int, Field(ge=1, le=6)], col.uniform(1, 6, decimals=0)),
        (Annotated[int, Field(gt=0, lt=7)], col.uniform(1, 6, decimals=0)),
        (Annotated[float, Field(ge=0.5, le=1)], col.uniform(0.5, 1)),
        (
            Annotated[Decimal, Field(gt=0, lt=1, decimal_places=3)],
            col.uniform(0.001, 0.999, decimals=3),
        ),
        (Annotated[int, Field(ge=1, le=20, multiple_of=5)], col.choice([5, 10, 15, 20])),
        (Annotated[float, Field(ge=0, le=1, multiple_of=0.01)], col.uniform(0, 1, decimals=2)),
        (Annotated[float, Field(ge=0, le=1, multiple_of=0.5)], col.choice([0.0, 0.5, 1.0])),
        (Annotated[str, Field(pattern="[A-Z]{3}")], col.pattern("[A-Z]{3}")),
        (uuid.UUID, col.uuid()),
        (dt.date, col.datetime(dt.date(2022, 1, 1), dt.date(2026, 1, 1), date=True)),
        (
            Annotated[dt.date, Field(gt=dt.date(2020, 1, 1), le=dt.date(2020, 2, 1))],
            col.datetime(dt.date(2020, 1, 2), dt.date(2020, 2, 2), date=True),
        ),
        (
            Annotated[dt.datetime, Field(ge=dt.datetime(2030, 1, 1))],
            col.datetime(dt.datetime(2030, 1, 1), dt.datetime(2034, 1, 1)),
        ),
        (
            Annotated[dt.date, Field(lt=dt.date(1990, 1, 1))],
            col.datetime(dt.date(1986, 1, 1), dt.date(1990, 1, 1), date=True),
        ),
        (Annotated[int, col.poisson(40)], col.poisson(40)),
        (Annotated[str, Field(max_length=9), col.person("city")], col.person("city")),
        (bool | None, col.bernoulli(nulls=0.1)),
        (
            Annotated[bool | None, Field(description="is it?")],
            col.bernoulli(nulls=0.1, description="is it?"),
        ),
        (Annotated[int | None, col.poisson(40, nulls=0.5)], col.poisson(40, nulls=0.5)),
        (str, col.llm()),
        (Annotated[str, Field(min_length=3, max_length=9)], col.llm(min=3, max=9)),
        (list[str], col.llm(type="list[str]")),
        (dt.time, col.llm(type={"type": "string", "format": "time"})),
    ],
)
def test_a_type_and_its_constraints_decide_the_kind(
    annotation: Any, expected: AbstractColumn
) -> None:
    """Types and constraints are read."""
    assert column(annotation) == expected


@pytest.mark.parametrize(
    ("name", "annotation", "expected"),
    [
        ("id", int, col.key()),
        ("customer_id", int, col.key()),
        ("name", str, col.person("name")),
        ("firstName", str, col.person("first_name")),
        ("EMail", str, col.person("email")),
        ("phone_number", str, col.person("phone")),
        ("zip_code", str, col.person("postcode")),
        ("dateOfBirth", dt.date, col.person("birth_date")),
        ("age", int, col.uniform(18, 90, decimals=0)),
        ("age", Annotated[int, Field(ge=0, le=110)], col.uniform(0, 110, decimals=0)),
        ("unit_price", float, col.lognormal(40, 0.6, min=0.5, decimals=2)),
        ("price", Annotated[float, Field(gt=0)], col.lognormal(40, 0.6, min=0.01, decimals=2)),
        (
            "price",
            Annotated[float, Field(ge=1_000)],
            col.lognormal(1_500, 0.6, min=1_000, decimals=2),
        ),
        ("qty", PositiveInt, col.poisson(3, min=1)),
        (
            "qty",
            Annotated[int, Field(ge=0, multiple_of=5)],
            col.llm(type={"type": "integer", "minimum": 0, "multipleOf": 5}),
        ),
        ("rating", int, col.uniform(1, 5, decimals=0)),
        ("order_id", int, col.uniform(1, 1000, decimals=0)),
        ("website", str, col.provider("internet.url")),
    ],
)
def test_a_name_decides_where_the_type_does_not(
    name: str, annotation: Any, expected: AbstractColumn
) -> None:
    assert column(annotation, name=name) == expected


def test_the_name_of_a_thing_is_no_name_of_a_person() -> None:
    product = create_model("Product", name=(str, ...), price=(float, ...))
    assert table_from_class(product).columns["name"].kind == "llm"
    guest = create_model("Row", name=(str, ...), email=(str, ...))
    assert table_from_class(guest).columns["name"].kind == "person"


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (str, col.llm()),
        (int, col.llm(type="int")),
        (Annotated[int, Field(ge=1, lt=9)], col.llm(type="int", min=1, max=8)),
        (Annotated[float, Field(ge=0, le=1)], col.llm(type="float", min=0, max=1)),
        (Annotated[float, Field(gt=0)], col.llm(type={"type": "number", "exclusiveMinimum": 0})),
        (Annotated[str, Field(pattern="^a")], col.llm(pattern="^a")),
        (Literal["a", "b"], col.llm(type=["a", "b"])),
        (Size, col.llm(type=["s", "l"])),
        (bool, col.llm(type="bool")),
        (dt.date | None, col.llm(type="date", nulls=0.1)),
        (Annotated[int, col.poisson(40)], col.poisson(40)),
        (
            Annotated[str, Field(description="a note", examples=["x"])],
            col.llm("a note", examples=["x"]),
        ),
    ],
)
def test_with_a_prompt_every_other_field_is_asked_of_the_model(
    annotation: Any, expected: AbstractColumn
) -> None:
    assert column(annotation, prompt="things") == expected


def test_keys_that_a_model_fills_do_not_repeat() -> None:
    assert column(int, name="id", prompt="things") == col.llm(type="int", unique=True)


def test_nested_classes_become_schemas_without_references() -> None:
    schema = {
        "type": "object",
        "properties": {"street": {"type": "string"}, "number": {"type": "integer"}},
        "required": ["street", "number"],
    }
    assert column(Address) == col.llm(type=schema)
    assert column(list[Address]) == col.llm(type={"type": "array", "items": schema})


def test_a_class_that_holds_itself_ends() -> None:
    children = column(Tree).type["properties"]["children"]
    assert children["items"] == {"type": "object"}


def test_a_dataclass_is_a_table_too() -> None:
    @dataclasses.dataclass
    class Point:
        x: Annotated[float, Field(ge=0, le=1)]
        label: Literal["a", "b"] = "a"

    table = table_from_class(Point)
    assert (table.name, table.prompt) == ("point", "")
    assert dict(table.columns) == {"x": col.uniform(0, 1), "label": col.choice(["a", "b"])}


def test_every_guess_has_a_reason_and_the_fields_own_columns_have_none() -> None:
    """Journeys, rule 3."""
    model = create_model(
        "User", age=(int, ...), n=(Annotated[int, col.poisson(1)], ...), x=(str, ...)
    )
    _, reasons = guessed_table(model)
    assert reasons == {
        "age": "named `age`",
        "x": "nothing obvious: a language model fills it in",
    }


def test_what_a_class_says_of_itself_is_the_prompt() -> None:
    class Bill(BaseModel):
        """A medical bill.

        From a doctor.
        """

        total: float

    assert table_from_class(Bill).prompt == "A medical bill. From a doctor."
    assert table_from_class(Bill, prompt="bills").prompt == "bills"


def test_a_class_without_fields_or_with_strange_ones_is_refused() -> None:
    with pytest.raises(SpecError, match="`Empty` has no fields"):
        table_from_class(create_model("Empty"))

    class Strange(BaseModel, arbitrary_types_allowed=True):
        f: SpecError
        g: list[SpecError]

    with pytest.raises(SpecError) as caught:
        table_from_class(Strange)
    assert [item.where for item in caught.value.violations] == [
        "tables.strange.columns.f",
        "tables.strange.columns.g",
    ]


def test_every_guess_by_name_can_be_made() -> None:
    """The providers and attributes that names stand for exist."""
    texts = (
        "email first_name surname full_name username phone sex street address city state zip "
        "country_code country nationality company job guid url ip isbn currency card_number"
    )
    numbers = "salary price quantity stock rating percent ratio year lat lon height_cm weight_kg"
    fields: dict[str, Any] = dict.fromkeys(texts.split(), (str, ...))
    fields |= dict.fromkeys(numbers.split(), (float, ...))
    fields |= {"v4": (ipaddress.IPv4Address, ...), "v6": (ipaddress.IPv6Address, ...)}
    table = table_from_class(create_model("Customer", **fields))
    assert "llm" not in {column.kind for column in table.columns.values()}
    made = fb.generate(table, 200).to_arrow()
    assert made.num_rows == 200
    assert all(made.column(name).null_count == 0 for name in made.column_names)


def test_digits_decimals_and_steps_of_a_class_are_kept() -> None:
    """Every object that is made is one of the class, without a model."""

    class Item(BaseModel):
        amount: Decimal = Field(gt=0, le=Decimal("999.99999"), max_digits=8, decimal_places=5)
        share: Decimal = Field(ge=0, le=1, max_digits=3, decimal_places=2)
        price: Decimal = Field(max_digits=4, decimal_places=2)
        total: Decimal = Field(ge=0, max_digits=20, decimal_places=2)
        whole: Decimal = Field(ge=0, le=100, decimal_places=0)
        grid: Decimal = Field(ge=-5, le=5, multiple_of=Decimal("0.05"))
        half: float = Field(ge=0, le=10, multiple_of=0.5)
        ones: float = Field(ge=0, le=10, multiple_of=1)
        narrow: float = Field(gt=0, lt=0.005)
        big: int = Field(ge=0, le=2**63 - 1)
        signed: int = Field(ge=-(2**63), le=2**63 - 1)
        high: int = Field(gt=2**62, lt=2**62 + 10)

    items = fb.generate(Item, n=500).to_models(Item)
    assert len({item.big for item in items}) == 500
    assert min(item.signed for item in items) < -(2**62) < 2**62 < max(i.signed for i in items)
    assert {item.high for item in items} == set(range(2**62 + 1, 2**62 + 10))
    assert {str(item.amount)[::-1].find(".") for item in items} >= {5}


@pytest.mark.parametrize(
    ("annotation", "digits"),
    [
        (Annotated[int, Field(ge=0, le=2**64 - 1)], "64-bit whole numbers"),
        (Annotated[Decimal, Field(ge=10**16, le=10**17, decimal_places=2)], "15 digits"),
    ],
)
def test_numbers_that_no_column_writes_exactly_are_refused(annotation: Any, digits: str) -> None:
    with pytest.raises(SpecError) as caught:
        table_from_class(create_model("Row", number=(annotation, ...)))
    (problem,) = caught.value.violations
    assert (problem.code, problem.where) == ("spec.too-many-digits", "tables.row.columns.number")
    assert digits in problem.message
    assert "fb.col.pattern(" in str(problem.hint)
