"""The same probes where one wall is off: each attack succeeds, so tests that refuse it can fail.

For programs in the sandbox, `tests/programs/sandbox/test_escapes.py` does the same.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import fabula as fb
from fabula.cli.main import main
from fabula.io.formula_cells import FormulaGuard
from fabula.llm.redaction import Redactor
from tests.security.test_changed_runs import FORMS, READERS, changed_run
from tests.security.test_formulas import FORMULAS
from tests.security.test_secrets import CANARY

USERS_OF_HASHES = ["io.sources", "runs.dataset", "runs.folder"]
READING = [name for name in READERS if name != "run again"]


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FABULA_HOME", str(tmp_path / "home"))


@pytest.fixture
def without_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks at the hashes of a run's files."""
    for user in USERS_OF_HASHES:
        monkeypatch.setattr(f"fabula.{user}.check_unchanged", lambda *_: None)


@pytest.fixture
def without_names(monkeypatch: pytest.MonkeyPatch, without_hashes: None) -> None:
    """Nobody looks at where the names in a record lead."""
    assert without_hashes is None
    for user in ("io.sources", "runs.dataset", "runs.output"):
        monkeypatch.setattr(f"fabula.{user}.inside", lambda folder, name: folder / name)
    monkeypatch.setattr("fabula.runs.output.checked", lambda *words: dict(words[1]))


@pytest.mark.usefixtures("without_hashes")
@pytest.mark.parametrize("reader", READING)
def test_without_hashes_a_changed_file_is_taken_for_the_runs(reader: str) -> None:
    changed_run("csv", "another run's")
    assert main(READERS[reader].split()) in (0, 4)  # the fake model's rows may repeat


@pytest.mark.usefixtures("without_hashes")
@pytest.mark.parametrize("form", FORMS)
def test_without_hashes_another_runs_rows_are_given_out(form: str) -> None:
    table = changed_run(form, "a byte")
    other = fb.generate("a int 1..5, b choice x|y", n=7, seed=3, output="other", format=form)
    shutil.copyfile(next(Path("other").glob(f"*.{form}")), table)
    assert fb.Dataset.open("d").count() == other.num_rows == 7


NAMES = ["{absolute}", "../precious.csv", "./../precious.csv", "x/../../precious.csv"]


@pytest.mark.usefixtures("without_names")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("verb", ["show", "open"])
def test_without_the_rule_for_names_a_manifest_leads_out_of_its_folder(
    name: str, verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["generate", "a int 1..5", "-n", "3", "-o", "d", "--format", "csv"]) == 0
    precious = tmp_path / "precious.csv"
    precious.write_text("secret\n12345\n")
    Path("d/x").mkdir()
    path = Path("d/manifest.json")
    manifest = json.loads(path.read_text())
    for table in manifest["tables"].values():
        table["files"][0]["path"] = name.format(absolute=precious)
    path.write_text(json.dumps(manifest))
    if verb == "open":
        assert fb.Dataset.open("d").to_dicts() == [{"secret": 12345}]
        return
    assert main(["show", "d"]) == 0
    assert "secret" in capsys.readouterr().out


@pytest.mark.parametrize("text", FORMULAS)
def test_unless_it_is_asked_for_a_formula_stays_one(text: str) -> None:
    guard = FormulaGuard(escape=False)
    assert guard.rows(pa.table({"a": [text]}))["a"].to_pylist() == [text]


@pytest.mark.parametrize("before", ["", "x", "xy", "user:", "Bearer "])
def test_without_its_redactor_a_reply_keeps_the_secret(before: str) -> None:
    body = f'{{"echo": {json.dumps(before + CANARY)}}}'.encode()
    assert b"CANARY" in Redactor()(body)


@pytest.mark.parametrize(
    "model",
    [{"api_key_env": "CANARY"}, {"headers": {"X-A": "${CANARY}"}},
     {"headers": {"X-A": "a ${CANARY} b"}}],
)  # fmt: skip
def test_without_the_question_a_variable_goes_to_any_host(
    model: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The host does not exist, which is as far as it gets: nobody refused to send."""
    monkeypatch.setenv("CANARY", "sk-CANARY-123456")
    monkeypatch.setattr("fabula.llm.permission._is_trusted", lambda _: True)
    tables = {"t": {"n": 1, "columns": {"a": {"kind": "llm"}}}}
    named = {"name": "m", "base_url": "http://h.invalid:1/v1", "timeout": 1, **model}
    Path("s.json").write_text(json.dumps({"models": {"default": named}, "tables": tables}))
    assert main(["generate", "s.json", "-o", "out"]) == 3
