"""Whole-table checks in a run: rows dropped, tables drawn again, and all of it counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fabula.engines.made import MadeBlock
from fabula.errors import CheckError, PartialRunError, RunInterrupted
from fabula.io.formats import Format
from fabula.runs import parts
from fabula.streams import BLOCK_ROWS
from tests.runs.standin import PART_ROWS, STATUS, StandIn, make_plan, run


@pytest.fixture(autouse=True)
def parts_are_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few rows make many parts."""
    monkeypatch.setattr(parts, "PART_BLOCKS", PART_ROWS // BLOCK_ROWS)


SHARE = {"kind": "share", "column": "status", "value": "new", "equals": 1, "repair": "resample"}


def with_column(made: pa.Table, name: str, values: Any) -> MadeBlock:
    position = made.schema.get_field_index(name)
    return MadeBlock(made.set_column(position, made.schema.field(name), values))


def all_new_from(attempt: int) -> Any:
    """A change after which the share of `new` orders is 1, from some drawing on."""

    def change(table: str, _block: int, now: int, made: pa.Table) -> MadeBlock | None:
        if table != "orders" or now < attempt:
            return None
        codes = pa.array(np.zeros(made.num_rows, dtype=np.int32))
        return with_column(made, "status", pa.DictionaryArray.from_arrays(codes, STATUS))

    return change


def test_a_table_is_drawn_again_until_its_check_holds(tmp_path: Path) -> None:
    """`repair: resample` on a whole table, bounded, explicit and counted."""
    plan = make_plan(1000, checks={"orders": [SHARE]})
    made = StandIn(plan, all_new_from(2))
    data = run(plan, made, output=tmp_path)
    (result,) = data.checks
    assert (result.passed, result.value, result.repaired) == (True, 1.0, 2)
    assert data.manifest["tables"]["orders"]["drawings"] == 3
    assert made.made == [("customers", 0, 0), *(("orders", 0, attempt) for attempt in range(3))]
    assert run(plan, StandIn(plan, all_new_from(2)))["orders"].equals(data["orders"])


def test_a_table_is_not_drawn_for_ever(tmp_path: Path) -> None:
    """At most three times again; then the run fails and the data stays."""
    plan = make_plan(1000, checks={"orders": [SHARE]})
    made = StandIn(plan)
    with pytest.raises(CheckError, match=r"share of `status` = new is 0\.3") as caught:
        run(plan, made, output=tmp_path)
    assert [attempt for table, _, attempt in made.made if table == "orders"] == [0, 1, 2, 3]
    assert caught.value.dataset.count("orders") == 1000


def test_an_interrupted_redraw_continues_to_the_same_bytes(tmp_path: Path) -> None:
    """(kill in mid-run): which drawing is current survives, and so do its parts."""
    plan = make_plan(6 * BLOCK_ROWS, checks={"orders": [SHARE]})
    whole = run(plan, StandIn(plan, all_new_from(1)), output=tmp_path / "whole")

    def interrupt(table: str, block: int, attempt: int, made: pa.Table) -> MadeBlock | None:
        if (table, block, attempt) == ("orders", 4, 1):
            raise KeyboardInterrupt
        return all_new_from(1)(table, block, attempt, made)

    with pytest.raises(RunInterrupted):
        run(plan, StandIn(plan, interrupt), output=tmp_path / "out")
    last = StandIn(plan, all_new_from(1))
    data = run(plan, last, output=tmp_path / "out")
    assert {attempt for table, _, attempt in last.made if table == "orders"} == {1}
    assert min(block for table, block, _ in last.made if table == "orders") == 4
    assert data.manifest["tables"] == whole.manifest["tables"]
    assert data.manifest["checks"] == whole.manifest["checks"]


def twins(table: str, _block: int, _attempt: int, made: pa.Table) -> MadeBlock | None:
    """A change after which customers 3 and 5 have the name of customer 1."""
    if table != "customers":
        return None
    names = made["name"].to_pylist()
    names[2] = names[4] = names[0]
    return with_column(made, "name", pa.array(names))


@pytest.mark.slow
@pytest.mark.parametrize("file_format", ["parquet", "csv", "jsonl", "arrow"])
def test_dropped_rows_take_those_that_refer_to_them_along(
    tmp_path: Path, file_format: Format
) -> None:
    """Drop is explicit and counted, and leaves no orphan; rows keep their numbers."""
    unique = {"kind": "unique", "columns": ["name"], "repair": "drop"}
    plan = make_plan(200, checks={"customers": [unique]})
    options: dict[str, Any] = {"output": tmp_path, "file_format": file_format}
    with pytest.raises(PartialRunError):
        run(plan, StandIn(plan, twins), **options)
    data = run(plan, StandIn(plan, twins), max_rejects=1.0, **options)
    assert data["customers"]["id"].to_pylist() == [1, 2, 4, *range(6, 21)]
    assert not {3, 5} & set(data["orders"]["customer_id"].to_pylist())
    tables = data.manifest["tables"]
    assert tables["customers"]["reasons"] == {"breaks the rule: `name` unique": 2}
    assert tables["orders"]["requested"] == 200
    assert tables["orders"]["written"] + tables["orders"]["rejected"] == 200
    assert data.checks.passed
    assert next(iter(data.checks)).repaired == 2
    lost = [row for row in data.rejected if row.table == "customers"]
    assert [row.row for row in lost] == [2, 4]
    in_memory = run(plan, StandIn(plan, twins), max_rejects=1.0)
    assert in_memory.to_dicts("orders") == data.to_dicts("orders")
    assert in_memory.rejected == data.rejected


@pytest.mark.slow
def test_orphans_are_dropped_where_the_spec_says_so(tmp_path: Path) -> None:
    """Orphan child ids, repaired by drop, over several parts."""

    def orphans(table: str, block: int, _attempt: int, made: pa.Table) -> MadeBlock | None:
        if table != "orders" or block not in (0, 3):
            return None
        ids = made["customer_id"].to_numpy().copy()
        ids[[7, 9]] = -1
        return with_column(made, "customer_id", pa.array(ids))

    check = {"kind": "foreign_key", "column": "customer_id", "to": "customers", "repair": "drop"}
    plan = make_plan(4 * BLOCK_ROWS, checks={"orders": [check]})
    data = run(plan, StandIn(plan, orphans), output=tmp_path, max_rejects=4)
    expected = [7, 9, 3 * BLOCK_ROWS + 7, 3 * BLOCK_ROWS + 9]
    assert [row.row for row in data.rejected] == expected
    assert data.count("orders") == 4 * BLOCK_ROWS - 4
    lines = (tmp_path / "rejects.jsonl").read_text().splitlines()
    assert [json.loads(line)["row"] for line in lines] == expected
    whole = np.setdiff1d(np.arange(4 * BLOCK_ROWS), expected) + 1
    assert (data["orders"]["id"].to_numpy() == whole).all()
