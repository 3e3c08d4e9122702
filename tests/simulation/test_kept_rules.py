"""Compiled rules on disk: a rule that did not change is read, and any change compiles it again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fabula.simulation import World
from fabula.simulation.model_files import load_world

RULE = """
import math
import numpy as np
from numba import njit
from fabula.simulation import World, state
import settings

RATE, WEEK = 2, np.array([1.0, 3.0])

@njit
def inner(x):
    return x * RATE

@njit
def helper(x):
    return math.floor(inner(x)) + settings.base

def made(share):
    world = World("w", steps=1)
    people = world.population("people", n=20, fine=state(0.0), seen=state(0))

    @world.rule(people, compiled=True)
    def act(me, world, draw, out):
        if share > 0:
            me.fine += helper(3.0) + WEEK[1]
        me.seen += 1

    return world

world = made(0.5)
"""
CHANGES = {
    "the rule": ("me.seen += 1", "me.seen += 2"),
    "its lines, which messages tell": ("RATE, WEEK", "\nRATE, WEEK"),
    "what it calls": ("math.floor(inner(x))", "math.ceil(inner(x))"),
    "what that calls": ("return x * RATE", "return RATE * x"),
    "a constant of that": ("RATE, WEEK = 2", "RATE, WEEK = 3"),
    "the type of a constant": ("RATE, WEEK = 2", "RATE, WEEK = 2.0"),
    "an array": ("[1.0, 3.0]", "[1.0, 4.0]"),
    "an option of numba": ("@njit\ndef inner", "@njit(fastmath=True)\ndef inner"),
    "a closure": ("made(0.5)", "made(0.6)"),
}


def loaded(folder: Path, text: str = RULE, base: int = 1) -> World:
    """The world of a model that takes a number from a module next to it."""
    sys.modules.pop("settings", None)
    (folder / "settings.py").write_text(f"base = {base:,}\n".replace(",", "_"))
    (folder / "model.py").write_text(text)
    return load_world(folder / "model.py")


def key(world: World, kinds: object = ()) -> str | None:
    """The key of its rule."""
    from fabula.simulation.rule_keys import rule_key

    one = world.rules["act"].one
    assert one is not None
    return rule_key((one.step, one.awake), kinds)


@pytest.fixture(autouse=True)
def _needs_numba() -> None:
    pytest.importorskip("numba")


def test_the_same_rule_has_the_same_key_and_every_change_another_one(tmp_path: Path) -> None:
    first = key(loaded(tmp_path))
    assert first is not None
    assert key(loaded(tmp_path)) == first
    keys = [first, key(loaded(tmp_path, base=1_000_000))]
    for old, new in CHANGES.values():
        assert RULE.count(old) >= 1
        keys.append(key(loaded(tmp_path, RULE.replace(old, new))))
    assert None not in keys
    assert len(set(keys)) == len(CHANGES) + 2


def test_the_names_of_columns_and_numbas_settings_are_in_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import numba
    import numpy as np

    from fabula.simulation.plain_rules import tuple_of

    typeof: Any = numba.typeof  # which lacks types
    world = loaded(tmp_path)
    one, other = (typeof(tuple_of("T", names)(np.zeros(1), np.zeros(1))) for names in ("ab", "ba"))
    first = key(world, (one,))
    assert first is not None
    assert first != key(world, (other,))
    monkeypatch.setattr(numba.config, "LOOP_VECTORIZE", 0)
    assert first != key(world, (one,))


UNSURE = {
    "an object of its own": ("RATE, WEEK = 2", "RATE, WEEK = {1: 2}"),
    "more for numba": (
        "@njit\ndef inner",
        "from numba.extending import overload\n"
        "overload(np.hypot)(lambda x, y: lambda x, y: x)\n\n@njit\ndef inner",
    ),
}


@pytest.mark.parametrize("what", UNSURE)
def test_what_cannot_be_told_apart_surely_is_not_kept(
    tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from numba.core.typing.templates import builtin_registry

    for name in ("functions", "globals"):  # what numba learns here, it forgets again
        monkeypatch.setattr(builtin_registry, name, [*getattr(builtin_registry, name)])
    assert key(loaded(tmp_path, RULE.replace(*UNSURE[what]))) is None


MODEL = """
import sys, warnings
import numba
import fabula as fb
from fabula.simulation import World, numba_rules, state

