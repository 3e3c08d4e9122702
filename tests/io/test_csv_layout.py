"""What stands around the table of a CSV file: what is not as usual is read, and said."""

from __future__ import annotations

import gzip
import subprocess
from pathlib import Path

import pytest

import fabula as fb
from fabula.errors import SourceError
from fabula.io.notes import notes_of
from fabula.io.tables import as_table

ROWS = "".join(f"{at},{at * 1.5},Ada\n" for at in range(30))


def read(folder: Path, content: str | bytes, name: str = "data.csv"):
    """A table of a file's content, and its notes."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    table = as_table(path)
    return table, "\n".join(notes_of(table))


@pytest.mark.parametrize(
    ("before", "told"),
    [
        ("# made by hand\n# 2024\n", "lines 1 to 2 are left out, before the header: `# made"),
        ("Report of May\n\n", "lines 1 to 2 are left out, before the header: `Report of May`"),
        ("\n\n", ""),
        ("#\n", "line 1 is left out, before the header: `#`"),
    ],
)
def test_comments_and_titles_before_the_header_are_left_out(tmp_path, before, told):
    """Lines of no table are named, blank ones need no word."""
    table, notes = read(tmp_path, f"{before}id,price,name\n{ROWS}")
    assert table.column_names == ["id", "price", "name"]
    assert table.num_rows == 30
    assert told in notes
    assert bool(notes) == bool(told)


def test_a_header_that_starts_with_a_hash_stays_the_header(tmp_path):
    """As files of genomes have it."""
    table, notes = read(tmp_path, f"#chrom,start,end\n{ROWS}")
    assert table.column_names == ["#chrom", "start", "end"]
    assert not notes


def test_values_between_single_blanks_are_columns(tmp_path):
    """Also under names in single quotes; a column of full names stays one."""
    rows = "".join(f'{at} {at * 1.5} "Ada Lee"\n' for at in range(30))
    table, notes = read(tmp_path, f"'id' 'price' 'name'\n{rows}")
    assert table.column_names == ["id", "price", "name"]
    assert table["name"].unique().to_pylist() == ["Ada Lee"]
    assert "values are separated by blanks" in notes
    assert "single quotes" in notes
    table, notes = read(tmp_path, "full name\n" + "Ada Lee\n" * 30)
    assert (table.column_names, notes) == (["full name"], "")


def test_values_between_several_blanks_are_one_error_whose_command_works(tmp_path):
    """Fixed widths would be read as one column of texts."""
    rows = "".join(f"  {at}   {at * 1.5} x\n" for at in range(30))
    with pytest.raises(SourceError, match="separated by several blanks") as caught:
        read(tmp_path, f"id price kind\n{rows}")
    command = caught.value.hint.partition(": ")[2]
    subprocess.run(command, cwd=tmp_path, shell=True, check=True)
    table = as_table(tmp_path / "data-commas.csv")
    assert (table.column_names, table.num_rows) == (["id", "price", "kind"], 30)


def test_a_line_that_does_not_fit_is_counted_from_the_top_of_the_file(tmp_path):
    """Lines before the header count, too."""
    with pytest.raises(SourceError) as caught:
        read(tmp_path, f"# made by hand\nid,price,name\n{ROWS}1,2\n")
    assert caught.value.line == 33


@pytest.mark.parametrize("first", ["7,1.5,Ada", "3,2.25,Bea"])
def test_a_file_without_a_header_keeps_its_first_row(tmp_path, first):
    """Columns are called by their places, which is said."""
    table, notes = read(tmp_path, f"{first}\n{ROWS}")
    assert table.column_names == ["column_1", "column_2", "column_3"]
    assert table.num_rows == 31
    assert "the first row contains values, not names" in notes


@pytest.mark.parametrize("header", ["country,2019,2020", "id,2019,x", ",0,1"])
def test_years_and_places_are_names_of_columns(tmp_path, header):
    """A wide table has years as names."""
    rows = "".join(f"DE,{at},{at + 1}\n" for at in range(30))
    table, notes = read(tmp_path, f"{header}\n{rows}")
    assert table.num_rows == 30
    assert not notes


def test_a_second_header_is_left_out(tmp_path):
    """Units and questions below the names are not a row."""
    table, notes = read(tmp_path, f"id,price,name\n,(EUR),Response\n{ROWS}")
    assert table.num_rows == 30
    assert [str(kind) for kind in table.schema.types] == ["int64", "double", "string"]
    assert "a second header: `,(EUR),Response`" in notes


def test_repeated_names_are_numbered(tmp_path):
    """No value is lost, and no name is taken twice."""
    table, notes = read(tmp_path, "value,value,value_2,value\n1,2,3,4\n")
    assert table.to_pylist() == [{"value": 1, "value_3": 2, "value_2": 3, "value_4": 4}]
    assert "column 2 is called `value_3`" in notes


@pytest.mark.parametrize("where", ["name,größe\nAda,1\n", "name,size\nZoé,1\n"])
@pytest.mark.parametrize("encoding", ["latin-1", "windows-1252"])
def test_western_files_that_are_not_utf8_are_read_and_said(tmp_path, where, encoding):
    """The byte and its line tell why."""
    table, notes = read(tmp_path, where.encode(encoding))
    assert "".join([*table.column_names, *map(str, table.to_pylist()[0].values())]) in (
        "namegrößeAda1",
        "namesizeZoé1",
    )
    assert "is not UTF-8: byte 0x" in notes
    assert "it is read as Windows-1252" in notes


def test_notes_reach_the_card_of_a_model_and_the_table_loses_them(tmp_path):
    """Whoever fits a file reads what its reader doubted."""
    path = tmp_path / "data.csv.gz"
    path.write_bytes(gzip.compress(f"# made by hand\nid,price,price\n{ROWS}".encode()))
    model = fb.fit(path, seed=1, holdout=0.1)
    assert "`# made by hand`" in str(model.card())
    assert "`price_2`" in str(model.card())
    assert not notes_of(model.holdout)
    assert not notes_of(model.sample(3))
