"""Rows into databases: all tables in one transaction, or nothing."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

import fabula as fb
from fabula.cli.main import main
from fabula.databases.opening import database_at
from fabula.databases.rows import tables_at
from fabula.errors import SinkError
from fabula.inference.infer import infer
from fabula.io.destinations import DESTINATIONS
from fabula.testing import check_destination
from tests.databases.shop import SHOP

SCHEMAS = Path(__file__).parent / "schemas"
SERVERS = [
    pytest.param("pg", marks=pytest.mark.slow),
    pytest.param("maria", marks=pytest.mark.slow),
]
EVERY = ["sqlite", "duckdb", *SERVERS]


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty database of each kind."""
    monkeypatch.chdir(tmp_path)
    kind = request.param
    if kind in ("pg", "maria"):
        address: str = request.getfixturevalue(kind)
        return address
    return str(tmp_path / f"made.{kind}")


every_place = pytest.mark.parametrize("place", EVERY, indirect=True)


def rows_in(place: str) -> dict[str, list[dict[str, Any]]]:
    found: Mapping[str, Any] = {name: read() for name, read in tables_at(place).items()}
    return {name: table.to_pylist() for name, table in found.items()}


def run(place: str, *statements: str) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    with database_at(place) as database:
        for statement in statements:
            rows = database.run(statement)
    return rows


def run_script(place: str, name: str) -> None:
    text = (SCHEMAS / name).read_text(encoding="utf-8")
    if place.startswith("postgresql"):
        import psycopg

        with psycopg.connect(place, autocommit=True) as connection:
            connection.execute(text)  # type: ignore[call-overload]
        return
    run(place, *[part for part in text.split(";\n") if part.strip()])


@every_place
def test_missing_tables_are_created_with_their_keys_and_hold_every_row(place: str) -> None:
    data = fb.generate(SHOP, output=place, seed=4)
    held = rows_in(place)
    assert [row["name"] for row in held["customers"]] == data["customers"]["name"].to_pylist()
    assert [row["born"] for row in held["customers"]] == data["customers"]["born"].to_pylist()
    for column in ("customer_id", "again_id", "paid"):
        there = [row[column] for row in sorted(held["orders"], key=lambda row: row["id"])]
        assert there == data["orders"][column].to_pylist()
    with pytest.raises(Exception, match=r"(?i)constraint|foreign"):
        run(place, "INSERT INTO orders (id, customer_id) VALUES (999999, 888888)")


@every_place
def test_a_table_that_holds_rows_is_refused_before_anything_is_made(place: str) -> None:
    fb.generate(SHOP, output=place)
    with pytest.raises(SinkError) as caught:
        fb.generate(SHOP, output=place, seed=9, fresh=True)
    assert caught.value.code in ("sink.not-empty", "sink.exists")
    assert "30 rows" in caught.value.message
    assert "--append" in str(caught.value.hint)


@every_place
def test_truncate_replaces_the_rows_in_the_same_transaction(place: str) -> None:
    fb.generate(SHOP, output=place)
    fb.generate(SHOP, n={"customers": 7}, output=place, truncate=True, overwrite=True)
    assert len(rows_in(place)["customers"]) == 7


@every_place
def test_a_load_that_breaks_leaves_the_database_as_it_was(place: str) -> None:
    fb.generate(SHOP, output=place)
    before = rows_in(place)
    spec = SHOP.replace(
        "total: {kind: uniform, min: 0, max: 99, decimals: 2}", "wrong: {kind: key}"
    )
    with pytest.raises(SinkError, match="has no column `wrong`"):
        fb.generate(spec, output=place, append=True, overwrite=True)
    with pytest.raises(SinkError, match="refuses"):
        _append_the_same_keys(place)
    assert rows_in(place) == before


def _append_the_same_keys(place: str) -> None:
    from fabula.io.destinations import Incoming, Loading, destination_of

    table = pa.table({"id": [1000, 1], "name": ["new", "twice"]})
    target = destination_of(place)
    assert target is not None
    sink = target.open(Loading(append=True))
    sink.load([Incoming("customers", table.schema, ("id",))], lambda _: [table])


@every_place
def test_the_contract_of_destinations_holds(place: str) -> None:
    kind = {"mysql": "mysql", "postgresql": "postgresql"}.get(place.partition(":")[0])
    entry = DESTINATIONS[kind or Path(place).suffix[1:]]
    check_destination(
        entry, place, lambda at: {n: _table(read()) for n, read in tables_at(at).items()}
    )


def _table(rows: Any) -> pa.Table:
    return rows if isinstance(rows, pa.Table) else rows.to_table()


