"""Reading files of any origin, and naming what is wrong with them."""

from __future__ import annotations

import gzip
import json
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from fabula.errors import SourceError
from fabula.io.formats import Format
from fabula.io.notes import notes_of
from fabula.io.sources import read_source, read_tables
from fabula.io.tables import as_table
from fabula.io.write import write_table

ROWS = pa.table({"Name": ["Toaster", "Kettle, electric", None], "Price": [29.99, 20.0, None]})


def rows_of(path: Path) -> list[dict[str, Any]]:
    return as_table(path).to_pylist()


@pytest.mark.parametrize("file_format", ["parquet", "csv", "jsonl", "arrow"])
def test_every_written_format_is_read_again(tmp_path: Path, file_format: Format) -> None:
    """RFC 4180 and friends, round trip."""
    path = tmp_path / f"t.{file_format}"
    write_table(path, ROWS, ROWS.schema, file_format)
    assert as_table(path).equals(ROWS)
    assert as_table(tmp_path / "t").equals(ROWS)  # the ending may be left out
    assert as_table(path.rename(tmp_path / "t")).equals(ROWS)  # and the content tells the format


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_separators_line_ends_and_byte_order_marks_are_recognised(
    tmp_path: Path, separator: str, end: str, encoding: str
) -> None:
    """Names stripped, `;` and tab, CRLF, BOM, a newline inside quotes."""
    lines = [["Name ", ' "Größe"', "n"], ['"a ""x""\nb"', "1.5", "NA"], ["", "2", "3"]]
    text = end.join(separator.join(line) for line in lines) + end
    (tmp_path / "t.csv").write_bytes(text.replace(' "Größe"', '"Größe"').encode(encoding))
    assert rows_of(tmp_path / "t.csv") == [
        {"Name": 'a "x"\nb', "Größe": 1.5, "n": None},
        {"Name": None, "Größe": 2.0, "n": 3},
    ]


def test_text_that_looks_like_a_missing_value_stays(tmp_path: Path) -> None:
    """`NA` is Namibia in a column of text and missing in a column of numbers."""
    (tmp_path / "t.csv").write_text("country,n\nNA,NA\nDE,1\n")
    assert rows_of(tmp_path / "t.csv") == [{"country": "NA", "n": None}, {"country": "DE", "n": 1}]


def test_a_gzipped_file_is_read(tmp_path: Path) -> None:
    """Any file."""
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"a;b\n1;2\n"))
    assert rows_of(tmp_path / "t.csv.gz") == [{"a": 1, "b": 2}]


