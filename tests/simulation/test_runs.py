"""A simulated run is kept in a folder: killed and continued, it has the same bytes."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import fabula
import fabula as fb
from fabula.cli.main import main
from fabula.runs import simulation
from fabula.runs.checkpoints import read_checkpoint, write_checkpoint

STORE = Path(fabula.__file__).parent / "templates" / "store.py"


def hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*.parquet"))
    }


def test_the_command_writes_a_table_for_each_population_and_event(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["simulate", str(STORE), "--days", "10", "-n", "customers=50", "-o", str(tmp_path)]
    assert main(words) == 0
    said = capsys.readouterr().err
    assert "4 laws held in each of 10 steps" in said
    names = {"products", "customers", "orders", "order_lines", "stockouts", "deliveries"}
    assert {*hashes(tmp_path)} == {f"{name}.parquet" for name in names}
    made = fb.Dataset.open(tmp_path)
    assert made["customers"].num_rows == 50
    facts = made.manifest["simulation"]
    assert facts["steps"] == 10
    assert facts["conserved"]["products.stock"]["taken"] == made["order_lines"].num_rows
    assert main(words) == 0
    assert "Nothing to do" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["-n", "50"], "name the population"),
        (["-n", "shops=50"], "no population `shops`"),
        (["--set", "budgt=2"], "did you mean `budget`"),
        (["--set", "budget=much"], "is not a parameter and its number"),
        (["--days", "1.5"], "not a whole number of steps"),
        (["--days", "1", "--steps", "1"], "steps or days, not both"),
    ],
)
def test_wrong_options_say_what_to_type(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    assert main(["simulate", str(STORE), "-o", str(tmp_path / "out"), *words]) == 2
    assert told in capsys.readouterr().err


def test_a_run_in_parts_has_the_rows_of_one_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulation, "PART_ROWS", 300)
    kept = fb.simulate(STORE, {"customers": 200}, seed=4, output=tmp_path / "out")
    memory = fb.simulate(STORE, {"customers": 200}, seed=4)
    assert (tmp_path / "out" / "order_lines" / "part-00001.parquet").is_file()
    assert (tmp_path / "out" / "stockouts.parquet").is_file()
    assert all(kept[name].equals(memory[name]) for name in memory)


def test_a_run_into_a_folder_loads_no_frame_library(tmp_path: Path) -> None:
    """Pandas is 30 MB and a third of a second, which nobody asked for."""
    model = tmp_path / "words.py"
    model.write_text(f"""{STORE.read_text()}
notes = store.event("notes", customer=customers, said=str, sure=bool, share=float)
store.population("moods", n=3, word=state("calm"), liked=state(fb.col.reference(to="products")))

@store.every("1d", customers)
def note(a):
    notes.add(customer=a, said="hm", sure=True, share=np.nan)
""")
    code = (
        "import sys, fabula; from fabula.runs import simulation; simulation.KEPT_EVERY = 0;"
        "fabula.simulate(sys.argv[1], days=2, output=sys.argv[2]);"
        "print([name for name in ('pandas', 'polars') if name in sys.modules])"
    )
    command = [sys.executable, "-c", code, str(model), str(tmp_path / "out")]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert shown.stdout == "[]\n"


def test_a_population_is_written_block_by_block_with_columns_of_one_type(tmp_path: Path) -> None:
    """A block whose texts are all missing, and one without a missing reference, are like others."""
    model = tmp_path / "large.py"
    model.write_text("""
import numpy as np
import fabula as fb
from fabula.simulation import World, conserved, money, state

world = World(steps=1)
things = world.population("things", n=2)
people = world.population("people", n=70_000, word=state("calm"), has=state(things),
                          heat=state(0.5), account=conserved(money(fb.col.uniform(1, 9))))

@world.every(1, people)
def act(a):
    late = a[a.id > 65_536]
    late.word, late.heat, late.has = None, np.nan, 1
    a.pay("account", a.id % 3)
