"""Regions: independent runs of one model, as one dataset with keys that fit."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow.compute as pc
import pytest

import fabula as fb
from fabula.cli.main import main
from fabula.errors import UsageError
from fabula.runs.dataset import Dataset
from fabula.simulation import World

MODEL = """
import fabula as fb
from fabula.simulation import World, conserved, money, state, when

world = World("kiosks", steps=6)
price = int(world.parameter("price", 300))
goods = world.population("goods", n=7, id=fb.col.key(start=50), stock=conserved(40))
people = world.population("people", n=80, code=fb.col.uuid(), purse=conserved(money(20)),
                          last=state(goods), friend=fb.col.reference(to="people"))
sales = world.event("sales", who=people, what=goods, price=money(0), at=when)
notes = world.event("notes", of=sales, stars=int)

@world.every("1d", people)
def buy(a, now, draw):
    some = a[draw.chance(a, 0.4)]
    what = draw.member(some, goods)
    got = what.take("stock", 1, by=some, where=some.purse >= price)
    some.pay("purse", price, where=got)
    some[got].last = what[got]
    notes.add(of=sales.add(who=some[got], what=what[got], price=price), stars=now.step)

@world.measure
def mean_stock():
    return goods.stock.mean()
"""
REGIONS: dict[str, dict[str, float]] = {"north": {}, "south/east": {"price": 500}, "west": {}}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    file = tmp_path / "kiosks.py"
    file.write_text(MODEL, encoding="utf-8")
    return file


def hashes(folder: Path) -> dict[str, str]:
    files = sorted(folder.rglob("*.parquet"))
    return {str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def joined(made: Dataset, child: str, column: str, parent: str, key: str = "id") -> int:
    """Rows of a child whose parent is in the same region."""
    both = made.to_arrow(child).join(
        made.to_arrow(parent).select([key, "region"]), column, key, right_suffix="_parent"
    )
    return int(pc.sum(pc.equal(both["region"], both["region_parent"])).as_py())


def test_keys_and_references_of_all_regions_fit(model: Path) -> None:
    made = fb.simulate_regions(model, REGIONS)
    for name, key in {"goods": "id", "people": "code", "sales": "id", "notes": "id"}.items():
        rows = made.to_arrow(name)
        assert rows.column_names[:2] == [key, "region"]
        assert rows["region"].unique().to_pylist() == [*REGIONS]
        assert pc.count_distinct(rows[key]).as_py() == rows.num_rows
    assert joined(made, "sales", "what", "goods") == made.count("sales")
    assert joined(made, "sales", "who", "people", "code") == made.count("sales")
    assert joined(made, "notes", "of", "sales") == made.count("notes")
    people = made.to_arrow("people")
    for column, parent, key in (("friend", "people", "code"), ("last_end", "goods", "id")):
        known = len(people) - people[column].null_count
        assert joined(made, "people", column, parent, key) == known > 0
    facts = made.manifest["simulation"]
    assert facts["totals"]["sales"] == made.count("sales")
    assert {*facts["regions"]} == {*REGIONS}
    assert "mean_stock" in facts["regions"]["west"]["totals"].keys() - facts["totals"].keys()


@pytest.mark.slow
def test_a_region_is_the_same_whoever_else_is_there_and_however_many_workers(
    model: Path, tmp_path: Path
) -> None:
    alone = fb.simulate_regions(model, {"west": {}}, output=tmp_path / "alone")
    first = fb.simulate_regions(model, REGIONS, output=tmp_path / "one")
    fb.simulate_regions(model, REGIONS, output=tmp_path / "two", workers=2)
    assert hashes(tmp_path / "one") == hashes(tmp_path / "two")
    assert {path.name for path in (tmp_path / "one").iterdir()} == {
        *(f"{name}.parquet" for name in first),
        "manifest.json",
        "run.json",
    }
    west = first.to_arrow("goods").filter(pc.equal(first.to_arrow("goods")["region"], "west"))
    assert west["stock_end"].equals(alone.to_arrow("goods")["stock_end"])
    again = fb.simulate_regions(model, REGIONS, output=tmp_path / "one")
    assert again.reused == sum(map(again.count, again))


@pytest.mark.slow
def test_large_tables_are_cut_into_parts_that_hold_every_row(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fb.simulate_regions(model, REGIONS)
    monkeypatch.setattr("fabula.runs.regions.PART_ROWS", 10)
    monkeypatch.setattr("fabula.runs.regions.BLOCK_ROWS", 9)
    monkeypatch.setattr("fabula.runs.regions.PART_BLOCKS", 2)
    cut = fb.simulate_regions(model, REGIONS, output=tmp_path / "out")
    assert len(cut.manifest["tables"]["goods"]["files"]) == 2
    assert all(cut.to_arrow(name).equals(whole.to_arrow(name)) for name in whole)


def test_regions_that_can_not_be_told_apart_are_refused(model: Path) -> None:
    for regions in ({}, {"": {}}):
        with pytest.raises(UsageError, match="a region with a name"):
            fb.simulate_regions(model, regions)
    world = World(steps=1)
    world.population("places", n=2, region=fb.col.constant("x"))
    with pytest.raises(UsageError, match="`places` has a column `region` of its own"):
        fb.simulate_regions(world, {"north": {}})


def test_the_command_line_makes_regions(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(model.parent)
    command = ["simulate", "kiosks.py", "--region", "north:", "--region", "west:price=500"]
    assert main([*command, "-n", "people=30", "-o", "out"]) == 0
    assert "people   60 rows" in capsys.readouterr().err
    assert main([*command, "--replicates", "2"]) == 2
    assert main(["simulate", "kiosks.py", "--region", "north"]) == 2
    assert "write `--region now: --region low:price=0.9`" in capsys.readouterr().err
