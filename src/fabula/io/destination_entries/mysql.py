"""MySQL or MariaDB."""

from fabula.io.destinations import DESTINATIONS, Destination

DESTINATIONS.add(
    Destination(
        "mysql",
        title="MySQL or MariaDB",
        opens="fabula.databases.sink:DatabaseSink",
        schemes=("mysql", "mariadb"),
        endings=(),
        reads="fabula.databases.rows:tables_at",
        options=("append", "truncate", "allow_remote"),
        needs="databases",
    )
)
