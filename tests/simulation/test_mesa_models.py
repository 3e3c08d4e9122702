"""An ordinary Mesa model becomes tables with keys, the same by seed."""

from __future__ import annotations

import random
from typing import Any

import pytest

import fabula as fb
from fabula.errors import SpecError, UsageError

mesa = pytest.importorskip("mesa", reason="the extra `agents` is not installed")


class Sheep(mesa.Agent):  # type: ignore[misc,name-defined]
    def __init__(self, model: Any, energy: int = 4, parent: Any = None) -> None:
        super().__init__(model)
        self.energy, self.parent, self.pos = energy, parent, (0, 0)
        self.friends: list[Any] = []

    def step(self) -> None:
        self.energy += self.random.choice([-2, -1, 1, 2])
        self.pos = (self.energy, self.random.random())
        if self.energy > 6:
            self.energy -= 3
            Sheep(self.model, 3, self)
        if self.energy < 0:
            self.model.datacollector.add_table_row("deaths", {"who": self, "at": self.model.steps})
            self.remove()


class Dog(mesa.Agent):  # type: ignore[misc,name-defined]
    name = "Rex"


class Farm(mesa.Model):  # type: ignore[misc,name-defined]
    def __init__(self, sheep: int = 20, seed: int | None = None) -> None:
        super().__init__(seed=seed)
        self.datacollector = mesa.DataCollector(
            model_reporters={"living": lambda model: len(model.agents)},
            agent_reporters={"energy": "energy"},
            tables={"deaths": ["who", "at"]},
        )
        for _ in range(sheep):
            Sheep(self)
        Dog(self)

    def step(self) -> None:
        self.agents_by_type[Sheep].shuffle_do("step")
        self.datacollector.collect(self)


LEFT_OUT = r"`Sheep.friends` of \d+ agents"


@pytest.mark.filterwarnings("ignore:attributes that hold other objects")
def test_agents_records_and_tables_agree() -> None:
    made = fb.record_mesa(Farm, steps=12, seed=5, parameters={"sheep": 30})
    assert set(made) == {"Sheep", "Dog", "model_records", "agent_records", "deaths"}
    sheep = made["Sheep"].to_pylist()
    assert [row["born"] for row in sheep[:30]] == [0] * 30
    later = [row for row in sheep if row["born"] > 0]
    ids = {row["id"] for row in sheep}
    assert later
    assert all(row["parent"] in ids and row["born"] <= 12 for row in later)
    assert len(ids) == len(sheep)
    deaths = {row["who"]: row["at"] for row in made["deaths"].to_pylist()}
    assert deaths == {row["id"]: row["left"] for row in sheep if row["left"] is not None}
    for step, living in enumerate(made["model_records"]["living"].to_pylist(), 1):
        born = sum(row["born"] <= step for row in sheep)
        gone = sum(row["left"] is not None and row["left"] <= step for row in sheep)
        assert living == born - gone + 1
    records = made["agent_records"].to_pylist()
    last = {row["agent"]: row["energy"] for row in records if row["step"] == 12}
    assert all(last[row["id"]] == row["energy_end"] for row in sheep if row["id"] in last)
    assert sheep[0]["energy"] == 4
    assert {"pos_x_end", "pos_y_end"} <= set(made["Sheep"].column_names)


def test_what_is_left_out_is_told() -> None:
    with pytest.warns(UserWarning, match=LEFT_OUT):
        made = fb.record_mesa(Farm, steps=1)
    assert [*made.manifest["simulation"]["dropped"]] == ["Sheep.friends"]


@pytest.mark.filterwarnings("ignore:attributes that hold other objects")
def test_the_same_seed_gives_the_same_tables() -> None:
    first, again, other = (fb.record_mesa(Farm, steps=6, seed=seed) for seed in (1, 1, 2))
    assert all(first[name].equals(again[name]) for name in first)
    assert not first["agent_records"].equals(other["agent_records"])


def test_models_that_can_t_be_repeated_are_refused() -> None:
    class Unseeded(mesa.Model):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()

    class Shared(mesa.Model):  # type: ignore[misc,name-defined]
        def step(self) -> None:
            random.random()

    with pytest.raises(UsageError, match="takes no seed"):
        fb.record_mesa(Unseeded)
    with pytest.raises(SpecError, match="a generator that everything shares"):
        fb.record_mesa(Shared)
    with pytest.raises(UsageError, match="does not return a Mesa model"):
        fb.record_mesa(lambda seed: seed)


def test_a_failing_model_is_told_with_its_line() -> None:
    class Broken(mesa.Model):  # type: ignore[misc,name-defined]
        def step(self) -> None:
            self.nothing.grows()

    with pytest.raises(SpecError, match="AttributeError") as caught:
        fb.record_mesa(Broken)
    assert caught.value.where == "mesa model, step 0"
    assert caught.value.file == __file__