@pytest.mark.slow
@pytest.mark.parametrize("script", ["shop", "nasty"])
def test_every_constraint_of_postgresql_accepts_the_rows_of_its_own_schema(
    pg: str, script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run_script(pg, f"{script}.sql")
    drafted = infer(pg)
    data = fb.generate(drafted.spec, output=pg, seed=5)
    for name in drafted.spec.tables:
        assert run(pg, f'SELECT count(*) FROM "{name}"') == [(data[name].num_rows,)]


@pytest.mark.slow
def test_sequences_go_on_after_the_highest_key(
    pg: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run_script(pg, "shop.sql")
    fb.generate(infer(pg).spec, n={"customers": 40}, output=pg)
    sql = "INSERT INTO customers (name, email) VALUES ('x', 'x@y.z') RETURNING id"
    assert run(pg, sql) == [(41,)]


@pytest.mark.slow
def test_fast_load_puts_every_key_and_index_back(
    pg: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run_script(pg, "nasty.sql")
    run(pg, "CREATE INDEX lines_note ON lines (note)")
    known = "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint ORDER BY 1, 2"
    indexes = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"
    before = run(pg, known), run(pg, indexes)
    fb.generate(infer(pg).spec, output=pg, fast_load=True)
    assert (run(pg, known), run(pg, indexes)) == before


@pytest.mark.slow
def test_a_circle_that_is_neither_deferrable_nor_nullable_is_refused(
    pg: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run(
        pg,
        "CREATE TABLE a (id int PRIMARY KEY, b_id int NOT NULL)",
        "CREATE TABLE b (id int PRIMARY KEY, a_id int NOT NULL REFERENCES a)",
        "ALTER TABLE a ADD FOREIGN KEY (b_id) REFERENCES b (id)",
    )
    with pytest.raises(fb.FabulaError) as caught:
        fb.generate(infer(pg).spec, output=pg)
    assert caught.value.code == "plan.cycle"
    run(pg, "ALTER TABLE a ALTER b_id DROP NOT NULL")
    fb.generate(infer(pg).spec, output=pg)
    assert run(pg, "SELECT count(*) > 50 FROM a JOIN b ON b.id = a.b_id") == [(True,)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "script"),
    [("pg", "shop"), ("maria", "northwind"), ("sqlite", "chinook")],
    indirect=["place"],
)
def test_a_killed_load_leaves_nothing(place: str, script: str, tmp_path: Path) -> None:
    run_script(place, f"{script}.sql")
    (tmp_path / "spec.yaml").write_text(infer(place).to_yaml(), encoding="utf-8")
    _kill_in_load(place, tmp_path)
    for _ in range(50):  # a server notices the broken connection a little later
        counts = [len(rows) for rows in rows_in(place).values()]
        if not any(counts):
            break
        time.sleep(0.1)
    assert not any(counts)


@pytest.mark.slow
@every_place
def test_the_tables_of_a_killed_load_are_not_there_for_the_next_one(
    place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("spec.yaml").write_text(UNIQUE, encoding="utf-8")
    _kill_in_load(place, tmp_path)
    assert main(["generate", "spec.yaml", "-o", place]) == 0
    told = capsys.readouterr().err
    if place.startswith("mysql"):
        assert "removed empty tables of a killed load: customers, orders" in told
    held = rows_in(place)
    assert set(held) == {"customers", "orders"}
    assert len(held["customers"]) == 30
    assert not [path for path in Path().iterdir() if path.name.endswith(".tmp")]


@pytest.mark.slow
def test_tables_that_a_load_creates_are_its_own_until_it_ends(
    maria: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("fabula.databases.mysql._PATIENCE", 0)
    marks = "SELECT TABLE_COMMENT FROM information_schema.TABLES WHERE TABLE_NAME = 'customers'"
    Path("spec.yaml").write_text(UNIQUE, encoding="utf-8")
    with _loading(maria, tmp_path) as process:
        with pytest.raises(SinkError) as caught:
            fb.generate("spec.yaml", output=maria, append=True)
        assert caught.value.code == "sink.busy"
        assert process.wait(60) == 0
    with database_at(maria) as database:
        assert database.run(marks) == [("",)]
        assert database.count("customers") == 30


@contextmanager
def _loading(place: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that loads the blocks of `spec.yaml` slowly, and has begun to."""
    program = (
        "import sys, time, fabula as fb\n"
        "from fabula.databases import sink\n"
        "real = sink._prepared\n"
        "def slow(*given):\n"
        "    for number, block in enumerate(real(*given)):\n"
        "        yield block\n"
        "        print('loading', flush=True)\n"
        "        time.sleep(0.6)\n"
        "sink._prepared = slow\n"
        "fb.generate('spec.yaml', output=sys.argv[1])\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, place], cwd=folder, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        yield process


def _kill_in_load(place: str, folder: Path) -> None:
    with _loading(place, folder) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)


def test_a_file_is_replaced_only_when_that_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "made.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE other (x)")
    connection.close()
    fb.generate(SHOP, output=path, overwrite=True)
    assert set(rows_in(str(path))) == {"customers", "orders"}
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "made.sqlite",
        "made.sqlite.manifest.json",
    ]


def test_a_file_that_is_no_database_is_refused_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "made.sqlite"
    path.write_bytes(b"not a database, but long enough to have a header" * 10)
    with pytest.raises(SinkError):
        fb.generate(SHOP, output=path)
    assert path.read_bytes().startswith(b"not a database")


def test_duckdb_reads_what_was_loaded(tmp_path: Path) -> None:
    path = tmp_path / "made.duckdb"
    fb.generate(SHOP, output=path)
    with duckdb.connect(str(path), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM customers").fetchone() == (30,)


@every_place
def test_appended_rows_go_on_after_those_that_are_there(place: str) -> None:
    fb.generate(UNIQUE, output=place)
    again = fb.generate(UNIQUE, output=place, append=True)
    assert again.manifest["destination"]["rows"]["customers"] == 30
    held = rows_in(place)
    held["customers"].sort(key=lambda row: row["id"])
    assert [row["id"] for row in held["customers"]] == list(range(1, 61))
    for column in ("id", "code", "mail"):
        assert len({row[column] for row in held["customers"]}) == 60
    names = [row["name"] for row in held["customers"]]
    assert names[:30] != names[30:]


UNIQUE = """
fabula: 1
name: shop
tables:
  customers:
    n: 30
    columns:
      id: {kind: key}
      name: {kind: person}
      code: {kind: pattern, regex: "[A-C][0-9]{2}", unique: true}
      mail: {kind: person, field: email, unique: true}
  orders:
    per_parent: {of: customers, min: 0, max: 5}
    columns: {id: {kind: key}, customer_id: {kind: reference, to: customers}}
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "script"),
    [("pg", "shop"), ("pg", "nasty"), ("maria", "northwind"), ("sqlite", "chinook")],
    indirect=["place"],
)
def test_a_schema_is_filled_at_a_hundred_times_its_size_and_again(place: str, script: str) -> None:
    run_script(place, f"{script}.sql")
    spec = infer(place).spec
    sizes = {name: table.n * 100 for name, table in spec.tables.items() if table.n is not None}
    first = fb.generate(spec, n=sizes, output=place).manifest["destination"]["rows"]
    second = fb.generate(spec, n=sizes, output=place, append=True).manifest["destination"]["rows"]
    with database_at(place) as database:
        for name in spec.tables:
            assert database.count(name) == first[name] + second[name]
        if database.dialect == "sqlite":
            assert database.run("PRAGMA foreign_key_check") == []


@pytest.mark.parametrize("ending", ["sqlite.sql", "duckdb.sql"])
def test_a_script_creates_the_tables_and_holds_every_row(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"shop.{ending}"
    data = fb.generate(UNIQUE, output=path, seed=2)
    assert sorted(file.name for file in tmp_path.iterdir())[0] == f"shop.{ending}"
    text, rows = path.read_text(encoding="utf-8"), data.manifest["destination"]["rows"]
    if ending.startswith("sqlite"):
        with sqlite3.connect(":memory:") as memory:
            memory.executescript(text)
            found = memory.execute(
                "SELECT count(*) FROM customers JOIN orders ON customer_id = customers.id"
            )
            assert found.fetchone() == (rows["orders"],)
        memory.close()
        return
    with duckdb.connect() as base:
        base.execute(text)
        assert base.execute("SELECT count(*) FROM orders").fetchone() == (rows["orders"],)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "ending"), [("pg", "sql"), ("maria", "mysql.sql")], indirect=["place"]
)
def test_servers_take_a_script_as_it_is(place: str, ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"shop.{ending}"
    fb.generate(UNIQUE, output=path)
    text = path.read_text(encoding="utf-8")
    if ending == "sql":
        import psycopg

        with psycopg.connect(place, autocommit=True) as connection:
            connection.execute(text)  # type: ignore[call-overload]
        assert run(place, "INSERT INTO customers (name) VALUES ('x') RETURNING id") == [(31,)]
        return
    run(place, *[part for part in text.split(";\n") if part.strip()])
    assert run(place, "SELECT count(*) FROM customers") == [(30,)]
