"""Code that a spec names: it runs as its user allowed it, from the spec's folder, or not at all."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

import fabula as fb
from fabula.cli.main import main
from fabula.errors import FabulaError
from fabula.llm.client.permission import grant

RULES = """\
import pathlib
from os import system
pathlib.Path("ran").touch()
alias = len
LABEL = "text"
def total(price: float) -> float:
    return twice(price)
def twice(price):
    return price * 2
def is_low(price: float) -> bool:
    return price < 100
class Thing:
    def __call__(self, price): return price
thing = Thing()
"""
SPEC = """\
fabula: 1
tables:
  t:
    n: 5
    columns:
      price: {kind: uniform, min: 1, max: 9}
      x: {kind: function, type: float, function: PLACE}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of a spec and its code, which nobody has allowed."""
    monkeypatch.setenv("FABULA_HOME", str(tmp_path / "home"))
    inside = tmp_path / "given"
    inside.mkdir()
    monkeypatch.chdir(inside)
    Path("rules.py").write_text(RULES)
    grant([])
    return inside


def spec(place: str, *, check: bool = False) -> Path:
    """A spec that names code, in a column or in a check."""
    text = SPEC.replace("PLACE", place)
    if check:
        text = text.replace(place, "rules.py:total").replace(
            "      x: {kind: function, type: float, function: rules.py:total}\n", ""
        )
        text += f"    checks:\n      - {{kind: function, function: {place}}}\n"
    path = Path("s.yaml")
    path.write_text(text)
    return path


COMMANDS = {
    "validate": ["validate", "s.yaml"],
    "plan": ["plan", "s.yaml"],
    "preview": ["preview", "s.yaml"],
    "generate": ["generate", "s.yaml", "-o", "out"],
    "dry run": ["generate", "s.yaml", "--dry-run"],
    "evaluate": ["evaluate", "rows.csv", "--spec", "s.yaml"],
    "validate data": ["validate", "s.yaml", "--data", "rows.csv"],
    "fit": ["fit", "rows.csv", "--spec", "s.yaml", "-o", "m.fabula"],
}


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_runs_code_that_nobody_allowed(
    command: str, check: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("rows.csv").write_text("price,x\n" + "1.5,2.5\n2.5,3.5\n" * 20)
    spec("rules.py:is_low" if check else "rules.py:total", check=check)
    assert main(COMMANDS[command]) == 2
    assert "--allow-code rules.py" in capsys.readouterr().err
    assert not Path("ran").exists()
    assert not Path("out").exists()


def test_python_runs_no_code_that_nobody_allowed() -> None:
    spec("rules.py:total")
    for verb in (fb.load, fb.resolve, fb.generate, fb.validate, fb.plan, fb.preview):
        with pytest.raises(FabulaError, match="not allowed yet"):
            verb("s.yaml")
    assert not Path("ran").exists()
    assert fb.generate(fb.load("s.yaml", allow_code="rules.py")).to_arrow("t").num_rows == 5
    assert Path("ran").exists()


def test_what_was_allowed_is_remembered_until_the_file_changes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    spec("rules.py:total")
    assert main(["validate", "s.yaml", "--allow-code", "rules.py"]) == 0
    assert main(["validate", "s.yaml"]) == 0
    assert main(["validate", "s.yaml", "--allow-code=rules.py"]) == 0
    Path("rules.py").write_text(RULES + "#")
    capsys.readouterr()
    assert main(["validate", "s.yaml"]) == 2
    assert "changed since you allowed it" in capsys.readouterr().err
    Path("rules.py").write_text(RULES)
    assert main(["validate", "s.yaml"]) == 0
    kept = Path(os.environ["FABULA_HOME"]) / "allowed-code.json"
    assert kept.stat().st_mode & 0o777 == 0o600


def test_the_same_code_in_another_folder_is_asked_for_again(tmp_path: Path) -> None:
    spec("rules.py:total")
    assert main(["validate", "s.yaml", "--allow-code", "rules.py"]) == 0
    other = tmp_path / "other"
    shutil.copytree(".", other)
    os.chdir(other)
    assert main(["validate", "s.yaml"]) == 2


def test_a_change_between_two_commands_of_one_process_is_seen() -> None:
    spec("rules.py:total")
    first = fb.generate(fb.load("s.yaml", allow_code="rules.py")).to_arrow("t")
    Path("rules.py").write_text(RULES.replace("* 2", "* 3"))
    grant([])
    with pytest.raises(FabulaError, match="changed since you allowed it"):
        fb.generate("s.yaml")
    again = fb.generate(fb.load("s.yaml", allow_code="rules.py")).to_arrow("t")
    assert again["x"].to_pylist() == pytest.approx([x * 1.5 for x in first["x"].to_pylist()])


def test_a_changed_neighbour_of_a_function_is_another_run() -> None:
    spec("rules.py:total")
    assert main(["generate", "s.yaml", "-o", "out", "--allow-code", "rules.py"]) == 0
    Path("rules.py").write_text(RULES.replace("* 2", "* 3"))
    assert main(["generate", "s.yaml", "-o", "out", "--allow-code", "rules.py"]) == 2


PLACES = [
    "os:system",
    "os.path:join",
    "subprocess:run",
    "builtins:exec",
    "fabula.api:generate",
    "json:loads",
    "../given/rules.py:total",
    "./rules.py:total",
    "sub/../rules.py:total",
    "/etc/passwd.py:total",
    "sub//deep.py:total",
    '"C:\\\\rules.py:total"',
    "..rules:total",
    "link.py:total",
    "linked/deep.py:total",
    "pipe.py:total",
    "folder.py:total",
    "big.py:total",
    "/dev/zero.py:total",
    "missing.py:total",
    "rules.txt:total",
    "rules.py",
    "rules.py:",
    "rules.py:total.__globals__",
    "rules.py:total()",
    "rules.py:system",
    "rules.py:alias",
    "rules.py:LABEL",
    "rules.py:Thing",
    "rules.py:thing",
    "rules.py:pathlib",
    "rules.py:__builtins__",
    "sha256:0123456789abcdef",
    '"rules.py:total\\0"',
    '"rules.py\\n:total"',
    "exits.py:total",
    "raises.py:total",
    "broken.py:total",
    "encoded.py:total",
]


@pytest.mark.parametrize("sandboxed", [False, True])
@pytest.mark.parametrize("place", PLACES)
def test_a_place_leads_to_a_function_of_the_specs_own_folder_or_nowhere(
    place: str, sandboxed: bool, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = folder.parent / "elsewhere"
    (elsewhere / "sub").mkdir(parents=True)
    (elsewhere / "deep.py").write_text(RULES)
    Path("link.py").symlink_to(elsewhere / "deep.py")
    Path("linked").symlink_to(elsewhere)
    Path("folder.py").mkdir()
    Path("sub").mkdir()
    Path("sub/deep.py").write_text(RULES)
    os.mkfifo("pipe.py")
    Path("big.py").write_text(RULES + "#" * (2 << 20))
    Path("exits.py").write_text("raise SystemExit(0)\n" + RULES)
    Path("raises.py").write_text("1 / 0\n" + RULES)
    Path("broken.py").write_text("def total(:\n")
    Path("encoded.py").write_bytes(b"\xff\xfe" + RULES.encode())
    files = ["rules.py", "exits.py", "raises.py", "broken.py", "encoded.py", "big.py"]
    spec(f"{place}, sandboxed: true" if sandboxed else place)
    unread = sandboxed and place in ("exits.py:total", "raises.py:total")
    allowed = [word for file in files for word in ("--allow-code", file)]
    assert main(["validate", "s.yaml", *allowed]) == (0 if unread else 2)
    told = capsys.readouterr().err
    assert "internal" not in told
    if not unread:
        assert "tables.t.columns.x" in told


def test_the_sandbox_runs_a_function_without_being_allowed() -> None:
    spec("rules.py:twice, sandboxed: true")
    made = fb.generate("s.yaml").to_arrow("t").to_pydict()
    assert made["x"] == pytest.approx([2 * price for price in made["price"]])
    assert not Path("ran").exists()


def test_the_sandbox_keeps_code_of_a_spec_from_files(folder: Path) -> None:
    target = str(folder / "ran")
    Path("rules.py").write_text(f"def total(price):\n    open({target!r}, 'w')\n    return 1.0\n")
    spec("rules.py:total, sandboxed: true")
    assert main(["generate", "s.yaml", "-o", "out"]) == 2
    assert not Path("ran").exists()


@pytest.mark.parametrize("text", ["yes", "'true'", "1", "on"])
def test_only_a_plain_true_means_the_sandbox(text: str) -> None:
    spec(f"rules.py:total, sandboxed: {text}")
    assert main(["validate", "s.yaml"]) == 2
    assert not Path("ran").exists()


def test_only_a_spec_file_names_code(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    grant([], code=["rules.py"])
    text = spec("rules.py:total").read_text()
    for given in (text, {"tables": {"t": {"columns": {"x": {"kind": "function", "type": "int",
                  "function": "rules.py:total"}}}}}):  # fmt: skip
        with pytest.raises(FabulaError, match="can't hold a Python function"):
            fb.resolve(given)
    with Path("s.yaml").open() as opened:
        monkeypatch.setattr("sys.stdin", opened)
        assert main(["validate", "-", "--allow-code", "rules.py"]) == 2
    assert "can't hold a Python function" in capsys.readouterr().err
    assert not Path("ran").exists()


def test_a_file_that_is_not_there_can_not_be_allowed(capsys: pytest.CaptureFixture[str]) -> None:
    spec("rules.py:total")
    assert main(["validate", "s.yaml", "--allow-code", "rule.py"]) == 2
    assert "there is no file `rule.py`" in capsys.readouterr().err


@pytest.mark.slow
def test_a_person_at_a_terminal_is_asked() -> None:
    spec("rules.py:total")
    command = "import sys; from fabula.cli.main import main; sys.exit(main(sys.argv[1:]))"
    words = [sys.executable, "-c", command, "validate", "s.yaml"]
    for answer, code in (("n", 2), ("y", 0), ("", 0)):
        near, far = pty.openpty()
        with subprocess.Popen(words, stdin=far, stderr=far, stdout=far) as process:
            os.close(far)
            os.write(near, f"{answer}\n".encode())
            text = b""
            with suppress(OSError):  # how a terminal ends whose other side is closed
                while piece := os.read(near, 4096):
                    text += piece
        os.close(near)
        assert process.returncode == code, text
        assert (b"allow it, from now on? [y/N]" in text) is (answer != "")
