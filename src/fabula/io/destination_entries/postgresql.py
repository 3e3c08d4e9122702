"""PostgreSQL."""

from fabula.io.destinations import DESTINATIONS, Destination

DESTINATIONS.add(
    Destination(
        "postgresql",
        title="PostgreSQL",
        opens="fabula.databases.sink:DatabaseSink",
        schemes=("postgresql", "postgres"),
        endings=(),
        reads="fabula.databases.rows:tables_at",
        options=("append", "truncate", "fast_load", "allow_remote"),
        needs="databases",
    )
)
