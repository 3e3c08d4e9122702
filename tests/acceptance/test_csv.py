"""A table by prompt, from whatever a model answers, into one file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import fabula as fb
from fabula.errors import CheckError, PartialRunError, UsageError
from fabula.testing import Call, ChatServer, Reply
from fabula.testing.replies import cut, empty, refusal
from tests.acceptance.builders import as_reply, asked_rows, at, numbered
from tests.acceptance.conftest import Run

WAREHOUSE = """\
Generate 5 random but realistic datapoints of items which could be in a home appliances warehouse. \
Output the datapoints as a csv, and your response should only be the CSV.

Format: Name, Price, Inventory

Name - Name of the home appliance product
Price - Price of an individual product, in dollars (include cents)
Inventory - How many are left in stock
"""
HOUSES = (
    "10 rows of housing data: id (incrementing), house size (m^2), house price, location, "
    "number of bedrooms"
)
ROWS = [
    ("4-Slice Toaster", 29.99, 150),
    ("Stand Mixer", 199.99, 50),
    ("Kettle, electric", 49.95, 220),
    ("Iron", 12.5, 75),
    ("Air Fryer", 89.0, 110),
]


def csv(rows: Iterable[tuple[Any, ...]], separator: str = ",", header: str = "") -> str:
    """Rows as a model writes them, texts in quotes."""
    lines = [
        separator.join(f'"{cell}"' if isinstance(cell, str) else f"{cell}" for cell in row)
        for row in rows
    ]
    return "\n".join([header or separator.join(("Name", "Price", "Inventory")), *lines])


CLEAN = csv(ROWS)
SPACED = "Name, Price, Inventory  \n" + "\n".join(
    f'"{name}", {price}, {stock}  ' for name, price, stock in ROWS
)
TABLE = "| Name | Price | Inventory |\n|---|---:|---|\n" + "\n".join(
    f"| {name} | {price} | {stock} |" for name, price, stock in ROWS
)
REPLIES = {
    "clean": CLEAN,
    "fenced": f"```csv\n{CLEAN}\n```",
    "spaces after commas and at line ends": SPACED,
    "prose before and after": f"Sure! Here is your data:\n\n{CLEAN}\n\nLet me know if it helps.",
    "blank lines": CLEAN.replace("\n", "\n\n"),
    "carriage returns": CLEAN.replace("\n", "\r\n"),
    "byte order mark": f"\ufeff{CLEAN}",
    "semicolons": csv(ROWS, ";"),
    "tabs": csv(ROWS, "\t"),
    "header again in the middle": CLEAN.replace('"Iron"', 'Name,Price,Inventory\n"Iron"'),
    "markdown table": TABLE,
    "thoughts first": f"<think>a, b\nName,Price?</think>\n{CLEAN}",
    "names in other spelling and order": csv(
        [(stock, name, price) for name, price, stock in ROWS], header="INVENTORY,name,price "
    ),
    "JSON": as_reply(*({"Name": n, "Price": p, "Inventory": i} for n, p, i in ROWS)),
    "a frame": json.dumps({"column_names": ["Name", "Price", "Inventory"], "data": ROWS}),
    "a frame by columns": json.dumps(
        {"column_names": ["Name", "Price", "Inventory"], "data": list(zip(*ROWS, strict=True))}
    ),
}


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
def test_what_models_really_send_becomes_the_same_file(fabula: Run, reply: str) -> None:
    """One call; names, types and rows are exact."""
    with ChatServer([Reply(reply, as_text=True)]) as server:
        ended = fabula("generate", WAREHOUSE, "-o", "items.csv", server=server)
    assert ended.code == 0, ended.err
    assert len(server.calls) == 1
    frame = pd.read_csv("items.csv")
    assert list(frame.columns) == ["Name", "Price", "Inventory"]
    assert [str(kind) for kind in frame.dtypes[1:]] == ["float64", "int64"]
    assert list(frame.itertuples(index=False, name=None)) == ROWS
    manifest = json.loads(Path("items.csv.manifest.json").read_text())
    assert manifest["tables"]["items_which_could"]["written"] == 5
    [used] = manifest["models"].values()
    assert used["calls"] == 1


def test_the_prompt_carries_subject_names_and_descriptions() -> None:
    with ChatServer([CLEAN]) as server:
        run(WAREHOUSE, server)
    prompt = server.calls[0].prompt
    assert "home appliances warehouse" in prompt
    assert "How many are left in stock" in prompt
    assert "csv" not in prompt.lower()


def run(text: str, server: ChatServer, **options: Any) -> pd.DataFrame:
    """The table that a sentence gives at a server."""
    spec = fb.resolve(text)
    spec = spec.model_copy(update={"models": {"default": at(server, concurrency=1)}})
    return fb.generate(spec, **options).to_pandas()


def test_a_number_with_commas_is_no_shifted_row() -> None:
    """Three values under two names are asked again, never pushed into place."""
    script = ["name,price\nA,250,000\nB,300,000", as_reply(*named(2))]
    with ChatServer(script) as server:
        frame = run("2 rows of houses: name, price", server)
    assert list(frame["price"]) == [100.5, 101.5]
    assert "line 2: 3 values for 2 columns" in server.calls[1].prompt


def named(n: int) -> list[dict[str, Any]]:
    return [{"name": f"N{i}", "price": 100.5 + i} for i in range(n)]


def test_only_bad_lines_are_lost() -> None:
    """Quoted commas, quotes and new lines are fine; the rest is asked again by line."""
    reply = (
        'name,price\n"Kettle, electric",1.5\n"The ""Big"" one",2.5\n"Two\nlines",3.5\n'
        'Short\nLong,1,2\n"Open,9.5'
    )
    with ChatServer([Reply(reply), as_reply(*named(3))]) as server:
        frame = run("6 rows of things: name, price", server)
    assert list(frame["name"][:3]) == ["Kettle, electric", 'The "Big" one', "Two\nlines"]
    assert list(frame["price"][:3]) == [1.5, 2.5, 3.5]
    assert len(server.calls) == 2
    assert asked_rows(server.calls[1]) == 3
    for told in ("line 6: 1 values for 2", "line 7: 3 values for 2", "a quote is not closed"):
        assert told in server.calls[1].prompt


def test_a_missing_column_is_named_and_asked_again() -> None:
    """A header with a column too many and one too few is told as such."""
    script = ["name,colour\nA,red\nB,blue", as_reply(*named(2))]
    with ChatServer(script) as server:
        frame = run("2 rows of things: name, price", server)
    assert list(frame.columns) == ["name", "price"]
    assert "`price` is missing" in server.calls[1].prompt


@pytest.mark.parametrize(("first", "calls"), [(3, 2), (8, 1)])
def test_the_count_is_exact(fabula: Run, first: int, calls: int) -> None:
    """Two rows too few are asked for; three too many are left out."""
    script = [csv((f"{i}", 1.5, 2) for i in range(first)), csv([("x", 1.5, 2), ("y", 2.5, 3)])]
    with ChatServer(script) as server:
        ended = fabula("generate", WAREHOUSE, "-o", "items.csv", server=server)
    assert ended.code == 0
    assert len(pd.read_csv("items.csv")) == 5
    assert len(server.calls) == calls
    assert f"{calls} call" in ended.err


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply("Name,Price,Inventory\n", as_text=True), "a header and no rows"),
        (empty(), "empty"),
        (refusal("I cannot help with that."), "refused"),
        (Reply("I'm sorry, but I can't assist with that.", as_text=True), "refusal"),
    ],
    ids=["header only", "empty", "refusal field", "refusal text"],
)
def test_nothing_is_no_success(fabula: Run, reply: Reply, reason: str) -> None:
    with ChatServer(lambda _: reply) as server:
        ended = fabula("generate", WAREHOUSE, "-o", "items.csv", server=server)
        assert 2 <= len(server.calls) <= 30
    assert ended.code == 4
    assert reason in ended.err
    assert len(pd.read_csv("items.csv")) == 0
    rejects = Path("items.csv.rejects.jsonl").read_text().splitlines()
    assert len(rejects) == 5


def test_a_cut_reply_gives_its_whole_rows() -> None:
    """The half row is asked again, and the cut is on record."""
    reply = cut(CLEAN[: CLEAN.index("Air") + 2])
    with ChatServer([reply, csv(ROWS[4:])]) as server:
        spec = fb.resolve(WAREHOUSE)
        spec = spec.model_copy(update={"models": {"default": at(server)}})
        made = fb.generate(spec)
    assert [tuple(row.values()) for row in made.to_dicts()] == ROWS
    assert len(server.calls) == 2
    assert "cut off" in json.dumps(made.manifest["models"])


def house(number: int) -> dict[str, Any]:
    size = 50.0 + number
    return {
        "house size (m^2)": size,
        "house price": 1_000 * size,
        "location": f"Street {number}",
        "number of bedrooms": 1 + number % 500 // 20,
    }


@pytest.mark.parametrize("ids", [[*range(1, 10), 9], range(10)], ids=["one twice", "from 0"])
def test_ids_are_ours_whatever_the_reply_says(ids: Iterable[int]) -> None:
    """The ids are exactly 1 … 10, and the reply's own are reported as left out."""
    names = "id,house_size_m2,House Price,location,number of bedrooms"
    rows = [(i, *house(n).values()) for n, i in enumerate(ids)]
    with ChatServer([csv(rows, header=names)]) as server:
        spec = fb.resolve(HOUSES)
        made = fb.generate(spec.model_copy(update={"models": {"default": at(server)}}))
    frame = made.to_pandas()
    assert list(frame["id"]) == list(range(1, 11))
    assert list(frame.columns) == ["id", *house(0)]
    assert "column `id` was not asked for" in json.dumps(made.manifest["models"])


