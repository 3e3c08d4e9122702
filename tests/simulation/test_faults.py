"""A wrong model ends in one error, with the file and the line that cause it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import fabula as fb
from fabula.errors import CheckError, SpecError
from fabula.simulation.model_files import load_world

MODEL = """import datetime as dt
import numpy as np
import fabula as fb
from fabula.simulation import World, conserved, money, state, when

world = World("bad", steps=3, limit=1)
things = world.population("things", n=5, stock=conserved(2), weight=fb.col.constant(3))
people = world.population("people", n=10, purse=conserved(money(5)), mood=state(0),
    fav=state(things), word=state("x"), heat=state(0.0))
notes = world.event("notes", who=people, at=dt.datetime, said=str, share=float)
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
    "a.mood = a.mood / 2": "`mood` is int64, and float64 was given",
    "return {'mood': a.heat}": "`mood` is int64, and float64 was given",
    "a.mood = draw.bits(a) | np.uint64(2**63)": "`mood` is int64, and can't keep",
    "a.purse = np.zeros(10, dtype=int)": "`people.purse` is conserved",
    "things.all.weight = 4": "`things.weight` does not change",
    "a.purse[0] = 5": "read-only",
    "a.mood += 1": "read-only",
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
    "a.pay('purse', np.full(10, 2**63, np.uint64))": "a quantity is 2^62 or more",
    "a.mood = ['x'] * 10": "`mood` is int64, and <U1 was given",
    "yield 1": "the rule returns a generator",
    "def f(): return f()\n    f()": "RecursionError",
    "np.ones(10**13)": "MemoryError",
    "world.every(1, people)(lambda a: None)": "can't be declared further while it runs",
    "world.population('more', n=3)": "can't be declared further while it runs",
    "sales.add(who=a, what=0, price=np.full(10, 2**63, np.uint64))": "takes whole cents",
    "now.weekly([1, 2])": "2 factors were given",
    "a[np.array([1.5])]": "an array of float64 chooses among 10",
    "a[3].mood = 1": "`3` chooses among 10",
    "for one in a: pass": "agents can't be looped over",
    "a.fav = 99": "`fav` refers to things, and a row number is not in 0 … 4",
    "a.fav = people": "`fav` does not refer to `people`",
    "a.word = 3": "`word` is text, and int64 was given",
    "draw.member(a, things, group=a.heat, by=things.weight)": "groups are whole numbers",
    "draw.member(a, things, group=a.mood)": "is chosen from by `group=` and `by=`",
    "draw.member(a, things, weights=-things.weight)": "a weight is below 0",
    "notes.add(who=a, at=1e12, said='x', share=0.5)": "takes seconds from the world's start",
    "notes.add(who=a, at=1, said=np.array(['x', 3] * 5, object), share=0.5)": "takes texts",
    "notes.add(who=a, at=1, said='x', share=np.ones((10, 2)))": "takes one value per row",
    "notes.add(who=a, at=things.all, said='x', share=0.5)": "`notes.at` doesn't refer to things",
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
    assert (error.file, error.line) == (str(file), 13 if whole_rule else 15)
    assert error.where is not None
    assert error.where.startswith("rule act, step 0 (2026-01-01")


def test_a_broken_law_names_the_law_the_step_and_the_line(tmp_path: Path) -> None:
    file = tmp_path / "bad.py"
    file.write_text(MODEL.replace("LINE", "pass").replace("return True", "return 1, 2"))
    with pytest.raises(CheckError) as caught:
        fb.simulate(file)
    assert "the law `fine` is broken: 1 is not 2" in caught.value.message
    assert (caught.value.where, caught.value.line) == ("law fine, step 0 (2026-01-01 00:00)", 17)


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


def test_texts_keep_their_length_and_numbers_that_are_none_are_missing(tmp_path: Path) -> None:
    file = tmp_path / "good.py"
    lines = [
        "a[a.id > 5].word = 'happy'; a[a.id > 8].heat = np.nan; a[a.id > 2].fav = 3",
        "notes.add(who=people, at=np.where(a.id > 5, 7.5, np.nan), said=None, share=np.nan)",
    ]
    file.write_text(MODEL.replace("LINE", "; ".join(lines)))
    made = fb.simulate(file, steps=1)
    ends = made.to_arrow("people").to_pydict()
    assert ends["word_end"] == ["x"] * 5 + ["happy"] * 5
    assert ends["heat_end"] == [0.0] * 8 + [None] * 2
    assert ends["fav_end"] == [None] * 2 + [4] * 8
    notes = made.to_arrow("notes").to_pydict()
    assert notes["share"] == notes["said"] == [None] * 10
    assert notes["at"] == [None] * 5 + [dt.datetime(2026, 1, 1, 0, 0, 7, 500_000)] * 5


