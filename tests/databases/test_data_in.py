"""Rows of databases, wherever a verb takes data."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import fabula as fb
from fabula.cli.main import main
from fabula.databases import rows
from fabula.databases.address import parse_address
from fabula.databases.opening import address_of
from fabula.errors import SourceError, UsageError
from fabula.io.tables import named_tables
from fabula.privacy.files import sources
from fabula.privacy.files.parquet import ArrowSource
from fabula.privacy.secret import new_key
from fabula.relationships.stated import known_keys
from tests.databases.test_data_out import SHOP, every_place, place, run  # noqa: F401

EDGES: dict[str, Any] = {
    "id": pa.array([1, 2, 3]),
    "text": ["", None, 'a "b", c\\d\n\\.'],
    "day": pa.array([dt.date(2024, 2, 29), None, dt.date(1970, 1, 1)]),
    "moment": pa.array([dt.datetime(2024, 2, 29, 1, 2, 3, 4), None, None], pa.timestamp("us")),
    "flag": [True, None, False],
    "price": pa.array([Decimal("1.50"), None, Decimal("-0.25")], pa.decimal128(8, 2)),
}


@every_place
def test_values_come_back_as_they_went_in(place: str) -> None:  # noqa: F811
    from fabula.io.destinations import Incoming, Loading, destination_of

    table = pa.table(EDGES)
    target = destination_of(place)
    assert target is not None
    target.open(Loading()).load([Incoming("edges", table.schema, ("id",))], lambda _: [table])
    back = named_tables(place)["edges"]
    for name in ("id", "text", "day", "moment", "flag"):
        assert back[name].to_pylist() == table[name].to_pylist(), name
    assert [v and Decimal(str(v)) for v in back["price"].to_pylist()] == table["price"].to_pylist()


@every_place
def test_fit_and_evaluate_read_a_database(place: str) -> None:  # noqa: F811
    fb.generate(SHOP, n={"customers": 80}, output=place)
    source = f"{place}?table=customers"
    assert main(["show", source]) == 0
    model = fb.fit(named_tables(source), seed=1)
    made = model.sample(20)
    assert made.num_rows == 20
    assert fb.evaluate(made, real=source) is not None


@every_place
def test_keys_that_a_database_states_count_whatever_names_and_values_tell(
    place: str,  # noqa: F811
) -> None:
    run(place, "CREATE TABLE shops (nr INTEGER PRIMARY KEY, size REAL NOT NULL)")
    run(
        place,
        "CREATE TABLE rooms (level INTEGER, nr INTEGER, size REAL, PRIMARY KEY (nr, level))",
    )
    run(
        place,
        "CREATE TABLE visits (nr INTEGER PRIMARY KEY, a INTEGER NOT NULL, b INTEGER, c INTEGER,"
        " spent REAL NOT NULL, FOREIGN KEY (a) REFERENCES shops (nr),"
        " FOREIGN KEY (b, c) REFERENCES rooms (nr, level))",
    )
    rows = [f"({n}, {n * 37 % 11})" for n in range(1, 31)]
    run(place, f"INSERT INTO shops VALUES {', '.join(rows)}")
    rooms = [f"({n % 5}, {n // 5}, {n})" for n in range(25)]
    run(place, f"INSERT INTO rooms VALUES {', '.join(rooms)}")
    rows = [f"({n}, {n * 7 % 30 + 1}, {n % 5}, {n * 3 % 5}, {n * 13 % 17})" for n in range(200)]
    run(place, f"INSERT INTO visits VALUES {', '.join(rows)}")
    keys = known_keys(named_tables(place))
    assert keys.primary["rooms"] in {("nr", "level"), ("level", "nr")}
    stated = {(key.columns, key.parent) for key in keys.foreign}
    second = ("b", "c") if keys.primary["rooms"] == ("nr", "level") else ("c", "b")
    assert stated == {(("a",), "shops"), (second, "rooms")}
    made = fb.fit(place, seed=1).sample(seed=2)
    held = {(row["nr"], row["level"]) for row in made["rooms"].to_pylist()}
    assert {(row["b"], row["c"]) for row in made["visits"].to_pylist()} <= held


def test_mask_reads_a_database_and_loads_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fb.generate(SHOP, output="real.sqlite")
    assert main(["mask", "real.sqlite", "-o", "masked.duckdb"]) == 0
    real, masked = named_tables("real.sqlite"), named_tables("masked.duckdb")
    assert masked["customers"].num_rows == 30
    assert not set(masked["customers"]["name"].to_pylist()) & set(
        real["customers"]["name"].to_pylist()
    )


def test_a_masking_in_memory_that_goes_to_an_address_has_the_card_of_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fb.generate(SHOP, output="real.sqlite")
    assert main(["mask", "real.sqlite", "-o", "sqlite:///told.sqlite"]) == 0
    fb.mask("real.sqlite").write("sqlite:///made.sqlite")
    told, made = (
        json.loads(Path(f"{name}.sqlite.card.json").read_text(encoding="utf-8"))
        for name in ("told", "made")
    )
    assert made.keys() == told.keys()
    assert made["tables"] == told["tables"]
    assert made["destination"]["card"] == "made.sqlite.card.json"
    assert made["destination"]["rows"] == told["destination"]["rows"]


@every_place
def test_mask_streams_tables_beyond_memory_from_a_database_into_a_database(
    place: str,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Rows are those of a masking in memory, and no table is read whole."""
    key = str(tmp_path / "key")
    fb.generate(SHOP, n={"customers": 300}, output=place)
    whole = fb.mask(named_tables(place), key_file=_key(key)).tables["customers"]
    monkeypatch.setattr(rows, "IN_MEMORY", 1_000)
    monkeypatch.setattr(sources, "as_table", None)
    monkeypatch.setattr(ArrowSource, "block_rows", 64)
    target = str(tmp_path / "masked.sqlite")
    masked = fb.mask(place, output=target, key_file=key)
    back = named_tables(target)["customers"]
    assert masked.card["tables"]["customers"]["rows"] == back.num_rows == 300
    for name in back.column_names:
        assert back[name].to_pylist() == whole[name].to_pylist(), name


