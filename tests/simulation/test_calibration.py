"""Calibration finds the parameters that make a model's totals, and says what it can't find."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

import fabula as fb
from fabula.cli.main import main
from fabula.errors import UsageError

MODEL = """
import fabula as fb
from fabula.simulation import World, conserved, money

world = World("kiosk", steps=8, seed=3)
rate = world.parameter("rate", 0.2)
purse = world.parameter("purse", 20)
unused = world.parameter("unused", 1)
goods = world.population("goods", n=10, stock=conserved(400))
people = world.population("people", n=400, purse=conserved(money(fb.col.lognormal(purse, 0.5))))
sales = world.event("sales", person=people, good=goods, price=money(0))
missed = world.event("missed", person=people)

@world.every("1d", people)
def buy(a, draw):
    some = a[draw.chance(a, min(1, rate))]
    good = draw.member(some, goods)
    able = some.purse >= 700
    got = good.take("stock", 1, by=some, where=able)
    some.pay("purse", 700, where=got)
    sales.add(person=some[got], good=good[got], price=700)
    missed.add(person=some[~able])
"""
TRUTH = {"rate": 0.45, "purse": 31.0}


@pytest.fixture
def kiosk(tmp_path: Path) -> Path:
    path = tmp_path / "kiosk.py"
    path.write_text(MODEL)
    return path


@pytest.fixture
def targets(kiosk: Path) -> dict[str, float]:
    """The totals of the truth, under other seeds than those of the fit."""
    runs = fb.replicate(kiosk, replicates=6, seed=1000, parameters=TRUTH)
    means = dict(zip(runs.names, runs.of("").mean(axis=0), strict=True))
    return {name: float(means[name]) for name in ("sales", "missed")}


@pytest.mark.slow
def test_hidden_parameters_are_found_again(kiosk: Path, targets: dict[str, float]) -> None:
    made = fb.calibrate(kiosk, targets, ["rate", "purse"])
    assert not made.missed
    assert not made.unidentified
    for name, value in TRUTH.items():
        assert abs(math.log(made.parameters[name] / value)) < max(0.05, 5 * made.errors[name])
    again = fb.calibrate(kiosk, targets, ["rate", "purse"])
    assert (again.parameters, again.runs) == (made.parameters, made.runs)
    assert made.runs < 200


@pytest.mark.slow
def test_a_parameter_without_effect_is_told(kiosk: Path, targets: dict[str, float]) -> None:
    made = fb.calibrate(kiosk, targets, {"rate": (0.1, 0.9), "purse": None, "unused": None})
    assert made.unidentified == ["unused"]
    assert not made.missed
    assert "do not determine unused" in made.report()


@pytest.mark.slow
def test_bounds_hold_and_what_is_missed_is_told(
    kiosk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["calibrate", str(kiosk), "--target", "sales=3000", "--free", "rate:0.1..0.3"]
    assert main([*words, "--seeds", "2", "-n", "people=400"]) == 1
    said = capsys.readouterr().err
    assert "not met" in said
    assert "1 of 1 targets are not met: sales" in said
    assert "--set rate=0.3 -n people=400`" in said


@pytest.mark.slow
def test_the_command_prints_the_command_that_runs_the_fit(
    kiosk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["calibrate", str(kiosk), "--target", "sales=640", "--free", "rate", "--seeds", "2"]
    assert main([*words, "--set", "purse=60"]) == 0
    said = capsys.readouterr().err
    command = said.rpartition("`fabula ")[2].partition("`")[0].split()
    assert command[:2] == ["simulate", str(kiosk)]
    assert main([*command, "-o", str(tmp_path / "out")]) == 0
    assert abs(fb.Dataset.open(tmp_path / "out")["sales"].num_rows / 640 - 1) < 0.1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "a target and a free parameter are needed"),
        (["--target", "sale=3", "--free", "rate"], "did you mean `sales`"),
        (["--target", "sales=3", "--free", "rat"], "did you mean `rate`"),
        (["--target", "sales=3", "--free", "rate:1"], "not a parameter and its bounds"),
        (["--target", "sales=3", "--free", "rate:-1..2"], "only numbers above 0"),
        (["--target", "sales=nan", "--free", "rate"], "the target `sales` is nan"),
        (["--target", "sales=3", "--free", "rate", "--set", "rate=0"], "only numbers above 0"),
    ],
)
def test_wrong_options_say_what_to_type(
    kiosk: Path, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    assert main(["calibrate", str(kiosk), *words]) == 2
    assert told in capsys.readouterr().err


def test_a_world_has_its_parameters_already(kiosk: Path) -> None:
    from fabula.simulation.model_files import load_world

    with pytest.raises(UsageError, match="has its parameters when it is made"):
        fb.calibrate(load_world(kiosk), {"sales": 3}, ["rate"])
