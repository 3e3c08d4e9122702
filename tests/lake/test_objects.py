"""Object stores: whole tables or nothing, the manifest last, read back with their types."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import fabula as fb
from fabula.cli.main import main
from fabula.errors import SinkError, SourceError, UsageError
from fabula.io.tables import named_tables
from fabula.lake import bucket as bucket_module
from fabula.lake.bucket import bucket_at, hidden
from fabula.reports.profile import profile
from fabula.runs.dataset import Dataset
from tests.lake.conftest import Store

SHOP = """
name: shop
seed: 4
tables:
  customers:
    n: 40
    columns:
      id: {kind: key}
      country: {kind: choice, values: {AT: 2, DE: 1, "007": 1}}
      joined: {kind: datetime, start: 2020-01-01, end: 2024-12-31}
  orders:
    n: 90
    columns:
      id: {kind: key}
      customer_id: {kind: reference, to: customers.id}
      total: {kind: lognormal, median: 40, sigma: 1}
"""


def objects(store: Store, bucket: str) -> list[str]:
    listed = store.get(f"/{bucket}?list-type=2")
    keys = [part.partition("</Key>")[0] for part in listed.split("<Key>")[1:]]
    return [key for key in keys if not key.endswith("/")]  # Arrow's marks of emptied folders


def spec(folder: Path) -> Path:
    (folder / "shop.yaml").write_text(SHOP)
    return folder / "shop.yaml"


def test_a_run_goes_to_an_object_store_and_is_read_back(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    place = store.make("warehouse") + "/2024/shop"
    made = fb.generate(spec(tmp_path), output=place)
    names = objects(store, "warehouse")
    assert len(names) == 3
    assert "2024/shop/manifest.json" in names
    puts = [ask for ask in store.asked if ask.startswith(("PUT", "POST"))]
    assert "manifest.json" in puts[-1], "the manifest is the last object that is written"
    manifest = json.loads(store.get("/warehouse/2024/shop/manifest.json"))
    assert manifest["tables"]["orders"]["requested"] == 90
    assert manifest["seed"] == 4
    assert "their-secret-key" not in json.dumps(manifest)
    back = fb.evaluate(place, sections=["diversity"]).tables
    assert {table.name: table.rows["synthetic"] for table in back} == {
        "customers": 40,
        "orders": 90,
    }
    rows = {name: table.to_table() for name, table in read(place).items()}
    assert rows["orders"].equals(made["orders"])
    assert rows["customers"].schema.names == made["customers"].schema.names


def read(place: str) -> dict[str, Any]:
    from fabula.io.sources import read_tables

    return read_tables(place)


def test_the_command_line_writes_and_shows_an_object_store(
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    place = store.make("warehouse") + "/shop"
    assert main(["generate", str(spec(tmp_path)), "-o", place]) == 0
    told = capsys.readouterr().err
    assert f"Loaded into `{place}`: customers 40 · orders 90" in told
    assert "manifest written last" in told
    assert main(["show", place]) == 0
    assert "orders" in capsys.readouterr().out
    assert main(["generate", str(spec(tmp_path)), "-o", place]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main(["generate", str(spec(tmp_path)), "-o", place, "--overwrite"]) == 0


def test_partitions_are_read_back_with_their_types(store: Store) -> None:
    """A text such as `007` stays a text, a missing value stays missing, and columns keep order."""
    place = store.make("warehouse") + "/parts"
    table = pa.table(
        {
            "code": ["007", "a b/é", None, "007"],
            "year": pa.array([2020, 2021, 2020, 2021], pa.int64()),
            "n": [1, 2, 3, 4],
        }
    )
    Dataset({"homes": table}).write(place, partition_by=["code", "year"])
    assert any("code=007/year=2020/" in name for name in objects(store, "warehouse"))
    back = read(place)["homes"].to_table().sort_by("n")
    assert back.equals(table)


def test_a_failing_upload_is_tried_again(store: Store) -> None:
    place = store.make("warehouse") + "/again"
    left = [2]

    def twice(request: str) -> bool:
        if request.startswith("PUT") and left[0]:
            left[0] -= 1
            return True
        return False

    store.fails = twice
    Dataset({"homes": pa.table({"n": range(1000)})}).write(place)
    assert left == [0]
    assert read(place)["homes"].to_table()["n"].to_pylist() == list(range(1000))


@pytest.mark.slow
def test_a_load_that_fails_leaves_nothing_and_aborts_its_upload(store: Store) -> None:
    """Two tables: the second, of several parts, never arrives; the first is removed again."""
    place = store.make("warehouse") + "/broken"
    noise = np.random.default_rng(1).random(1_500_000)
    store.fails = lambda request: "partNumber=2" in request
    with pytest.raises(SinkError, match="UploadPart"):
        Dataset({"small": pa.table({"n": [1]}), "wide": pa.table({"x": noise})}).write(place)
    assert objects(store, "warehouse") == []
    assert "<Upload>" not in store.get("/warehouse?uploads"), "parts would be billed"


def test_a_user_is_told_of_parts_that_can_not_be_aborted(
    store: Store, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "boto3", None)
    bucket = bucket_at(store.make("warehouse") + "/x")
    with caplog.at_level(logging.WARNING):
        bucket_module._abort_uploads(bucket, "warehouse/x/part.parquet")
    assert "may be kept there and billed" in caplog.text


@pytest.mark.slow
def test_a_load_whose_manifest_fails_leaves_the_old_tables(store: Store) -> None:
    place = store.make("warehouse") + "/shop"
    Dataset({"homes": pa.table({"n": [1, 2]})}).write(place)
    before = objects(store, "warehouse")
    store.fails = lambda request: request.startswith("PUT") and "manifest" in request
    with pytest.raises(SinkError):
        Dataset({"homes": pa.table({"n": [3]})}).write(place, overwrite=True)
    store.fails = lambda _: False
    assert objects(store, "warehouse") == before
    assert read(place)["homes"].to_table()["n"].to_pylist() == [1, 2]
    with pytest.raises(SinkError, match=r"holds tables") as refused:
        Dataset({"homes": pa.table({"n": [3]})}).write(place)
    assert "--overwrite" in str(refused.value.hint)
    Dataset({"homes": pa.table({"n": [3]})}).write(place, overwrite=True)
    assert read(place)["homes"].to_table()["n"].to_pylist() == [3]
    assert len(objects(store, "warehouse")) == 2


def test_objects_of_others_are_never_mixed_with_ours(store: Store) -> None:
    place = store.make("warehouse") + "/lake"
    bucket = bucket_at(place)
    with bucket.files.open_output_stream(bucket.path("theirs.csv")) as stream:
        stream.write(b"a,b\n1,007\n")
    with pytest.raises(SinkError, match="objects of others"):
        Dataset({"homes": pa.table({"n": [3]})}).write(place, overwrite=True)
    assert read(place)["theirs"].num_rows == 1
    assert read(f"{place}/theirs.csv")["theirs"].num_rows == 1


def test_an_object_that_changed_is_refused(store: Store) -> None:
    place = store.make("warehouse") + "/shop"
    Dataset({"homes": pa.table({"n": [1, 2]})}).write(place)
    bucket = bucket_at(place)
    (name,) = (name for name in bucket.names() if name.endswith(".parquet"))
    bucket.remove([name])
    with pytest.raises(SourceError, match="is missing since its run wrote it"):
        read(place)


@pytest.mark.usefixtures("store")
def test_a_bucket_that_is_not_there_is_named_before_rows_are_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SinkError, match="nowhere") as refused:
        fb.generate(spec(tmp_path), output="s3://nowhere/x")
    assert "bucket" in str(refused.value.hint)
    assert not (tmp_path / "out").exists()


def test_secrets_of_an_address_stand_in_no_message(store: Store) -> None:
    address = f"s3://me:very-secret@nowhere/x?endpoint_override={store.url}&region=us-east-1"
    with pytest.raises(SinkError) as refused:
        Dataset({"homes": pa.table({"n": [1]})}).write(address)
    assert "very-secret" not in str(refused.value) + repr(refused.value) + refused.value.message
    assert "very-secret" in hidden(address)


def test_a_folder_as_an_address_is_partitioned_on_this_machine(tmp_path: Path) -> None:
    place = f"file://{tmp_path}/lake"
    table = pa.table({"day": ["a", "b"], "n": [1, 2]})
    Dataset({"homes": table}).write(place, partition_by=["day"])
    assert read(place)["homes"].to_table().equals(table)
    assert not list(tmp_path.rglob("*.tmp"))
    with pytest.raises(UsageError, match="`partition_by` is for addresses such as"):
        Dataset({"homes": table}).write(tmp_path / "plain", partition_by=["day"])
    with pytest.raises(UsageError, match="no table has the column `dya`") as wrong:
        Dataset({"homes": table}).write(f"file://{tmp_path}/other", partition_by=["dya"])
    assert "day" in str(wrong.value.hint)


def test_azure_needs_the_name_of_an_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT", raising=False)
    with pytest.raises(UsageError, match="names no storage account"):
        bucket_at("az://container/x")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT", "shopdata")
    monkeypatch.setenv("AZURE_STORAGE_KEY", "c2VjcmV0")
    bucket = bucket_at("az://container/x")
    assert (bucket.files.type_name, bucket.root) == ("abfs", "container/x")


def test_the_promises_of_destinations_hold_in_an_object_store(store: Store) -> None:
    from fabula.io.destinations import DESTINATIONS
    from fabula.testing import contracts  # noqa: F401
    from fabula.testing.output_contracts import check_destination

    place = store.make("warehouse") + "/contract"
    check_destination(
        DESTINATIONS["bucket"],
        place,
        lambda where: {name: rows.to_table() for name, rows in read(where).items()},
    )


def test_the_columns_that_name_folders_are_profiled(tmp_path: Path) -> None:
    """DuckDB reads local files itself, and would not see the columns that only folders tell."""
    place = f"file://{tmp_path}/lake"
    Dataset({"homes": pa.table({"day": ["a", "b", "b"], "n": [1, 2, 3]})}).write(
        place, partition_by=["day"]
    )
    (table,) = profile(place)
    assert {column.name: column.distinct for column in table.columns} == {"day": 2, "n": 3}


@pytest.mark.slow
def test_a_load_that_was_killed_is_never_read_as_if_it_was_whole(
    store: Store, tmp_path: Path
) -> None:
    """The second table hangs in its upload; the same command then finishes the load."""
    place = store.make("warehouse") + "/shop"
    let_go = threading.Event()
    store.fails = lambda request: "orders" in request and request[0] == "P" and let_go.wait(60)
    program = "from fabula.cli.main import main; raise SystemExit(main())"
    command = [sys.executable, "-c", program, "generate", str(spec(tmp_path)), "-o", place]
    running = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL)
    while not any("orders" in asked and asked[0] == "P" for asked in store.asked):
        assert running.poll() is None
        time.sleep(0.05)
    running.kill()
    running.wait()
    store.fails = lambda _: False
    let_go.set()
    assert [name.split("/")[1] for name in objects(store, "warehouse")] == ["customers"]
    with pytest.raises(SourceError, match="was not finished"):
        read(place)
    subprocess.run(command, cwd=tmp_path, check=True, stderr=subprocess.DEVNULL)
    assert {name: rows.to_table().num_rows for name, rows in read(place).items()} == {
        "customers": 40,
        "orders": 90,
    }


def test_one_table_of_a_load_is_read_by_its_folder(store: Store) -> None:
    place = store.make("warehouse") + "/shop"
    table = pa.table({"code": ["007", "8"], "n": [1, 2]})
    Dataset({"homes": table, "pets": table}).write(place, partition_by=["code"])
    (rows,) = read(f"{place}/homes").values()
    assert rows.to_table().sort_by("n").equals(table)
    (rows,) = read(f"{place}/homes/code=007").values()
    assert rows.to_table().equals(table[:1])


def test_tables_of_an_address_are_masked_into_a_folder(tmp_path: Path) -> None:
    people = pa.table({"name": ["Anna Muster", "Bert Huber"] * 9, "city": ["Wien", "Graz"] * 9})
    Dataset({"people": people}).write(f"file://{tmp_path}/lake")
    fb.mask(
        f"file://{tmp_path}/lake", output=tmp_path / "masked", columns={"city": "keep: confirmed"}
    )
    rows = read(str(tmp_path / "masked" / "people.parquet"))["people"].to_table()
    assert rows["city"].to_pylist() == people["city"].to_pylist()
    assert not {*rows["name"].to_pylist()} & {*people["name"].to_pylist()}
    with pytest.raises(SinkError, match="exists"):
        fb.mask(f"file://{tmp_path}/lake", output=tmp_path / "masked")


@pytest.mark.parametrize("name", ["a b/c", "100%", "ü.é", "con"])
def test_tables_of_any_name_go_and_come_back(store: Store, name: str) -> None:
    place = store.make("warehouse") + "/a folder"
    table = pa.table({"n": [1]})
    Dataset({name: table}).write(place)
    assert {key: rows.to_table() for key, rows in read(place).items()} == {name: table}


def test_a_masking_into_a_store_keeps_its_card_and_a_spec_masks_a_file_of_the_store(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The card is in the manifest, as that of a run; the scan finds it there."""
    monkeypatch.chdir(tmp_path)
    place = store.make("warehouse")
    people = {"id": list(range(30)), "email": [f"ann{n}@shop.example" for n in range(30)]}
    fb.mask(people).write("people.parquet")
    assert main(["mask", "people.parquet", "-o", f"{place}/out", "--quiet"]) == 0
    manifest = json.loads(store.get("/warehouse/out/manifest.json"))
    assert manifest["masking"]["tables"]["people"]["columns"]["email"]["changed"] == 30
    assert manifest["masking"]["tables"]["people"]["rows"] == 30

    (tmp_path / "crm.yaml").write_text(
        f"tables:\n  people:\n    kind: source\n    file: {place}/out\n    person: id\n"
    )
    assert main(["generate", "crm.yaml", "-o", "again", "--quiet"]) == 0
    made, real = named_tables("again")["people"], named_tables(f"{place}/out")["people"]
    assert made.num_rows == 30
    assert not set(made["email"].to_pylist()) & set(real["email"].to_pylist())