def _key(path: str) -> str:
    new_key(Path(path))
    return path


def test_a_table_beyond_memory_is_read_through_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "IN_MEMORY", 1_000)
    fb.generate(SHOP, n={"customers": 500}, output=tmp_path / "a.duckdb")
    held = rows.tables_at(str(tmp_path / "a.duckdb"))["customers"]()
    assert not isinstance(held, pa.Table)
    assert held.count_rows() == 500


def test_a_table_that_does_not_exist_is_named_with_a_near_one(tmp_path: Path) -> None:
    fb.generate(SHOP, output=tmp_path / "a.sqlite")
    with pytest.raises(SourceError, match="no table `customer`") as caught:
        named_tables(f"{tmp_path}/a.sqlite?table=customer")
    assert caught.value.hint == "did you mean `customers`?"


def test_an_address_is_understood_when_a_path_has_folded_its_slashes() -> None:
    assert address_of(str(Path("postgresql://dev@host/shop"))) == parse_address(
        "postgresql://dev@host/shop"
    )
    assert address_of(str(Path("postgresql:///shop"))).name == "shop"


@pytest.mark.parametrize(
    "address",
    [
        "sqlite://shop.db",
        "duckdb:///",
        "mysql://host",
        "postgresql://u:p@ss@h/d",
        "mysql://u:p@s/s@h/d",
        "mysql://u:p@s?s@h/d",
    ],
)
def test_an_address_that_names_no_database_says_how_to_write_it(address: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_address(address)
    assert caught.value.hint
    assert "p@s" not in str(caught.value)
