"""What a reader was not sure of is told by every command that reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import fabula as fb
from fabula.io.notes import notes_of
from fabula.io.sources import read_source
from fabula.reports.profile import profile
from fabula.reports.profile_text import profiles_text

WESTERN = "it is read as Windows-1252"
LOST = "whole numbers are stored as floats"


def western(path: Path) -> Path:
    """A file in another encoding, with a comment before its header."""
    rows = "".join(f"{at},José {at % 7}\n" for at in range(60))
    path.write_text(f"# written by hand\nid,who\n{rows}", encoding="windows-1252")
    return path


def test_show_prints_the_notes_of_the_reader(tmp_path: Path) -> None:
    """Below the columns."""
    text = profiles_text(profile(western(tmp_path / "people.csv")))
    assert "note: line 1 is left out, before the header" in text
    assert WESTERN in text


def test_evaluate_prints_the_notes_of_both_tables(tmp_path: Path) -> None:
    """Each says which table it is of."""
    path = western(tmp_path / "people.csv")
    report = fb.evaluate(path, real=path, sections=["quality"])
    told = "\n".join(report.tables[0].notes)
    assert f"The real table: the file is not UTF-8: byte 0xe9 on line 3; {WESTERN}" in told
    assert "The synthetic table: line 1 is left out" in told


def test_notes_name_the_file_of_a_table_in_parts(tmp_path: Path) -> None:
    """A column that one file lacks is told, too."""
    folder = tmp_path / "people"
    folder.mkdir()
    western(folder / "part-1.csv")
    (folder / "part-2.csv").write_text("id,age\n1,30\n2,40\n")
    notes = notes_of(read_source(folder))
    assert "part-1.csv: line 1 is left out, before the header: `# written by hand`" in notes
    assert "part-2.csv: has no `who`: missing in its 2 rows" in notes


def damaged() -> pa.Table:
    """Ids of 64 bits as pandas reads them alongside a gap, and large numbers that are none."""
    ids = (1_790_000_000_000_000_684 + np.arange(300) * 4_194_065).astype(float)
    ids[7] = np.nan
    mass = np.full(300, 1.99e30)
    return pa.table({"id": pa.array(ids, from_pandas=True), "mass": mass, "n": [1, 2, 3] * 100})


def test_ids_that_have_lost_digits_as_floats_are_told() -> None:
    """Not where numbers are measured, or floats hold every digit."""
    assert [note.partition(":")[0] for note in notes_of(damaged())] == ["id"]
    assert LOST in fb.fit(damaged(), seed=1).card().notes[0]
    assert LOST in fb.infer(damaged()).notes[0]
    report = fb.evaluate(damaged(), real=damaged(), sections=["quality"])
    assert any(LOST in note for note in report.tables[0].notes)


@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_new_keys_that_are_large_floats_differ(kind: type) -> None:
    """Their distance is one that floats of that size have."""
    ids = np.unique((1.79e18 + np.arange(300) * 2.0**41).astype(kind))
    made = fb.fit(pa.table({"user_id": ids, "n": np.arange(len(ids)) % 5}), seed=1).sample(500)
    new = made["user_id"].to_numpy()
    assert len(np.unique(new)) == 500
    assert not np.isin(new, ids).any()