def zipped(path: Path, **files: bytes) -> Path:
    """An archive of files; `__` in a name stands for a dot."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "."), content)
    return path


def test_an_archive_of_one_data_file_is_read(tmp_path: Path) -> None:
    """Other files, such as a licence, don't matter; the table is called like the file."""
    path = zipped(tmp_path / "t.csv.zip", t__csv=b"a;b\n1;2\n", README__md=b"# T")
    assert rows_of(path) == [{"a": 1, "b": 2}]
    assert list(read_tables(path)) == ["t"]
    zipped(tmp_path / "p.csv.zip", p__csv=b"a\n1\n")
    assert sorted(read_tables(tmp_path)) == ["p", "t"]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"a__csv": b"x\n1\n", "b__csv": b"x\n1\n"}, "holds 2 data files: `a.csv`, `b.csv`"),
        ({"a__md": b"x"}, "holds no data file"),
        ({"a__csv": b"x\n" + b"0" * (64 << 20)}, "more than 16 MiB come out of it"),
        ({"a__csv": b"x,y\n1\n"}, "t.zip/a.csv` has 1 field, the header has 2"),
    ],
    ids=["several", "none", "bomb", "bad row"],
)
def test_other_archives_are_refused_with_the_reason(
    tmp_path: Path, files: dict[str, bytes], words: str
) -> None:
    """What is in it is named, and nothing fills the disk."""
    with pytest.raises(SourceError) as caught:
        as_table(zipped(tmp_path / "t.zip", **files))
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("content", "code", "line", "words"),
    [
        (b"id,price\n1,250,000\n2,300,000\n", "source.bad-row", 2, "3 fields, the header has 2"),
        (b'a,b\n"x\ny",1\n3\n', "source.bad-row", 4, "1 field,"),
        (b'a,b\n1,2\n3,"never closed\n4,5\n', "source.bad-row", 3, "never closed"),
        ("a,b\n1,Привет всем\n".encode("cp1251"), "source.encoding", 2, "byte 0xcf on line 2"),
        (b"", "source.empty", None, "is empty"),
        (b"\x00\x01\x02\x03" * 10, "source.unreadable", None, "binary"),
        (b"PK\x03\x04....", "source.unreadable", None, "is an archive, and it can't be unpacked"),
        (b"PAR1 and then nothing", "source.unreadable", None, "can't be read"),
    ],
)
def test_a_bad_file_is_named_with_its_line(
    tmp_path: Path, content: bytes, code: str, line: int | None, words: str
) -> None:
    """Never a silent shift; file and line, no traceback of a library."""
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(SourceError) as caught:
        as_table(path)
    assert (caught.value.code, caught.value.line) == (code, line)
    assert words in caught.value.message
    assert caught.value.file == str(path)


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("t.jsonl", '{"a": 1}\n{"a": \n', 2),
        ("t.jsonl", '{"a": 1}\n[1]\n', 2),
        ("t.jsonl", '{"a": 1}\n{"a": {"b": 1}}\n', None),
        ("t.json", "[1, 2]", None),
        ("t.json", "nope", 1),
        ("t.json", "[" * 100_000, None),
    ],
)
def test_bad_json_is_named_with_its_line(
    tmp_path: Path, name: str, content: str, line: int | None
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(SourceError) as caught:
        as_table(tmp_path / name)
    assert caught.value.line == line


def test_json_files_hold_rows_or_columns(tmp_path: Path) -> None:
    """Rows may lack a name; it is null there and never lost."""
    path = tmp_path / "t.json"
    path.write_text('[{"a": 1}, {"a": 2, "b": "x"}]')
    assert rows_of(path) == [{"a": 1, "b": None}, {"a": 2, "b": "x"}]
    path.write_text('{"a": [1, 2]}')
    assert rows_of(path) == [{"a": 1}, {"a": 2}]
    path.write_text('{"a": 1}\n{"a": 2}\n')
    assert rows_of(path) == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize("name", ["stamps.jsonl", "stamps.json"])
def test_whole_numbers_of_json_are_never_rounded(tmp_path: Path, name: str) -> None:
    """Up to 64 bits they stay numbers; longer ones are text, which is said."""
    rows = [{"id": 2**63 + at, "stamp": 20240105101500000000 + at, "x": 1.5} for at in range(3)]
    lines = map(json.dumps, rows)
    text = "\n".join(lines) if name.endswith("l") else json.dumps(rows)
    (tmp_path / name).write_text(text)
    table = as_table(tmp_path / name)
    assert table["id"].to_pylist() == [row["id"] for row in rows]
    assert table["stamp"].to_pylist() == [str(row["stamp"]) for row in rows]
    assert notes_of(table) == ("`stamp` holds whole numbers of more than 64 bits, read as text",)


@pytest.mark.parametrize("name", ["t.json", "t.jsonl"])
def test_text_beside_numbers_in_json_is_text_and_said(tmp_path: Path, name: str) -> None:
    """One title of a film is 1776."""
    films = [{"title": "Jaws", "year": 1975}, {"title": 1776, "year": 1972}, {"title": "Big"}]
    lines = [json.dumps(film) for film in films]
    text = "\n".join(lines) if name == "t.jsonl" else f"[{','.join(lines)}]"
    (tmp_path / name).write_text(text)
    table = as_table(tmp_path / name)
    assert table.column("title").to_pylist() == ["Jaws", "1776", "Big"]
    assert table.column("year").to_pylist() == [1975, 1972, None]
    (note,) = notes_of(table)
    assert note == "`title` holds text, but a number in row 2; all are read as text"


@pytest.mark.parametrize("name", ["t.json", "t.jsonl"])
def test_a_json_value_of_no_common_type_is_named(tmp_path: Path, name: str) -> None:
    """The record and the field, never a message of a library."""
    rows = [{"a": 1}, {"a": {"b": 1}}]
    lines = [json.dumps(row) for row in rows]
    text = "\n".join(lines) if name == "t.jsonl" else f"[{','.join(lines)}]"
    (tmp_path / name).write_text(text)
    with pytest.raises(SourceError, match=r"`a` of record 2 in .* is an object"):
        as_table(tmp_path / name)


def test_folders_of_parts_are_one_table_and_folders_of_tables_are_several(tmp_path: Path) -> None:
    """Any folder: parts, a run, files by table."""
    (tmp_path / "orders").mkdir()
    for part in range(3):
        pa.parquet.write_table(
            pa.table({"id": [part]}), tmp_path / f"orders/part-{part:05d}.parquet"
        )
    (tmp_path / "people.csv").write_text("name\nAda\n")
    assert rows_of(tmp_path / "orders") == [{"id": 0}, {"id": 1}, {"id": 2}]
    assert sorted(read_tables(tmp_path)) == ["orders", "people"]
    for place in (tmp_path / "nothing", tmp_path / "peopel.csv"):
        with pytest.raises(SourceError) as caught:
            read_source(place)
    assert caught.value.hint == f"did you mean `{tmp_path / 'people.csv'}`?"
    (tmp_path / "void").mkdir()
    with pytest.raises(SourceError, match="holds no data file"):
        read_source(tmp_path / "void")
    digest = sha256((tmp_path / "people.csv").read_bytes()).hexdigest()
    files = {"people": {"files": [{"path": "people.csv", "sha256": digest}]}}
    (tmp_path / "manifest.json").write_text(json.dumps({"tables": files}))
    assert rows_of(tmp_path) == [{"name": "Ada"}]


def test_a_manifest_of_another_program_is_no_run(tmp_path: Path) -> None:
    """Any folder."""
    (tmp_path / "people.csv").write_text("name\nAda\n")
    for content in ('{"icons": []}', "[]", '{"tables": 3}', "nope"):
        (tmp_path / "manifest.json").write_text(content)
        assert list(read_tables(tmp_path)) == ["people"]
        assert rows_of(tmp_path) == [{"name": "Ada"}]


def test_frames_of_any_library_become_tables() -> None:
    """Tables in: pandas, polars, pyarrow, DuckDB, columns, rows."""
    import duckdb
    import pandas as pd
    import polars as pl

    columns = {"a": [1, 2], "b": ["x", None]}
    expected = [{"a": 1, "b": "x"}, {"a": 2, "b": None}]
    query = duckdb.sql("SELECT * FROM (VALUES (1, 'x'), (2, NULL)) AS t(a, b) ORDER BY a")
    for data in (columns, expected, pd.DataFrame(columns), pl.DataFrame(columns), query):
        assert as_table(data).to_pylist() == expected
    filtered = pd.DataFrame(columns)[lambda frame: frame.a > 1]
    assert as_table(filtered).to_pylist() == expected[1:]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"tags": ["x", "y", {"a": 1}]}, "`trips.tags`: row 2 holds a dict"),
        ({"a": [1, 2], "b": [1]}, "different lengths: `a` 2, `b` 1"),
        ([{"a": 1}, 5], "row 1 of `trips` is a int"),
        (object(), "`trips` can't be read"),
    ],
)
def test_what_is_no_table_is_named(data: Any, words: str) -> None:
    """The column and the row, never `unhashable type`."""
    with pytest.raises(SourceError) as caught:
        as_table(data, name="trips")
    assert words in caught.value.message
