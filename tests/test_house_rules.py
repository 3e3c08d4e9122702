"""Each house rule finds what it is there to find; `make check` holds the repository to them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools import (
    check_docs,
    check_entries,
    check_files,
    check_layers,
    check_locks,
    check_notice,
    check_registers,
    check_repo,
)


@pytest.mark.parametrize(
    "statement",
    [
        "from fabula.planning.plan import Plan",
        "from fabula import planning",
        "import fabula.planning",
        "from ..planning import plan",
        "from .. import planning",
        "def late():\n    from fabula.planning.plan import Plan",
    ],
)
def test_an_import_of_a_higher_layer_is_found(tmp_path: Path, statement: str) -> None:
    write(tmp_path / "src/fabula/spec/columns.py", statement)
    [problem] = check_layers.problems(tmp_path)
    assert "spec may not import planning" in problem


def test_an_import_of_the_face_is_found(tmp_path: Path) -> None:
    write(tmp_path / "src/fabula/spec/columns.py", "import fabula")
    assert len(check_layers.problems(tmp_path)) == 1


def test_imports_that_go_down_or_stay_are_fine(tmp_path: Path) -> None:
    write(tmp_path / "src/fabula/engines/key.py", "from fabula.checks import allocation")
    write(
        tmp_path / "src/fabula/engines/llm/rows.py",
        "from .. import key\nfrom ...llm.client import chat",
    )
    write(tmp_path / "src/fabula/__init__.py", "from fabula.cli import main")
    assert check_layers.problems(tmp_path) == []


def test_a_circle_inside_a_layer_is_found(tmp_path: Path) -> None:
    write(tmp_path / "src/fabula/engines/key.py", "from fabula.checks import allocation")
    write(tmp_path / "src/fabula/checks/allocation.py", "from fabula.engines import key")
    found = check_layers.problems(tmp_path)
    for place, other in (("engines/key", "checks"), ("checks/allocation", "engines")):
        problem = f"{place}.py:1: {place.partition('/')[0]} imports {other}, which closes a circle"
        assert f"src/fabula/{problem}" in found


def test_a_circle_of_modules_inside_a_room_is_found(tmp_path: Path) -> None:
    write(tmp_path / "src/fabula/checks/rows.py", "from fabula.checks.data import Data")
    write(tmp_path / "src/fabula/checks/data.py", "from fabula.checks import rows")
    assert sorted(check_layers.problems(tmp_path)) == [
        "src/fabula/checks/data.py:1: checks.data imports checks.rows, which closes a circle",
        "src/fabula/checks/rows.py:1: checks.rows imports checks.data, which closes a circle",
    ]


def test_a_folder_without_a_layer_is_found(tmp_path: Path) -> None:
    write(tmp_path / "src/fabula/attic/thing.py", "import json")
    [problem] = check_layers.problems(tmp_path)
    assert "`attic` has no place in LAYERS" in problem


def test_long_vague_and_silent_files_are_found(tmp_path: Path) -> None:
    write(tmp_path / "src/fabula/utils.py", "def f():\n    pass\n" + "x = 1\n" * 400)
    write(tmp_path / "src/fabula/good.py", '"""Good."""\n\ndef _f():\n    pass\n')
    write(tmp_path / "src/fabula/empty/__init__.py", "")
    found = "\n".join(check_files.problems(tmp_path))
    assert found.count("\n") == 3
    assert all(part in found for part in ("402 lines", "not `utils`", "the module has", "`f` has"))


@pytest.mark.parametrize(
    "line",
    [
        "index = https://" + check_repo.REGISTRY_HOSTS[0] + "/simple",
        "path = '/" + "root/data.csv'",
        "open('file:///" + "home/ada/data.csv')",
        "key = 'sk-" + "a1" * 20 + "'",
    ],
)
def test_a_line_that_only_means_something_elsewhere_is_found(tmp_path: Path, line: str) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    write(tmp_path / "notes.md", f"fine\n{line}\n")
    [problem] = check_repo.problems(tmp_path)
    assert problem.startswith("notes.md:2: holds ")


def test_an_option_an_unpinned_requirement_and_a_missing_hash_are_found(tmp_path: Path) -> None:
    write(
        tmp_path / "pyproject.toml",
        '[project]\nname = "p"\ndependencies = ["a>=2", "b"]\noptional-dependencies = {}\n'
        "[dependency-groups]\nbootstrap = []\ndev = []\n",
    )
    for name in ("bootstrap", "base", "all", "dev"):
        write(tmp_path / f"requirements/{name}.lock", "a==2.1 \\\n    --hash=sha256:00\n")
    write(tmp_path / "requirements/base.lock", "--pre\na==1.0 \\\n    --hash=sha256:00\nb==3\n")
    found = [problem for problem in check_locks.problems(tmp_path) if "base.lock" in problem]
    assert found == [
        "base.lock: holds `--pre`",
        "base.lock: `b` has no hash",
        "base.lock: nothing pins `a>=2`; run `make lock`",
    ]


def test_a_bundled_file_of_unknown_origin_is_found(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    for name in ("names.toml", "towns.toml", "towns.py"):
        write(tmp_path / "src/fabula" / name, "")
    told = "- src/fabula/names.toml: written for Fabula.\n- src/fabula/*.bin: weights (MIT).\n"
    write(tmp_path / "NOTICE", told)
    untold, stale = check_notice.problems(tmp_path)
    assert untold.startswith("src/fabula/towns.toml: has no entry in NOTICE")
    assert stale == "NOTICE: no file is called `src/fabula/*.bin`"


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    write(
        tmp_path / "docs/page.md",
        "[up](../notes.md#part) [here](#part) [there](https://example.org) [no](gone.md)\n"
        "```\n[code](is-no-link)\n```\n",
    )
    write(tmp_path / "notes.md", "")
    assert check_docs.problems(tmp_path) == ["docs/page.md: the link to `gone.md` leads nowhere"]


def test_an_old_help_text_is_found_and_written_anew(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    page = tmp_path / "page.md"
    write(page, "before\n<!-- help: fabula -->\nold\n<!-- end of help -->\nafter\n")
    [problem] = check_docs.problems(tmp_path)
    assert "page.md: help is out of date" in problem
    check_docs.write(tmp_path)
    assert check_docs.problems(tmp_path) == []
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n<!-- help: fabula -->\n```text\nUsage: fabula ")
    assert text.endswith("\n```\n<!-- end of help -->\nafter\n")


KIND = """
@column_kind(example="{kind: wave}")
class Wave(AbstractColumn):
    kind: Literal["wave"] = "wave"
