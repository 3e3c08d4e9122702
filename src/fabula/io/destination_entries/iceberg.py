"""Iceberg tables."""

from fabula.io.destinations import DESTINATIONS, Destination

DESTINATIONS.add(
    Destination(
        "iceberg",
        title="Iceberg",
        opens="fabula.lake.iceberg:IcebergSink",
        schemes=("iceberg",),
        reads="fabula.lake.iceberg:tables_at",
        options=("append", "overwrite", "partition_by"),
        needs="lake",
    )
)
