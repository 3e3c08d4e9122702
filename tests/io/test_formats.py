"""File formats are entries of one register, and one of a user's own goes wherever a name does."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

import fabula as fb
from fabula.errors import FabulaError, SourceError, UsageError
from fabula.io.formats import FILE_FORMATS, FileFormat
from fabula.io.sources import read_source, read_tables


class Lines:
    """Writes `name=value` pairs, a row a line."""

    def __init__(self, sink: pa.NativeFile, *_: object) -> None:
        self._sink = sink

    def write(self, block: pa.Table) -> None:
        """Add a block's rows."""
        for row in block.to_pylist():
            self._sink.write((";".join(f"{k}={v}" for k, v in row.items()) + "\n").encode())

    def close(self) -> None:
        """Nothing is left to write."""


def read_lines(path: Path) -> pa.Table:
    """The table of a file."""
    rows = [
        dict(pair.split("=", 1) for pair in line.split(";"))
        for line in path.read_text().splitlines()
    ]
    return pa.Table.from_pylist(rows)


PAIRS = FileFormat("pairs", "Pairs", (".pairs",), reads=read_lines, writes=Lines)


@pytest.fixture
def pairs(monkeypatch: pytest.MonkeyPatch) -> FileFormat:
    monkeypatch.setitem(FILE_FORMATS._entries, "pairs", PAIRS)
    monkeypatch.setitem(FILE_FORMATS._sources, "pairs", "")
    return PAIRS


@pytest.mark.usefixtures("pairs")
def test_a_format_of_ones_own_is_written_and_read(tmp_path: Path) -> None:
    made = fb.generate("age int 18..90, plan choice free|pro", n=50, output=tmp_path / "p.pairs")
    read = read_source(tmp_path / "p.pairs")
    assert read["plan"].to_pylist() == made.to_arrow()["plan"].to_pylist()
    assert fb.infer(tmp_path / "p.pairs").spec.tables["p"].columns.keys() == {"age", "plan"}


@pytest.mark.usefixtures("pairs")
def test_a_spec_names_it_among_its_outputs(tmp_path: Path) -> None:
    columns = {"age": {"kind": "uniform", "min": 1, "max": 9}}
    spec = {"tables": {"t": {"n": 5, "columns": columns}}, "outputs": [{"format": "pairs"}]}
    fb.generate(spec, output=tmp_path / "run")
    assert {path.suffix for path in (tmp_path / "run").glob("t.*")} == {".parquet", ".pairs"}


@pytest.mark.usefixtures("pairs")
def test_a_run_folder_keeps_parts_of_it_and_is_read_again(tmp_path: Path) -> None:
    made = fb.generate("age int 18..90", n=50, output=tmp_path / "run", format="pairs")
    assert list((tmp_path / "run").rglob("*.pairs"))
    assert fb.Dataset.open(tmp_path / "run").to_arrow()["age"].to_pylist() == [
        str(age) for age in made.to_arrow()["age"].to_pylist()
    ]  # a format of texts has no types
    assert list(read_tables(tmp_path / "run")) == ["rows"]
    with pytest.raises(UsageError, match="there is no file format"):
        fb.generate("age int 18..90", n=5, output=tmp_path / "other", format="pair")


@pytest.mark.parametrize(
    ("entry", "lack"),
    [
        (FileFormat("new", "", (".new",), reads=read_lines), "has no `title`"),
        (FileFormat("new", "New", ("new",), reads=read_lines), "has no `endings`"),
        (FileFormat("new", "New", (".new",)), "neither reads nor writes"),
        (FileFormat("new", "New", (".n",), writes=Lines), "has no ending `.new`"),
        (FileFormat("new", "New", (".csv",), reads=read_lines), "which is `csv`'s"),
    ],
)
def test_an_entry_that_lacks_a_part_is_not_registered(entry: FileFormat, lack: str) -> None:
    with pytest.raises(UsageError, match=lack):
        FILE_FORMATS.add(entry)


def test_a_format_that_is_only_read_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="JSON files are read, not written"):
        fb.generate("age int 18..90", n=5, output=tmp_path / "rows.json")


def test_a_format_of_several_tables_a_file_is_read_by_sheet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def books(path: Path) -> dict[str, pa.Table]:
        return {name: pa.table({"a": [1]}) for name in path.read_text().split()}

    entry = FileFormat("book", "Books", (".book",), tables=books)
    monkeypatch.setitem(FILE_FORMATS._entries, "book", entry)
    monkeypatch.setitem(FILE_FORMATS._sources, "book", "")
    (tmp_path / "two.book").write_text("one other")
    (tmp_path / "one.book").write_text("one")
    assert list(read_tables(tmp_path / "two.book")) == ["one", "other"]
    assert read_source(tmp_path / "one.book")["a"].to_pylist() == [1]
    with pytest.raises(SourceError, match="holds 2 tables: `one`, `other`"):
        read_source(tmp_path / "two.book")


def test_an_ending_that_the_content_contradicts_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "rows.xlsx"
    path.write_text("a,b\n1,2\n3,4\n")
    assert read_source(path)["b"].to_pylist() == [2, 4]
    with pytest.raises(FabulaError):
        fb.export(path, tmp_path / "out.xlsx", user="a", assistant="b")
    assert list(tmp_path.iterdir()) == [path]
