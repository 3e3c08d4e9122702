"""`parquet`: columnar, compressed, with types."""

from __future__ import annotations

from fabula.io.formats import FILE_FORMATS, FileFormat

FILE_FORMATS.add(
    FileFormat(
        name="parquet",
        title="Parquet",
        endings=(".parquet", ".pq"),
        writes="fabula.io.write:ParquetFile",
        magic=b"PAR1",
        dataset="parquet",
        keeps_types=0,
    )
)
