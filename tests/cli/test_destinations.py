"""Destinations are entries of a register: a stranger's takes what every verb writes, or refuses."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import pyarrow as pa
import pytest
from pyarrow import csv

import fabula as fb
from fabula.errors import SinkError, UsageError
from fabula.extending import Destination, Incoming, Loading
from fabula.io.destinations import DESTINATIONS, destination_of
from fabula.testing import check_destination
from tests.synthesizers.tables import shoppers


class Nest:
    """A zip file of CSV; `nest://user:password@box/name` is one in the folder `box`."""

    def __init__(self, place: str, loading: Loading) -> None:
        scheme, address, name = place.partition("://")
        bare = name.rpartition("@")[2]
        self.place, self.loading = f"{scheme}://{bare}" if address else place, loading
        self.path = Path(f"{bare}.nest" if address else place)

    def check(self, tables: Sequence[Incoming]) -> None:
        """Refuse a nest that is there."""
        assert tables
        if self.path.exists() and not (self.loading.overwrite or self.loading.truncate):
            raise SinkError(
                f"`{self.place}` holds tables", code="sink.not-empty", hint="--truncate"
            )

    def load(self, tables, rows):
        """Write all, or leave what was there."""
        packed = io.BytesIO()
        with ZipFile(packed, "w") as archive:
            for table in tables:
                assert all(link.parent in {each.name for each in tables} for link in table.links)
                with (
                    archive.open(f"{table.name}.csv", "w") as file,
                    csv.CSVWriter(file, table.schema) as writer,
                ):
                    for block in rows(table.name):
                        writer.write(block)
        self.path.write_bytes(packed.getvalue())
        return {"lines": [f"{len(tables)} tables in one file"]}


def in_nest(place: Path | str) -> dict[str, pa.Table]:
    """The tables of a nest."""
    with ZipFile(place) as archive:
        return {name[:-4]: csv.read_csv(archive.open(name)) for name in archive.namelist()}


NEST = Destination(
    "nest", "Nest", Nest, schemes=("nest",), endings=(".nest",), options=("truncate",),
    reads=lambda place: {name: lambda t=t: t for name, t in in_nest(place).items()},
)  # fmt: skip


@pytest.fixture(autouse=True)
def nest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DESTINATIONS._entries, "nest", NEST)
    monkeypatch.setitem(DESTINATIONS._sources, "nest", "")


def test_a_file_destination_takes_all_tables_and_keeps_its_manifest_next_to_it(run, shop):
    ended = run("generate", "shop.yaml", "-o", "shop.nest")
    assert ended.code == 0, ended.err
    assert "Loaded into `shop.nest`: customers 20 · orders 50" in ended.err
    assert "2 tables in one file" in ended.err
    assert {name: t.num_rows for name, t in in_nest("shop.nest").items()} == {
        "customers": 20, "orders": 50,
    }  # fmt: skip
    manifest = json.loads(Path("shop.nest.manifest.json").read_text())
    assert manifest["destination"]["kind"] == "nest"
    assert manifest["destination"]["rows"] == {"customers": 20, "orders": 50}
    assert sorted(p.name for p in shop.parent.iterdir()) == [
        "shop.nest", "shop.nest.manifest.json", "shop.yaml",
    ]  # fmt: skip


def test_an_address_takes_all_tables_and_the_run_stays_in_its_folder(run, shop):
    (shop.parent / "box").mkdir()
    Path("place").mkdir()
    ended = run("generate", "shop.yaml", "-o", "nest://me:secret@box/shop")
    assert ended.code == 0, ended.err
    assert in_nest("box/shop.nest")["orders"].num_rows == 50
    kept = Path("out/shop-nest/manifest.json").read_text()
    assert "secret" not in kept + ended.err
    assert json.loads(kept)["destination"]["place"] == "nest://box/shop"
    assert run("validate", "shop.yaml", "--data", "out/shop-nest").code == 0


def test_a_destination_that_holds_rows_is_refused_before_a_row_is_made(run, shop):
    Path("shop.nest").write_bytes(b"mine")
    ended = run("generate", "shop.yaml", "-o", "shop.nest")
    assert (ended.code, Path("shop.nest").read_bytes()) == (2, b"mine")
    assert "holds tables" in ended.err
    assert sorted(p.name for p in shop.parent.iterdir()) == ["shop.nest", "shop.yaml"]
    assert run("generate", "shop.yaml", "-o", "shop.nest", "--truncate").code == 0


def test_nothing_is_loaded_where_a_check_fails(run, shop):
    shop.write_text(shop.read_text().replace("total >= 5", "total >= 60"))
    ended = run("generate", "shop.yaml", "-o", "shop.nest")
    assert ended.code == 1
    assert "nothing was loaded into `shop.nest`" in ended.err
    assert not Path("shop.nest").exists()


def test_a_file_that_is_not_read_has_no_report_and_no_hint_to_look_at_it(run, shop, monkeypatch):
    monkeypatch.setitem(DESTINATIONS._entries, "nest", replace(NEST, reads=None))
    ended = run("generate", "shop.yaml", "-o", "shop.nest", "--report")
    assert (ended.code, [path.name for path in shop.parent.iterdir()]) == (2, ["shop.yaml"])
    assert "Nest is written, not read, so there is no report of it" in ended.err
    ended = run("generate", "shop.yaml", "-o", "shop.nest")
    assert ended.code == 0
    assert "fabula show" not in ended.err


def test_a_load_that_the_user_stops_leaves_nothing_and_goes_on_by_the_same_command(
    run, monkeypatch
):
    def stopped(_, tables, rows):
        for table in tables:
            for _ in rows(table.name):
                raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Nest, "load", stopped)
        ended = run("generate", "shop.yaml", "-o", "shop.nest")
    assert ended.code == 130
    assert "stopped during the load into `shop.nest`; nothing was loaded" in ended.err
    assert not Path("shop.nest").exists()
    assert run("generate", "shop.yaml", "-o", "shop.nest").code == 0
    assert not Path(".shop.nest.run").exists()


def test_the_report_of_a_file_stands_next_to_it(run, shop):
    ended = run("generate", "shop.yaml", "-o", "shop.nest", "--report")
    assert ended.code == 0, ended.err
    assert (shop.parent / "shop.nest.report.html").is_file()


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["-o", "shop.nest", "--append"], "Nest has no option `append`"),
        (["-o", "out", "--append"], "`append` is for databases, and `out` is not one"),
        (["--truncate"], "`truncate` is for databases"),
        (["-o", "shop.nest", "--format", "csv"], "is a format of files"),
        (["-o", "mongo://box/shop"], "is an address, not a file or folder"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(run, shop, command, told):
    ended = run("generate", "shop.yaml", *command)
    assert ended.code == 2
    assert told in ended.err
    assert [path.name for path in shop.parent.iterdir()] == ["shop.yaml"]


@pytest.mark.slow
def test_samples_of_one_table_and_of_several_are_loaded(run):
    fb.fit(shoppers(300)).save("shoppers.fabula")
    ended = run("sample", "shoppers.fabula", "-n", "90", "-o", "made.nest")
    assert ended.code == 0, ended.err
    assert in_nest("made.nest")["shoppers"].num_rows == 90
    data = fb.generate("shop.yaml", seed=1)
    fb.fit(data).save("both.fabula")
    ended = run("sample", "both.fabula", "--scale", "2", "-o", "both.nest")
    assert ended.code == 0, ended.err
    assert list(in_nest("both.nest")) == ["customers", "orders"]


def test_masked_tables_are_loaded_and_the_card_says_where(run):
    people = pa.table({"email": [f"p{n}@mail.example" for n in range(9)], "n": list(range(9))})
    csv.write_csv(people, "people.csv")
    ended = run("mask", "people.csv", "--column", "n=keep", "-o", "people.nest")
    assert ended.code == 0, ended.err
    masked = in_nest("people.nest")["people"]
    assert masked["n"].to_pylist() == list(range(9))
    assert not {*masked["email"].to_pylist()} & {*people["email"].to_pylist()}
    card = json.loads(Path("people.nest.card.json").read_text())
    assert card["destination"] == {
        "kind": "nest", "place": "people.nest", "rows": {"people": 9},
        "lines": ["1 tables in one file"],
    }  # fmt: skip


@pytest.mark.usefixtures("run")
def test_python_loads_what_generate_and_mask_gave():
    data = fb.generate("shop.yaml", output="shop.nest", seed=3)
    assert data.to_arrow("orders").num_rows == 50
    data = fb.generate("shop.yaml", seed=3)
    data.write("again.nest")
    assert in_nest("again.nest")["orders"] == in_nest("shop.nest")["orders"]
    with pytest.raises(UsageError, match="no option `append`"):
        data.write("third.nest", append=True)
    masked = fb.mask({"email": [f"p{n}@mail.example" for n in range(9)]})
    masked.write("masked.nest")
    card = json.loads(Path("masked.nest.card.json").read_text())
    assert card["destination"]["kind"] == "nest"
    assert [table.num_rows for table in in_nest("masked.nest").values()] == [9]


@pytest.mark.usefixtures("run")
def test_the_contract_holds_for_the_nest_and_names_what_a_broken_one_does():
    check_destination(NEST, "whole.nest", in_nest)

    class Hasty(Nest):
        def load(self, tables, rows):
            self.path.touch()
            return super().load(tables, rows)

    hasty = Destination("hasty", "Hasty", Hasty, endings=(".hasty",))
    with pytest.raises(AssertionError, match="keeps something of a load that failed"):
        check_destination(hasty, "x.hasty", in_nest)


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (Destination("x", "X", Nest), "neither `schemes`"),
        (Destination("x", "X", Nest, schemes=("X Y",)), "a scheme that addresses can't have"),
        (Destination("x", "X", Nest, endings=(".csv",)), "which is the file format `csv`'s"),
        (Destination("x", "X", Nest, endings=(".nest",)), "which is `nest`'s"),
        (Destination("x", "X", Nest, endings=(".x",), options=("fast",)), "an option `fast`"),
    ],
)
def test_an_entry_that_lacks_a_part_is_refused(entry, told):
    with pytest.raises(UsageError, match=told):
        DESTINATIONS.add(entry)


def test_a_folder_and_a_file_of_one_table_are_no_destinations(tmp_path):
    (tmp_path / "a.nest").mkdir()
    assert destination_of(tmp_path / "a.nest") is None
    assert destination_of("rows.parquet") is None
    assert destination_of("out") is None
