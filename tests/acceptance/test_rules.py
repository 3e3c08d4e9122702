"""Rules on rows and tables, verdicts of a model, and the fashion store."""

from __future__ import annotations

import itertools
import json
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

import fabula as fb
from fabula.errors import CheckError, PartialRunError, SpecError
from fabula.spec.tables import DatasetSpec
from fabula.testing import Call, ChatServer
from tests.acceptance.builders import as_reply, asked_rows, at, known_rows, numbered

TVS = [
    (32, 200.0, "OLED"), (32, 375.0, "QLED"), (43, 300.0, "OLED"), (43, 580.0, "QLED"),
    (55, 500.0, "OLED"), (55, 1_000.0, "QLED"), (65, 800.0, "OLED"), (65, 1_550.0, "QLED"),
]  # fmt: skip


def tv(row: tuple[int, float, str]) -> dict[str, Any]:
    return dict(zip(("size", "price", "tv_type"), row, strict=True))


def spec(server: ChatServer, table: dict[str, Any]) -> DatasetSpec:
    """A spec of one table whose model is the server."""
    built = fb.resolve({"tables": {"rows": table}})
    return built.model_copy(update={"models": {"default": at(server, concurrency=1)}})


def tv_table(repair: str = "fail") -> dict[str, Any]:
    return {
        "n": 8,
        "prompt": "televisions",
        "columns": {
            "size": {"kind": "llm", "type": "int"},
            "price": {"kind": "llm", "type": "float"},
            "tv_type": {"kind": "llm", "type": ["OLED", "QLED"]},
        },
        "checks": [
            {"kind": "row", "sql": "price > 0", "repair": repair},
            {
                "kind": "correlation",
                "columns": ["size", "price"],
                "where": "tv_type = 'OLED'",
                "at_least": 0.9,
            },
        ],
    }


def test_rules_in_words_are_measured_on_given_rows() -> None:
    """The published shape passes with its values; one price out of line to the last fails."""
    with ChatServer([as_reply(*map(tv, TVS))]) as server:
        made = fb.generate(spec(server, tv_table()))
    assert made.checks.passed
    assert made.checks.results[1].value > 0.9
    assert "price > 0" in server.calls[0].prompt
    bad = [*map(tv, TVS)]
    bad[0] = {**bad[0], "price": 5_000.0}

    def always(call: Call) -> str:
        return as_reply(*bad) if call.number == 1 else as_reply(bad[0])

    with ChatServer(always) as server, pytest.raises(CheckError) as caught:
        fb.generate(spec(server, tv_table()))
    assert "correlation" in caught.value.message
    assert len(server.calls) == 1 + 3
    assert 'size = 32, tv_type = "OLED"' in server.calls[1].prompt
    assert len(caught.value.dataset.to_dicts()) == 8


def test_a_row_that_breaks_a_rule_is_asked_again_with_the_measure() -> None:
    """At most three times; then it is rejected and counted."""
    bad = [*map(tv, TVS)]
    bad[3] = {**bad[3], "price": -580.0}
    with ChatServer([as_reply(*bad), as_reply(tv(TVS[3]))]) as server:
        made = fb.generate(spec(server, tv_table("resample")))
    assert made.to_dicts() == [*map(tv, TVS)]
    assert "price > 0 does not hold for price = -580.0" in server.calls[1].prompt

    def always(call: Call) -> str:
        return as_reply(*bad) if call.number == 1 else as_reply(bad[3])

    with ChatServer(always) as server, pytest.raises(PartialRunError) as caught:
        fb.generate(spec(server, tv_table("resample")))
    [lost] = caught.value.dataset.rejected
    assert (lost.row, len(server.calls)) == (3, 4)
    assert "does not hold for price = -580.0" in lost.reason


RATIO = (
    "tv_type = 'OLED' or price between 1.5 * min(price) filter (where tv_type = 'OLED') "
    "over (partition by size) and 3 * max(price) filter (where tv_type = 'OLED') "
    "over (partition by size)"
)


def declared(server: ChatServer, checks: list[str]) -> list[dict[str, Any]]:
    """Eight televisions that a caller declares rules for."""
    table = {key: value for key, value in tv_table().items() if key != "checks"}
    return fb.generate(spec(server, table), checks=checks).to_dicts()


