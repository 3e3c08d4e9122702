"""Puts what is known about files into the rows that name them, once the files are made.

Parts are written before the files of their rows. So each part of such a table is written once more;
without its record, which is removed first, a killed run makes the part again.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from fabula.kinds.file_detail import FileDetail
from fabula.media.places import truth_path
from fabula.media.truth import records_of
from fabula.planning.plan import Plan
from fabula.runs.folder import RunFolder


def fill_details(plan: Plan, folder: RunFolder, manifest: dict[str, Any]) -> None:
    """Fill the columns of details of all tables, and tell the manifest of the new files.

    Raises:
        SinkError: A part can't be written.
        SourceError: A part was changed since it was made.
    """
    for table in plan.tables:
        wanted = {
            name: column.spec
            for name, column in table.columns.items()
            if isinstance(column.spec, FileDetail) and not column.spec.drop
        }
        if not wanted:
            continue
        change = partial(_filled, wanted, _Files(folder.path, table.name))
        written = folder.rewrite(table.name, table.schema, change)
        told = manifest["tables"][table.name]
        told["files"] = [
            {"path": file.name, "rows": file.rows, "bytes": file.bytes, "sha256": file.sha256}
            for file in written
        ]


class _Files:
    """What the truths of a table tell of its files, folder by folder."""

    def __init__(self, folder: Path, table: str) -> None:
        self._folder, self._table = folder, table
        self._kept: dict[tuple[str, str], Mapping[str, Mapping[str, Any]]] = {}

    def of(self, column: str, paths: pa.ChunkedArray) -> list[Mapping[str, Any]]:
        """What is told of each path; nothing of files that were not made."""
        listed = paths.to_pylist()
        folders = {path.split("/")[-2] for path in listed if path is not None}
        for each in folders - {at for name, at in self._kept if name == column}:
            truth = self._folder / truth_path(self._table, column, int(each))
            self._kept[column, each] = {
                file["path"]: file for record in records_of(truth) for file in record["files"]
            }
        found = [
            {} if path is None else self._kept[column, path.split("/")[-2]].get(path, {})
            for path in listed
        ]
        self._kept = {key: kept for key, kept in self._kept.items() if key[0] != column}
        return found


def _filled(wanted: Mapping[str, FileDetail], files: _Files, rows: pa.Table) -> pa.Table:
    """Rows with their details."""
    for column in dict.fromkeys(each.of for each in wanted.values()):
        told = files.of(column, rows.column(column))
        for name, each in wanted.items():
            if each.of == column:
                at = rows.schema.get_field_index(name)
                field = rows.schema.field(at)
                values = pa.array([file.get(each.detail) for file in told], field.type)
                rows = rows.set_column(at, field, values)
    return rows
