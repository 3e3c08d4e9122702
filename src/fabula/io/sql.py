"""DuckDB, locked: SQL from a spec sees the rows it is given, and no file, network or setting.

A run without SQL does not load it, which saves 27 MB and a quarter of a second.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
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

MEMORY = "1GB"
"""What DuckDB's buffers may take; its own limit is most of the machine."""
MOST_TEXT, MOST_ITEMS, MOST_COMPARED = 100_000, 10_000, 1_000_000


def _limited(name: str, size: str, most: int, arguments: str, call: str) -> str:
    """A macro that makes an error of a size; it is in the argument, so it comes first."""
    told = f"{name} over its limit of {most:,}"
    value = f"CASE WHEN {size} > {most} THEN error('{told}') ELSE b END"
    return f"CREATE MACRO bounded_{name}{arguments} AS {call.format(value)}"


BOUNDED = {
    name: _limited(name, size, most, arguments, call)
    for name, size, most, arguments, call in (
        ("repeat", "b * length(a)", MOST_TEXT, "(a, b)", "repeat(a, {})"),
        ("lpad", "b", MOST_TEXT, "(a, b, c)", "lpad(a, {}, c)"),
        ("rpad", "b", MOST_TEXT, "(a, b, c)", "rpad(a, {}, c)"),
        ("bitstring", "b", MOST_TEXT, "(a, b)", "bitstring(a, {})"),
        ("list_resize", "b", MOST_ITEMS, "(a, b, c := NULL)", "list_resize(a, {}, c)"),
        *(
            (name, "length(a) * length(b)", MOST_COMPARED, "(a, b)", name + "(a, {})")
            for name in ("levenshtein", "damerau_levenshtein", "editdist3", "jaccard")
        ),
        *(
            (name, "length(a) * length(b)", MOST_COMPARED, "(a, b, c := 0)", name + "(a, {}, c)")
            for name in ("jaro_similarity", "jaro_winkler_similarity")
        ),
    )
}
BOUNDED |= {
    name: f"CREATE MACRO bounded_{name}(a, b := NULL, c := 1) AS {name}(CASE WHEN "
    f"abs(coalesce(b, 0) - CASE WHEN b IS NULL THEN -a ELSE a END) / abs(c) > {MOST_ITEMS} "
    f"THEN error('{name} over its limit of {MOST_ITEMS:,}') "
    "WHEN b IS NULL THEN 0 ELSE a END, coalesce(b, a), c)"
    for name in ("range", "generate_series")
}
"""Functions that make much of little, each with a macro that bounds it."""

_local = threading.local()
_databases: dict[tuple[int, int], duckdb.DuckDBPyConnection] = {}


def locked_connection(*, threads: int = 1) -> duckdb.DuckDBPyConnection:
    """A new connection with external access off and its configuration locked.

    It sees only the tables registered with it. All connections of a process share one database,
    since opening a database takes 25 ms; a forked child opens its own.
    """
    key = os.getpid(), threads
    if key not in _databases:
        _databases[key] = _database(threads)
    return _databases[key].cursor()


def _database(threads: int) -> duckdb.DuckDBPyConnection:
    import duckdb

    connection = duckdb.connect(
        config={
            "threads": threads,
            "memory_limit": MEMORY,
            "python_enable_replacements": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
    )
    for function in (*_FUNCTIONS, *BOUNDED.values()):
        connection.execute(function)
    without_bar(connection)
    connection.execute("SET GLOBAL TimeZone = 'UTC'")  # else results depend on the machine's
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def without_bar(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """A new connection without DuckDB's own progress bar, which notebooks would show."""
    # A notebook without `ipywidgets` has no bar, and refuses every change of it.
    # An open result would keep the connection from registering tables.
    if connection.execute("SELECT current_setting('enable_progress_bar')").fetchall() == [(True,)]:
        connection.execute("SET enable_progress_bar = false").fetchall()
    return connection


def thread_connection() -> duckdb.DuckDBPyConnection:
    """This thread's own locked connection, opened once."""
    connection: duckdb.DuckDBPyConnection | None = getattr(_local, "connection", None)
    if connection is None:
        connection = _local.connection = locked_connection()
    return connection


def sql_error() -> type[duckdb.Error]:
    """What a failed query raises, for an `except` clause."""
    import duckdb

    return duckdb.Error


def fetched(result: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    """All rows of a result; for times with a zone DuckDB's own way needs `pytz`."""
    if not any("TIME ZONE" in str(column[1]) for column in result.description or ()):
        return result.fetchall()
    table: pa.Table = result.to_arrow_table()
    columns = [column.to_pylist() for column in table.columns]
    return list(zip(*columns, strict=True))