def test_declared_rules_stand_in_the_prompt_and_broken_rows_are_asked_again() -> None:
    """A row rule, a relation of two columns, and a rule over the rows of a group."""
    rules = ["price < 4000", "price ~ size + 0.5", RATIO]
    bad = [{**tv(row), **({"price": 9_000.0} if i == 7 else {})} for i, row in enumerate(TVS)]
    bad[5] = {**bad[5], "price": 2_000.0}  # 4 times the OLED of that size
    replies = [as_reply(*bad), as_reply(tv(TVS[7])), as_reply(tv(TVS[5]))]
    with ChatServer(replies) as server:
        assert declared(server, rules) == [*map(tv, TVS)]
    prompts = [call.prompt for call in server.calls]
    assert len(prompts) == 3
    assert "price < 4000" in prompts[0]
    assert "`price` and `size` rise together" in prompts[0]
    assert RATIO in prompts[0]
    assert "price < 4000 does not hold for price = 9000.0" in prompts[1]
    assert "does not hold: price = 2000.0, size = 55" in prompts[2]


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("More rooms is usually bigger size.", "house size (m^2) ~ number of rooms +"),
        ("Make sure that the price grows with size.", "house price ~ house size (m^2) +"),
        ("House price should increase with the house size.", "house price ~ house size (m^2) +"),
        ("The bigger the size, the higher the price.", "house price ~ house size (m^2) +"),
        ("Price falls with distance to town.", "house price ~ distance to town (km) -"),
    ],
)
def test_a_relation_said_in_the_sentence_is_a_check(said: str, name: str) -> None:
    """It is in the prompt, rows that break it are asked again, and at last it fails the run."""
    columns = "house size (m^2), house price, number of rooms, distance to town (km)"
    (table,) = fb.resolve(f"Houses. {said} 10 rows of houses: {columns}").tables.values()
    assert [check.name for check in table.checks] == [name]
    (table,) = fb.resolve(f"10 rows of houses: {columns}.\n{said}").tables.values()
    assert [check.name for check in table.checks] == [name]


@pytest.mark.parametrize(
    "said",
    [
        "Price does not grow with size.",
        "The price need not be a price that increases with size.",
        "Love grows with time.",
        "Make the prices realistic; more detail is better.",
    ],
)
def test_what_is_no_relation_of_two_columns_is_no_check(said: str) -> None:
    (table,) = fb.resolve(f"10 rows of houses: size, price. {said}").tables.values()
    assert not table.checks


def test_a_relation_in_words_that_rows_break_is_asked_again_and_fails() -> None:
    numbers = itertools.count()

    def falling(call: Call) -> str:
        made = [next(numbers) for _ in range(asked_rows(call))]
        return as_reply(*({"size": 10 + i, "price": 900 - 10 * i} for i in made))

    with (
        ChatServer(falling) as server,
        pytest.raises(CheckError, match="`price` is -1"),
    ):
        fb.generate(
            "10 rows of houses: size (number), price (number). The price grows with size.",
            model=dict(at(server)),
        )
    assert "size" in server.calls[1].prompt
    assert len(server.calls) > 1


def test_rows_that_keep_two_columns_from_rising_together_are_asked_again() -> None:
    """As few as leave the rest in line; the reason names the measure."""
    shuffled = [*map(tv, TVS)]
    shuffled[6] = {**shuffled[6], "price": 10.0}
    with ChatServer([as_reply(*shuffled), as_reply(tv(TVS[6]))]) as server:
        assert declared(server, ["price ~ size + 0.8"]) == [*map(tv, TVS)]
    assert "price = 10.0, size = 65" in server.calls[1].prompt
    assert "is out of line" in server.calls[1].prompt


def test_a_broken_declared_rule_fails_the_run_at_last() -> None:
    always = numbered(lambda number: {**tv(TVS[0]), "size": number, "price": -2.0})

    with ChatServer(always) as server, pytest.raises(CheckError, match="price > 0") as caught:
        declared(server, ["price > 0"])
    assert len(caught.value.dataset.to_dicts()) == 8


