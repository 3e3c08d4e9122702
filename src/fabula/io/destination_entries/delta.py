"""Delta tables."""

from fabula.io.destinations import DESTINATIONS, Destination

DESTINATIONS.add(
    Destination(
        "delta",
        title="Delta",
        opens="fabula.lake.delta:DeltaSink",
        schemes=("delta", "delta+s3", "delta+gs", "delta+az", "delta+abfss"),
        reads="fabula.lake.delta:tables_at",
        options=("append", "overwrite", "partition_by"),
        needs="fabula[lake]",
    )
)
