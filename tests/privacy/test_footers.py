"""A Parquet file that is written part by part is read like any other."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fabula.privacy.files.footers import Footer

ROWS = 3_000

TABLE = pa.table(
    {
        "number": pa.array(range(ROWS)),
        "share": [None if row % 7 == 0 else row / 3 for row in range(ROWS)],
        "is_even": [row % 2 == 0 for row in range(ROWS)],
        "label": pa.array([f"label {row % 5}" for row in range(ROWS)]).dictionary_encode(),
        "text": [f"ünïcode {row}" for row in range(ROWS)],
        "day": [date(1950 + row % 80, 1, 1) for row in range(ROWS)],
        "paid": [Decimal(row) / 4 for row in range(ROWS)],
        "inner": [{"tags": [str(row)] * (row % 3), "at": {"x": row}} for row in range(ROWS)],
        "counts": pa.array([[("a", row)] for row in range(ROWS)], pa.map_(pa.string(), pa.int64())),
        "nothing": pa.nulls(ROWS),
    }
)


@pytest.mark.parametrize("parts", [1, 2, 40])
def test_parts_of_all_types_are_one_file(tmp_path: Path, parts: int) -> None:
    """More than 15 row groups have another head in the footer, and far places longer numbers."""
    path, footer = tmp_path / "whole.parquet", Footer()
    size = -(-ROWS // parts)
    with path.open("xb") as file:
        for start in range(0, ROWS, size):
            footer = Footer(footer.to_bytes())  # as a run that goes on reads it
            rows = TABLE.slice(start, size)
            half = rows.num_rows // 2
            footer.append(file, TABLE.schema, [rows.slice(0, half), rows.slice(half)])
        footer.close(file, TABLE.schema)
    assert pq.read_table(path).equals(TABLE)
    assert pq.read_metadata(path).num_row_groups == 2 * parts
    last = pq.ParquetFile(path).read_row_group(2 * parts - 1, ["text"])
    assert last["text"][-1].as_py() == f"ünïcode {ROWS - 1}"
    found = duckdb.sql(f"SELECT count(*), sum(number), max(label) FROM '{path}' WHERE number > 9")
    assert found.fetchall() == [(ROWS - 10, sum(range(10, ROWS)), "label 4")]


def test_a_file_without_rows_has_its_columns() -> None:
    file = io.BytesIO()
    Footer().close(file, TABLE.schema)
    assert pq.read_table(file).equals(TABLE.schema.empty_table())
