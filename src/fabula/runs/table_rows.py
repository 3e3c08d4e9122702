"""The rows of a table of a finished run, in the files that its manifest names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from fabula.io.formats import format_of
from fabula.io.read import TableRows, read_files
from fabula.io.run_files import check_unchanged, inside
from fabula.runs.records import is_file


def rows_of(
    folder: Path, table: Mapping[str, Any], schema: pa.Schema | None, *, trusted: bool
) -> Callable[[], TableRows]:
    """What reads a table of a finished run, from the files of its main format."""
    first = Path(table["files"][0]["path"])
    place = folder.parent if is_file(folder) else folder
    hashes = {
        inside(place, file["path"]): str(file["sha256"])
        for file in table["files"]
        if Path(file["path"]).suffix == first.suffix
    }
    for path, sha256 in hashes.items():
        if not path.is_file():
            check_unchanged(path, sha256)

    def read() -> TableRows:
        if not trusted:
            for path, sha256 in hashes.items():
                check_unchanged(path, sha256)
        return read_files(list(hashes), format_of(first), schema)

    return read
