"""`jsonl`: one JSON object per line."""

from __future__ import annotations

from fabula.io.formats import FILE_FORMATS, FileFormat

FILE_FORMATS.add(
    FileFormat(
        name="jsonl",
        title="JSON Lines",
        endings=(".jsonl", ".ndjson"),
        reads="fabula.io.json_files:read_json_lines",
        writes="fabula.io.jsonl:JsonLines",
        keeps_types=2,
    )
)
