"""Sampled, imputed and loaded rows keep the relations of the training rows."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import fabula as fb
from fabula.errors import SourceError
from tests.synthesizers.constraints.trips import RELATIONS, broken, trips

REAL = trips()


@pytest.fixture(scope="module")
def model():
    """A synthesizer of made-up trips."""
    return fb.fit(REAL, seed=1, holdout=0)


@pytest.mark.slow
def test_every_sampled_row_keeps_every_relation(model):
    """Also in a second block; the card tells them."""
    assert broken(REAL) == {}
    rows = model.sample(70_000, seed=3)
    assert rows.num_rows == 70_000
    assert broken(rows) == {}
    assert rows.schema == REAL.schema
    for target, told in RELATIONS.items():
        assert f"on every row {target}: {told}" in str(model.card())


def test_without_it_rows_break_them():
    """The switch does what it says."""
    plain = fb.fit(REAL, seed=1, holdout=0, exact=False, rounds=2)
    assert plain.card().exact == ()
    assert len(broken(plain.sample(500))) == len(RELATIONS) + 1


@pytest.mark.slow
def test_values_stay_within_what_was_learned(model):
    """Rows whose computed value lies beyond the protected extremes are drawn again."""
    rows = model.sample(3_000, seed=5)
    for name in ("total", "gross", "net", "end"):
        known = REAL.column(name).drop_null().sort()
        low, high = known[10], known[-11]
        values = rows.column(name).drop_null()
        assert pc.min(values).as_py() >= low.as_py()
        assert pc.max(values).as_py() <= high.as_py()


@pytest.mark.slow
def test_times_keep_the_hours_that_they_had(model):
    """Five busy hours stay the only ones."""
    hours = model.sample(2_000, seed=2).column("hour").to_numpy()
    assert set(hours) == {8, 9, 17, 18, 22}
    share, n = (REAL.column("hour").to_numpy() == 8).mean(), len(hours)
    bound = 5 * np.sqrt(share * (1 - share) * (1 / n + 1 / REAL.num_rows))
    assert abs((hours == 8).mean() - share) < bound


@pytest.mark.parametrize(
    "given",
    [
        {"total": "30..40"},
        {"total": 31.5},
        {"total": None},
        {"net": "100..120", "discount": 0.1},
        {"log price": "3..3.2"},
        {"weekday": "Monday", "hour": [8, 9]},
        {"borough": "borough 1"},
        {"end": "2025-04-01..2025-04-08"},
    ],
)
def test_what_is_given_of_a_column_that_follows_is_met(model, given):
    """Values, ranges and gaps; all relations still hold."""
    rows = model.sample(200, given=given, seed=4)
    assert rows.num_rows == 200
    assert broken(rows) == {}
    if given == {"total": 31.5}:
        assert set(rows.column("total").to_pylist()) == {31.5}
    if given == {"log price": "3..3.2"}:
        assert pc.min(rows.column("log price")).as_py() >= 3
        assert pc.max(rows.column("log price")).as_py() <= 3.2


def test_shares_of_a_column_that_follows_are_met(model):
    rows = model.sample(1_000, shares={"weekday": {"Sunday": 0.5}})
    assert rows.column("weekday").to_pylist().count("Sunday") == 500
    assert broken(rows) == {}


def test_gaps_are_filled_by_formulas(model):
    """Computed where the sources are known, solved where the target is."""
    some = REAL.slice(0, 200).filter(pc.is_valid(REAL.column("tip").slice(0, 200)))
    for name in ("net", "weekday", "borough", "fare", "end"):
        at = some.column_names.index(name)
        field = some.schema.field(at)
        gappy = some.set_column(at, field, pa.nulls(some.num_rows, field.type))
        filled = model.impute(gappy, seed=1)
        assert filled.drop([name]).equals(some.drop([name]))
        same = pc.equal(filled.column(name), some.column(name)).to_pylist()
        assert np.mean(same) > 0.95, name  # fares beyond the protected extremes are drawn


def test_a_loaded_synthesizer_keeps_them_too(model, tmp_path):
    """Saved as plain values; the same rows again."""
    model.save(tmp_path / "trips.fabula")
    again = fb.load_synthesizer(tmp_path / "trips.fabula")
    assert again.sample(500, seed=9).equals(model.sample(500, seed=9))
    assert again.card() == model.card()


def test_a_file_without_relations_is_read_and_a_wrong_one_is_refused(model, tmp_path):
    """Nor is one of an earlier version, whose numbers meant something else."""
    model.save(tmp_path / "new.fabula")
    with zipfile.ZipFile(tmp_path / "new.fabula") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    about = json.loads(members.pop("model.json"))

    def write(name: str, **changes: object) -> None:
        told = {key: value for key, value in {**about, **changes}.items() if value is not None}
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            for member, data in {**members, "model.json": json.dumps(told)}.items():
                archive.writestr(member, data)

    card = {key: value for key, value in about["card"].items() if key != "exact"}
    write("none.fabula", exact=None, card=card)
    without = fb.load_synthesizer(tmp_path / "none.fabula")
    assert without.card().exact == ()
    assert broken(without.sample(300))
    write("old.fabula", exact=None, version=2, card=card)
    with pytest.raises(SourceError, match="earlier Fabula"):
        fb.load_synthesizer(tmp_path / "old.fabula")
    write("bad.fabula", exact=[{"family": "formula", "settings": {"target": "total"}}])
    with pytest.raises(SourceError, match="can't be read as a synthesizer"):
        fb.load_synthesizer(tmp_path / "bad.fabula")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["copula", "mixture"])
def test_other_models_keep_them(name):
    rows = fb.fit(REAL, model=name, seed=1).sample(500)
    assert broken(rows) == {}


def test_privacy_by_mathematics_reads_no_relation():
    """What a budget does not pay for is not looked at."""
    bits = pa.table({"a": [0, 1] * 200, "b": [0, 1] * 200})
    domain = {"a": [0, 1], "b": [0, 1]}
    assert fb.fit(bits, epsilon=1.0, domain=domain).card().exact == ()


@pytest.mark.slow
def test_tables_of_a_database_keep_their_own(tmp_path):
    """Within each table, after loading too."""
    lines = REAL.select(["price", "quantity", "gross", "zone", "borough"])
    parent = np.sort(np.random.default_rng(2).integers(1, 301, REAL.num_rows))
    tables = {
        "orders": pa.table({"order_id": np.arange(1, 301), "note": ["a", "b", "c"] * 100}),
        "lines": lines.append_column("order_id", pa.array(parent)),
    }
    fitted = fb.fit(tables, seed=1)
    assert "on every row gross: price * quantity" in fitted.card()
    fitted.save(tmp_path / "shop.fabula")
    for one in (fitted, fb.load_synthesizer(tmp_path / "shop.fabula")):
        made = one.sample(seed=2)["lines"]
        assert not {"gross", "borough"} & set(broken(_beside(REAL, made)))


def _beside(table: pa.Table, made: pa.Table) -> pa.Table:
    """Made columns alongside the other columns of a table."""
    rows = table.take(pa.array(np.arange(made.num_rows) % table.num_rows))
    for name in set(table.column_names) & set(made.column_names):
        rows = rows.set_column(rows.column_names.index(name), name, made.column(name))
    return rows


def test_a_number_that_follows_the_hour_keeps_its_daily_course() -> None:
    """No hour is busier than another: the grid of times alone tells nothing."""
    rng = np.random.default_rng(5)
    times = np.datetime64("2024-01-01T00:00:00") + np.arange(2_000) * np.timedelta64(1800, "s")
    hours = (np.arange(2_000) // 2) % 24
    rides = np.rint(
        10_000 - 6_000 * np.cos((hours - 4) / 24 * 2 * np.pi) + rng.normal(0, 900, 2_000)
    )
    real = pa.table({"time": pa.array(times, pa.timestamp("s")), "rides": rides.astype(int)})
    made = fb.fit(real, seed=1, holdout=0.0).sample(4_000, seed=2)
    assert made.column_names == ["time", "rides"]

    def course(table: pa.Table) -> np.ndarray:
        drawn = table["time"].to_numpy().astype("datetime64[h]").astype(int) % 24
        numbers = table["rides"].to_numpy()
        return np.array([numbers[drawn == hour].mean() for hour in range(24)])

    # the course spans 12,000; a mean of 80 rows of one hour varies by 100
    assert np.abs(course(made) - course(real)).max() < 1_500
    assert np.abs(course(made) - course(real)).mean() < 600


def _addresses(rows: int = 1_200) -> pa.Table:
    """Postcodes that give the town, which gives the country; most postcodes are rare."""
    rng = np.random.default_rng(5)
    code = rng.integers(0, 30, rows)
    code = np.where(rng.random(rows) < 0.35, 1_000 + np.arange(rows) % 600, code)
    town = code % 12
    return pa.table(
        {
            "country": [f"land {at % 4}" for at in town],
            "town": [f"town {at}" for at in town],
            "postcode": [f"p{at}" for at in code],
            "amount": rng.normal(50, 9, rows).round(2),
        }
    )


def test_lookups_hold_in_rows_whose_finest_label_is_rare(tmp_path):
    """A town with the postcode `other` still lies in its country."""
    real = _addresses()
    model = fb.fit(real, seed=1, holdout=0)
    model.save(tmp_path / "addresses.fabula")
    for made in (model, fb.load_synthesizer(tmp_path / "addresses.fabula")):
        rows = made.sample(3_000, seed=2).to_pydict()
        assert rows["postcode"].count("other") > 300
        known = dict(zip(real["town"].to_pylist(), real["country"].to_pylist(), strict=True))
        assert {known[town] for town in rows["town"]} == set(rows["country"])
        assert [known[town] for town in rows["town"]] == rows["country"]


def test_a_lookup_of_few_common_labels_holds_for_them():
    """Most towns are rare, and become `other`."""
    rng = np.random.default_rng(2)
    town = np.where(rng.random(900) < 0.25, rng.integers(0, 6, 900), 10 + np.arange(900) % 300)
    real = pa.table(
        {
            "town": [f"town {at}" for at in town],
            "region": [f"region {at % 3}" for at in town],
            "amount": rng.normal(50, 9, 900).round(2),
        }
    )
    known = dict(zip(real["town"].to_pylist(), real["region"].to_pylist(), strict=True))
    rows = fb.fit(real, seed=1, holdout=0).sample(2_000, seed=2)
    pairs = list(zip(rows["town"].to_pylist(), rows["region"].to_pylist(), strict=True))
    told = [(town, region) for town, region in pairs if town in known]
    assert len(told) > 200
    assert all(known[town] == region for town, region in told)