def test_a_rule_over_a_group_is_checked_on_any_table() -> None:
    """Without a model, as a check of the finished table; an aggregate alone is refused."""
    columns = {
        "size": {"kind": "choice", "values": [40, 50]},
        "price": {"kind": "uniform", "min": 1, "max": 2},
    }
    table = {"n": 50, "columns": columns}
    least = "price >= 0.4 * max(price) over (partition by size)"
    made = fb.generate({"tables": {"t": table}}, checks=[least])
    assert made.checks.results[0].value == 0
    with pytest.raises(CheckError, match="rows break the rule"):
        fb.generate({"tables": {"t": table}}, checks=[least.replace("0.4", "0.999")])
    with pytest.raises(SpecError) as caught:
        fb.generate({"tables": {"t": table}}, checks=["price < 2 * avg(price)"])
    assert "OVER ()" in str(caught.value)


def test_a_rule_between_rows_is_a_check_of_the_table() -> None:
    """The ratio of two prices by size, as a Python function."""

    class Tv(BaseModel):
        size: int
        price: float = Field(gt=0)
        tv_type: Literal["OLED", "QLED"]

    def ratios(rows: list[Tv]) -> dict[int, str]:
        oled = {row.size: row.price for row in rows if row.tv_type == "OLED"}
        return {
            place: f"a QLED of size {row.size} costs {row.price / oled[row.size]:.2f} x an OLED"
            for place, row in enumerate(rows)
            if row.tv_type == "QLED" and not 1.8 <= row.price / oled[row.size] <= 2.2
        }

    bad = [*map(tv, TVS)]
    bad[5] = {**bad[5], "price": 1_500.0}
    with ChatServer([as_reply(*bad), as_reply(tv(TVS[5]))]) as server:
        made = fb.rows(
            Tv, prompt="televisions", n=8, rows_per_call=8, check_table=ratios, model=at(server)
        )
    assert [row.model_dump() for row in made] == [*map(tv, TVS)]
    assert "a QLED of size 55 costs 3.00 x" in server.calls[1].prompt


def judged(rubric: Any, at_least: float | None) -> dict[str, Any]:
    return {
        "n": 2,
        "prompt": "slogans",
        "columns": {
            "id": {"kind": "key"},
            "slogan": {"kind": "llm"},
            "verdict": {"kind": "judge", "of": "slogan", "rubric": rubric, "at_least": at_least},
        },
    }


def judging(verdicts: dict[str, Any], slogans: list[str]) -> Any:
    """A script that writes slogans in order and grades them by a table."""
    left = iter(slogans)

    def script(call: Call) -> str:
        if "verdict" in call.prompt:
            graded = [verdicts[row["slogan"]] for row in known_rows(call)]
            rows = [item if isinstance(item, dict) else {"verdict": item} for item in graded]
        else:
            rows = [{"slogan": next(left)} for _ in range(asked_rows(call))]
        rows = [{"row": place, **row} for place, row in enumerate(rows, 1)]
        return json.dumps(rows[0] if len(rows) == 1 else {"rows": rows})

    return script


def test_a_models_no_makes_the_row_again() -> None:
    """One question a value; a no asks for a new value, not for the known reply."""
    script = judging({"good": True, "bad": False, "better": True}, ["good", "bad", "better"])
    with ChatServer(script) as server:
        made = fb.generate(spec(server, judged("Is it a good slogan?", 1)))
        calls = len(server.calls)
        again = fb.generate(spec(server, judged("Is it a good slogan?", 1)))
    rows = made.to_dicts()
    assert [row["slogan"] for row in rows] == ["good", "better"]
    assert [row["verdict"] for row in rows] == [True, True]
    assert any("Is it a good slogan?" in call.prompt for call in server.calls)
    used = {name: model["calls"] for name, model in made.manifest["models"].items()}
    assert used == {"default": 2, "default as judge": 2}
    assert calls == 4
    assert again.to_dicts() == rows
    assert len(server.calls) == calls


