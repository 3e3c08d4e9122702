"""Delta tables: one commit a table, read by the official library, as they were after a failure."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable

import fabula as fb
from fabula.errors import SinkError, SourceError, UsageError
from fabula.io.destinations import DESTINATIONS, NOTHING_ALLOWED
from fabula.io.loading import blocks_of, incoming
from fabula.io.sources import read_tables
from fabula.lake import delta
from fabula.runs.dataset import Dataset
from fabula.testing.output_contracts import check_destination
from tests.lake.conftest import Store
from tests.lake.test_objects import spec

HOMES = pa.table({"n": [1, 2, 3], "city": ["Wien", None, "Graz"]})


def read(place: str) -> dict[str, Any]:
    return {name: rows.to_table() for name, rows in read_tables(place).items()}


def test_a_run_becomes_delta_tables_with_one_commit_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = fb.generate(spec(tmp_path), output="delta://lake")
    table = DeltaTable(tmp_path / "lake" / "orders")
    (commit,) = table.history()
    assert commit["fabula.seed"] == "4"
    assert table.count() == 90
    assert table.to_pyarrow_table().sort_by("id").equals(made["orders"])
    assert {name: rows.num_rows for name, rows in read("delta://lake").items()} == {
        "customers": 40,
        "orders": 90,
    }
    assert read("delta://lake/orders")["orders"].num_rows == 90


def test_rows_that_are_appended_go_on_after_those_that_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys don't repeat; a table that is there is refused without a word of what to do with it."""
    monkeypatch.chdir(tmp_path)
    fb.generate(spec(tmp_path), output="delta://lake")
    with pytest.raises(SinkError, match="is a table with 40 rows") as refused:
        fb.generate(spec(tmp_path), output="delta://lake")
    assert "--append" in str(refused.value.hint)
    fb.generate(spec(tmp_path), output="delta://lake", append=True)
    ids = read("delta://lake")["orders"]["id"].to_pylist()
    assert len(ids) == len(set(ids)) == 180
    assert DeltaTable(tmp_path / "lake" / "orders").version() == 1
    fb.generate(spec(tmp_path), output="delta://lake", overwrite=True)
    assert read("delta://lake")["orders"].num_rows == 90


def test_types_that_delta_lacks_are_changed_and_named(tmp_path: Path) -> None:
    table = pa.table(
        {
            "span": pa.array([dt.timedelta(hours=1), None]),
            "small": pa.array([1, 255], pa.uint8()),
            "moment": pa.array([dt.datetime(2024, 1, 1), None], pa.timestamp("ns")),
            "size": pa.array(["S", "M"]).dictionary_encode(),
        }
    )
    sink = delta.DeltaSink(f"delta://{tmp_path}/lake", NOTHING_ALLOWED)
    told = sink.load(incoming({"t": table.schema}), blocks_of({"t": table}))["lines"]
    assert any("`t.span` is string there, not duration" in line for line in told)
    assert any("`t.small` is int16 there" in line for line in told)
    rows = read(f"delta://{tmp_path}/lake")["t"].to_pylist()
    assert rows[0] == {
        "span": "1:00:00.000000",
        "small": 1,
        "moment": dt.datetime(2024, 1, 1),
        "size": "S",
    }


def test_nanoseconds_are_never_cut_off_without_a_word(tmp_path: Path) -> None:
    table = pa.table({"t": pa.array([1], pa.timestamp("ns"))})
    with pytest.raises(SinkError, match="nanoseconds"):
        Dataset({"t": table}).write(f"delta://{tmp_path}/lake")
    assert not (tmp_path / "lake" / "t" / "_delta_log").exists()


def test_partitions_are_those_of_delta(tmp_path: Path) -> None:
    Dataset({"homes": HOMES}).write(f"delta://{tmp_path}/lake", partition_by=["city"])
    table = DeltaTable(tmp_path / "lake" / "homes")
    assert table.metadata().partition_columns == ["city"]
    assert table.to_pyarrow_table().select(["n", "city"]).sort_by("n").equals(HOMES)


def test_a_commit_that_fails_takes_those_before_it_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = f"delta://{tmp_path}/lake"
    Dataset({"homes": HOMES}).write(place)
    commit = delta.DeltaSink._commit

    def broken(self: Any, table: Any, *rest: Any) -> None:
        if table.name == "new":
            raise OSError("the disk is full")
        commit(self, table, *rest)

    monkeypatch.setattr(delta.DeltaSink, "_commit", broken)
    with pytest.raises(SinkError, match="the disk is full"):
        Dataset({"homes": HOMES[:1], "new": HOMES}).write(place, overwrite=True)
    assert read(place)["homes"].sort_by("n").equals(HOMES)
    assert list(read(place)) == ["homes"]
    assert not list((tmp_path / "lake" / "new").rglob("*.parquet"))


def test_delta_tables_lie_in_object_stores(store: Store) -> None:
    place = "delta+" + store.make("warehouse") + "/lake"
    Dataset({"homes": HOMES}).write(place)
    assert read(place)["homes"].equals(HOMES)
    Dataset({"homes": HOMES}).write(place, append=True)
    assert read(place)["homes"].num_rows == 6


def test_addresses_of_another_form_say_how_to_write_them(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="names no folder"):
        read("delta://")
    with pytest.raises(UsageError, match="holds no credentials"):
        read("delta+s3://me:secret@bucket/x")
    with pytest.raises(SourceError, match="holds no Delta table"):
        read(f"delta://{tmp_path}")
    (tmp_path / "homes").mkdir()
    (tmp_path / "homes" / "x.parquet").write_bytes(b"x")
    with pytest.raises(SinkError, match="files that are not a Delta table"):
        Dataset({"homes": HOMES}).write(f"delta://{tmp_path}", overwrite=True)


def test_the_promises_of_destinations_hold_for_delta(tmp_path: Path) -> None:
    check_destination(DESTINATIONS["delta"], f"delta://{tmp_path}/lake", read)
