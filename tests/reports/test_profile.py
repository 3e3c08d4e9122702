"""Profiles of files, folders and runs."""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

from fabula.errors import SourceError
from fabula.reports.profile import AT_ONCE, BINS, profile
from fabula.reports.profile_text import profile_text
from fabula.runs.dataset import Dataset


def columns_of(path):
    """The columns of the only table under a path, by name."""
    (table,) = profile(path)
    return {column.name: column for column in table.columns}


@pytest.fixture
def rows() -> pa.Table:
    """One column of each type, with what makes profiles hard."""
    return pa.table(
        {
            "id": list(range(1, 101)),
            "share": [None if at % 10 == 0 else at / 100 for at in range(100)],
            "plan": pa.array(["free"] * 75 + ["pro"] * 25).dictionary_encode(),
            "ok": [at % 2 == 0 for at in range(100)],
            "at": [dt.datetime(2024, 1, 1) + dt.timedelta(days=at) for at in range(100)],
            "day": [dt.date(2024, 1, 1)] * 100,
            "email": [f"a{at}@example.org" for at in range(100)],
            "tags": [["x", "y"]] * 100,
            "nothing": pa.array([None] * 100, pa.string()),
            'odd "name, with\nall': [1.0] * 100,
        }
    )


@pytest.mark.parametrize("ending", ["parquet", "arrow"])
def test_every_type_has_a_profile(tmp_path, rows, ending):
    """Exact counts, extents, means, bins, frequent values and examples."""
    path = tmp_path / f"rows.{ending}"
    if ending == "parquet":
        pa.parquet.write_table(rows, path)
    else:
        pa.feather.write_feather(rows, path, compression="uncompressed")
    found = columns_of(path)
    assert [column.name for column in found.values()] == rows.column_names
    assert (found["id"].distinct, found["id"].exact) == (100, True)
    assert (found["id"].low, found["id"].mean, found["id"].high) == (1, 50.5, 100)
    assert found["id"].shape == (10,) * BINS
    assert found["share"].nulls == 10
    assert sum(found["share"].shape) == 90
    assert found["plan"].top == (("free", 75), ("pro", 25))
    assert dict(found["ok"].top) == {"true": 50, "false": 50}
    assert found["at"].low == dt.datetime(2024, 1, 1)
    assert sum(found["at"].shape) == 100
    assert found["day"].distinct == 1
    assert found["email"].examples[0] == "a0@example.org"
    assert found["nothing"].nulls == 100
    assert found["tags"].examples
    text = profile_text(profile(path)[0])
    assert len(text.splitlines()) == 2 + rows.num_columns


@pytest.mark.parametrize("room", [60, 80, 100])
def test_lines_of_a_profile_fit_the_terminal(room, tmp_path):
    """First the bars get shorter, then values are left out, which an ellipsis says."""
    moments = [dt.datetime(2024, 1, 1, 12, 30, 15) + dt.timedelta(hours=n) for n in range(300)]
    columns = {
        "region": [("Saarland", "Thüringen", "Bremen", "Bayern")[n % 4]
                               for n in range(300)],
        "at": moments,
        "note": [f"a note of some length with the number {n}" for n in range(300)],
        "price": [n * 1234.567 for n in range(300)],
    }  # fmt: skip
    pa.parquet.write_table(pa.table(columns), tmp_path / "x.parquet")
    lines = profile_text(profile(tmp_path / "x.parquet")[0], room=room).splitlines()
    assert max(map(len, lines)) <= room
    labels, at = lines[2], lines[3]
    assert ("Thüringen" in labels) == ("…" not in labels) == (room == 100)
    assert "2024-01-13" in at


def test_infinite_and_missing_numbers_do_not_spoil_a_profile(tmp_path):
    """NaN and infinities count as values but not towards extents and bins."""
    values = [1.0, 2.0, 3.0, float("nan"), float("inf"), -float("inf"), None]
    pa.parquet.write_table(pa.table({"x": values}), tmp_path / "x.parquet")
    column = columns_of(tmp_path / "x.parquet")["x"]
    assert (column.nulls, column.low, column.mean, column.high) == (1, 1.0, 2.0, 3.0)
    assert sum(column.shape) == 3


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.csv", 'a,b\n1,"two, too"\n2,\n'),
        ("x.tsv", "a\tb\n1\ttwo, too\n2\t\n"),
        ("x.jsonl", '{"a": 1, "b": "two, too"}\n{"a": 2, "b": null}\n'),
        ("x.json", '[{"a": 1, "b": "two, too"}, {"a": 2, "b": null}]'),
    ],
)
def test_text_forms_are_read_by_their_ending(tmp_path, name, text):
    """CSV, TSV, JSON Lines and JSON give the same profile."""
    (tmp_path / name).write_text(text, encoding="utf-8")
    found = columns_of(tmp_path / name)
    assert (found["a"].low, found["a"].high) == (1, 2)
    assert found["b"].nulls == 1


