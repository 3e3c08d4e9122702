"""The pytest plug-in, in runs of pytest of its own."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PLUGIN = "fabula.testing.pytest_plugin"

TESTS = """
from dataclasses import dataclass
from pathlib import Path

import pytest

import pytest

@dataclass
class Order:
    id: int
    city: str
    total: float

def note(name, order):
    with Path("seen.txt").open("a") as file:
        print(name, order.city, order.total, file=file)

def test_one(make_row):
    first, second = make_row(Order), make_row(Order)
    assert second.id == first.id + 1
    note("one", first)

def test_other(make_rows, fabula_seed):
    orders = make_rows(Order, 3, city="Oslo")
    assert [order.city for order in orders] == ["Oslo"] * 3
    note("other", orders[0])
    assert make_rows("id key, age int 18..90", 2)[1]["id"] == 2

def test_fails(make_row):
    assert make_row(Order).total < 0

@pytest.mark.fabula_seed(3)
def test_marked(fabula_seed):
    assert fabula_seed in (3, 5)

def test_fails_without_rows():
    assert False
"""


def _run(folder: Path, *options: str) -> str:
    (folder / "test_shop.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-p", PLUGIN, "-p", "no:cacheprovider", *options]
    done = subprocess.run(
        [*command, "test_shop.py"], cwd=folder, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_rows_depend_on_the_name_of_the_test_alone(tmp_path: Path) -> None:
    """Two runs, one of them of a single test, see the same rows; a failure shows its seed."""
    told = _run(tmp_path)
    assert "2 failed, 3 passed" in told
    assert told.count("the same rows in another test: --fabula-seed") == 1
    first = (tmp_path / "seen.txt").read_text().splitlines()
    assert len({line.split(maxsplit=1)[1] for line in first}) == 2
    _run(tmp_path, "-k", "other or fails")
    assert (tmp_path / "seen.txt").read_text().splitlines()[2:] == first[1:]


@pytest.mark.slow
def test_a_seed_from_the_command_line_is_that_of_all_tests(tmp_path: Path) -> None:
    told = _run(tmp_path, "--fabula-seed", "5")
    assert "seed 5;" in told
    _, one, *rest = (tmp_path / "seen.txt").read_text().splitlines()[0].split()
    assert one
    assert (tmp_path / "seen.txt").read_text().splitlines()[1].split()[2:] == rest


def test_pytest_finds_the_plug_in_and_it_loads_nothing_heavy() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert project["project"]["entry-points"]["pytest11"] == {PLUGIN: PLUGIN}
    heavy = "{'numpy', 'pyarrow', 'pydantic', 'duckdb', 'aiohttp', 'rich', 'typer', 'hypothesis'}"
    script = f"import sys, pytest, {PLUGIN}; print({heavy} & {{*sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "set()"
