"""`csv`: separated values, as RFC 4180 has them."""

from __future__ import annotations

from fabula.io.formats import FILE_FORMATS, FileFormat

FILE_FORMATS.add(
    FileFormat(
        name="csv",
        title="CSV",
        endings=(".csv", ".tsv", ".txt"),
        reads="fabula.io.csv_files:read_csv",
        writes="fabula.io.write:CsvFile",
        keeps_types=3,
    )
)
