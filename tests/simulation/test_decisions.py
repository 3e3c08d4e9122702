"""Agents decided by a language model: a few archetypes are asked, and every agent draws."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import fabula as fb
from fabula.errors import ModelError, SpecError
from fabula.runs import simulation
from fabula.simulation import World, state
from fabula.simulation.archetypes import archetypes_of
from fabula.testing import Call, ChatServer

OPTIONS = ["stay", "switch", "complain", "leave"]
TRAITS = ["age", "income", "loyal", "kids", "calls", "rural"]
PULL = np.random.default_rng(4).normal(size=(len(TRAITS), len(OPTIONS))) * 1.3
MODEL = """
import numpy as np
import fabula as fb
from fabula.simulation import World, state

world = World("tariff", steps=STEPS, seed=5)
people = world.population("people", n=SIZE, age=fb.col.normal(45, 15), loyal=fb.col.beta(2, 3),
                          income=fb.col.lognormal(40, .5), kids=fb.col.poisson(1),
                          calls=fb.col.poisson(3),
                          rural=fb.col.uniform(0, 1), did=state(-1))
plan = world.decision(people, ["stay", "switch", "complain", "leave"],
                      "age {age} income {income} loyal {loyal} kids {kids} calls {calls}"
                      " rural {rural} rise {rise}", model="openai:gpt-4o-mini", MORE)

@world.every(1, people)
def act(a, now, draw):
    a.did = plan.choose(a, draw, rise=now.step)