def test_declared_relations_are_measured(fabula: Run) -> None:
    """Rising columns pass with their value; prices that stay shuffled fail with exit 1."""
    checks = ("--check", "size ~ bedrooms +", "--check", "price ~ size +")
    with ChatServer(numbered(lambda i: house(i * 40))) as server:
        ended = fabula("generate", HOUSES, "-o", "good.csv", *checks, server=server)
    assert ended.code == 0, ended.err
    assert "2 passed" in ended.err
    values = [c["value"] for c in json.loads(Path("good.csv.manifest.json").read_text())["checks"]]
    assert min(values) > 0.9
    prices = [9, 2, 7, 4, 6, 5, 1, 8, 3, 0]
    shuffled = numbered(lambda i: {**house(i % 10 * 40), "house price": 1e3 * prices[i % 10]})
    with ChatServer(shuffled) as server:
        ended = fabula("generate", HOUSES, "-o", "bad.csv", *checks, server=server)
    assert ended.code == 1
    assert "spearman correlation of `house price` and `house size (m^2)` is -0" in ended.err
    assert len(pd.read_csv("bad.csv")) == 10


def test_conditions_on_rows_are_checks_too() -> None:
    """Rows that stay bad when asked again are in the result."""
    with (
        ChatServer(numbered(lambda i: {**house(i), "house price": -2.0 - i})) as server,
        pytest.raises(CheckError, match='"house price" > 0') as caught,
    ):
        run(HOUSES, server, checks=['"house price" > 0'])
    [result] = caught.value.dataset.checks
    assert result.failing == 10
    assert result.examples[0]["house price"] < 0