def world_of(rate):
    @numba.njit
    def helper(n):  # too deep for LLVM to dissolve: a symbol of its own, numbered by the process
        return rate if n < 2 else helper(n - 1) + helper(n - 2)

    world = World("w", steps=2)
    people = world.population("people", n=30, sum=state(0.0), place=state(0))

    @world.rule(people, compiled=True)
    def act(me, world, draw, out):
        me.sum += helper(draw.whole(1, 9)) + me.place // (me.place + 1)
        world.people.place[me.row + PAST] = 1

    return world

PAST = int(sys.argv[1])
compiled = []
loops = numba_rules.NumbaDriver._compile_for
numba_rules.NumbaDriver._compile_for = lambda *given: (compiled.append(1), loops(*given))
for rate in sys.argv[2:]:
    before = len(compiled)
    made = fb.simulate(world_of(float(rate)), seed=1)
    assert "scipy.linalg" not in sys.modules  # 45 MB for rules that multiply no matrices
    print(rate, sum(made["people"]["sum_end"].to_pylist()), len(compiled) - before)
"""


def run(folder: Path, *words: str, past: int = 0) -> tuple[list[float], int, str]:
    """What a process computes by some rates, how often it compiled, and its errors."""
    (folder / "model.py").write_text(MODEL)
    given = {**os.environ, "NUMBA_CACHE_DIR": str(folder / "cache")}
    command = [sys.executable, str(folder / "model.py"), str(past), *words]
    told = subprocess.run(command, env=given, capture_output=True, text=True, check=False)
    lines = [line.split() for line in told.stdout.splitlines()]
    sums = [float(line[1]) / float(line[0]) for line in lines]
    return sums, sum(int(line[2]) for line in lines), told.stderr


@pytest.mark.slow
def test_rules_are_read_by_other_processes_and_a_broken_file_costs_time_only(
    tmp_path: Path,
) -> None:
    first, compiled, _ = run(tmp_path, "1")
    assert compiled == 1
    assert first[0] > 0
    assert run(tmp_path, "2")[:2] == (first, 1)
    # Both processes gave `helper` the same name: each rule must get its own one.
    assert run(tmp_path, "2", "1", "2")[:2] == (first * 3, 0)
    kept = sorted((tmp_path / "cache").rglob("rule-*"))
    assert len(kept) == 2
    contents = [file.read_bytes() for file in kept]
    kept[0].write_bytes(contents[0][:-1])
    kept[1].write_bytes(contents[1][:-1] + b"x")
    assert run(tmp_path, "1", "2")[:2] == (first * 2, 2)
    for file in kept:
        file.unlink()
        file.mkdir()  # nothing can be read or written by that name
    assert run(tmp_path, "1")[:2] == (first, 1)


@pytest.mark.slow
def test_kept_code_that_fails_tells_the_line_of_the_rule(tmp_path: Path) -> None:
    told = [run(tmp_path, "1", past=10**9)[2] for _ in range(2)]
    assert "out of bounds" in told[1]
    assert "line 18" in told[1]
    assert len([*(tmp_path / "cache").rglob("rule-*")]) == 1


def test_the_rules_that_were_used_last_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import numba

    from fabula.simulation import kept_rules

    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(kept_rules, "MOST", 2)
    monkeypatch.setattr(kept_rules, "_stands_alone", lambda _: True)
    for place, name in enumerate("abc"):
        kept_rules.write(name, [], [])
        file = next(tmp_path.rglob(f"rule-{name}.nbc"))
        os.utime(file, (place, place))
    assert kept_rules.read("b", [], [])  # which makes it the last one
    kept_rules.write("d", [], [])
    assert {file.stem for file in tmp_path.rglob("rule-*")} == {"rule-b", "rule-d"}
