"""The page of a run of agents: what happened over time, and who pays whom."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

import fabula as fb
from fabula.cli.main import main
from fabula.reports.simulation_charts import simulation_charts
from fabula.runs.simulation import simulate
from fabula.simulation import World, conserved, money, state


def bank(steps: int = 60) -> World:
    """Accounts that pay each other; one in five waits."""
    world = World("bank", start="2026-01-01", step="1h", steps=steps, seed=1)
    accounts = world.population(
        "accounts", n=30, balance=conserved(money(100)), mood=state(0), seats=conserved(3)
    )
    payments = world.event(
        "payments", payer=accounts, payee=accounts, amount=money(0), at=dt.datetime
    )

    @world.every("1h", accounts)
    def pay(a, now, draw):  # type: ignore[no-untyped-def]
        some = a[draw.chance(a, 0.3)]
        to = draw.member(some, accounts)
        amount = draw.whole(some, 1, 500)
        ok = some.transfer("balance", amount, to=to)
        payments.add(payer=some[ok], payee=to[ok], amount=amount[ok], at=float(now.step * 3600))
        a.mood = np.where(draw.chance(a, 0.2), 1, 0)
        a[a.mood == 1].serve("seats", by=a[a.mood == 1], steps=2)

    return world


def test_a_run_is_drawn_as_events_money_quantities_states_and_flows() -> None:
    titles = [each.title for each in simulation_charts(simulate(bank()))]
    assert titles == [
        "Events",
        "Money in events: payments.amount",
        "Conserved quantities: accounts.balance",
        "Conserved quantities: accounts.seats",
        "In use: accounts.seats",
        "Agents by accounts.mood",
        "payments: between those who pass most on",
    ]


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_who_pays_whom_is_drawn_from_files_as_from_memory(tmp_path: Path, kind: str) -> None:
    written = simulate(bank(), output=tmp_path / "out", format=kind)
    assert [*simulation_charts(written)] == [*simulation_charts(simulate(bank()))]


def test_the_kept_numbers_add_up_to_the_tables() -> None:
    made = simulate(bank(steps=1000))
    history = made.manifest["simulation"]["history"]
    assert len(history["step"]) == 200
    assert history["rows payments"][-1] == made.to_arrow("payments").num_rows
    assert {sum(counts) for counts in history["state accounts.mood"]} == {30}
    paid = sum(made.to_arrow("payments")["amount"].to_pylist())
    assert history["money payments.amount"][-1] == pytest.approx(float(paid))


def test_the_page_of_a_run_says_what_held(tmp_path: Path) -> None:
    model = tmp_path / "model.py"
    model.write_text(
        "import fabula as fb\nfrom fabula.simulation import World, state\n"
        "world = World('w', steps=5)\npeople = world.population('people', n=4, mood=state(0))\n"
        "@world.every(1, people)\ndef act(a, draw):\n    a.mood = draw.whole(a, 0, 2)\n"
    )
    assert main(["simulate", str(model), "-o", str(tmp_path / "out"), "--report"]) == 0
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "0 laws held in each of 5 steps" in page
    assert "Agents by people.mood" in page


def test_other_runs_have_no_such_charts() -> None:
    assert not [*simulation_charts(fb.generate("n int 1..5", n=3))]