def test_five_hundred_rows_over_many_calls(fabula: Run) -> None:
    """Ids continue, later calls are told what exists, no header is a row."""
    made = iter(range(1_000))

    def script(call: Call) -> str:
        return csv(
            [tuple(house(next(made)).values()) for _ in range(asked_rows(call))],
            header="House size (m2),House price,Location,Number of bedrooms",
        )

    with ChatServer(script) as server:
        ended = fabula("generate", HOUSES, "-n", "500", "-o", "houses.csv", server=server)
    assert ended.code == 0, ended.err
    frame = pd.read_csv("houses.csv")
    assert list(frame["id"]) == list(range(1, 501))
    assert frame["location"].is_unique
    assert len(server.calls) > 10
    assert len(re.findall(r"Street \d+", server.calls[-1].prompt)) >= 4


def test_the_same_command_again_asks_nothing(fabula: Run) -> None:
    """Not even when the file is gone: the replies are known and the bytes are the same."""
    with ChatServer(numbered(house)) as server:
        assert fabula("generate", HOUSES, "-o", "houses.csv", server=server).code == 0
        calls, data = len(server.calls), Path("houses.csv").read_bytes()
        again = fabula("generate", HOUSES, "-o", "houses.csv", server=server)
        assert "Nothing to do" in again.err
        Path("houses.csv").unlink()
        assert fabula("generate", HOUSES, "-o", "houses.csv", server=server).code == 0
        assert len(server.calls) == calls
        assert Path("houses.csv").read_bytes() == data
        other = fabula("generate", HOUSES, "-n", "3", "-o", "houses.csv", server=server)
    assert other.code == 2
    assert "is the result of another run" in other.err
    assert sorted(path.name for path in Path().iterdir()) == [
        "houses.csv",
        "houses.csv.manifest.json",
        "houses.csv.model-calls.jsonl",
    ]


