"""Datasets on the Hugging Face Hub."""

from fabula.io.destinations import DESTINATIONS, Destination

DESTINATIONS.add(
    Destination(
        "hf",
        title="the Hugging Face Hub",
        opens="fabula.hub.sink:HubSink",
        schemes=("hf",),
        reads="fabula.hub.rows:tables_at",
        options=("overwrite", "public", "license"),
        needs="fabula[hub]",
    )
)
