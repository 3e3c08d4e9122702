"""What parents, grandparents and other parents tell of children is kept by samples."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from fabula.synthesizers.model import CellColumn
from fabula.synthesizers.models.boosted.model import Boosted
from fabula.synthesizers.multitable.balance import Balance
from fabula.synthesizers.multitable.database import fit_tables
from fabula.synthesizers.multitable.matching import any_parents

Tables = dict[str, pa.Table]


def clinic() -> Tables:
    """Illnesses decide on doctors, doctors' fields on what is noted of a visit."""
    rng = np.random.default_rng(1)
    field, illness = np.arange(60) % 4, rng.integers(0, 4, 400)
    patient = np.sort(rng.integers(0, 400, 2_000))
    fits = rng.random(2_000) < 0.85
    doctor = np.where(fits, illness[patient] + 4 * rng.integers(0, 15, 2_000),
                      rng.integers(0, 60, 2_000))  # fmt: skip
    visit = np.sort(rng.integers(0, 2_000, 4_000))
    note = np.where(rng.random(4_000) < 0.85, field[doctor[visit]], rng.integers(0, 4, 4_000))
    return {
        "doctors": pa.table({"doctor_id": range(60), "field": [f"field {at}" for at in field]}),
        "patients": pa.table({"patient_id": range(400), "ill": [f"ill {at}" for at in illness]}),
        "visits": pa.table({"visit_id": range(2_000), "patient_id": patient, "doctor_id": doctor}),
        "notes": pa.table({"note_id": range(4_000), "visit_id": visit,
                           "about": [f"about {at}" for at in note]}),
    }  # fmt: skip


def agreeing(tables: Tables) -> tuple[float, float]:
    """Visits whose doctor's field is the patient's illness; notes about the doctor's field."""

    def last(table: str, column: str) -> np.ndarray:
        return np.array([int(text[-1]) for text in tables[table][column].to_pylist()])

    def rows(table: str, column: str, parent: str) -> np.ndarray:
        known = {key: row for row, key in enumerate(tables[parent][column].to_pylist())}
        return np.array([known[key] for key in tables[table][column].to_pylist()])

    field, ill = last("doctors", "field"), last("patients", "ill")
    doctor = rows("visits", "doctor_id", "doctors")
    visits = field[doctor] == ill[rows("visits", "patient_id", "patients")]
    notes = last("notes", "about") == field[doctor][rows("notes", "visit_id", "visits")]
    return float(visits.mean()), float(notes.mean())


@pytest.mark.slow
def test_other_parents_and_grandparents_by_any_key_are_kept() -> None:
    real = clinic()
    model = fit_tables(real, seed=1, rounds=40)
    kept, wanted = agreeing(model.sample(seed=2)), agreeing(real)
    assert kept[0] > wanted[0] - 0.12
    assert kept[1] > wanted[1] - 0.12  # .25 by chance: notes know a doctor through their visit


def nats(one: np.ndarray, other: np.ndarray) -> float:
    """What two columns of eight labels tell of each other."""
    shares = np.bincount(8 * one + other, minlength=64).reshape(8, 8) / len(one)
    chance = shares.sum(axis=1, keepdims=True) * shares.sum(axis=0, keepdims=True)
    there = shares > 0
    return float((shares[there] * np.log(shares[there] / chance[there])).sum())


@pytest.mark.parametrize("agreeing", [0.6, 1.0])
def test_a_label_of_few_parents_stays_clear_of_columns_that_tell_nothing(agreeing: float) -> None:
    rng = np.random.default_rng(1)
    parents = np.sort(rng.integers(0, 60, 600))
    above = rng.integers(0, 8, (60, 5))[parents].astype(np.int32)  # the first one tells
    own = np.where(rng.random(600) < agreeing, 7 - above[:, 0], rng.integers(0, 8, 600))
    codes = np.column_stack([above, own]).astype(np.int32)
    columns = tuple(
        CellColumn(str(at), np.bincount(codes[:, at], minlength=8), ordered=False, missing=False)
        for at in range(6)
    )
    model = Boosted.fit(
        codes, columns, seed=1, progress=lambda *_: None, workers=1, context=tuple(range(5))
    )
    many = np.tile(codes, (4, 1))
    known = np.broadcast_to(np.arange(6) < 5, many.shape)
    made = model.complete(many, known, rng).codes
    assert (made[:, :5] == many[:, :5]).all()
    assert nats(made[:, 0], made[:, 5]) > 0.9 * nats(codes[:, 0], codes[:, 5])


def test_labels_of_a_small_parent_table_go_together() -> None:
    rng = np.random.default_rng(1)
    one = rng.integers(0, 4, 240)
    other = np.where(rng.random(240) < 0.9, 3 - one, rng.integers(0, 4, 240))
    codes = np.column_stack([one, other]).astype(np.int32)
    columns = tuple(
        CellColumn(str(at), np.bincount(codes[:, at], minlength=4), ordered=False, missing=False)
        for at in range(2)
    )
    model = Boosted.fit(codes, columns, seed=1, progress=lambda *_: None, workers=1, context=())
    made = model.sample(2_000, rng, {}).codes
    assert nats(made[:, 0], made[:, 1]) > 0.8 * nats(codes[:, 0], codes[:, 1])


def test_few_rows_have_the_shares_of_their_draws() -> None:
    rng = np.random.default_rng(0)
    columns = [CellColumn("a", np.array([80, 20], np.int64), ordered=False, missing=False)]
    draws = (rng.random((60, 8, 1)) < 0.2).astype(np.int32)
    chosen = Balance(columns, [0], []).chosen(draws, rng)
    assert abs(chosen.mean() - draws.mean()) < 0.02  # by chance .05 away


def test_any_parent_of_a_group_is_taken_as_often_as_it_has_children() -> None:
    rng = np.random.default_rng(0)
    group, counts = np.array([1, 0, 1, 2]), np.array([3, 5, 1, 0])
    found = any_parents(np.array([0, 1, 2, 3] * 500), group, counts, rng).reshape(500, 4)
    assert (found[:, 0] == 1).all()
    assert (found[:, 2:] == -1).all()  # nobody of the group has children; no such group
    assert set(found[:, 1].tolist()) == {0, 2}
    assert 0.65 < (found[:, 1] == 0).mean() < 0.85


@pytest.mark.slow
def test_places_of_related_tables_stay_on_their_road() -> None:
    rng = np.random.default_rng(0)
    along = rng.random(6_000)
    tables = {
        "drivers": pa.table({"driver_id": range(500), "kind": ["a", "b"] * 250}),
        "stops": pa.table({
            "stop_id": range(6_000), "driver_id": np.sort(rng.integers(0, 500, 6_000)),
            "latitude": (48 + 0.2 * along + rng.normal(0, 0.0005, 6_000)).round(6),
            "longitude": (16 + 0.3 * along**2 + rng.normal(0, 0.0005, 6_000)).round(6),
        }),
    }  # fmt: skip
    model = fit_tables(tables, seed=1)
    assert "latitude, longitude: drawn together" in model.card()
    stops = model.sample(seed=2)["stops"]
    assert stops.column_names == tables["stops"].column_names
    lat, lon = (np.asarray(stops[name]) for name in ("latitude", "longitude"))
    assert (np.abs(lon - 16 - 0.3 * ((lat - 48) / 0.2) ** 2) < 0.006).mean() > 0.9
