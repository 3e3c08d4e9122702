"""Real data for tests that need it; the folder is not a part of the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pytest

from fabula.io.tables import as_table, named_tables

FOLDER = Path(os.environ.get("FABULA_TEST_DATA") or Path(__file__).parents[2] / "shared" / "data")
"""Where the files are looked for."""


def real_table(name: str) -> pa.Table:
    """A file of the folder; the test is skipped where there is none."""
    path = FOLDER / name
    if not path.is_file():
        pytest.skip(f"no real data at `{path}`; FABULA_TEST_DATA names another folder")
    return as_table(path)


def real_tables(name: str) -> dict[str, pa.Table]:
    """The tables of a folder; the test is skipped where there is none."""
    path = FOLDER / name
    if not path.is_dir():
        pytest.skip(f"no real data at `{path}`; FABULA_TEST_DATA names another folder")
    return dict(named_tables(path))


def real_files(folder: str) -> list[Path]:
    """The data files of a folder; the test is skipped where there is none."""
    found = sorted((FOLDER / folder).glob("*.csv"))
    if not found:
        pytest.skip(f"no real data at `{FOLDER / folder}`; FABULA_TEST_DATA names another folder")
    return found