"""


def truth(traits: np.ndarray) -> np.ndarray:
    """How likely the scripted model finds each option; shape (people, options)."""
    middle, spread = [45, 45, 0.4, 1, 3, 0.5], [15, 23, 0.2, 1, 1.7, 0.29]
    pull = (traits - middle) / spread @ PULL
    weights = np.exp(pull - pull.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def scripted(call: Call) -> str:
    """Answer for each person in the prompt what is true of them."""
    found = enumerate(re.findall(r'"person": "(.*?)"', call.prompt), 1)
    rows = []
    for number, text in found:
        numbers = [float(word) for word in re.findall(r"-?[\d.]+(?:e[+-]\d+)?", text)]
        p = truth(np.array([numbers[: len(TRAITS)]]))[0]
        rows.append({"row": number, **dict(zip(OPTIONS, p.round(4).tolist(), strict=True))})
    return json.dumps({"rows": rows})


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    with ChatServer(scripted) as running:
        monkeypatch.setenv("OPENAI_BASE_URL", running.url)
        monkeypatch.setenv("OPENAI_API_KEY", "a key")
        yield running


def tariff(folder: Path, more: str, *, size: int = 3000, steps: int = 1) -> Path:
    path = folder / "tariff.py"
    text = MODEL.replace("MORE", more).replace("SIZE", str(size)).replace("STEPS", str(steps))
    path.write_text(text)
    return path


def test_200_calls_give_100_000_agents_the_shares_of_asking_each(
    tmp_path: Path, server: ChatServer
) -> None:
    size, calls = 100_000, 200
    model = tariff(tmp_path, f"archetypes={calls}, max_calls={calls}, per_call=1", size=size)
    made = fb.simulate(model)
    people = made["people"]
    each = truth(np.column_stack([people[name].to_numpy() for name in TRAITS])).mean(axis=0)
    shares = np.bincount(people["did_end"].to_numpy(), minlength=len(OPTIONS)) / size
    assert np.abs(shares - each).max() <= 0.02
    told = made.manifest["simulation"]["decisions"]["decision"]
    assert len(server.calls) == told["calls"] == told["archetypes"] == calls
    assert told["decided"] == size
    assert told["by_rule"] == 0


@pytest.mark.slow
def test_a_second_run_asks_nothing_and_has_the_same_tables(
    tmp_path: Path, server: ChatServer
) -> None:
    model = tariff(tmp_path, "archetypes=20", steps=3)
    first = fb.simulate(model)
    asked = len(server.calls)
    assert asked == 3 * 2
    again = fb.simulate(model)
    assert len(server.calls) == asked
    assert first["people"].equals(again["people"])
    told = again.manifest["simulation"]["decisions"]["decision"]
    assert (told["calls"], told["cached"], told["answers"]) == (0, 6, 60)
    line = "decision: 9,000 decisions of 20 archetypes by 60 answers in 6 requests (6 cached)"
    assert line in simulation.told(again)


def test_calls_are_bounded_and_the_rest_is_decided_by_the_fallback(
    tmp_path: Path, server: ChatServer
) -> None:
    model = tariff(tmp_path, "archetypes=20, max_calls=3, fallback=[0, 0, 0, 1]", steps=3)
    with pytest.warns(UserWarning, match="10 archetypes were not asked: `max_calls` is spent"):
        made = fb.simulate(model)
    assert len(server.calls) == 3
    told = made.manifest["simulation"]["decisions"]["decision"]
    assert 3000 < told["by_rule"] < 9000
    assert set(made["people"]["did_end"].to_pylist()) == {3}
    with pytest.raises(SpecError, match="`max_calls` is spent"):
        fb.simulate(tariff(tmp_path, "archetypes=20, max_calls=3", steps=3))


def test_without_a_model_the_fallback_decides_or_the_run_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "a key")
    with pytest.raises(ModelError):
        fb.simulate(tariff(tmp_path, "archetypes=2"))
    rule = "lambda a: np.column_stack([a.age > 45, a.age <= 45, a.age * 0, a.age * 0])"
    with pytest.warns(UserWarning, match="uses its fallback"):
        people = fb.simulate(tariff(tmp_path, f"archetypes=2, fallback={rule}"))["people"]
    assert (people["did_end"].to_numpy() == (people["age"].to_numpy() <= 45)).all()


@pytest.mark.usefixtures("server")
def test_a_continued_run_has_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulation, "KEPT_EVERY", 0.0)
    model = tariff(tmp_path, "archetypes=10", steps=4, size=200)

    def watch(_name: str, done: int, _asked: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(fb.FabulaError, match="run the same command"):
        fb.simulate(model, output=tmp_path / "cut", progress=watch)
    cut = fb.simulate(model, output=tmp_path / "cut")
    whole = fb.simulate(model, output=tmp_path / "whole")
    assert cut["people"].equals(whole["people"])
    told = [each.manifest["simulation"]["decisions"]["decision"] for each in (cut, whole)]
    assert told[0]["decided"] == told[1]["decided"] == 800


WRONG = {
    "plan.choose(a, draw)": "`rise` is not given",
    "plan.choose(a, draw, rise=1, fall=2)": "`fall` is not in the question",
    "plan.choose(goods.all, draw, rise=1)": "is a decision of people",
}


@pytest.mark.parametrize("line", WRONG)
def test_a_wrong_call_is_told_with_its_line(tmp_path: Path, line: str) -> None:
    model = tariff(tmp_path, "archetypes=2", size=20)
    text = model.read_text() + "\ngoods = world.population('goods', n=3)\n"
    model.write_text(text.replace("a.did = plan.choose(a, draw, rise=now.step)", line))
    with pytest.raises(SpecError, match=WRONG[line]) as caught:
        fb.simulate(model)
    assert caught.value.line == 17


def test_a_wrong_fallback_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "a key")
    model = tariff(tmp_path, "fallback=[1, 2]", size=20)
    with (
        pytest.raises(SpecError, match="gives weights of shape"),
        pytest.warns(UserWarning, match="uses its fallback"),
    ):
        fb.simulate(model)


def test_a_wrong_decision_is_told() -> None:
    world = World("m")
    people = world.population("people", n=3, mood=state(0))
    with pytest.raises(SpecError, match="two different options"):
        world.decision(people, ["a", "a"], "who?")
    with pytest.raises(SpecError, match="can't be read"):
        world.decision(people, ["a", "b"], "who {age?")


def test_archetypes_show_means_categories_and_a_person() -> None:
    rng = np.random.default_rng(2)
    job = rng.choice(["cook", "nurse"], 400)
    columns = {
        "age": rng.integers(20, 60, 400) + 30 * (job == "nurse"),
        "job": job.astype(object),
        "story": np.array(
            [f"story {row} of a {each}" for row, each in enumerate(job)], dtype=object
        ),
    }
    made = archetypes_of(columns, 8)
    groups = made.of(columns)
    assert 6 <= len(made.centers) <= 8
    for group in range(len(made.centers)):
        inside = groups == group
        assert made.shown["age"][group] == f"{columns['age'][inside].mean():.3g}"
        assert made.shown["job"][group] == max(("cook", "nurse"), key=list(job[inside]).count)
        assert columns["story"].tolist().index(made.shown["story"][group]) in np.flatnonzero(inside)
    alike = archetypes_of({"age": np.full(50, 3)}, 8)
    assert len(alike.centers) == 1
