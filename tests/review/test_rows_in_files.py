"""Rows picked out of files of any size, by their places."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from fabula.review.sheet import Rows

ROWS = pa.table({"n": list(range(200)), "name": [f"row {at}" for at in range(200)]})
PLACES = (150, 3, 149, 0, 199, 3)


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_rows_of_files_are_those_of_the_table_in_the_order_asked(tmp_path: Path, form: str) -> None:
    """Over several files, and parts of a file without any of the rows."""
    paths = [tmp_path / f"{at}.{form}" for at in range(2)]
    for at, path in enumerate(paths):
        half = ROWS.slice(100 * at, 100)
        if form == "csv":
            pacsv.write_csv(half, path)
        else:
            pq.write_table(half, path, row_group_size=30)
    found = Rows.some(ds.dataset(paths, format=form), PLACES)
    assert found.table.to_pylist() == Rows.some(ROWS, PLACES).table.to_pylist()
    assert found.places == PLACES
    assert Rows.some(ds.dataset(paths, format=form), ()).table.num_rows == 0