def test_states_from_a_file_have_room_for_more_than_its_numbers_do(tmp_path: Path) -> None:
    source = tmp_path / "people.parquet"
    small = pa.array([1, 2], pa.int32()), pa.array([0.5, 1], pa.float32())
    day = pa.array([dt.date(2026, 1, 5)] * 2)
    pq.write_table(pa.table([pa.array([1, 2]), *small, day], ["id", "seen", "heat", "day"]), source)
    text = """import numpy as np
from fabula.simulation import World, state
world = World("wide", steps=1)
people = world.population("people", source=SOURCE, seen=state(None), heat=state(None),
                          day=state(None))
@world.every(1, people)
def grow(a):
    a.seen = a.seen + 2**40; a.heat = a.heat + 2.0**-40
    a.day = np.datetime64("2026-02-03THOUR:00")
"""
    file = tmp_path / "wide.py"
    file.write_text(text.replace("SOURCE", repr(str(source))).replace("HOUR", "00"))
    made = fb.simulate(file).to_arrow("people").to_pydict()
    assert made["seen_end"] == [2**40 + 1, 2**40 + 2]
    assert made["heat_end"] == [0.5 + 2.0**-40, 1 + 2.0**-40]
    assert made["day_end"] == [dt.date(2026, 2, 3)] * 2
    file.write_text(text.replace("SOURCE", repr(str(source))).replace("HOUR", "06"))
    with pytest.raises(SpecError, match=r"`day` is datetime64\[D\], and can't keep"):
        fb.simulate(file)


def test_a_reference_is_shown_by_its_key_wherever_its_population_is_declared(
    tmp_path: Path,
) -> None:
    """`boss` starts from a drawn reference to a population that comes later."""
    file = tmp_path / "firm.py"
    file.write_text("""
import fabula as fb
from fabula.simulation import World, state

world = World(steps=1)
staff = world.population("staff", n=9, boss=state(fb.col.reference(to="bosses")))
bosses = world.population("bosses", n=3, id=fb.col.key(start=100))

@world.every(1, staff)
def swap(a):
    a.boss = (a.boss + 1) % 3
""")
    for _ in range(2):
        made = fb.simulate(file).to_arrow("staff").to_pydict()
        assert {*made["boss"], *made["boss_end"]} == {100, 101, 102}
        assert made["boss_end"] == [100 + (boss - 99) % 3 for boss in made["boss"]]


DECLARED = {
    'world.population("people", n=3)': "two tables are called `people`",
    'world.population("more", n=3, take=fb.col.constant(1))': "can't be called `take`",
    'world.population("more", n=3, size=3)': "`size` is not a column",
    'world.event("more", who=4)': "is not the type of an event's column",
    'world.every("36h", people)(lambda a: None)': "not a whole number of steps",
    "world.every(1, people)(lambda a, other: None)": "takes a, other",
    "1 / 0": "ZeroDivisionError",
    "world.law(fine)": "two laws are called `fine`",
    "world.measure(act); world.measure(act)": "two totals are called `act`",
    "act.__name__ = 'sales'; world.measure(act)": "two totals are called `sales`",
    'world.event("more")': "an event has no column",
    'world.event("more", self=int)': "can't be called `self`",
    'world.event("", who=people)': "a table has no name",
}


STARTED = {
    'world.population("more", n=3, x=conserved(-4))': "`more.x` is conserved, and starts below 0",
    'world.population("more", n=3, x=conserved(0.5))': "starts from 0.5, and not from whole units",
    'world.population("more", n=3, x=money(0.005))': "starts from 0.005, and not from whole cents",
    'world.population("more", n=3, x=conserved("many"))': "starts from 'many', and not from one",
    'world.population("more", n=3, x=state([1, 2]))': "starts from [1, 2], and not from one value",
    'world.population("more", n=-3, x=state(0))': "`n` must be at least 0, not -3",
    'world.population("more", x=fb.col.key())': "table `more` does not say how many rows",
    'world.population("more", n=3, x=fb.col.reference(to="b"))': "refers to table `b`",
    'world.population("more", source="none.parquet")': "`none.parquet` can't be read",
    'world.population("more", n=3, x=fb.col.normal(nothing=1))': "nothing",
    'world.population("more", n=3, x=fb.col.bool(0.5))': "did you mean `bernoulli`?",
}


@pytest.mark.parametrize("line", STARTED)
def test_what_a_population_cannot_start_from_is_told_with_its_line(
    tmp_path: Path, line: str
) -> None:
    file = tmp_path / "bad.py"
    imports = "from fabula.simulation import World, conserved, money, state\n"
    file.write_text(f"import fabula as fb\n{imports}world = World('w', steps=1)\n{line}\n")
    with pytest.raises(fb.FabulaError) as caught:
        fb.simulate(file)
    assert STARTED[line] in caught.value.message
    assert (caught.value.file, caught.value.line) == (str(file), 4)


@pytest.mark.parametrize("line", DECLARED)
def test_a_wrong_declaration_is_told_with_its_line(tmp_path: Path, line: str) -> None:
    file = tmp_path / "bad.py"
    file.write_text(MODEL.replace("LINE", "pass") + line + "\n")
    with pytest.raises(SpecError) as caught:
        load_world(file)
    assert DECLARED[line] in caught.value.message
    assert (caught.value.file, caught.value.line) == (str(file), 20)


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