def test_a_row_that_is_never_good_enough_is_rejected() -> None:
    """Criteria with scales; the mean must reach a threshold, else the row is lost."""
    grades = {"good": {"clear": 5, "short": 4}, "bad": {"clear": 1, "short": 2}}
    grades |= {f"bad {i}": {"clear": 1, "short": 2} for i in range(9)}
    script = judging(grades, ["good", "bad", *(f"bad {i}" for i in range(9))])
    rubric = {"clear": "1..5", "short": "1..5"}
    with ChatServer(script) as server, pytest.raises(PartialRunError, match="at least 4") as caught:
        fb.generate(spec(server, judged(rubric, 4)))
    made = caught.value.dataset
    assert [row["verdict"] for row in made.to_dicts()] == [4.5]
    assert len(made.rejected) == 1
    assert sum(used["calls"] for used in made.manifest["models"].values()) == len(server.calls)


def test_a_verdict_without_threshold_is_only_recorded() -> None:
    with ChatServer(judging({"a": True, "b": False}, ["a", "b"])) as server:
        made = fb.generate(spec(server, judged("Is it good?", None)))
    assert [row["verdict"] for row in made.to_dicts()] == [True, False]


class Item(BaseModel):
    """Merchandise of a fashion store."""

    ProductName: str = Field(description="name of the product")
    Price: float = Field(gt=0, description="in dollars, with cents")
    Stock: int = Field(ge=0)


GRID = [["Linen Shirt", 39.5, 120], ["Silk Scarf", 25.0, 60], ["Wool Coat", 199.0, 15]]


@pytest.mark.parametrize(
    ("data", "right"),
    [
        (GRID, True),
        ([*GRID, ["Leather Belt", 30.0, 40]], True),
        ([list(column) for column in zip(*GRID, strict=True)], True),
    ],
    ids=["three by three", "by rows", "by columns"],
)
def test_the_fashion_store_is_never_turned_on_its_side(data: list[Any], right: bool) -> None:
    """Text stands in the text column, whichever way the grid came."""
    rows = len(data) if isinstance(data[0][1], float) else 3
    frame = {"column_names": ["ProductName", "Price", "Stock"], "data": data}
    with ChatServer([json.dumps(frame)]) as server:
        made = fb.rows(Item, prompt="a fashion store", n=rows, rows_per_call=9, model=at(server))
    assert right
    assert [row.ProductName for row in made][:3] == [row[0] for row in GRID]
    assert made[0] == Item(ProductName="Linen Shirt", Price=39.5, Stock=120)


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        ({"column_names": ["ProductName", "Price", "Price"], "data": GRID}, "twice"),
        ({"column_names": ["ProductName", "Price", "Stock"], "data": []}, "empty"),
        ({"column_names": ["ProductName", "Price", "Stock"], "data": [["A", 1.0, 2], ["B", 1.0]]},
         "2 values for 3 columns"),
        ({"column_names": ["ProductName", "Price"], "data": GRID}, "values for 2 columns"),
    ],
    ids=["a name twice", "no rows", "ragged", "too few names"],
)  # fmt: skip
def test_a_crooked_frame_is_asked_again_with_the_reason(frame: Any, told: str) -> None:
    """Nothing is dropped silently."""
    fresh = numbered(lambda i: {"ProductName": f"P{i}", "Price": 1.5, "Stock": i})

    def script(call: Call) -> Any:
        return json.dumps(frame) if call.number == 1 else fresh(call)

    with ChatServer(script) as server:
        made = fb.rows(Item, prompt="a fashion store", n=3, rows_per_call=3, model=at(server))
    assert len(made) == 3
    assert told in server.calls[1].prompt


def test_the_store_grows() -> None:
    """Two items more, below the old ones."""
    store = fb.preview(Item, 3, model="fake", prompt="a fashion store").to_pandas()
    price, stock = float(store["Price"][0]), int(store["Stock"][0])

    def new(number: int) -> dict[str, Any]:
        return {"ProductName": f"New {number}", "Price": price, "Stock": stock}

    with ChatServer(numbered(new)) as server:
        longer = fb.extend(store, 2, model=at(server))
    assert list(longer["ProductName"][3:]) == ["New 0", "New 1"]
    assert longer.iloc[:3].equals(store)
