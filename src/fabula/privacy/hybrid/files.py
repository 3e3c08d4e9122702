"""The files of a blend: the rows, and alongside them how the synthetic ones were made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv

from fabula.errors import UsageError
from fabula.io.destinations import names_file
from fabula.io.formats import format_of
from fabula.io.names import file_stem
from fabula.io.places import check_free, make_folder, replacing, sha256_of, write_text
from fabula.io.write import write_table
from fabula.privacy.files.csv_bytes import CsvSource
from fabula.privacy.files.splice import spliced
from fabula.privacy.files.writing import spare_originals

PROVENANCE = "provenance.json"


def write_blended(
    tables: Mapping[str, pa.Table],
    real: Mapping[str, int],
    provenance: Mapping[str, Any],
    place: Path,
    *,
    source: Path | None,
    origin: str,
    overwrite: bool,
) -> Path:
    """Write a blend; the real rows of a CSV file stay to the byte.

    Args:
        tables: The blended tables.
        real: How many rows of each are real; they come first.
        provenance: How the synthetic rows were made.
        place: A file, or a folder for several tables.
        source: The file of the real rows, if they are unchanged.
        origin: The column that marks rows.
        overwrite: Whether what is there may be replaced.

    Raises:
        UsageError: One file can't have several tables.
        SinkError: The place exists, or can't be written.
    """
    single = names_file(place)
    if single and len(tables) > 1:
        raise UsageError(
            f"`{place}` is one file, and there are {len(tables)} tables",
            code="blend.output",
            hint=f"write to a folder: `-o {place.stem}/`",
        )
    told = place.with_name(f"{place.name}.{PROVENANCE}") if single else place / PROVENANCE
    if source is not None:
        spare_originals({"": place}, {"": source})
        provenance = {**provenance, "source": source.name, "sha256": sha256_of(source)}
    check_free(place, overwrite=overwrite, folder=not single)
    make_folder(place.parent if single else place)
    for name, table in tables.items():
        target = place if single else place / f"{file_stem(name)}.parquet"
        if source is not None and {source.suffix, target.suffix} == {".csv"}:
            _extend_csv(source, target, table.slice(real[name]), origin)
        else:
            write_table(target, table, table.schema, format_of(target))
    write_text(told, json.dumps(provenance, indent=2, ensure_ascii=False, default=str) + "\n")
    return place


def _extend_csv(source: Path, target: Path, made: pa.Table, origin: str) -> None:
    """Copy a CSV file with a mark at the end of each row, and append synthetic rows."""
    rows = CsvSource(source)
    sign = rows.layout.delimiter
    with replacing(target) as temporary, temporary.open("wb") as out:
        head = rows.head
        if rows.layout.header:
            text, end = head.rstrip(b"\r\n"), len(head.rstrip(b"\r\n"))
            head = text + f"{sign}{origin}".encode() + (head[end:] or b"\n")
        out.write(head)
        line = b"\r\n" if head.endswith(b"\r\n") else b"\n"
        for block, _ in rows.blocks():
            if not len(block.starts):
                continue
            ends = np.ascontiguousarray(block.ends[:, -1])
            mark = pa.repeat(pa.scalar(f"{sign}real".encode(), pa.large_binary()), len(ends))
            written = spliced(block.text, ends, ends, [mark])
            out.write(written)
            if not block.text.endswith(b"\n"):
                out.write(line)
        options = pa.csv.WriteOptions(
            include_header=False, delimiter=sign, quoting_style="needed",
            eol="\r\n" if line == b"\r\n" else "\n",
        )  # fmt: skip
        pa.csv.write_csv(made, out, options)
