"""Files larger than memory: the same table piece by piece as at once, in a file that is mapped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from fabula.errors import SourceError
from fabula.io import pieces
from fabula.io.csv_files import read_csv
from fabula.io.json_files import read_json_lines
from fabula.io.tables import held_table

ROWS = 600
HEAD = "id,zip,amount,flag,day,stamp,clock,late,late,words"


def in_pieces(path: Path, read: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any]:
    """The table of a file that is read at once, and in pieces of a kilobyte."""
    whole = read(path)
    monkeypatch.setattr(pieces, "LARGE", 10)
    monkeypatch.setattr(pieces, "_PIECE", 1000)
    return whole, read(path)


def rows(late: str) -> list[str]:
    """Rows of which columns look like another type from some row on."""
    return [
        f"{n},{n if n < 400 else f'{n:06}'},{n if n < 300 else n + 0.5},{'true' if n % 2 else ''},"
        f"2024-01-{1 + n % 28:02},{1 + n % 28:02}.01.2024 10:00:00,2024-01-01T10:00:00+02:00,"
        f'{"" if n < 500 else late},{n},"a ""word"",\n{"NA" if n % 3 else "é"}"'
        for n in range(ROWS)
    ]


@pytest.mark.parametrize("late", ["7", "007", "x", "2024-01-01", "true"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "windows-1252"])
def test_a_large_csv_has_the_types_notes_and_values_of_one_that_is_read_at_once(
    late: str, encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["# made today", HEAD, *rows(late)]) + "\n", encoding=encoding)
    whole, made = in_pieces(path, read_csv, monkeypatch)
    assert made.schema.equals(whole.schema, check_metadata=True)
    assert made.equals(whole)


def test_a_bad_row_far_down_a_large_csv_is_told_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "LARGE", 10)
    monkeypatch.setattr(pieces, "_PIECE", 1000)
    path = tmp_path / "a.csv"
    path.write_text("a,b\n" + "1,2\n" * 1000 + "1,2,3\n" + "1,2\n" * 1000)
    with pytest.raises(SourceError, match=r"line 1002 of .* has 3 fields, the header has 2"):
        read_csv(path)


def test_large_json_lines_get_columns_and_types_of_all_their_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [
        {"id": n if n < 300 else n + 0.5, "in": {"a": n} if n < 400 else {"a": n, "b": "x"}}
        | ({"late": [n]} if n > 500 else {})
        for n in range(ROWS)
    ]
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    whole, made = in_pieces(path, read_json_lines, monkeypatch)
    assert made.equals(whole)


def test_large_tables_take_no_memory_of_arrow(tmp_path: Path) -> None:
    """The rows lie in a file without a name; small ones stay in memory."""
    block = pa.table({"n": pa.array(range(100_000))})
    before = pa.total_allocated_bytes()
    table = pieces.mapped((block for _ in range(10)), most=1000)
    assert pa.total_allocated_bytes() - before < block.nbytes
    assert table.num_rows == 1_000_000
    assert table["n"][999_999].as_py() == 99_999
    assert list(tmp_path.iterdir()) == []


def test_rows_of_an_address_are_those_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,x\n2,\n")
    assert held_table(f"file://{tmp_path}/a.csv").equals(held_table(tmp_path / "a.csv"))
