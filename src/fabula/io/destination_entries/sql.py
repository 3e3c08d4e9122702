"""A script of SQL."""

from fabula.io.destinations import DESTINATIONS, Destination

DESTINATIONS.add(
    Destination(
        "sql",
        title="SQL",
        opens="fabula.databases.script:ScriptSink",
        endings=(".sql",),
        options=("append",),
    )
)
