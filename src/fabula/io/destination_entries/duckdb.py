"""DuckDB."""

from fabula.io.destinations import DESTINATIONS, Destination

DESTINATIONS.add(
    Destination(
        "duckdb",
        title="DuckDB",
        opens="fabula.databases.sink:DatabaseSink",
        schemes=("duckdb",),
        endings=(".duckdb",),
        reads="fabula.databases.rows:tables_at",
        options=("append", "truncate"),
        needs="",
    )
)