""")
    made = fb.simulate(model, output=tmp_path / "out")["people"]
    late = 70_000 - 65_536
    assert made["word_end"].to_pylist() == ["calm"] * 65_536 + [None] * late
    assert made["has_end"].to_pylist() == [None] * 65_536 + [2] * late
    assert made["heat_end"].null_count == late
    assert made["account_end"].type == made["account"].type == pa.decimal128(18, 2)
    assert made.equals(fb.simulate(model)["people"])


SLOW = """
import sys, time
sys.path.insert(0, {folder!r})
import fabula as fb
from fabula.runs import simulation
from fabula.simulation.model_files import load_world
simulation.PART_ROWS, simulation.KEPT_EVERY = 300, 0.0
world = load_world({store!r})
@world.every(1)
def wait():
    time.sleep({pause})
simulation.source_sha256 = lambda world: "the same"
fb.simulate(world, {{"customers": 200}}, seed=4, output={output!r})
"""


@pytest.mark.slow
def test_a_run_that_is_killed_five_times_has_the_same_bytes(tmp_path: Path) -> None:
    def program(output: str, pause: float) -> list[str]:
        values = {"folder": str(tmp_path), "store": str(STORE), "pause": pause}
        text = SLOW.format(output=str(tmp_path / output), **values)
        return [sys.executable, "-c", text]

    subprocess.run(program("whole", 0), check=True, timeout=100)
    steps = []
    for _ in range(5):
        process = subprocess.Popen(program("killed", 0.1))
        state = tmp_path / "killed" / ".fabula" / "checkpoint"
        before = steps[-1] if steps else 0
        for _ in range(600):
            found = read_checkpoint(state)
            if found is not None and found[0]["step"] >= before + 3:
                break
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        found = read_checkpoint(state)
        assert found is not None
        steps.append(found[0]["step"])
    assert steps == sorted(set(steps))
    subprocess.run(program("killed", 0), check=True, timeout=100)
    assert hashes(tmp_path / "whole") == hashes(tmp_path / "killed")
    assert not (tmp_path / "killed" / ".fabula").exists()


@pytest.mark.slow
def test_a_run_that_stops_after_any_step_goes_on_to_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulation, "PART_ROWS", 200)
    monkeypatch.setattr(simulation, "KEPT_EVERY", 0.0)
    given = {"n": {"customers": 150}, "seed": 9, "steps": 12}
    fb.simulate(STORE, output=tmp_path / "whole", **given)  # type: ignore[arg-type]
    for stop in (1, 4, 7, 11):

        def watch(_name: str, done: int, _asked: int, stop: int = stop) -> None:
            if done == stop + 1:
                raise KeyboardInterrupt

        with pytest.raises(fb.FabulaError, match="run the same command"):
            fb.simulate(STORE, output=tmp_path / "cut", progress=watch, **given)  # type: ignore[arg-type]
        found = read_checkpoint(tmp_path / "cut" / ".fabula" / "checkpoint")
        assert found is not None
        assert found[0]["step"] == stop
    fb.simulate(STORE, output=tmp_path / "cut", **given)  # type: ignore[arg-type]
    assert hashes(tmp_path / "whole") == hashes(tmp_path / "cut")


def test_a_damaged_kept_step_is_made_again(tmp_path: Path) -> None:
    place = tmp_path / "checkpoint"
    state = {"step": 3, "columns": {"a": {"x": np.arange(3), "t": np.array(["u", None])}}}
    write_checkpoint(place, state, {"none": []})
    found = read_checkpoint(place)
    assert found is not None
    assert found[0]["columns"]["a"]["t"].tolist() == ["u", None]
    place.write_bytes(place.read_bytes()[:-200])
    assert read_checkpoint(place) is None
    place.write_text(json.dumps({}))
    assert read_checkpoint(place) is None
    assert read_checkpoint(tmp_path / "nothing") is None
