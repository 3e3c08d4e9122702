"""Data that a caller passes, as one table or by name."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import fabula as fb
from fabula.errors import SourceError
from fabula.io.notes import notes_of
from fabula.io.tables import as_table, named_tables, tables_called
from fabula.runs.dataset import Dataset

TABLE = pa.table({"a": [1, 2]})


@pytest.mark.parametrize("data", [TABLE, pd.DataFrame({"a": [1, 2]}), {"a": [1, 2]}])
def test_one_table_needs_no_name(data: object) -> None:
    assert tables_called(data, ["t"])["t"].to_pydict() == {"a": [1, 2]}


def test_several_tables_come_by_name_and_others_are_left_alone() -> None:
    found = tables_called({"t": TABLE, "u": {"b": [1]}, "v": TABLE}, ["t", "u"])
    assert list(found) == ["t", "u"]


def test_a_file_or_a_folder_of_files_is_read(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a\n1\n2\n")
    (tmp_path / "u.csv").write_text("b\n1\n")
    assert tables_called(tmp_path / "t.csv", ["any"])["any"].to_pydict() == {"a": [1, 2]}
    assert list(tables_called(tmp_path, ["t", "u"])) == ["t", "u"]
    with pytest.raises(SourceError, match="no table `uu`"):
        tables_called(tmp_path, ["t", "uu"])


def test_a_table_alone_does_not_fit_two_names() -> None:
    with pytest.raises(SourceError, match="no table `t`"):
        tables_called(TABLE, ["t", "u"])


def test_several_tables_where_one_is_wanted_are_named_with_what_to_type(tmp_path: Path) -> None:
    for name in ("t", "u"):
        (tmp_path / f"{name}.csv").write_text("a\n1\n2\n")
    for data, choices in (
        ({"t": TABLE, "u": TABLE}, '`data["t"]`, `data["u"]`'),
        (Dataset({"t": TABLE, "u": TABLE}), '`data["t"]`, `data["u"]`'),
        (tmp_path, f"`{tmp_path / 't'}`, `{tmp_path / 'u'}`"),
    ):
        with pytest.raises(SourceError, match=r"holds 2 tables.*: `t`, `u`") as caught:
            as_table(data)
        assert caught.value.hint == f"give one of {choices}"
    assert as_table(tmp_path / "t").num_rows == 2


def test_files_of_a_folder_are_tables_unless_they_are_called_parts(tmp_path: Path) -> None:
    (tmp_path / "2023.csv").write_text("a\n1\n")
    (tmp_path / "2024.csv").write_text("a\n2\n")
    assert list(named_tables(tmp_path)) == ["2023", "2024"]
    parts = tmp_path / "orders"
    parts.mkdir()
    for number in range(3):
        (parts / f"part-{number}.csv").write_text(f"a\n{number}\n")
    assert named_tables(parts)["orders"]["a"].to_pylist() == [0, 1, 2]
    assert list(named_tables(tmp_path)) == ["2023", "2024", "orders"]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_parts_with_different_columns_keep_every_column_and_say_so(
    tmp_path: Path, ending: str
) -> None:
    for number, columns in enumerate(({"a": [1]}, {"a": [2], "b": [3]})):
        Dataset({"t": pa.table(columns)}).write(tmp_path / f"part-{number}.{ending}")
    table = as_table(tmp_path)
    assert table.to_pydict() == {"a": [1, 2], "b": [None, 3]}
    assert any("`b`" in note for note in notes_of(table))


def test_two_files_of_one_table_are_refused(tmp_path: Path) -> None:
    for ending in ("csv", "parquet"):
        Dataset({"t": TABLE}).write(tmp_path / f"t.{ending}")
    with pytest.raises(SourceError, match=r"`t` of .* exists twice"):
        named_tables(tmp_path)


def test_records_beside_a_run_of_one_file_are_not_tables(tmp_path: Path) -> None:
    fb.generate("age int 18..90", n=5, output=tmp_path / "people.csv")
    assert list(named_tables(tmp_path)) == ["people"]


def test_a_url_is_not_read() -> None:
    with pytest.raises(SourceError, match="is an address") as caught:
        as_table("https://example.org/t.csv")
    assert caught.value.hint == "download it, and give the file"


def test_nested_texts_of_polars_can_be_taken_row_by_row() -> None:
    frame = pl.DataFrame({"tags": [["x"], ["y", "z"]], "person": [{"n": "A"}, {"n": "B"}]})
    frame = frame.with_columns(raw=pl.Series([b"1", b"2"]))
    assert as_table(frame).take([1]).to_pylist() == frame[1:].to_dicts()
