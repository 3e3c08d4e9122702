"""Rules of one agent: compiled or not they give the same bytes, and their faults have a line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import fabula as fb
from fabula.errors import CheckError, SourceError, SpecError
from fabula.runs.dataset import Dataset
from fabula.simulation import events, one_by_one

MODEL = """
import numpy as np
import fabula as fb
from fabula.simulation import World, conserved, money, state, when

world = World("market", steps=4, limit=2)
goods = world.population("goods", n=20, stock=conserved(30), price=money(fb.col.uniform(1, 9)),
                         weight=fb.col.uniform(0.1, 1), name=fb.col.constant("tea"))
people = world.population("people", n=200, purse=conserved(money(50)), rate=fb.col.beta(2, 4),
                          seen=state(0), last=state(goods), none=state(goods),
                          fixed=fb.col.constant(4))
orders, told = (world.event("orders", who=people, at=when), world.event("told", what=str))
lines = world.event("lines", order=orders, what=goods, price=money(0), x=float, much=bool)

def awake(me, world, draw):
    return draw.uniform() < me.rate

def prepare():
    return {"sums": np.cumsum(goods.weight)}

@world.rule(people, awake=awake, prepare=prepare, compiled=COMPILED)
def shop(me, world, draw, out):
    order = -1
    for _ in range(1 + draw.poisson(1.5)):
        good = draw.pick(world.given.sums, 0, len(world.given.sums))
        price = world.goods.price[good]
        enough = world.people.purse.left(me.row) >= price
        if enough and world.goods.stock.take(good, 1):
            world.people.purse.take(me.row, price)
            if order < 0:
                order = out.orders.add(me.row)
            me.last = good
            out.lines.add(order, good, price, me.rate * 2, price > 500)
    me.seen += 1
    LINE

@world.law
def money_is_kept():
    return people.taken("purse"), lines.sum("price")
"""


def market(folder: Path, line: str = "pass", *, compiled: bool = True) -> Dataset:
    file = folder / f"market_{compiled}.py"
    file.write_text(MODEL.replace("COMPILED", str(compiled)).replace("LINE", line))
    return fb.simulate(file, seed=3)


@pytest.mark.slow
def test_a_compiled_rule_gives_the_bytes_of_plain_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FIRST_ROWS", "PIECE_ROWS"):  # pieces of tables fill up
        monkeypatch.setattr(events, name, one_by_one.RESERVE + 40)
    give = "world.people.purse.give(me.row, world.people.purse, draw.whole(0, 199), 7)"
    plain, compiled = (market(tmp_path, give, compiled=how) for how in (False, True))
    assert plain["lines"].num_rows > 300
    assert all(plain[name].equals(compiled[name]) for name in plain)


def test_the_last_items_are_sold_to_the_unit(tmp_path: Path) -> None:
    made = market(tmp_path, compiled=False)
    goods, lines = made["goods"], made["lines"]
    sold = sum(goods["stock"].to_pylist() if "stock" in goods.column_names else [30] * 20)
    assert sold - sum(goods["stock_end"].to_pylist()) == lines.num_rows


def test_without_numba_the_rule_runs_as_it_is_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = market(tmp_path, compiled=False)
    monkeypatch.delitem(sys.modules, "fabula.simulation.numba_rules", raising=False)
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.warns(UserWarning, match="`shop` runs as plain Python, .* pip install"):
        made = market(tmp_path)
    assert all(plain[name].equals(made[name]) for name in plain)


def test_numba_that_is_told_not_to_compile_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    numba = pytest.importorskip("numba")
    monkeypatch.setattr(numba.config, "DISABLE_JIT", 1)
    with pytest.warns(UserWarning, match="`shop` runs as plain Python, .* NUMBA_DISABLE_JIT"):
        market(tmp_path)


WRITES = {
    "me.purse -= 1": "`people.purse` is conserved, and can't be written",
    "me.fixed = 1": "`people.fixed` does not change",
    "me.nothing = 1": "`people.nothing` does not change",
    "me.sen": "`people` has no column `sen`",
    "world.good.price[0]": "a rule sees no `world.good`",
    "world.goods.prices[0]": "`goods` has no column `prices`",
    "world.goods.name[0]": "`goods.name` has texts or times",
    "out.order.add(me.row)": "there is no event `order`",
    "out.orders.add(me.row, 3)": "a row of `orders` has 1 values",
    "out.told.add(3)": "can't add to `told`",
}


@pytest.mark.parametrize("line", WRITES)
def test_a_name_that_is_not_there_or_not_writable_is_found_before_the_run(
    tmp_path: Path, line: str
) -> None:
    with pytest.raises(SpecError) as caught:
        market(tmp_path, line)
    assert WRITES[line] in caught.value.message
    assert caught.value.line == 35


FAILS = {
    "world.goods.price[10**9]": "out of bounds",
    "me.seen = 1 // (me.fixed - 4)": "ero",
    "while me.fixed == 4: me.seen += 1": "does not end within",
    "world.goods.price[0] = 4": "read",
    "for _ in range(5000): out.orders.add(me.row)": "more than 1,024 rows",
    "me.seen = int(np.random.random() * 3)": "a generator that everything shares",
    "out.orders.add(10**6)": "is not a row number of people",
    "world.goods.stock.take(99, 1)": "out of bounds",
    "world.goods.stock.take(me.none, 1)": "is a reference missing?",
    "draw.pick(world.given.sums, 3, 99)": "there is nothing to pick from",
}


@pytest.mark.parametrize("compiled", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("line", FAILS)
def test_a_rule_that_fails_says_why(tmp_path: Path, line: str, compiled: bool) -> None:
    with pytest.raises(SpecError) as caught:
        market(tmp_path, line, compiled=compiled)
    assert FAILS[line] in caught.value.message
    assert caught.value.where is not None
    assert "rule shop, step 0" in caught.value.where
    assert str(caught.value.file).endswith(f"market_{compiled}.py")
    if line in {"world.goods.price[10**9]", "me.seen = 1 // (me.fixed - 4)"}:
        assert caught.value.line == 35
        assert ", people " in caught.value.where


FRACTIONS = {
    "me.seen = me.seen + 0.5": "`seen` is int64, and float64 was given",
    "me.seen = me.seen / 2": "`seen` is int64, and float64 was given",
    "world.people.seen[me.row] += 0.5": "`seen` is int64, and float64 was given",
    "out.lines.add(0, 0, 1.5, 1.5, True)": "`price` is int64, and float64 was given",
    "world.goods.stock.take(0, 0.5)": "a quantity is whole, and float64 was given",
    "world.people.purse.give(0, world.people.purse, 1, 2.5)": "a quantity is whole",
    "me.last = me.rate": "`last` is int64, and float64 was given",
}


@pytest.mark.parametrize(
    ("line", "compiled"),
    [
        *((line, False) for line in FRACTIONS),
        *(pytest.param(line, True, marks=pytest.mark.slow) for line in [*FRACTIONS][::2]),
        pytest.param([*FRACTIONS][3], True, marks=pytest.mark.slow),
    ],
)
def test_a_fraction_is_not_cut_off_where_whole_numbers_are_kept(
    tmp_path: Path, line: str, compiled: bool
) -> None:
    with pytest.raises(SpecError) as caught:
        market(tmp_path, line, compiled=compiled)
    assert FRACTIONS[line] in caught.value.message
    assert caught.value.line == 35
    assert "round(x)" in str(caught.value.hint)
    where = str(caught.value.where)
    assert where.startswith("rule shop, step 0")
    assert compiled or ", people " in where


LATER = """
import numpy as np
from fabula.simulation import World, state

