"""Replicates: runs of one model that don't depend on each other, with the same random draws."""

from __future__ import annotations

import hashlib
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import fabula as fb
from fabula.cli.main import main
from fabula.errors import PartialRunError, SpecError, UsageError

MODEL = """
import fabula as fb
from fabula.simulation import World, conserved, money, state, when

world = World("kiosk", steps=5, seed=3)
price = int(world.parameter("price", 300))
goods = world.population("goods", n=5, stock=conserved(int(world.parameter("stock", 50))))
people = world.population("people", n=60, purse=conserved(money(fb.col.uniform(5, 50))))
sales = world.event("sales", person=people, good=goods, price=money(0), at=when)
print("a model may print")

@world.every("1d", people)
def buy(a, now, draw):
    some = a[draw.chance(a, 0.4)]
    good = draw.member(some, goods)
    got = good.take("stock", 1, by=some, where=some.purse >= price)
    some.pay("purse", price, where=got)
    sales.add(person=some[got], good=good[got], price=price)
    LINE

@world.measure
def per_person():
    return sales.count / len(people)
"""


@pytest.fixture
def kiosk(tmp_path: Path) -> Path:
    path = tmp_path / "kiosk.py"
    path.write_text(MODEL.replace("LINE", "pass"))
    return path


def hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*.parquet"))
    }


@pytest.mark.parametrize("workers", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_any_number_of_workers_makes_the_same_bytes(
    kiosk: Path, tmp_path: Path, workers: int
) -> None:
    for each in (1, workers):
        fb.replicate(kiosk, replicates=4, workers=each, output=tmp_path / str(each))
    alone = hashes(tmp_path / "1")
    assert len(alone) == 4 * 3 + 1
    assert hashes(tmp_path / str(workers)) == alone


@pytest.mark.slow
def test_any_executor_makes_the_same_totals(kiosk: Path) -> None:
    class Backwards(Executor):
        """Runs what it is given last first."""

        def map(self, fn, *iterables, **_):  # type: ignore[no-untyped-def]
            tasks = list(zip(*iterables, strict=True))
            return reversed([fn(*task) for task in reversed(tasks)])

        def submit(self, *_, **__) -> Future[None]:  # type: ignore[no-untyped-def]
            raise NotImplementedError

    plain = fb.replicate(kiosk, replicates=3).totals
    assert fb.replicate(kiosk, replicates=3, executor=Backwards()).totals.equals(plain)
    with ThreadPoolExecutor(1) as pool:
        assert fb.replicate(kiosk, replicates=3, executor=pool).totals.equals(plain)


def test_a_replicate_is_the_run_of_its_seed(kiosk: Path, tmp_path: Path) -> None:
    made = fb.replicate(kiosk, replicates=2, output=tmp_path / "out")
    alone = fb.simulate(kiosk, seed=4)
    kept = fb.Dataset.open(tmp_path / "out" / "001")
    assert all(kept[name].equals(alone[name]) for name in alone)
    assert made.totals["sales"].to_pylist()[1] == alone["sales"].num_rows
    assert made.totals["per_person"].to_pylist()[1] == alone["sales"].num_rows / 60


@pytest.mark.slow
def test_scenarios_share_their_chance_and_differ_with_little_noise(kiosk: Path) -> None:
    made = fb.replicate(
        kiosk, replicates=12, scenarios={"now": {}, "same": {}, "dear": {"price": 330}}
    )
    same = {row["total"]: row for row in made.difference("now", "same").to_pylist()}
    assert all(row["difference"] == row["standard_error"] == 0 for row in same.values())
    dear = {row["total"]: row for row in made.difference("now", "dear").to_pylist()}["sales"]
    place = made.names.index("sales")
    apart = np.hypot(*(made.of(name)[:, place].std(ddof=1) for name in ("now", "dear")))
    assert dear["difference"] < 0
    assert dear["standard_error"] < 0.7 * apart / np.sqrt(12)
    assert "dear minus now, with the same random draws" in made.report()


@pytest.mark.slow
def test_the_command_prints_totals_and_goes_on_where_it_stopped(
    kiosk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["simulate", str(kiosk), "--replicates", "2", "--workers", "2", "-o"]
    words += [str(tmp_path / "out"), "--scenario", "now:", "--scenario", "dear:price=500"]
    assert main(words) == 0
    assert "2 replicates of now, dear" in capsys.readouterr().err
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("sales.parquet")}
    assert len(before) == 4
    assert main(words) == 0
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("sales.parquet")}


def test_runs_of_another_size_are_replaced_by_the_option_that_the_error_names(
    kiosk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["simulate", str(kiosk), "--replicates", "1", "-o", str(tmp_path / "out"), "-n"]
    assert main([*words, "people=20", "--format", "csv"]) == 0
    assert (tmp_path / "out" / "000" / "sales.csv").is_file()
    assert main([*words, "people=30"]) == 2
    assert "pass --overwrite" in capsys.readouterr().err
    assert main([*words, "people=30", "--overwrite"]) == 0
    assert fb.Dataset.open(tmp_path / "out" / "000")["people"].num_rows == 30


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--scenario", "dear"], "names nothing"),
        (["--scenario", "a:", "--scenario", "a:"], "given twice"),
        (["--replicates", "2", "--seed", str(2**63 - 1)], "too large to count on from"),
        (["--scenario", "a:prize=3"], "did you mean `price`"),
        (["--scenario", "a:price=much"], "is not a parameter and its number"),
        (["--scenario", "../a:price=3"], "can't name a folder"),
    ],
)
def test_wrong_options_say_what_to_type(
    kiosk: Path, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    assert main(["simulate", str(kiosk), *words]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.slow
def test_a_failing_run_of_a_worker_is_told_with_its_line(kiosk: Path) -> None:
    kiosk.write_text(MODEL.replace("LINE", "a.purse = 1"))
    for workers in (1, 2):
        with pytest.raises(SpecError, match="is conserved") as caught:
            fb.replicate(kiosk, replicates=2, workers=workers)
        assert caught.value.line == 19


@pytest.mark.slow
def test_a_worker_that_dies_is_told(kiosk: Path) -> None:
    kiosk.write_text(MODEL.replace("LINE", "import os; os._exit(9)"))
    with pytest.raises(PartialRunError, match="ended before it was done"):
        fb.replicate(kiosk, replicates=2, workers=2)


def test_a_world_stays_in_its_process(kiosk: Path) -> None:
    from fabula.simulation.model_files import load_world

    world = load_world(kiosk)
    assert fb.replicate(world, replicates=2).totals.num_rows == 2
    with pytest.raises(UsageError, match="stays in the process"):
        fb.replicate(world, replicates=2, workers=2)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("return 'much'", "returns a str, not a number"),
        ("return float('nan')", "returns nan"),
        ("return 1 // 0", "ZeroDivisionError"),
    ],
)
def test_a_wrong_measure_is_told_with_its_line(kiosk: Path, line: str, told: str) -> None:
    text = MODEL.replace("LINE", "pass").replace("return sales.count / len(people)", line)
    kiosk.write_text(text)
    with pytest.raises(SpecError, match=told) as caught:
        fb.simulate(kiosk)
    assert caught.value.where == "measure per_person"
