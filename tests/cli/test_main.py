"""The command as a whole: help, errors, exit codes, streams."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from fabula.cli import main as entry
from fabula.cli.group import new_group
from fabula.cli.verbs import VERBS

FABULA = str(Path(sys.executable).with_name("fabula"))


def test_the_overview_names_every_verb(run):
    """`fabula`, `fabula --help` and `fabula -h` say the same on stdout."""
    shown = [run(), run("--help"), run("-h")]
    assert {(ended.code, ended.err) for ended in shown} == {(0, "")}
    assert len({ended.out for ended in shown}) == 1
    assert all(f"  {verb} " in shown[0].out for verb in VERBS)


def test_the_overview_imports_neither_typer_nor_the_library():
    """Help stays instant because nothing heavy is imported for it."""
    code = (
        "import sys; from fabula.cli.main import main; main(['--help']);"
        "heavy = {'typer', 'rich', 'pydantic', 'numpy', 'pyarrow', 'duckdb', 'fabula.api'};"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True
    )
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("verb", VERBS)
def test_the_table_of_verbs_agrees_with_their_modules(verb):
    """Each line of the overview is the first line of that verb's own help."""
    command = new_group().get_command(None, verb)
    assert command is not None
    assert command.help.partition("\n")[0] == VERBS[verb]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(run, verb):
    """Help goes to stdout, names the verb, and explains every option."""
    ended = run(verb, "--help")
    assert (ended.code, ended.err) == (0, "")
    assert f"Usage: fabula {verb}" in ended.out


def test_the_version_is_told(run):
    """`fabula --version` prints one line."""
    assert run("--version").out.startswith("fabula 0.")


def test_an_unknown_verb_is_answered_with_the_nearest(run):
    """Usage errors have our form and exit 2; nothing goes to stdout."""
    ended = run("genrate", "shop.yaml")
    assert ended == type(ended)(
        2,
        "",
        "error[usage.arguments]: no verb is called `genrate`\n\nhint: did you mean `generate`?\n",
    )


def test_an_unknown_option_names_the_help_to_read(run):
    """What Typer finds wrong is said in our words."""
    ended = run("plan", "x.yaml", "--bogus")
    assert ended.code == 2
    assert "error[usage.arguments]: `fabula plan` has no option `--bogus`" in ended.err
    assert "hint: `fabula plan --help`" in ended.err


def test_errors_are_json_where_that_is_asked_for(run):
    """`--error-format json`, and `--format json`, give one JSON object on stderr."""
    for arguments in (
        ("kinds", "chioce", "--error-format", "json"),
        ("--error-format=json", "kinds", "chioce"),
    ):
        ended = run(*arguments)
        error = json.loads(ended.err)
        assert (ended.code, ended.out) == (2, "")
        assert error["code"] == "usage.unknown-kind"
        assert error["hint"] == "did you mean `choice`?"
    ended = run("show", "nothing.csv", "--format", "json")
    assert json.loads(ended.err)["code"] == "source.missing"


def test_an_unknown_error_format_is_refused(run):
    """The option that every verb takes is checked too."""
    ended = run("kinds", "--error-format", "xml")
    assert ended.code == 2
    assert "`--error-format` is `text` or `json`, not `xml`" in ended.err


@pytest.mark.parametrize("option", ["--allow-code", "--allow-env", "--error-format"])
def test_an_option_without_its_value_takes_no_other_option_for_it(run, option):
    ended = run("simulate", "shop.py", option, "-o", "out")
    assert ended.code == 2
    assert f"`{option}` lacks its value: `-o` follows" in ended.err
    assert f"write `{option} " in ended.err


def test_an_unforeseen_error_is_one_line_without_a_traceback(run, monkeypatch):
    """Exit 70, how to report it; the traceback only with --verbose."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError("division\nby zero")

    monkeypatch.setattr(entry, "_run", broken)
    ended = run("kinds")
    assert ended.code == 70
    assert ended.err.startswith("error[internal]: ZeroDivisionError: division by zero\n")
    assert "Traceback" not in ended.err
    assert "Traceback" in run("kinds", "--verbose").err


def test_a_reader_that_leaves_early_is_no_error():
    """`fabula kinds | head -1` ends quietly."""
    ended = subprocess.run(
        f"{FABULA} schema | head -1; exit ${{PIPESTATUS[0]}}",
        check=False,
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_an_ascii_terminal_gets_escapes_instead_of_a_crash():
    """No output encoding makes a command fail."""
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    ended = subprocess.run([FABULA, "kinds"], env=environment, capture_output=True, check=True)
    assert ended.stdout.isascii()


def test_ctrl_c_ends_with_130(tmp_path):
    """An interrupted command ends at once, with 130 and no traceback.

    A pipe holds 64 KiB, so what is written is written when the command reads.
    """
    process = subprocess.Popen(
        [FABULA, "validate", "-"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    assert process.stdin
    process.stdin.write("#" * 200_000)
    process.stdin.flush()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Traceback" not in err


def test_completion_lists_the_verbs():
    """Shell completion knows the verbs without importing what they need."""
    environment = {
        **os.environ,
        "_FABULA_COMPLETE": "complete_bash",
        "COMP_WORDS": "fabula pre",
        "COMP_CWORD": "1",
    }
    ended = subprocess.run([FABULA], env=environment, check=False, capture_output=True, text=True)
    assert "preview" in ended.stdout.split()


def test_the_group_is_made_of_public_parts():
    """Typer's own builder accepts each verb's app."""
    from fabula.cli import runs

    assert set(get_command(runs.app).commands) == {"list", "show"}


def test_every_option_of_every_verb_has_help():
    def options(command: Any) -> Iterator[Any]:
        for each in getattr(command, "commands", {}).values():
            yield from options(each)
        yield from command.params

    group = new_group()
    verbs = [group.get_command(None, name) for name in VERBS]
    silent = [each.name for each in verbs for each in options(each) if not each.help]
    assert not silent


def test_a_command_ends_after_its_output_and_what_is_to_be_closed(tmp_path: Path) -> None:
    """Modules are not taken down one by one; files, threads and handlers are waited for."""
    code = (
        "import atexit, sys, threading, time, weakref\n"
        "import fabula.cli.main as cli\n"
        "class Kept: pass\n"
        "kept = Kept()\n"
        "def outcome(words):\n"
        "    weakref.finalize(kept, print, 'finalized')\n"
        "    atexit.register(print, 'closed')\n"
        "    threading.Thread(target=lambda: (time.sleep(0.2), print('worked'))).start()\n"
        "    print('x' * 200_000)\n"
        "    return 4\n"
        "cli._outcome = outcome\n"
        "sys.exit(cli.main())\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (4, "")
    assert ended.stdout.split() == ["x" * 200_000, "worked", "closed", "finalized"]


def test_a_handler_that_was_there_before_the_command_still_runs(tmp_path: Path) -> None:
    """Coverage tools write their results at the end of the process."""
    code = (
        "import atexit, sys; atexit.register(print, 'measured')\n"
        "sys.argv[1:] = ['--version']\n"
        "from fabula.cli.main import main; sys.exit(main())"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert ended.stdout.endswith("measured\n")
