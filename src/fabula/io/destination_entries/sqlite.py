"""SQLite."""

from fabula.io.destinations import DESTINATIONS, Destination

DESTINATIONS.add(
    Destination(
        "sqlite",
        title="SQLite",
        opens="fabula.databases.sink:DatabaseSink",
        schemes=("sqlite",),
        endings=(".sqlite", ".sqlite3", ".db"),
        reads="fabula.databases.rows:tables_at",
        options=("append", "truncate", "fast_load"),
        needs="",
    )
)
