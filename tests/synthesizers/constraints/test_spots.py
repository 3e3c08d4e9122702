"""Latitudes and longitudes that are drawn together."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import fabula as fb

ROWS = 6_000


def places(seed: int) -> pa.Table:
    """Points on a winding road, and on the streets of a grid; few have no place."""
    rng = np.random.default_rng(seed)
    along, on_road = rng.uniform(-1, 1, ROWS), rng.random(ROWS) < 0.5
    street = np.round(along * 5)
    lat = np.where(on_road, _road(16.3 + 0.1 * along), 48.15 + 0.01 * street)
    lat += on_road * 0.0003 * rng.normal(size=ROWS)
    lon = np.where(on_road, 16.3 + 0.1 * along, rng.uniform(16.3, 16.42, ROWS))
    missing = rng.random(ROWS) < 0.05
    columns = {
        name: pa.array(numbers.round(6), mask=missing)
        for name, numbers in (("lat", lat), ("lon", lon))
    }
    kind = pa.array(np.where(on_road, "road", "grid"))
    return pa.table({**columns, "kind": kind})


def _road(lon: np.ndarray) -> np.ndarray:
    return np.asarray(48.2 + 0.05 * np.sin(30 * (lon - 16.3)))


@pytest.fixture(scope="module")
def model() -> fb.Synthesizer[pa.Table]:
    """A synthesizer of points."""
    return fb.fit(places(1), holdout=0, seed=1)


def _parts(table: pa.Table, kind: str) -> tuple[np.ndarray, np.ndarray]:
    own = table.to_pandas()
    own = own[(own.kind == kind) & own.lat.notna()]
    return own.lat.to_numpy(), own.lon.to_numpy()


def test_points_stay_on_roads_and_on_the_streets_of_a_grid(model):
    drawn = model.sample(ROWS, seed=2)
    lat, lon = _parts(drawn, "road")
    assert (np.abs(lat - _road(lon)) < 0.0015).mean() > 0.9
    lat, _ = _parts(drawn, "grid")
    street = (lat - 48.15) / 0.01
    assert (np.abs(street - np.round(street)) < 0.01).mean() > 0.95


def test_both_coordinates_are_missing_together_and_as_often(model):
    drawn = model.sample(ROWS, seed=2)
    assert drawn["lat"].null_count == drawn["lon"].null_count
    assert 0.03 < drawn["lat"].null_count / ROWS < 0.07


def test_hardly_any_point_is_a_real_one(model):
    def points(table: pa.Table) -> set[tuple[float, float]]:
        return set(zip(*_parts(table, "road"), strict=True))

    assert not points(model.sample(ROWS, seed=2)) & points(places(1))


def test_a_given_coordinate_is_kept(model):
    drawn = model.sample(200, given={"lat": "48.21..48.24"}, seed=3).to_pandas()
    assert drawn.lat.between(48.21, 48.24).all()
    assert (np.abs(drawn.lat - _road(drawn.lon))[drawn.kind == "road"] < 0.003).mean() > 0.8


def test_a_saved_place_draws_the_same_points(model, tmp_path):
    model.save(tmp_path / "places.fabula")
    again = fb.load_synthesizer(tmp_path / "places.fabula")
    assert again.sample(500, seed=4).equals(model.sample(500, seed=4))
    assert again.schema.names == ["lat", "lon", "kind"]


def test_missing_places_are_filled_with_points_of_an_area(model):
    rows = places(5).slice(0, 400)
    gaps = rows.set_column(0, "lat", pa.nulls(400, pa.float64()))
    gaps = gaps.set_column(1, "lon", pa.nulls(400, pa.float64()))
    lat, lon = _parts(model.impute(gaps, seed=1), "road")
    assert (np.abs(lat - _road(lon)) < 0.0015).mean() > 0.9


def test_the_card_tells_how_points_are_drawn(model):
    assert "lat, lon: drawn together, within " in str(model.card())