"""


def test_a_kind_without_an_engine_is_found(tmp_path: Path) -> None:
    write(tmp_path / "src/fabula/kinds/wave.py", KIND)
    assert check_entries.problems(tmp_path) == [
        "src/fabula/kinds/wave.py: its engine is missing; write src/fabula/engines/kinds/wave.py"
    ]


def test_an_engine_that_is_not_registered_is_found(tmp_path: Path) -> None:
    write(tmp_path / "src/fabula/kinds/wave.py", KIND)
    write(tmp_path / "src/fabula/engines/kinds/wave.py", "def wave_engine(column, table): ...")
    assert check_entries.problems(tmp_path) == [
        "src/fabula/engines/kinds/wave.py: registers no engine of `wave`"
    ]


def test_a_check_without_an_evaluation_is_found(tmp_path: Path) -> None:
    check = KIND.replace("column_kind", "check_kind").replace("AbstractColumn", "AbstractCheck")
    write(tmp_path / "src/fabula/kinds/checks/wave.py", check)
    assert check_entries.problems(tmp_path) == [
        "src/fabula/kinds/checks/wave.py: its evaluation is missing; "
        "write src/fabula/checks/kinds/wave.py"
    ]


def test_a_kind_that_is_not_registered_is_found(tmp_path: Path) -> None:
    write(tmp_path / "src/fabula/kinds/wave.py", KIND.replace("@column_kind", "@dataclass"))
    write(tmp_path / "src/fabula/engines/kinds/wave.py", "@engine_of('wave')\ndef e(c, t): ...")
    assert check_entries.problems(tmp_path) == [
        "src/fabula/kinds/wave.py: registers no column kind `wave` by `@column_kind`",
        "src/fabula/engines/kinds/wave.py: there is no column kind `wave`",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('FORMATS.add(FileFormat(name="orc"))', None),
        ('FORMATS.add(FileFormat(name="avro"))', "registers avro, not one entry `orc`"),
        ('FileFormat(name="orc")', "registers nothing, not one entry `orc`"),
    ],
)
def test_an_entry_that_is_not_registered_by_its_name_is_found(
    tmp_path: Path, text: str, told: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = "src/fabula/io/entries"
    monkeypatch.setattr(check_registers, "HOMES", (home,))
    write(tmp_path / home / "orc.py", text)
    expected = [f"{home}/orc.py: {told}"] if told else []
    assert check_registers.problems(tmp_path) == expected


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
