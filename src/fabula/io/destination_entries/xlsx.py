"""A workbook of Excel."""

from fabula.io.destinations import DESTINATIONS, Destination

DESTINATIONS.add(
    Destination(
        "xlsx",
        title="Excel",
        opens="fabula.databases.workbook:WorkbookSink",
        endings=(".xlsx",),
        reads="fabula.databases.workbook:sheets_at",
        needs="excel",
    )
)