world = World("w", steps=3)
people = world.population("people", n=20, seen=state(0))

def prepare():
    return {"x": np.array([1 if world.step < 1 else 1.5])}

@world.rule(people, prepare=prepare, compiled=COMPILED)
def act(me, world, draw, out):
    me.seen = world.given.x[0]
"""


@pytest.mark.parametrize("compiled", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_fraction_that_a_later_step_prepares_is_found(tmp_path: Path, compiled: bool) -> None:
    file = tmp_path / "later.py"
    file.write_text(LATER.replace("COMPILED", str(compiled)))
    with pytest.raises(SpecError, match="`seen` is int64, and float64 was given") as caught:
        fb.simulate(file)
    assert caught.value.line == 13
    assert str(caught.value.where).startswith("rule act, step 1")


@pytest.mark.parametrize("compiled", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_what_is_rounded_is_kept(tmp_path: Path, compiled: bool) -> None:
    made = market(tmp_path, "me.seen = round(me.seen * 1.5)", compiled=compiled)
    assert set(made["people"]["seen_end"].to_pylist()) >= {0, 2, 4}


@pytest.mark.slow
def test_what_numba_cannot_compile_is_told_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="can't be compiled") as caught:
        market(tmp_path, "print({}.x)")
    assert caught.value.line == 35


@pytest.mark.parametrize("compiled", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_reference_to_no_row_is_found_when_it_is_written(tmp_path: Path, compiled: bool) -> None:
    with pytest.raises(
        SourceError, match=r"`people\.last` was given a row number that is not in 0"
    ):
        market(tmp_path, "me.last = 99", compiled=compiled)


@pytest.mark.parametrize("compiled", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_change_behind_the_account_breaks_the_law(tmp_path: Path, compiled: bool) -> None:
    with pytest.raises(CheckError, match="the stock of goods add up to"):
        market(tmp_path, "world.goods.stock.amount[0] += 1", compiled=compiled)
