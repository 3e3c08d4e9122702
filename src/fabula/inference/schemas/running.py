"""Whether DuckDB, which checks rows, can run a condition of another database."""

from __future__ import annotations

import duckdb
from sqlglot import exp

from fabula.databases.schema import Table
from fabula.io.sql import locked_connection
from fabula.kinds.base.sql import quoted


def runs_in_duckdb(sql: str, table: Table) -> bool:
    """Whether a condition over the rows of a table can be run, with the columns' types."""
    columns = ", ".join(
        f"CAST(NULL AS {_type(column.type)}) AS {quoted(name)}"
        for name, column in table.columns.items()
    )
    with locked_connection() as memory:
        try:
            memory.execute(f"SELECT {sql} FROM (SELECT {columns})").fetchall()
        except duckdb.Error:
            return False
    return True


def _type(kind: exp.DataType) -> str:
    """A type as DuckDB knows it; text for those that it doesn't."""
    text = kind.sql("duckdb")
    with locked_connection() as memory:
        try:
            memory.execute(f"SELECT CAST(NULL AS {text})")
        except duckdb.Error:
            return "VARCHAR"
    return text
