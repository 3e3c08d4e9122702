"""Rows of files on disk, page by page: numbers, ties, missing values, several files."""

from __future__ import annotations

import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from fabula.errors import SourceError
from fabula.web.query import Filter, Query
from fabula.web.rows import Rows

ROWS = 1_300
AMOUNTS = [None if at % 7 == 0 else float(at % 5) for at in range(ROWS)]


def _rows(folder: Path, **more: list[int]) -> Rows:
    """Three Parquet files of unequal sizes."""
    folder.mkdir()
    table = pa.table({"id": range(1, ROWS + 1), "amount": AMOUNTS, **more})
    for at, (start, stop) in enumerate([(0, 500), (500, 501), (501, ROWS)]):
        pq.write_table(table.slice(start, stop - start), folder / f"part-{at}.parquet")
    return Rows("data", ds.dataset(folder))


def _expected(descending: bool) -> list[int]:
    sign = -1 if descending else 1
    order = sorted(range(ROWS), key=lambda at: (AMOUNTS[at] is None, sign * (AMOUNTS[at] or 0), at))
    return [at + 1 for at in order]


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("taken", [{}, {"file_index": [9] * ROWS}, {"row": [9] * ROWS}])
def test_sorted_pages_hold_every_row_once(
    tmp_path: Path, descending: bool, taken: dict[str, list[int]]
) -> None:
    """Equal values keep the order of the file, also where a column has the name of a place."""
    rows, seen = _rows(tmp_path / "data", **taken), []
    for page in range(-(-ROWS // 50)):
        shown = rows.page(Query(sort="amount", descending=descending, page=page))
        assert [row[0] for row in shown.rows] == shown.numbers
        seen += shown.numbers
    assert seen == _expected(descending)
    assert rows.columns == ["id", "amount", *taken]


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_sorted_table_is_closed_while_its_next_page_is_read(tmp_path: Path) -> None:
    """The next page is read while the user looks at this one, who may leave at any time."""
    rows = _rows(tmp_path / "data")
    shown = rows.page(Query(sort="amount")).numbers
    rows.close()
    with pytest.raises(SourceError, match="`data` can't be read"):
        rows.page(Query(sort="amount", page=11))
    for thread in threading.enumerate():
        if thread.name == "next page":
            thread.join()
    assert shown == _expected(descending=False)[:50]


def test_a_filtered_page_keeps_the_numbers_of_its_rows(tmp_path: Path) -> None:
    """Numbers go on over the files; a page behind the last one is empty."""
    rows = _rows(tmp_path / "data")
    few = (Filter("amount", "is missing"),)
    wanted = [at + 1 for at in range(ROWS) if AMOUNTS[at] is None]
    assert rows.page(Query(filters=few, page=2)).numbers == wanted[100:150]
    assert rows.page(Query(filters=few, sort="id", descending=True)).numbers == wanted[::-1][:50]
    assert rows.page(Query(filters=few, page=99)).rows == []


@pytest.mark.parametrize(("text", "found"), [("3.0", True), ("NaN", True), ("miller", False)])
def test_a_search_reads_no_numbers_that_can_not_hold_it(
    tmp_path: Path, text: str, found: bool
) -> None:
    """Writing out ten million numbers costs more than the search."""
    table = pa.table({"value": [3.0, float("nan")], "ready": [True, False]})
    pq.write_table(table, tmp_path / "data.parquet")
    rows = Rows("data", ds.dataset(tmp_path / "data.parquet"))
    assert bool(rows.page(Query(search=text)).total) is found
    assert rows.page(Query(search="True")).total == 1
