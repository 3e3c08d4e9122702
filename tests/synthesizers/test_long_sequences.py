"""Events of one entity, however many they are."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

import fabula as fb
from fabula.synthesizers.multitable import drawing


def sequences(people: int, events: int) -> dict[str, pa.Table]:
    """People whose state stays the same from event to event in 9 of 10 cases."""
    rng = np.random.default_rng(1)
    rows = []
    for person in range(people):
        state = 0
        for number in range(events):
            state = state if rng.random() < 0.9 else int(rng.integers(3))
            rows.append((person + 1, number + 1, "abc"[state]))
    who, seq, state = zip(*rows, strict=True)
    return {
        "people": pa.table({"person_id": np.arange(1, people + 1), "x": rng.normal(size=people)}),
        "events": pa.table({"person_id": who, "seq": seq, "state": state}),
    }


def stays(tables: dict[str, pa.Table], first: int) -> float:
    """How often the state stays the same from the `first` event of a person on."""
    events = tables["events"].sort_by([("person_id", "ascending"), ("seq", "ascending")])
    state, number = np.asarray(events["state"]), np.asarray(events["seq"])[1:]
    return float((state[1:] == state[:-1])[number > first].mean())


def test_late_events_follow_the_event_before_them():
    real = sequences(40, 150)
    drawn = fb.fit(real, seed=1).sample(1.0, seed=2)
    assert abs(stays(drawn, 100) - stays(real, 100)) < 0.04


def test_stretches_of_very_long_sequences_go_on_from_each_other(monkeypatch):
    monkeypatch.setattr(drawing, "LONGEST", 32)
    real = sequences(40, 150)
    drawn = fb.fit(real, seed=1).sample(1.0, seed=2)
    assert abs(stays(drawn, 100) - stays(real, 100)) < 0.05
