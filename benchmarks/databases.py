"""Rows into PostgreSQL: a load of Fabula against raw COPY and SQLAlchemy's bulk insert.

    python -m benchmarks.databases --rows 200000

A server is started for it; an address such as `postgresql://dev@localhost/bench` names another
one, whose database must be empty and on this machine. Times are CPU seconds of this process and of
the server together, the least of three runs.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.csv

from fabula.databases.sink import DatabaseSink
from fabula.io.destinations import Incoming, Link, Loading

PARENTS = 1_000
RULED = ", 2 foreign keys and 3 indexes"
COPY, LOAD, INSERT = "raw COPY of the same Arrow", "fabula", "SQLAlchemy's bulk insert"
FAST = f"fabula --fast-load{RULED}"
_TABLE = """
CREATE TABLE lines (
    id bigint PRIMARY KEY, a_id bigint NOT NULL, b_id bigint NOT NULL, name text NOT NULL,
    note text, price double precision NOT NULL CHECK (price >= 0), day timestamp NOT NULL,
    paid boolean
)
"""
_RULES = [
    "ALTER TABLE lines ADD FOREIGN KEY (a_id) REFERENCES a (id)",
    "ALTER TABLE lines ADD FOREIGN KEY (b_id) REFERENCES b (id)",
    "CREATE INDEX ON lines (a_id)",
    "CREATE INDEX ON lines (day)",
    "CREATE INDEX ON lines (name)",
]


def main() -> None:
    """Measure, and print one line a way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address", nargs="?")
    parser.add_argument("--rows", type=int, default=200_000)
    given = parser.parse_args()
    rows = _rows(given.rows)
    if given.address:
        measure(given.address, rows)
        return
    from tests.databases.servers import postgres_server

    with postgres_server() as address:
        measure(f"{address}/postgres", rows)


def measure(address: str, rows: pa.Table) -> None:
    """Measure each way, then print what the promises are about."""
    with psycopg.connect(address, autocommit=True) as connection:
        clock = Clock(connection)
        ways: dict[str, Callable[[], None]] = {
            COPY: lambda: _copy(connection, rows),
            LOAD: lambda: _load(address, rows),
            INSERT: lambda: _insert(address, rows),
            f"{LOAD}{RULED}": lambda: _load(address, rows),
            FAST: lambda: _load(address, rows, fast_load=True),
        }
        speeds = {}
        for name, way in ways.items():
            best = min(_timed(connection, clock, way, RULED in name) for _ in range(3))
            speeds[name] = rows.num_rows / best
            print(f"{name:<55} {speeds[name]:>12,.0f} rows per CPU second")
    print(f"fabula against raw COPY: {speeds[LOAD] / speeds[COPY]:.2f}")
    print(f"fabula against SQLAlchemy: {speeds[LOAD] / speeds[INSERT]:.1f}")
    print(f"--fast-load against a plain load: {speeds[FAST] / speeds[f'{LOAD}{RULED}']:.1f}")


class Clock:
    """CPU seconds of this process and of a server on this machine, its ended backends included."""

    def __init__(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        self._server = _parent(connection.info.backend_pid)

    def seconds(self) -> float:
        """Seconds so far."""
        server = sum(_ticks(self._server))
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and _parent(int(entry.name)) == self._server:
                server += sum(_ticks(int(entry.name))[:2])
        return server / os.sysconf("SC_CLK_TCK") + time.process_time()


def _timed(
    connection: psycopg.Connection[tuple[object, ...]],
    clock: Clock,
    way: Callable[[], None],
    ruled: bool,
) -> float:
    for name in ("lines", "a", "b"):
        connection.execute(f"DROP TABLE IF EXISTS {name}".encode())
    for name in ("a", "b"):
        connection.execute(f"CREATE TABLE {name} (id bigint PRIMARY KEY)".encode())
        connection.execute(f"INSERT INTO {name} SELECT generate_series(1, {PARENTS})".encode())
    for statement in (_TABLE, *(_RULES if ruled else ())):
        connection.execute(statement.encode())
    connection.execute(b"CHECKPOINT")
    start = clock.seconds()
    way()
    time.sleep(0.5)  # until the server has counted the backends that ended
    return clock.seconds() - start


def _rows(n: int) -> pa.Table:
    rng = np.random.default_rng(0)
    day = np.datetime64("2024-01-01", "us") + rng.integers(0, 10**13, n).astype("timedelta64[us]")
    return pa.table(
        {
            "id": np.arange(n),
            "a_id": rng.integers(1, PARENTS, n),
            "b_id": rng.integers(1, PARENTS, n),
            "name": pa.array(rng.integers(0, 10**9, n)).cast(pa.string()),
            "note": pa.array([None if i % 3 else f"note {i}" for i in range(n)]),
            "price": rng.random(n) * 100,
            "day": day,
            "paid": rng.random(n) < 0.5,
        }
    )


def _copy(connection: psycopg.Connection[tuple[object, ...]], rows: pa.Table) -> None:
    sink = pa.BufferOutputStream()
    pa.csv.write_csv(rows, sink, pa.csv.WriteOptions(include_header=False))
    command = b"COPY lines FROM STDIN (FORMAT csv)"
    with connection.transaction(), connection.cursor() as cursor, cursor.copy(command) as copy:
        copy.write(sink.getvalue())


def _load(address: str, rows: pa.Table, *, fast_load: bool = False) -> None:
    links = tuple(Link((f"{name}_id",), name, ("id",)) for name in ("a", "b"))
    table = Incoming("lines", rows.schema, ("id",), links)
    blocks: Iterable[pa.Table] = [rows.slice(at, 65_536) for at in range(0, rows.num_rows, 65_536)]
    DatabaseSink(address, Loading(fast_load=fast_load)).load([table], lambda _: blocks)


def _insert(address: str, rows: pa.Table) -> None:
    import sqlalchemy as sa

    engine = sa.create_engine(address.replace("postgresql://", "postgresql+psycopg://"))
    metadata = sa.MetaData()
    metadata.reflect(engine)
    with engine.begin() as connection:
        connection.execute(sa.insert(metadata.tables["lines"]), rows.to_pylist())
    engine.dispose()


def _parent(process: int) -> int:
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return 0
    return int(stat.rpartition(")")[2].split()[1])


def _ticks(process: int) -> list[int]:
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return [0]
    return [int(word) for word in stat.rpartition(")")[2].split()[11:15]]


if __name__ == "__main__":
    main()
