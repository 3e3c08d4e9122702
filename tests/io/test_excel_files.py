"""Workbooks are read as they look: sheets are tables, cells keep their types."""

from __future__ import annotations

import datetime as dt
import sys
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import fabula as fb
from fabula.errors import PrerequisiteError, SourceError
from fabula.io.notes import notes_of
from fabula.io.sources import read_source, read_tables
from tests.databases.shop import SHOP
from tests.io.workbooks import write_workbook

pytest.importorskip("python_calamine", reason="needs the extra `excel`")

DAY = dt.date(2024, 2, 28)


def people(rows: int = 60) -> list[list[Any]]:
    """A title, a gap, names, and rows of every type."""
    return [
        ["People of the village"],
        [],
        ["person_id", "zip", "born", "seen", "member", "rate", "note"],
        *(
            [at + 100, f"{at:05d}", DAY + dt.timedelta(days=at),
             dt.datetime(2024, 1, 1, 8) + dt.timedelta(minutes=at), at % 2 == 0, at / 8,
             "n/a" if at == 3 else at if at % 5 else None]
            for at in range(rows)
        ),
    ]  # fmt: skip


def test_cells_keep_their_types(tmp_path: Path) -> None:
    """A title is told; a column of several types is text, with the rows that differ."""
    table = read_source(write_workbook(tmp_path / "people.xlsx", {"People": people()}))
    assert isinstance(table, pa.Table)
    assert table.schema.types == [
        pa.int64(), pa.string(), pa.date32(), pa.timestamp("us"), pa.bool_(), pa.float64(),
        pa.string(),
    ]  # fmt: skip
    assert table["person_id"].to_pylist() == list(range(100, 160))
    assert table["zip"][7].as_py() == "00007"
    assert table["born"][1].as_py() == dt.date(2024, 2, 29)
    assert table["seen"][59].as_py() == dt.datetime(2024, 1, 1, 8, 59)
    assert table["note"].to_pylist()[:5] == [None, "1", "2", "n/a", "4"]
    assert notes_of(table) == (
        "lines 1 to 2 are left out, before the header: `People of the village`",
        "`note` holds a number, but text in row 4; all are read as text",
    )


def test_the_sheets_of_a_workbook_are_related_tables(tmp_path: Path) -> None:
    """They are fitted with their keys; hidden ones and those of one row are told."""
    visits = [["visit_id", "person_id"], *([at, at % 60 + 100] for at in range(150))]
    path = write_workbook(
        tmp_path / "village.xlsx",
        {"people": people(), "visits": visits, "old": visits, "draft": [["a"]], "empty": []},
        hidden=["old"],
    )
    tables = read_tables(path)
    assert list(tables) == ["people", "visits"]
    notes = notes_of(tables["visits"])
    assert "the sheet `old` is left out: it is hidden" in notes
    assert "the sheet `draft` is left out: it has one row" in notes
    fitted = fb.fit(path, seed=1)
    assert [key.name for key in fitted.keys.foreign] == ["visits.person_id"]
    assert list(fb.infer(path).spec.tables) == ["people", "visits"]


def test_one_table_of_several_sheets_can_not_be_guessed(tmp_path: Path) -> None:
    """A verb that takes one table names the sheets."""
    rows = [["a"], [1], [2]]
    path = write_workbook(tmp_path / "two.xlsx", {"one": rows, "two": rows})
    with pytest.raises(SourceError, match=r"holds 2 tables: `one`, `two`") as caught:
        read_source(path)
    assert caught.value.code == "source.several"


def test_workbooks_that_hold_no_table_are_named(tmp_path: Path) -> None:
    """Empty ones, and files that only look like one."""
    with pytest.raises(SourceError, match="no visible sheet of"):
        read_source(write_workbook(tmp_path / "empty.xlsx", {"one": []}))
    with zipfile.ZipFile(tmp_path / "broken.xlsx", "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook")
    with pytest.raises(SourceError, match="can't be read"):
        read_source(tmp_path / "broken.xlsx")
    with zipfile.ZipFile(tmp_path / "bomb.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", bytes(80 << 20))
    with pytest.raises(SourceError, match="unpacks to more than 100 times its size"):
        read_source(tmp_path / "bomb.xlsx")


def test_without_the_extra_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`pip install 'fabula[excel]'`."""
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    path = write_workbook(tmp_path / "people.xlsx", {"People": people()})
    with pytest.raises(PrerequisiteError, match="needs the extra `excel`") as caught:
        read_source(path)
    assert caught.value.hint == "pip install 'fabula[excel]'"


def test_a_workbook_has_a_sheet_a_table_with_the_values_types(tmp_path: Path) -> None:
    path = tmp_path / "shop.xlsx"
    data = fb.generate(SHOP, output=path, seed=2)
    again = fb.generate(SHOP, seed=2)
    held = fb.infer(path).spec.tables
    assert list(held) == ["customers", "orders"]
    for column in ("id", "name", "born"):
        assert data["customers"][column].to_pylist() == again["customers"][column].to_pylist()
