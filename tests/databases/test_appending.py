"""Rows that are added to a database go on after those that are there."""

from __future__ import annotations

from pathlib import Path

import pytest

import fabula as fb
from fabula.cli.main import main
from fabula.databases.opening import database_at


def one(place: str, sql: str) -> tuple[object, ...]:
    with database_at(place) as database:
        return database.run(sql)[0]


@pytest.fixture
def people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a fitted table."""
    monkeypatch.chdir(tmp_path)
    data = fb.generate("id key, city choice Wien|Graz, age int 18..90", n=120, seed=3)
    fb.fit(data.to_arrow(), model="copula", seed=1).save(tmp_path / "people.fabula")
    return tmp_path


@pytest.mark.parametrize("place", ["sqlite:///a.sqlite", "duckdb:///a.duckdb"])
@pytest.mark.usefixtures("people")
def test_sampled_rows_have_keys_of_their_own_each_time(place: str) -> None:
    for seed in ("1", "2", "3"):
        words = ["sample", "people.fabula", "-n", "20", "--seed", seed, "-o", place, "--append"]
        assert main(words) == 0
    counts = one(place, "SELECT count(*), count(DISTINCT id), max(id) - min(id) FROM people")
    assert counts == (60, 60, 59)


@pytest.mark.slow
def test_keys_of_sampled_tables_move_along_with_what_they_point_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = fb.generate(
        """
fabula: 1
tables:
  users: {n: 80, columns: {id: {kind: key}, plan: {kind: choice, values: [free, pro]}}}
  orders:
    per_parent: {of: users, fixed: 2}
    columns: {id: {kind: key}, user_id: {kind: reference, to: users}}
""",
        seed=1,
    )
    tables = {name: rows[name] for name in ("users", "orders")}
    fb.fit(tables, seed=1).save(tmp_path / "shop.fabula")
    place = f"sqlite:///{tmp_path / 'shop.sqlite'}"
    for seed in ("1", "2"):
        assert main(["sample", "shop.fabula", "--seed", seed, "-o", place, "--append"]) == 0
    users, orders = (
        one(place, "SELECT count(*), count(DISTINCT id) FROM users"),
        one(place, "SELECT count(*), count(DISTINCT id), count(DISTINCT user_id) FROM orders"),
    )
    assert users[0] == users[1] == 160
    assert orders[0] == orders[1]
    assert orders[2] > 100  # children of both loads
    with database_at(place) as database:
        assert database.run("PRAGMA foreign_key_check") == []


def test_a_table_of_a_database_is_extended(people: Path) -> None:
    place = "sqlite:///b.sqlite"
    assert main(["sample", "people.fabula", "-n", "20", "-o", place]) == 0
    words = ["extend", f"{place}?table=people", "-n", "5", "--model", "fake", "-o", "more.csv"]
    assert main(words) == 0
    lines = (people / "more.csv").read_text(encoding="utf-8").splitlines()
    keys = [line.partition(",")[0] for line in lines[1:]]
    assert len(keys) == len(set(keys)) == 25