@pytest.mark.parametrize("name", ["h.parquet", "h.jsonl", "h.arrow"])
def test_the_ending_names_the_format(fabula: Run, name: str) -> None:
    assert fabula("generate", HOUSES, "-o", name, "--model", "fake").code == 0
    assert fb.extend(name, 0).column_names == ["id", *house(0)]


def test_a_file_of_someone_else_is_never_replaced(fabula: Run) -> None:
    Path("mine.csv").write_text("a\n1\n")
    ended = fabula("generate", HOUSES, "-o", "mine.csv", "--model", "fake")
    assert ended.code == 2
    assert "is not the result of a run" in ended.err
    assert Path("mine.csv").read_text() == "a\n1\n"


@pytest.mark.parametrize("text", ["10 rows of housing data", "customers of a small bank"])
def test_a_sentence_without_columns_is_told_how(text: str) -> None:
    with pytest.raises(UsageError, match="does not list its columns") as caught:
        fb.resolve(text)
    assert "after a colon" in str(caught.value.hint)


def test_a_dry_run_asks_nothing(fabula: Run) -> None:
    with ChatServer() as server:
        ended = fabula("generate", HOUSES, "--dry-run", server=server)
    assert ended.code == 0
    assert "10 rows" in ended.out
    assert server.calls == []


@pytest.mark.parametrize(
    "reply",
    [
        "heading,cost\nA,1\nB,2",
        "```csv\nheading,cost\nA,1\nB,2\n```",
        "|heading|cost|\n|-|-|\n|A|1|",
    ],
)
def test_a_table_of_other_columns_is_refused_by_their_names(reply: str) -> None:
    refused = pytest.raises(PartialRunError, match="other columns: 'heading', 'cost' instead")
    with ChatServer(lambda _: Reply(reply, as_text=True)) as server, refused:
        fb.generate("2 rows of books: title, price", model=dict(at(server)))
    assert "'title', 'price'" in server.calls[1].prompt


def test_a_reject_keeps_the_text_of_its_line_when_later_answers_repeat_others(
    tmp_path: Path,
) -> None:
    replies = ["title,price\nA,1\nB,2,3", *["title,price\nA,1"] * 8]
    scripted = [Reply(text, as_text=True) for text in replies]
    with ChatServer(scripted) as server, pytest.raises(PartialRunError):
        fb.generate(
            "2 rows of books: title, price", model=dict(at(server)), output=tmp_path / "b.csv"
        )
    (reject,) = (tmp_path / "b.csv.rejects.jsonl").read_text().splitlines()
    assert json.loads(reject)["raw"] == "B,2,3"
