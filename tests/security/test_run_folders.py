"""Run folders from strangers: what their records name, and what they say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import fabula as fb
from fabula.cli.main import main
from fabula.errors import SourceError

SPEC = "a int 1..5"


def run(*words: str) -> int:
    return main([*words])


def run_json(**changes: Any) -> str:
    return json.dumps({"fingerprint": "x", "tables": {"t": 1}, **changes})


@pytest.fixture
def precious(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file outside the folder of the run, which is the folder `d` here."""
    monkeypatch.chdir(tmp_path)
    Path("d").mkdir()
    path = tmp_path / "precious.txt"
    path.write_text("mine")
    return path


OUTSIDE = ["{absolute}", "../precious.txt", "./../precious.txt", "x/../../precious.txt", "a\\b"]


@pytest.mark.parametrize("name", OUTSIDE)
def test_overwrite_removes_nothing_that_run_json_names_elsewhere(precious: Path, name: str) -> None:
    Path("d/run.json").write_text(run_json(outputs=[name.format(absolute=precious)]))
    assert run("generate", SPEC, "-n", "3", "-o", "d", "--overwrite") == 2
    assert precious.read_text() == "mine"


@pytest.mark.usefixtures("precious")
@pytest.mark.parametrize(
    "place", ["t.csv", "notes.md", "report.html", "rejects.jsonl", "t.parquet"]
)
def test_overwrite_removes_no_file_that_is_named_without_its_hash(place: str) -> None:
    """A forged `run.json` in a folder of somebody's own files."""
    Path("d", place).write_text("mine")
    Path("d/run.json").write_text(run_json(outputs=[place]))
    run("generate", SPEC, "-n", "3", "-o", "d", "--overwrite")
    assert Path("d", place).read_text() == "mine"


@pytest.mark.usefixtures("precious")
def test_overwrite_replaces_no_table_that_was_edited() -> None:
    assert run("generate", SPEC, "-n", "3", "-o", "d", "--format", "csv") == 0
    (table,) = Path("d").glob("*.csv")
    table.write_text("edited")
    assert run("generate", SPEC, "-n", "4", "-o", "d", "--format", "csv", "--overwrite") == 2
    assert table.read_text() == "edited"


@pytest.mark.usefixtures("precious")
def test_overwrite_replaces_what_the_run_recorded() -> None:
    assert run("generate", SPEC, "-n", "3", "-o", "d", "--report") == 0
    assert run("generate", SPEC, "-n", "4", "-o", "d", "--overwrite") == 0
    assert fb.generate(SPEC, n=4, output="d", seed=0).num_rows == 4
    assert not Path("d/report.html").exists()


@pytest.mark.usefixtures("precious")
@pytest.mark.parametrize("place", [".fabula", "fabula"])
def test_a_linked_folder_is_not_followed(place: str) -> None:
    Path("victim").mkdir()
    for name in ("part-00000.parquet", "keep.json"):
        Path("victim", name).write_text("mine")
    Path("d", place).symlink_to(Path("victim").absolute())
    Path("d/run.json").write_text(run_json(tables={"fabula": 2_000_000}))
    run("generate", SPEC, "-n", "3", "-o", "d", "--overwrite")
    assert {path.name for path in Path("victim").iterdir()} == {"part-00000.parquet", "keep.json"}


SHAPES: list[Any] = [
    {"tables": 5}, {"tables": [1, 2]}, {"tables": {"t": "many"}}, {"tables": {"t": -1}},
    {"outputs": 5}, {"outputs": [5]}, {"outputs": {"a": 1}}, {"fingerprint": 5},
    {"fingerprint": None}, {"tables": None},
]  # fmt: skip


