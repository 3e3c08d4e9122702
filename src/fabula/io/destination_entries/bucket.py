"""Object stores, and folders as addresses."""

from fabula.io.destinations import DESTINATIONS, Destination

DESTINATIONS.add(
    Destination(
        "bucket",
        title="an object store",
        opens="fabula.lake.objects:ObjectSink",
        schemes=("s3", "gs", "gcs", "az", "abfs", "abfss", "file"),
        reads="fabula.lake.objects:tables_at",
        options=("overwrite", "partition_by"),
    )
)
