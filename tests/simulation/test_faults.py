"""A wrong model ends in one error, with the file and the line that cause it."""

from __future__ import annotations

from pathlib import Path

import pytest

import fabula as fb
from fabula.errors import CheckError, SpecError
from fabula.simulation.model_files import load_world

MODEL = """
import numpy as np
import fabula as fb
from fabula.simulation import World, conserved, money, state, when

world = World("bad", steps=3, limit=1)
things = world.population("things", n=5, stock=conserved(2), weight=fb.col.constant(3))
people = world.population("people", n=10, purse=conserved(money(5)), mood=state(0))
sales = world.event("sales", who=people, what=things, price=money(0), at=when)

@world.every(1, people)
def act(a, now, draw):
    LINE

@world.law
def fine():
    return True
"""

WRONG = {
    "return {'mood': np.ones(3, dtype=int)}": "3 values were given for 10 agents",
    "a.mood = np.ones(9, dtype=int)": "9 values were given for 10 agents",
    "a.mood = np.ones(10) * 0.5": "`mood` is int64, and float64 was given",
    "a.purse = np.zeros(10, dtype=int)": "`people.purse` is conserved",
    "things.all.weight = 4": "`things.weight` does not change",
    "a.purse[0] = 5": "read-only",
    "a[a.mood == 0].mood[0] = 5": "read-only",
    "a.hat": "`people` has no column `hat`",
    "while True: pass": "does not end within 1 CPU seconds",
    "1 // 0": "ZeroDivisionError",
    "np.ones(3) / np.zeros(3)": "divide by zero",
    "things.at(np.zeros(10, dtype=int)).take('stock')": "are asked by nobody",
    "things.all.take('stock', 0.5)": "quantities are whole",
    "things.all.take('stock', -1)": "a quantity is below 0",
    "things.all.take('weight')": "has no conserved column `weight`",
    "things.all.take('stock', [1, 2])": "2 quantities were given for 5 rows",
    "things.all.arrive('stock', 1, after='5h')": "not a whole number of steps",
    "things.all.arrive('stock', 1, into=sales)": "can't record arrivals",
    "a.transfer('purse', 1, to=a[a.mood == 1])": "10 agents give to 0",
    "sales.add(who=a, what=things.all, price=1)": "`what` 5 values, and `who` 10",
    "sales.add(who=a, price=1)": "lacks a value for `what`",
    "sales.add(who=a, what=things.at(np.zeros(10, int)), price=1.5)": "takes whole cents",
    "sales.add(who=things.all, what=things.all, price=1)": "refers to people, not to things",
    "sales.add(who=a, what=np.full(10, 5), price=1)": "is not a row number of things",
    "draw.chance(a, np.ones(4))": "operands could not be broadcast",
    "draw.choice(a, [0, 0])": "add up to 0",
    "draw.poisson(a, -1)": "below 0",
    "np.random.random(3)": "a generator that everything shares",
    "import random; random.random()": "a generator that everything shares",
    "raise SystemExit(3)": "SystemExit",
    "return 5": "the rule returns a int",
    "people.purse = 3": "`people.purse` is conserved",
    "things.weight = 3": "`things.weight` does not change",
    "a[[0, 0]].mood = [1, 2]": "an agent is written more than once",
    "people.at(np.array([-1]))": "a row number of `people` is not in 0 … 9",
    "draw.chance(a, 7)": "a probability is below 0, above 1 or not a number",
    "draw.chance(a, np.nan)": "a probability is below 0, above 1 or not a number",
    "draw.whole(a, 5, 1)": "no whole number from 5 to 1",
    "draw.normal(a, 0, -1)": "a standard deviation is below 0",
    "draw.exponential(a, np.inf)": "a mean is below 0 or not a number",
    "a.pay('purse', 'x')": "quantities are whole numbers, and <U1 was given",
    "a.pay('purse', 2**62)": "a quantity is 2^62 or more",
    "a.mood = ['x'] * 10": "`mood` is int64, and <U1 was given",
    "yield 1": "the rule returns a generator",
    "def f(): return f()\n    f()": "RecursionError",
    "np.ones(10**13)": "MemoryError",
    "world.every(1, people)(lambda a: None)": "can't be declared further while it runs",
    "world.population('more', n=3)": "can't be declared further while it runs",
    "sales.add(who=a, what=0, price=np.full(10, 2**63, np.uint64))": "takes whole cents",
    "now.weekly([1, 2])": "2 factors were given",
}