def test_a_run_folder_holds_its_tables_and_nothing_else(tmp_path):
    """Parts are one table; the record, rejects and hidden files are not tables."""
    parts = tmp_path / "orders"
    parts.mkdir()
    for part in range(3):
        pa.parquet.write_table(pa.table({"id": [part]}), parts / f"part-{part:05d}.parquet")
    pa.parquet.write_table(pa.table({"id": [1]}), tmp_path / "customers.parquet")
    (tmp_path / "rejects.jsonl").write_text(json.dumps({"row": 1}) + "\n")
    (tmp_path / "run.json").write_text("{}")
    (tmp_path / ".fabula").mkdir()
    found = profile(tmp_path)
    assert [(table.name, table.rows) for table in found] == [("customers", 1), ("orders", 3)]
    assert [table.name for table in profile(parts)] == ["orders"]


def test_a_table_without_rows_has_a_profile(tmp_path):
    """Empty tables are data too."""
    empty = pa.table({"a": pa.array([], pa.int64()), "b": pa.array([], pa.string())})
    pa.parquet.write_table(empty, tmp_path / "x.parquet")
    (table,) = profile(tmp_path / "x.parquet")
    assert table.rows == 0
    assert "0 rows" in profile_text(table)


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("x.parquet", b"not parquet", "source.unreadable"),
        ("x.jsonl", b"{broken", "source.bad-row"),
        ("x.doc", b"\x00\x01", "source.unreadable"),
        ("x.csv", b"a,b\n1\n", "source.bad-row"),
    ],
)
def test_what_can_not_be_read_is_named(tmp_path, name, content, code):
    """Damaged and unknown files end in a named error with the file in it."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError) as caught:
        profile(tmp_path / name)
    assert caught.value.code == code
    assert name in str(caught.value)


def test_missing_and_empty_places_are_named(tmp_path):
    """No file, no folder, and a folder without data are three clear errors."""
    for place, code in ((tmp_path / "no", "source.missing"), (tmp_path, "source.empty")):
        with pytest.raises(SourceError) as caught:
            profile(place)
        assert caught.value.code == code


def test_times_with_a_zone_are_profiled_without_pytz(tmp_path, monkeypatch):
    """DuckDB asks for `pytz` to hand such a time to Python; Fabula doesn't need it."""
    monkeypatch.setitem(sys.modules, "pytz", None)
    path = tmp_path / "visits.csv"
    path.write_text("at\n2024-01-05T08:00:00Z\n2024-02-05T09:30:00Z\n")
    (table,) = profile(path)
    assert table.columns[0].type == "datetime"
    assert table.columns[0].low == dt.datetime(2024, 1, 5, 8)


def test_tables_of_different_formats_keep_apart(tmp_path: Path) -> None:
    """All tables are read over one connection; each name stands for its own rows alone."""
    for at, ending in enumerate(["parquet", "csv", "parquet", "jsonl", "csv"], start=1):
        table = pa.table({"n": range(at), f"only_{at}": ["x"] * at})
        Dataset({"t": table}).write(tmp_path / f"t{at}.{ending}")
    found = {each.name: (each.rows, each.columns[1].name) for each in profile(tmp_path)}
    assert found == {f"t{at}": (at, f"only_{at}") for at in range(1, 6)}


def test_wide_tables_are_counted_some_columns_at_a_time(tmp_path) -> None:
    """One query for all columns took over a gigabyte for 3,000 of them."""
    wide = {f"c{at}": [at, at + 1, None] for at in range(AT_ONCE + 1)}
    pa.parquet.write_table(pa.table(wide), tmp_path / "t.parquet")
    (found,) = profile(tmp_path / "t.parquet")
    told = [(column.name, column.low, column.high, column.nulls) for column in found.columns]
    assert told == [(f"c{at}", at, at + 1, 1) for at in range(AT_ONCE + 1)]
    assert {column.distinct for column in found.columns} == {2}


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_columns_that_are_left_out_of_a_profile_are_counted(ending, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("fabula.reports.profile.MOST_COLUMNS", 3)
    Dataset({"t": pa.table({f"c{at}": [at] for at in range(5)})}).write(tmp_path / f"t.{ending}")
    (found,) = profile(tmp_path / f"t.{ending}")
    assert [column.name for column in found.columns] == ["c0", "c1", "c2"]
    assert found.notes == ("the last 2 of 5 columns are not profiled",)
    assert "the last 2 of 5 columns" in profile_text(found)
