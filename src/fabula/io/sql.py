"""DuckDB, locked: SQL from a spec sees the rows it is given, and no file, network or setting."""

from __future__ import annotations

import threading

import duckdb

_local = threading.local()


def locked_connection(*, threads: int = 1) -> duckdb.DuckDBPyConnection:
    """A new in-memory connection with external access off and its configuration locked."""
    connection = duckdb.connect(
        config={
            "threads": threads,
            "python_enable_replacements": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
    )
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def thread_connection() -> duckdb.DuckDBPyConnection:
    """This thread's own locked connection, opened once."""
    connection: duckdb.DuckDBPyConnection | None = getattr(_local, "connection", None)
    if connection is None:
        connection = _local.connection = locked_connection()
    return connection


def quoted(name: str) -> str:
    """A name as a SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
