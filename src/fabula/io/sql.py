"""DuckDB, locked: SQL from a spec sees the rows it is given, and no file, network or setting."""

from __future__ import annotations

import threading

import duckdb

_FUNCTIONS = (
    """
    CREATE MACRO luhn(digits) AS digits || CAST((10 - list_sum(list_transform(
        range(1, length(digits) + 1),
        lambda i: CASE WHEN (length(digits) - i) % 2 = 1 THEN CAST(substr(digits, i, 1) AS INTEGER)
            ELSE 2 * CAST(substr(digits, i, 1) AS INTEGER)
                - CASE WHEN substr(digits, i, 1) >= '5' THEN 9 ELSE 0 END END
    )) % 10) % 10 AS VARCHAR)
    """,
    """
    CREATE MACRO iban(country, account) AS country || lpad(CAST(98 - CAST(list_aggregate(
        list_transform(
            string_split(account || country || '00', ''),
            lambda c: CASE WHEN c BETWEEN 'A' AND 'Z' THEN CAST(ascii(c) - 55 AS VARCHAR) ELSE c END
        ), 'string_agg', ''
    ) AS HUGEINT) % 97 AS VARCHAR), 2, '0') || account
    """,
)
"""Check digits: `luhn` appends one (ISO/IEC 7812), `iban` puts two in front (ISO 13616)."""

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
    for function in _FUNCTIONS:
        connection.execute(function)
    connection.execute("SET enable_progress_bar = false")
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
