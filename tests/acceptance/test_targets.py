"""Where a verb writes is looked at before it asks a model, or learns or measures anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from fabula.testing import ChatServer

BIOS = "name,year\nAda,1815\nGrace,1906\n"
TICKETS = "text\n" + "".join(f"the card was refused {i}\nno parcel came {i}\n" for i in range(20))
SPEC = """\
fabula: 1
name: notes
tables:
  notes:
    n: 3
    columns:
      note: {kind: text, prompt: "A note."}
"""
ASKING = {
    "pairs": ("pairs", "product name → description", "-n", "2"),
    "describe": ("describe", "bios.csv"),
    "extract": ("extract", "bios.csv", "--schema", "name str"),
    "extend": ("extend", "bios.csv", "-n", "2"),
    "balance": ("balance", "tickets.csv"),
    "program": ("program", "5 rows of houses: id, size"),
    "generate": ("generate", "notes.yaml"),
    "init": ("init", "--prompt", "a shop"),
}
FOLDERS = ("balance", "program")


@pytest.fixture
def files(request):
    """The folder in which commands run, with data to ask about."""
    request.getfixturevalue("fabula")  # goes there
    here = Path.cwd()
    (here / "bios.csv").write_text(BIOS)
    (here / "tickets.csv").write_text(TICKETS)
    (here / "notes.yaml").write_text(SPEC)
    return here


@pytest.mark.parametrize("verb", ASKING)
@pytest.mark.parametrize("place", ["below a file", "taken", "of the wrong form", "too long"])
def test_nothing_is_asked_for_a_place_that_can_not_be_written(files, fabula, verb, place):
    """A target below a file, taken, of the wrong form or too long ends in exit 2, unasked."""
    ending = "" if verb in FOLDERS else ".csv"
    target = {
        "below a file": f"bios.csv/rows{ending}",
        "taken": f"taken{ending}",
        "of the wrong form": f"other{ending}",
        "too long": "x" * 300 + ending,
    }[place]
    folder, file = files / f"taken{ending}", files / f"other{ending}"
    if verb not in FOLDERS:
        folder, file = file, folder
    folder.mkdir()
    (folder / ("balance.json" if verb == "balance" else "thesis.txt")).write_text("{}")
    file.write_text("mine")
    forced = ("--overwrite",) if place == "of the wrong form" else ()
    before = {path: path.read_bytes() for path in files.rglob("*") if path.is_file()}
    with ChatServer() as server:
        ended = fabula(*ASKING[verb], "-o", target, *forced, server=server)
        assert not server.calls
    assert ended.code == 2, ended.err
    assert "error[usage.file]" if place == "too long" else "error[sink." in ended.err
    assert {path: path.read_bytes() for path in files.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("verb", FOLDERS)
def test_a_folder_is_not_called_like_a_file(files, fabula, verb):
    """`-o rows.csv` where a folder is written is refused, with the name to use."""
    with ChatServer() as server:
        ended = fabula(*ASKING[verb], "-o", "rows.csv", server=server)
        assert not server.calls
    assert ended.code == 2
    assert "hint: give a folder: `-o rows`" in ended.err
    assert not (files / "rows.csv").exists()


def test_files_of_a_split_are_looked_at_too(files, fabula):
    """The test set of an earlier run is not replaced, and no pair is asked for it."""
    (files / "pairs-test.jsonl").write_text("mine")
    with ChatServer() as server:
        ended = fabula(*ASKING["pairs"], "--split", "train=0.5,test=0.5", "-o", "pairs.jsonl",
                       server=server)  # fmt: skip
        assert not server.calls
    assert ended.code == 2
    assert "error[sink.exists]: `pairs-test.jsonl` exists" in ended.err


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("option", ["-o", "--holdout-output"])
def test_nothing_is_learned_for_a_place_that_can_not_be_written(fabula, option):
    """`fit` looks at both of its files first; too few rows would be its next complaint."""
    others = ("-o", "model.fabula") if option != "-o" else ()
    ended = fabula("fit", "bios.csv", option, "bios.csv/rows.csv", *others)
    assert ended.code == 2
    assert "error[sink.no-folder]" in ended.err


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("option", ["-o", "--charts"])
def test_nothing_is_measured_for_a_place_that_can_not_be_written(fabula, option):
    """`evaluate` prints no score of which the report would be missing."""
    ended = fabula("evaluate", "bios.csv", option, "bios.csv/report")
    assert (ended.code, ended.out) == (2, "")
    assert "error[sink.no-folder]" in ended.err


def test_a_format_that_the_ending_contradicts_is_refused(files, fabula):
    """`--format csv` never ends up in a file called `.jsonl`; what agrees is taken."""
    line = ("generate", "age int 18..90", "-n", "3")
    ended = fabula(*line, "-o", "rows.jsonl", "--format", "csv")
    assert ended.code == 2
    assert "error[usage.format]: `rows.jsonl` can't hold `csv`" in ended.err
    assert "hint: write `-o rows.csv`" in ended.err
    assert not (files / "rows.jsonl").exists()
    assert fabula(*line, "-o", "rows.jsonl", "--format", "jsonl").code == 0
    assert fabula(*line, "-o", "rows").code == 0
    assert (files / "rows" / "rows.parquet").is_file()


def test_tabs_separate_where_the_ending_says_so(files, fabula):
    """`.tsv` holds tabs, also when the file is read again, and the summary calls it CSV."""
    line = ("generate", "age int 18..90, plan choice free|pro", "-n", "3", "-o", "rows.tsv")
    made = fabula(*line, "--format", "csv")
    assert made.code == 0, made.err
    assert "(1 CSV file, rows.tsv.manifest.json)" in made.err
    assert (files / "rows.tsv").read_text().splitlines()[0] == '"age"\t"plan"'
    assert "plan" in fabula("show", "rows.tsv").out
    assert "Nothing to do" in fabula(*line).err


def test_a_sample_of_one_table_is_a_file_with_an_ending(files, fabula):
    """`sample -o out --format csv` says how the file is called, since one table is one file."""
    (files / "ages.csv").write_text("age\n" + "\n".join(map(str, range(20, 80))))
    assert fabula("fit", "ages.csv", "-o", "ages.fabula").code == 0
    ended = fabula("sample", "ages.fabula", "-o", "out", "--format", "csv")
    assert ended.code == 2
    assert "`out` has no ending, and one table is one file" in ended.err
    assert "hint: write `-o out.csv`" in ended.err
    assert fabula("sample", "ages.fabula", "-n", "5", "-o", "out.csv").code == 0
