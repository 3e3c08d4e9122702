"""Data that a caller hands over, by name."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from fabula.errors import SourceError
from fabula.inference.frames import tables_of

TABLE = pa.table({"a": [1, 2]})


@pytest.mark.parametrize("data", [TABLE, pd.DataFrame({"a": [1, 2]}), {"a": [1, 2]}])
def test_one_table_needs_no_name(data: object) -> None:
    assert tables_of(data, ["t"])["t"].to_pydict() == {"a": [1, 2]}


def test_several_tables_come_by_name_and_others_are_left_alone() -> None:
    found = tables_of({"t": TABLE, "u": {"b": [1]}, "v": TABLE}, ["t", "u"])
    assert list(found) == ["t", "u"]


def test_a_file_or_a_folder_of_files_is_read(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a\n1\n2\n")
    (tmp_path / "u.csv").write_text("b\n1\n")
    assert tables_of(tmp_path / "t.csv", ["any"])["any"].to_pydict() == {"a": [1, 2]}
    assert list(tables_of(tmp_path, ["t", "u"])) == ["t", "u"]
    with pytest.raises(SourceError, match="no table `uu`"):
        tables_of(tmp_path, ["t", "uu"])


def test_a_table_alone_does_not_fit_two_names() -> None:
    with pytest.raises(SourceError, match="no table `t`"):
        tables_of(TABLE, ["t", "u"])
