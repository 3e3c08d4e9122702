"""Rows appended to a file by `fabula extend`, and how its options are checked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

import fabula as fb
from fabula.errors import UsageError
from fabula.runs.dataset import Dataset
from fabula.testing import Call, ChatServer
from tests.acceptance.builders import as_reply, at, known_rows, numbered
from tests.acceptance.conftest import Run
from tests.acceptance.test_extend import ITEMS, item


def test_the_command_appends_and_keeps_every_old_byte(fabula: Run) -> None:
    """`fabula extend items.csv -n 3`: odd quoting and separators of the file stay."""
    old = 'Name;Price;Inventory\r\n\'Kettle\';29,9;x\r\nMop;12.0;"200"\r\nIron;"5";7'
    Path("items.csv").write_bytes(old.encode())
    script = numbered(lambda i: {"Name": f'New "{i}"; x', "Price": "9.5", "Inventory": "4"})
    with ChatServer(script) as server:
        ended = fabula("extend", "items.csv", "-n", "3", server=server)
        assert ended.code == 0, ended.err
        assert "(3 rows and 3 new)" in ended.err
        refused = fabula("extend", "items.csv", "-n", "3", server=server)
        assert (refused.code, len(server.calls)) == (2, 1)
        assert "pass --overwrite" in refused.err
        again = fabula("extend", "items.csv", "-n", "3", "--overwrite", server=server)
        assert (again.code, len(server.calls)) == (0, 1)
    made = Path("items-extended.csv").read_bytes().decode()
    assert made.startswith(old + "\r\n")
    assert made.endswith('"New ""2""; x";9.5;4\r\n')
    assert pd.read_csv("items-extended.csv", sep=";").shape == (6, 3)


@pytest.mark.parametrize("name", ["items.jsonl", "items.parquet"])
def test_the_command_takes_any_file(fabula: Run, name: str) -> None:
    table = pa.table(ITEMS)
    Dataset({"items": table}).write(name)
    with ChatServer(numbered(item)) as server:
        ended = fabula("extend", name, "-n", "2", "-o", f"longer-{name}", server=server)
    assert ended.code == 0, ended.err
    assert fb.extend(f"longer-{name}", 0).to_pylist() == [*table.to_pylist(), item(0), item(1)]
    if name.endswith("jsonl"):
        assert Path(f"longer-{name}").read_bytes().startswith(Path(name).read_bytes())


def test_the_command_balances(fabula: Run) -> None:
    lines = [f"{'fraud' if i < 2 else 'ok'},{i}.25" for i in range(8)]
    Path("pay.csv").write_text("\n".join(["label,amount", *lines]))
    rows = iter(range(100))

    def script(call: Call) -> str:
        given = known_rows(call)
        made = [{"row": i + 1, "amount": 3.5 + next(rows) / 100} for i in range(len(given))]
        return json.dumps({"rows": made} if len(made) > 1 else made[0])

    with ChatServer(script) as server:
        ended = fabula("extend", "pay.csv", "-n", "4", "--balance", "label", server=server)
    assert ended.code == 0, ended.err
    counts = pd.read_csv("pay-extended.csv")["label"].value_counts().to_dict()
    assert counts == {"fraud": 6, "ok": 6}


def test_a_command_cut_short_writes_what_it_has_and_goes_on(fabula: Run) -> None:
    """Exit 4, a valid file, and the same command without the limit asks only for the rest."""
    pd.DataFrame(ITEMS).to_csv("items.csv", index=False)
    command = ("extend", "items.csv", "-n", "6", "--rows-per-call", "2")
    with ChatServer(numbered(item)) as server:
        ended = fabula(*command, "--max-calls", "2", server=server)
        assert ended.code == 4
        assert "2 of 6 rows are missing" in ended.err
        assert len(pd.read_csv("items-extended.csv")) == 9
        assert fabula(*command, "--overwrite", server=server).code == 0
        assert len(server.calls) == 3
    assert len(pd.read_csv("items-extended.csv")) == 11


APPLIANCES = {
    "Name": ["Kettle", "Toaster", "Fan", "Blender", "Iron"],
    "Price": [29.99, 45.5, 79.99, 59.0, 34.0],
    "Stock": [120, 80, 95, 60, 100],
    "Type": ["kitchen", "kitchen", "home", "kitchen", "home"],
}
NEW_APPLIANCES = [
    {"Name": "Air Fryer", "Price": 99.99, "Stock": 50, "Type": "kitchen"},
    {"Name": "Refrigerator with ice", "Price": 899.995, "Stock": 5, "Type": "kitchen"},
    {"Name": "Washing Machine", "Price": 599.99, "Stock": 12, "Type": "laundry"},
]


def test_five_rows_set_no_limits() -> None:
    """Dearer things, a longer name and a new type are what the table lacks."""
    with ChatServer([as_reply(*NEW_APPLIANCES)]) as server:
        longer = fb.extend(APPLIANCES, 3, model=at(server))
    assert len(server.calls) == 1
    assert "from 29.99 to 79.99 so far" in server.calls[0].prompt
    made = [dict(zip(longer, row, strict=True)) for row in zip(*longer.values(), strict=True)]
    assert made[5:] == NEW_APPLIANCES


def test_values_far_beyond_the_old_ones_are_told(fabula: Run, tmp_path: Path) -> None:
    pd.DataFrame(APPLIANCES).to_csv(tmp_path / "a.csv", index=False)
    output = str(tmp_path / "b.csv")
    with ChatServer([as_reply(*NEW_APPLIANCES)]) as server:
        ended = fabula("extend", str(tmp_path / "a.csv"), "-n", "3", "-o", output, server=server)
    assert ended.code == 0, ended.err
    assert "3 of 3 new values of `Price` lie beyond the old ones (29.99 to 79.99)" in ended.err
    assert "--within-range" in ended.err


@pytest.mark.parametrize(
    "call",
    [
        lambda **more: fb.rows(prompt="x", n=1, **more),
        lambda **more: fb.extend(APPLIANCES, 1, **more),
        lambda **more: fb.describe(["a"], **more),
        lambda **more: fb.extract(["a"], "name str", **more),
        lambda **more: fb.pairs("a → b", 1, **more),
        lambda **more: fb.balance({"text": ["a", "b"]}, **more),
        lambda **more: fb.balance_plan({"text": ["a", "b"]}, **more),
    ],
    ids=["rows", "extend", "describe", "extract", "pairs", "balance", "balance_plan"],
)
def test_a_misspelt_option_is_an_error_with_the_nearest_name(call: Any) -> None:
    with pytest.raises(UsageError, match="takes no `attemps`") as caught:
        call(model="fake", attemps=2)
    assert caught.value.hint == "did you mean `attempts`?"


def test_a_missing_option_is_named() -> None:
    with pytest.raises(UsageError, match="`rows` needs `prompt`"):
        fb.rows(n=1, model="fake")  # type: ignore[call-overload]