@pytest.mark.usefixtures("precious")
@pytest.mark.parametrize("changes", SHAPES)
def test_a_run_json_of_an_odd_shape_is_one_clear_error(
    changes: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("d/run.json").write_text(run_json(**changes))
    assert run("generate", SPEC, "-n", "3", "-o", "d", "--overwrite") in (2, 3)
    assert "error[" in capsys.readouterr().err


MANIFESTS: list[tuple[str, Any]] = [
    ("tables", 5), ("tables", []), ("tables", {}), ("tables", {"t": 5}), ("tables", {"t": {}}),
    ("name", 5), ("passed", "yes"), ("checks", 5), ("checks", [5]), ("models", 5),
    ("models", {"m": 5}), ("timings", 5), ("timings", {}), ("versions", 5), ("seed", "x"),
    ("files", {"../x": "y"}), ("spec_sha256", 5),
]  # fmt: skip


@pytest.mark.usefixtures("precious")
@pytest.mark.parametrize(("key", "value"), MANIFESTS)
@pytest.mark.parametrize("verb", ["generate", "show", "runs"])
def test_a_manifest_of_an_odd_shape_is_one_clear_error(key: str, value: Any, verb: str) -> None:
    assert run("generate", SPEC, "-n", "3", "-o", "d") == 0
    path = Path("d/manifest.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    words = {
        "generate": ("generate", SPEC, "-n", "3", "-o", "d"),
        "show": ("show", "d"),
        "runs": ("runs", "."),
    }
    assert run(*words[verb]) in (0, 2, 3)


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("verb", ["show", "evaluate", "open"])
def test_no_reader_follows_a_manifest_out_of_the_folder(
    precious: Path, name: str, verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("generate", SPEC, "-n", "3", "-o", "d", "--format", "csv") == 0
    precious.write_text("secret\n12345\n")
    path = Path("d/manifest.json")
    manifest = json.loads(path.read_text())
    for table in manifest["tables"].values():
        table["files"][0]["path"] = name.format(absolute=precious)
    path.write_text(json.dumps(manifest))
    if verb == "open":
        with pytest.raises(SourceError):
            fb.Dataset.open("d")
        return
    words = ("show", "d") if verb == "show" else ("evaluate", "d", "--real", str(precious))
    assert run(*words) in (2, 3)
    assert "12345" not in capsys.readouterr().out


def test_no_reader_follows_a_link(precious: Path) -> None:
    assert run("generate", SPEC, "-n", "3", "-o", "d", "--format", "csv") == 0
    (table,) = Path("d").glob("*.csv")
    table.unlink()
    table.symlink_to(precious)
    assert run("show", "d") == 2


@pytest.mark.usefixtures("precious")
@pytest.mark.parametrize("name", ["../../evil", "/tmp/fabula-evil", "..", "a/b", "x\\y", "nul", ""])
def test_the_name_of_a_spec_stays_in_the_default_folder(name: str) -> None:
    spec = {"name": name, "tables": {"t": {"n": 1, "columns": {"a": {"kind": "key"}}}}}
    Path("s.json").write_text(json.dumps(spec))
    before = {path.name for path in Path().iterdir()}
    assert run("generate", "s.json") in (0, 2)
    assert {path.name for path in Path().iterdir()} - before <= {"out"}
    assert not Path("/tmp/fabula-evil").exists()


@pytest.mark.usefixtures("precious")
@pytest.mark.parametrize("names", [("Orders", "orders"), ("STRASSE", "straße"), ("A", "a")])
def test_two_tables_never_share_a_file(
    names: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Where file names ignore case, one table would overwrite the other without a word."""
    tables = {name: {"n": 2, "columns": {"a": {"kind": "key"}}} for name in names}
    Path("s.json").write_text(json.dumps({"tables": tables}))
    assert run("generate", "s.json", "-o", "d/out") == 2
    assert "share a file where names ignore case" in capsys.readouterr().err


@pytest.mark.usefixtures("precious")
@pytest.mark.parametrize("table", ["../evil", "a/b", ".", "rejects", "manifest"])
@pytest.mark.parametrize("split", [{}, {"..": 1}, {"rejects": 1}])
def test_names_of_outputs_stay_in_the_folder(table: str, split: dict[str, float]) -> None:
    columns = {"a": {"kind": "constant", "value": "x"}, "b": {"kind": "constant", "value": "y"}}
    output = {"format": "chat-jsonl", "user": "a", "assistant": "b", "split": split}
    Path("s.json").write_text(
        json.dumps({"tables": {table: {"n": 5, "columns": columns}}, "outputs": [output]})
    )
    before = {path.name for path in Path().iterdir()}
    assert run("generate", "s.json", "-o", "d/run") in (0, 2)
    assert {path.name for path in Path().iterdir()} == before
    assert {path.name for path in Path("d").iterdir()} <= {"run"}
