"""The retail store keeps its laws at any seed and size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike

import fabula
import fabula as fb
from fabula.runs.dataset import Dataset
from fabula.runs.simulation import populations_of
from fabula.simulation import World, conserved, money
from fabula.simulation.draws import GOLDEN, Draw, mixed
from fabula.simulation.faults import ModelFault
from fabula.simulation.model_files import load_world
from fabula.simulation.running import Run
from fabula.streams import mix

STORE = Path(fabula.__file__).parent / "templates" / "store.py"


def store() -> World:
    return load_world(STORE)


def cents(column: pa.ChunkedArray) -> np.ndarray:
    return np.rint(column.cast(pa.float64()).to_numpy() * 100).astype(np.int64)


def run(seed: int, customers: int, budget: float = 260, products: int = 200) -> Dataset:
    sizes = {"customers": customers, "products": products}
    return fb.simulate(STORE, sizes, seed=seed, parameters={"budget": budget})


@pytest.mark.slow
@settings(max_examples=10)
@given(seed=st.integers(0, 2**40), customers=st.integers(0, 900), products=st.integers(100, 300))
def test_nobody_overspends_and_every_sum_agrees(seed: int, customers: int, products: int) -> None:
    made = run(seed, customers, products=products)
    people, goods = made["customers"], made["products"]
    lines, orders = made["order_lines"], made["orders"]
    assert pc.all(pc.greater_equal(goods["stock_end"], 0)).as_py() is not False
    spent = cents(people["budget"]) - cents(people["budget_end"])
    by_order = dict(zip(orders["id"].to_pylist(), orders["customer"].to_pylist(), strict=True))
    paid = np.zeros(customers + 1, dtype=np.int64)
    buyers = [by_order[order] for order in lines["order"].to_pylist()]
    np.add.at(paid, np.array(buyers, dtype=int), cents(lines["price"]))
    assert (spent == paid[1:]).all()
    assert (cents(people["budget_end"]) >= 0).all()
    totals = np.zeros(len(orders) + 1, dtype=np.int64)
    np.add.at(totals, np.array(lines["order"].to_pylist(), dtype=int), cents(lines["price"]))
    assert (totals[1:] == cents(orders["total"])).all()
    sold, came = np.zeros(products + 1, dtype=int), np.zeros(products + 1, dtype=int)
    np.add.at(sold, np.array(lines["product"].to_pylist(), dtype=int), 1)
    arrived = made["deliveries"]
    np.add.at(came, np.array(arrived["product"].to_pylist(), dtype=int), arrived["quantity"])
    assert (goods["stock"].to_numpy() + came[1:] - sold[1:] == goods["stock_end"]).all()


def test_zero_budgets_buy_nothing() -> None:
    made = run(3, 300, budget=1e-9)
    assert made["order_lines"].num_rows == made["orders"].num_rows == 0


@pytest.mark.slow
def test_doubled_budgets_raise_the_revenue() -> None:
    for seed in range(6):
        once, twice = (sum(cents(run(seed, 200, b)["orders"]["total"])) for b in (200, 400))
        assert twice > once, seed


def test_the_same_seed_gives_the_same_tables_and_another_seed_others() -> None:
    first, again, other = run(5, 150), run(5, 150), run(6, 150)
    assert all(first[name].equals(again[name]) for name in first)
    assert not first["order_lines"].equals(other["order_lines"])


def test_a_user_adds_a_rule_and_the_draws_of_the_others_stay() -> None:
    world = store()
    people = world.populations["customers"]
    visits = world.event("greetings", customer=people)

    @world.every("1d", people)
    def greet(a, draw):  # type: ignore[no-untyped-def]
        visits.add(customer=a[draw.chance(a, 0.5)])

    made, plain = fb.simulate(world, {"customers": 150}, seed=5), run(5, 150)
    assert made["greetings"].num_rows > 0
    assert made["order_lines"].equals(plain["order_lines"])


def test_each_draw_of_a_step_has_a_key_of_its_own() -> None:
    world = World("draws", steps=0)
    people = world.population("people", n=3, wish=fb.col.constant(1))
    Run(world, populations_of(world, world.spec({}), 1), 1)
    draw = Draw(7)
    for count in range(40):
        key = np.uint64(mixed(7 + count * GOLDEN))
        assert (draw.bits(people.all) == mix(people.identity + key)).all()


@pytest.mark.parametrize("amount", [-1, 2**62, [1, -1, 2], [1.5, 1, 1], [1, np.nan, 1]])
def test_a_quantity_that_is_no_whole_number_from_0_on_is_refused(amount: ArrayLike) -> None:
    world = World("purses", steps=0)
    people = world.population("people", n=3, purse=conserved(5))
    Run(world, populations_of(world, world.spec({}), 1), 1)
    with pytest.raises(ModelFault):
        people.all.pay("purse", np.array(amount))
    assert people.purse.tolist() == [5, 5, 5]


def scarce(agents: int, seats: int) -> World:
    """As many agents as given want one of a few seats, each on every day."""
    world = World("scarce", steps=1)
    shows = world.population("shows", n=1, seats=conserved(seats))
    people = world.population("people", n=agents, wish=fb.col.constant(1))
    won = world.event("won", who=people)

    @world.every(1, people)
    def book(a):  # type: ignore[no-untyped-def]
        want = shows.at(np.zeros(len(a), dtype=int))
        won.add(who=a[want.take("seats", 1, by=a)])

    return world


@pytest.mark.slow
def test_the_last_items_go_to_anybody_alike() -> None:
    agents, seats, runs = 60, 20, 400
    wins = np.zeros(agents)
    world = scarce(agents, seats)
    for seed in range(runs):
        winners = fb.simulate(world, seed=seed)["won"]["who"].to_numpy()
        assert len(winners) == seats
        wins[winners - 1] += 1
    expected = runs * seats / agents
    chi2 = ((wins - expected) ** 2 / (expected * (1 - seats / agents))).sum()
    assert chi2 < agents - 1 + 5 * np.sqrt(2 * (agents - 1))
    first, last = wins[: agents // 10].mean(), wins[-agents // 10 :].mean()
    spread = np.sqrt(expected * (1 - seats / agents) / (agents // 10))
    assert abs(first - last) < 5 * spread * np.sqrt(2)


def booked(file: Path) -> list[tuple[int, int]]:
    """Who gets which of a few seats, where the people are in a file."""
    world = World("files", steps=5)
    shows = world.population("shows", n=3, seats=conserved(100))
    people = world.population("people", source=str(file), purse=conserved(money(None)))
    won = world.event("won", who=people, show=shows)

    @world.every(1, people)
    def book(a, draw):  # type: ignore[no-untyped-def]
        want = draw.member(a, shows)
        got = want.take("seats", 1, by=a, where=a.purse >= 500)
        a.pay("purse", 500, where=got)
        won.add(who=a[got], show=want[got])

    made = fb.simulate(world, seed=2)["won"]
    return sorted(zip(made["who"].to_pylist(), made["show"].to_pylist(), strict=True))


def test_the_order_of_rows_in_a_file_changes_nobody_s_result(tmp_path: Path) -> None:
    ids = np.arange(1, 501)
    rows = pa.table({"id": ids, "purse": (ids * 37 % 100 + 5).astype(float)})
    pq.write_table(rows, tmp_path / "people.parquet")
    pq.write_table(rows.take(np.random.default_rng(0).permutation(500)), tmp_path / "mixed.parquet")
    pairs = booked(tmp_path / "people.parquet")
    assert len(pairs) == 300
    assert pairs == booked(tmp_path / "mixed.parquet")
