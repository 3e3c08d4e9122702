"""Bounds on a stranger's SQL."""

from __future__ import annotations

import time

import duckdb
import pytest

from fabula.io import sql_bounds


def test_a_query_that_waits_for_a_busy_machine_is_not_stopped(monkeypatch: pytest.MonkeyPatch):
    """Its limit is what it computes: on a machine with other work to do, a second passes early."""
    monkeypatch.setattr(sql_bounds, "SECONDS", 0.2)

    def nap(value: int) -> int:
        time.sleep(0.5)
        return value

    with duckdb.connect() as connection:
        connection.create_function("nap", nap, ["BIGINT"], "BIGINT")
        with sql_bounds.bounded(connection, 1):
            assert connection.execute("SELECT nap(7)").fetchone() == (7,)


def test_a_query_that_computes_without_end_is_stopped(monkeypatch: pytest.MonkeyPatch):
    """The message tells the limit."""
    monkeypatch.setattr(sql_bounds, "SECONDS", 0.2)
    endless = "SELECT sum(a.range * b.range) FROM range(1000000) a, range(1000000) b"
    with (
        duckdb.connect() as connection,
        pytest.raises(duckdb.InterruptException, match=r"longer than 0\.2 s for 1 rows"),
        sql_bounds.bounded(connection, 1),
    ):
        connection.execute(endless).fetchone()
