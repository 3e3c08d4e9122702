"""`json`: one JSON document; read, not written."""

from __future__ import annotations

from fabula.io.formats import FILE_FORMATS, FileFormat

FILE_FORMATS.add(
    FileFormat(
        name="json",
        title="JSON",
        endings=(".json",),
        reads="fabula.io.json_files:read_json",
        keeps_types=4,
    )
)
