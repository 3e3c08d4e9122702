"""`arrow`: Arrow IPC, for reading without copies."""

from __future__ import annotations

from fabula.io.formats import FILE_FORMATS, FileFormat

FILE_FORMATS.add(
    FileFormat(
        name="arrow",
        title="Arrow",
        endings=(".arrow", ".feather", ".ipc"),
        writes="fabula.io.write:ArrowFile",
        magic=b"ARROW1",
        dataset="arrow",
        keeps_types=1,
    )
)
