"""Queues keep Little's law exactly, and wait as Erlang's formula says."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fabula as fb
from fabula.simulation import queues
from fabula.simulation.faults import ModelFault
from fabula.simulation.queues import Visits, visits


def erlang_c(servers: int, load: float) -> float:
    """The probability of waiting in M/M/c with an offered load in erlangs (Erlang 1917)."""
    sums = sum(load**k / math.factorial(k) for k in range(servers))
    last = load**servers / math.factorial(servers) * servers / (servers - load)
    return last / (sums + last)


def poisson_queue(n: int, servers: int, use: float, seed: int) -> Visits:
    rng = np.random.default_rng(seed)
    gaps = -np.log1p(-rng.random(n)) / (use * servers)
    return visits(np.cumsum(gaps), {"desk": servers}, service=-np.log1p(-rng.random(n)))


def area_under_queue(arrived: np.ndarray, started: np.ndarray) -> float:
    """The integral of the queue's length over time, from its steps up and down."""
    moments = np.concatenate([arrived, started])
    steps = np.concatenate([np.ones(len(arrived)), -np.ones(len(started))])
    order = np.argsort(moments, kind="stable")
    return float((np.cumsum(steps[order])[:-1] * np.diff(moments[order])).sum())


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.integers(1, 5), st.integers(1, 60), st.booleans())
def test_littles_law_and_the_number_of_servers_hold_on_every_run(
    seed: int, servers: int, n: int, ranked: bool
) -> None:
    rng = np.random.default_rng(seed)
    arrived = np.sort(rng.integers(0, 30, n)).astype(float)
    made = visits(
        arrived,
        {"door": servers, "desk": 1},
        service=rng.integers(0, 6, (n, 2)).astype(float),
        priority=rng.integers(0, 3, n) if ranked else None,
    )
    assert len(made) == 2 * n
    for station, most in enumerate((servers, 1)):
        mine = made.station == station
        assert sorted(made.entity[mine]) == list(range(n))
        waits = float(made.waited[mine].sum())
        assert area_under_queue(made.arrived[mine], made.started[mine]) == pytest.approx(waits)
        for moment in np.unique(made.started[mine]):
            busy = mine & (made.started <= moment) & (moment < made.left)
            assert busy.sum() <= most
            assert len(set(made.server[busy])) == busy.sum()
    first, second = (made.station == station for station in (0, 1))
    left = dict(zip(made.entity[first], made.left[first], strict=True))
    assert all(
        left[who] == came
        for who, came in zip(made.entity[second], made.arrived[second], strict=True)
    )


@pytest.mark.slow
def test_waiting_times_are_erlangs_within_two_percent() -> None:
    servers, use = 5, 0.8
    expected = erlang_c(servers, use * servers) / (servers - use * servers)
    waits = [poisson_queue(400_000, servers, use, seed).waited.mean() for seed in range(5)]
    assert np.mean(waits) == pytest.approx(expected, rel=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_the_compiled_loop_gives_the_same_visits(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where many come and leave at the same time, come back, or all differ in priority."""
    pytest.importorskip("numba")
    rng = np.random.default_rng(seed)
    n, times, passes = 300, 60 if seed % 2 else 10**9, 1 if seed % 4 == 3 else 4
    given = {
        "arrived": rng.integers(0, times, n) / (1 if seed % 2 else 1e7),
        "stations": {"door": 2, "desk": 1, "bed": 5},
        "service": rng.integers(0, 4, (n, passes)) if seed % 2 else rng.random((n, passes)),
        "route": np.where(
            np.arange(passes) < rng.integers(0, 5, (n, 1)), rng.integers(0, 3, (n, passes)), -1
        ),
        "priority": rng.integers(-5, 10**12 if seed % 4 > 1 else 3, n),
    }
    plain = visits(**given)
    monkeypatch.setattr(queues, "COMPILED_FROM", 0)
    compiled = visits(**given)
    for name in vars(plain):
        assert (getattr(plain, name) == getattr(compiled, name)).all(), name


def test_whoever_is_more_urgent_is_served_first() -> None:
    made = visits([0, 1, 2], {"bed": 1}, service=[5, 1, 1], priority=[1, 2, 0])
    assert made.entity.tolist() == [0, 2, 1]
    assert made.started.tolist() == [0, 5, 6]


def test_routes_lead_from_station_to_station() -> None:
    made = visits([0, 0], {"a": 1, "b": 1}, service=[[1, 2], [1, 2]], route=[[0, 1], [1, -1]])
    pairs = zip(made.entity.tolist(), made.station.tolist(), made.started.tolist(), strict=True)
    assert sorted(pairs) == [(0, 0, 0.0), (0, 1, 1.0), (1, 1, 0.0)]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"arrived": [-1.0], "service": [1.0]}, "arrivals is below 0"),
        ({"arrived": [1.0], "service": [math.nan]}, "services is below 0 or not"),
        ({"arrived": [1.0], "service": [1.0], "route": [[3]]}, "leads to no station"),
        ({"arrived": [1.0], "service": [1.0], "route": [[-1, 0]]}, "goes on after -1"),
        ({"arrived": [1.0], "service": [1.0], "stations": {"a": 0}}, "no server"),
    ],
)
def test_what_cannot_be_served_is_told(given: dict, told: str) -> None:  # type: ignore[type-arg]
    arguments = {"stations": {"a": 1}, **given}
    with pytest.raises(ModelFault, match=told):
        visits(**arguments)


CLINIC = """
from datetime import datetime
import numpy as np
import fabula as fb
from fabula.simulation import World, visits

clinic = World("clinic", start="2026-03-01", step="7d", steps=1)
patients = clinic.population("patients", n=300, urgent=fb.col.uniform(0, 2, decimals=0))
stays = clinic.event("stays", patient=patients, station=str, arrived=datetime, started=datetime,
                     left=datetime)

@clinic.every(1, patients)
def week(a, draw):
    came = np.sort(draw.uniform(a, 0, 6 * 86_400))
    took = np.stack([draw.exponential(a, 600), draw.exponential(a, 5_000)], axis=1)
    made = visits(came, {"desk": 1, "bed": 4}, service=took, priority=a.urgent)
    names = np.array(["desk", "bed"])
    stays.add(patient=a[made.entity], station=names[made.station], arrived=made.arrived,
              started=made.started, left=made.left)
"""


def test_a_world_keeps_visits_with_their_own_times(tmp_path: Path) -> None:
    (tmp_path / "clinic.py").write_text(CLINIC)
    stays = fb.simulate(tmp_path / "clinic.py")["stays"]
    assert stays.num_rows == 600
    first = stays.slice(0, 1).to_pylist()[0]
    assert dt.datetime(2026, 3, 1) <= first["arrived"] <= first["started"] <= first["left"]
