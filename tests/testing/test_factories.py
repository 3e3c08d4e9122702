"""Objects of classes, drawn for tests."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypedDict

import attrs
import pytest
import sqlalchemy as sa
from pydantic import AwareDatetime, BaseModel, Field, HttpUrl, field_validator
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

import fabula as fb
from fabula.errors import CheckError, UsageError
from fabula.testing import Factory, RowMaker


class Colour(enum.Enum):
    RED = (255, 0, 0)
    BLUE = (0, 0, 255)


class Address(BaseModel):
    street: str
    city: str


class Everything(BaseModel):
    id: int
    key: uuid.UUID
    name: str = Field(max_length=8)
    motto: str
    code: str = Field(min_length=30, max_length=40)
    pin: str = Field(pattern=r"^[A-Z]{2}\d{3}$")
    share: float = Field(gt=0, lt=1)
    price: Decimal = Field(max_digits=6, decimal_places=2)
    low: Annotated[int, Field(le=-5)]
    sevens: Annotated[int, Field(multiple_of=7, ge=-20)]
    born: dt.date
    at: dt.time
    took: dt.timedelta
    moment: AwareDatetime
    colour: Colour
    plan: Literal["a", "b"]
    tags: list[str] = Field(min_length=2, max_length=4)
    address: Address
    others: tuple[Address, ...]
    pair: tuple[int, str]
    labels: set[str] = Field(min_length=2)
    stock: dict[str, int]
    raw: bytes
    file: Path
    page: HttpUrl
    either: int | str
    anything: Any


@attrs.define
class Box:
    _weight: float
    label: str
    lid: Address | None


@dataclasses.dataclass
class Span:
    start: dt.date
    end: dt.date
    length: int = dataclasses.field(init=False, default=0)

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError("the end is before the start")


class Point(NamedTuple):
    x: int
    y: float


class Reader(TypedDict):
    name: str
    emails: list[str]


class Node(BaseModel):
    name: str
    children: list[Node]
    parent: Node | None


@pytest.mark.parametrize("cls", [Everything, Box, Span, Point, Reader, Node])
def test_a_class_of_any_sort_is_drawn_and_repeats(cls: type) -> None:
    rows = Factory(cls, seed=7).rows(20)
    assert len(rows) == 20
    assert all(isinstance(row, dict if cls is Reader else cls) for row in rows)
    again = Factory(cls, seed=7)
    assert [*again.rows(5), *again.rows(15)] == rows


def test_constraints_hold_and_names_mean_something() -> None:
    for row in Factory(Everything, seed=1).rows(50):
        assert row.sevens % 7 == 0
        assert 2 <= len(row.tags) <= 4
        assert len(row.labels) >= 2
        assert 30 <= len(row.code) <= 40
    assert all("@" in mail for row in Factory(Reader).rows(9) for mail in row["emails"])
    assert {row.colour for row in Factory(Everything).rows(50)} == set(Colour)


def test_given_values_are_kept_and_keys_differ_between_calls() -> None:
    maker = RowMaker(seed=3)
    rows = [maker.row(Everything, pin="AB123", address={"street": "x", "city": "y"})]
    rows += maker.rows(Everything, 2, pin="AB123")
    assert [row.id for row in rows] == [1, 2, 3]
    assert {row.pin for row in rows} == {"AB123"}
    assert rows[0].address == Address(street="x", city="y")


def test_rows_of_a_spec_follow_given_values() -> None:
    maker, spec = RowMaker(seed=1), "id key, price int 1..9, twice expr 'price * 2'"
    rows = [maker.row(spec, price=4), *maker.rows(spec, 2)]
    assert rows[0] == {"id": 1, "price": 4, "twice": 8}
    assert [row["id"] for row in rows] == [1, 2, 3]


def test_no_language_model_is_ever_asked() -> None:
    class Asked(BaseModel):
        note: Annotated[str, fb.col.llm("a long complaint")]
        size: Annotated[int, fb.col.poisson(4)]

    (row,) = Factory(Asked).rows(1)
    assert row.note
    assert row.size >= 0


def test_what_cannot_be_drawn_is_said_with_what_to_do() -> None:
    class Socket:
        pass

    @dataclasses.dataclass
    class Server:
        name: str
        socket: Socket

    class Never(BaseModel):
        size: int

        @field_validator("size")
        @classmethod
        def refuse(cls, size: int) -> int:
            raise ValueError(f"no size will do, not even {size}")

    people = {"columns": {"id": {"kind": "key"}}}
    Server.__annotations__ = {"name": str, "socket": Socket}
    with pytest.raises(UsageError, match="its type is `Socket`") as told:
        Factory(Server).rows(1)
    assert "socket=…" in str(told.value.hint)
    assert isinstance(Factory(Server).rows(1, socket=Socket())[0].socket, Socket)
    with pytest.raises(UsageError, match="has no field `nme`"):
        Factory(Server).rows(1, nme="x")
    with pytest.raises(UsageError, match="`int` has no fields"):
        Factory(int)
    with pytest.raises(CheckError, match="no size will do"):
        Factory(Never).rows(1)
    with pytest.raises(CheckError, match="the end is before the start"):
        Factory(Span).rows(1, start=dt.date(2199, 1, 1))
    with pytest.raises(UsageError, match="has 2 tables"):
        RowMaker().rows({"tables": {"a": people, "b": people}}, 2)
    with pytest.raises(UsageError, match="has no column `prise`"):
        RowMaker().row("price int 1..9", prise=3)


class Base(DeclarativeBase):
    pass


class Customer(Base):
    __tablename__ = "customers"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(6))
    email: Mapped[str] = mapped_column(unique=True)
    tier: Mapped[str] = mapped_column(sa.Enum("gold", "tin", name="tier"))
    made: Mapped[dt.datetime] = mapped_column(server_default=sa.func.now())
    orders: Mapped[list[Order]] = relationship(
        back_populates="customer", foreign_keys="Order.customer_id"
    )


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("customers.id"))
    gift_of: Mapped[int | None] = mapped_column(sa.ForeignKey("customers.id"))
    total: Mapped[Decimal] = mapped_column(sa.Numeric(8, 2))
    customer: Mapped[Customer] = relationship(back_populates="orders", foreign_keys=[customer_id])


def test_mapped_objects_fit_their_database() -> None:
    maker, engine = RowMaker(seed=1), sa.create_engine("sqlite://")
    Base.metadata.create_all(engine)
    customers = maker.rows(Customer, 30)
    orders = [maker.row(Order, customer=each) for each in customers]
    with Session(engine) as session:
        session.add_all(customers)
        session.commit()
        assert {each.customer_id for each in orders} == {each.id for each in customers}
        assert len({each.email for each in customers}) == 30
        assert all(len(each.name) <= 6 and each.made for each in customers)
        assert {each.tier for each in customers} == {"gold", "tin"}
        session.add(maker.row(Order, customer_id=customers[3].id, total=Decimal("1.50")))
        session.commit()
    engine.dispose()
    with pytest.raises(UsageError, match="key of a row of `customers`") as told:
        maker.row(Order)
    assert "customer_id=…" in str(told.value.hint)
