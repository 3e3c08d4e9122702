"""Iceberg tables: one commit a table, read by the official library, untouched by a failure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.table import CreateTableTransaction

import fabula as fb
from fabula.errors import SinkError, SourceError, UsageError
from fabula.io.destinations import DESTINATIONS
from fabula.io.sources import read_tables
from fabula.runs.dataset import Dataset
from fabula.testing.output_contracts import check_destination
from tests.lake.test_objects import spec

HOMES = pa.table({"n": [1, 2, 3], "city": ["Wien", None, "Graz"]})
PLACE = "iceberg://local/shop"
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # pyiceberg's own
    pytest.mark.filterwarnings("ignore:Delete operation did not match any records"),
]


def read(place: str) -> dict[str, Any]:
    found = read_tables(place).items()
    return {n: rows if isinstance(rows, pa.Table) else rows.to_table() for n, rows in found}


@pytest.fixture
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Catalog:
    """A catalog in a file of SQLite that pyiceberg's own settings name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYICEBERG_CATALOG__LOCAL__URI", f"sqlite:///{tmp_path}/catalog.db")
    monkeypatch.setenv("PYICEBERG_CATALOG__LOCAL__WAREHOUSE", f"file://{tmp_path}/warehouse")
    return load_catalog("local", uri=f"sqlite:///{tmp_path}/catalog.db",
                        warehouse=f"file://{tmp_path}/warehouse")  # fmt: skip


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pyiceberg reads its settings once a process; here, for each test."""
    from pyiceberg import catalog as module
    from pyiceberg.utils.config import Config

    class Fresh:
        def __getattr__(self, name: str) -> Any:
            return getattr(Config(), name)

    monkeypatch.setattr(module, "_ENV_CONFIG", Fresh())


def test_a_run_becomes_iceberg_tables_with_one_commit_each(
    tmp_path: Path, catalog: Catalog
) -> None:
    made = fb.generate(spec(tmp_path), output=PLACE)
    table = catalog.load_table(("shop", "orders"))
    (snapshot,) = table.snapshots()
    assert snapshot.summary is not None
    assert snapshot.summary["fabula.seed"] == "4"
    assert table.scan().to_arrow().sort_by("id").equals(made["orders"])
    assert {name: rows.num_rows for name, rows in read(PLACE).items()} == {
        "customers": 40,
        "orders": 90,
    }
    assert read("iceberg://local/shop.orders")["orders"].num_rows == 90


def test_rows_are_appended_or_replaced_only_when_asked(tmp_path: Path, catalog: Catalog) -> None:
    fb.generate(spec(tmp_path), output=PLACE)
    with pytest.raises(SinkError, match="is a table with 40 rows") as refused:
        fb.generate(spec(tmp_path), output=PLACE)
    assert "--append" in str(refused.value.hint)
    fb.generate(spec(tmp_path), output=PLACE, append=True)
    ids = read(PLACE)["orders"]["id"].to_pylist()
    assert len(ids) == len(set(ids)) == 180
    fb.generate(spec(tmp_path), output=PLACE, overwrite=True)
    assert read(PLACE)["orders"].num_rows == 90
    assert catalog.load_table(("shop", "orders")).scan().count() == 90


def test_tables_are_partitioned_by_the_values_of_columns(catalog: Catalog) -> None:
    """Each file has one value of each, in its rows and in the table's metadata."""
    rows = pa.table(
        {
            "n": pa.array(range(8)),
            "city": ["Wien", "Graz", None, "Wien"] * 2,
            "day": pa.array([20_000, 20_001] * 4, pa.int32()).cast(pa.date32()),
            "open": [True, True, False, False] * 2,
        }
    )
    keys = ["city", "day", "open"]
    Dataset({"homes": rows, "pets": HOMES.select(["n"])}).write(PLACE, partition_by=keys)
    table = catalog.load_table(("shop", "homes"))
    assert [field.name for field in table.spec().fields] == keys
    assert not catalog.load_table(("shop", "pets")).spec().fields
    assert table.scan().to_arrow().sort_by("n").equals(rows)
    files = table.inspect.files().to_pylist()
    assert [file["record_count"] for file in files] == [2] * 4
    wien = table.scan("city = 'Wien' and open = true")
    assert [task.file.record_count for task in wien.plan_files()] == [2]
    assert wien.to_arrow()["n"].to_pylist() == [0, 4]
    Dataset({"homes": rows[:2]}).write(PLACE, partition_by=keys, append=True)
    assert table.refresh().scan("city = 'Wien'").count() == 5
    with pytest.raises(SinkError, match="is partitioned by identity of `city`") as refused:
        Dataset({"homes": rows[:3]}).write(PLACE, overwrite=True)
    assert "--partition-by city --partition-by day" in str(refused.value.hint)
    Dataset({"homes": rows[:3]}).write(PLACE, partition_by=keys, overwrite=True)
    assert table.refresh().scan().to_arrow().sort_by("n").equals(rows[:3])


@pytest.mark.usefixtures("catalog")
def test_a_commit_that_fails_takes_those_before_it_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Dataset({"homes": HOMES}).write(PLACE)
    files = sorted(tmp_path.rglob("*.parquet"))

    def broken(_: object) -> Any:
        raise OSError("the disk is full")

    monkeypatch.setattr(CreateTableTransaction, "commit_transaction", broken)
    with pytest.raises(SinkError, match="the disk is full"):
        Dataset({"homes": HOMES[:1], "new": HOMES}).write(PLACE, overwrite=True)
    assert list(read(PLACE)) == ["homes"]
    assert read(PLACE)["homes"].sort_by("n").equals(HOMES)
    assert sorted(tmp_path.rglob("*.parquet")) == files


@pytest.mark.usefixtures("catalog")
def test_addresses_and_catalogs_that_are_wrong_say_what_to_do() -> None:
    with pytest.raises(UsageError, match="another form"):
        read("iceberg://local")
    with pytest.raises(SourceError, match="holds no table"):
        read("iceberg://local/nothing")
    with pytest.raises(SourceError) as refused:
        read("iceberg://unknown/shop")
    assert "pyiceberg.yaml" in str(refused.value.hint)


@pytest.mark.usefixtures("catalog")
def test_the_promises_of_destinations_hold_for_iceberg() -> None:
    check_destination(DESTINATIONS["iceberg"], "iceberg://local/contract", read)