@pytest.mark.parametrize("line", WRONG)
def test_a_wrong_rule_is_told_with_its_line(tmp_path: Path, line: str) -> None:
    file = tmp_path / "bad.py"
    file.write_text(MODEL.replace("LINE", line))
    with pytest.raises(SpecError) as caught:
        fb.simulate(file)
    error = caught.value
    assert WRONG[line] in error.message
    whole_rule = line.startswith(("return", "yield")) or "random" in line
    assert (error.file, error.line) == (str(file), 11 if whole_rule else 13)
    assert error.where is not None
    assert error.where.startswith("rule act, step 0 (2026-01-01")


def test_a_broken_law_names_the_law_the_step_and_the_line(tmp_path: Path) -> None:
    file = tmp_path / "bad.py"
    file.write_text(MODEL.replace("LINE", "pass").replace("return True", "return 1, 2"))
    with pytest.raises(CheckError) as caught:
        fb.simulate(file)
    assert "the law `fine` is broken: 1 is not 2" in caught.value.message
    assert (caught.value.where, caught.value.line) == ("law fine, step 0 (2026-01-01 00:00)", 15)


def test_a_quantity_that_is_changed_behind_its_account_is_found(tmp_path: Path) -> None:
    file = tmp_path / "bad.py"
    file.write_text(MODEL.replace("LINE", "people.columns['purse'][3] += 1"))
    with pytest.raises(CheckError) as caught:
        fb.simulate(file)
    assert "the purse of people add up to 5,001, and not to 5,000" in caught.value.message
    file.write_text(MODEL.replace("LINE", "people.columns['purse'][3] = -7"))
    with pytest.raises(CheckError, match="people 4 has -7 purse"):
        fb.simulate(file)


def test_a_population_is_written_as_its_view_is(tmp_path: Path) -> None:
    file = tmp_path / "good.py"
    file.write_text(MODEL.replace("LINE", "people.mood = a.mood + 2"))
    assert fb.simulate(file)["people"]["mood_end"].to_pylist() == [6] * 10


def test_rows_that_a_rule_takes_out_of_a_table_are_missed(tmp_path: Path) -> None:
    file = tmp_path / "bad.py"
    file.write_text(MODEL.replace("LINE", "sales.add(who=a, what=0, price=1); sales.drained()"))
    with pytest.raises(CheckError, match="`sales` has 30 rows, and 0 were written"):
        fb.simulate(file)


DECLARED = {
    'world.population("people", n=3)': "two tables are called `people`",
    'world.population("more", n=3, take=fb.col.constant(1))': "can't be called `take`",
    'world.population("more", n=3, size=3)': "`size` is not a column",
    'world.event("more", who=4)': "is not the type of an event's column",
    'world.every("36h", people)(lambda a: None)': "not a whole number of steps",
    "world.every(1, people)(lambda a, other: None)": "takes a, other",
    "1 / 0": "ZeroDivisionError",
}


@pytest.mark.parametrize("line", DECLARED)
def test_a_wrong_declaration_is_told_with_its_line(tmp_path: Path, line: str) -> None:
    file = tmp_path / "bad.py"
    file.write_text(MODEL.replace("LINE", "pass") + line + "\n")
    with pytest.raises(SpecError) as caught:
        load_world(file)
    assert DECLARED[line] in caught.value.message
    assert (caught.value.file, caught.value.line) == (str(file), 18)


def test_a_model_that_is_not_python_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "bad.py"
    file.write_text("a = 1\nb = (\n")
    with pytest.raises(SpecError, match="not Python") as caught:
        load_world(file)
    assert caught.value.line == 2


def test_a_file_without_a_world_says_what_is_needed(tmp_path: Path) -> None:
    file = tmp_path / "bad.py"
    file.write_text("a = 1\n")
    with pytest.raises(fb.FabulaError, match="one `World` is needed"):
        load_world(file)
    with pytest.raises(fb.FabulaError, match="can't be read"):
        load_world(tmp_path / "none.py")
