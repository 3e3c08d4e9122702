"""What people see on a terminal, and what happens when they stop a run."""

from __future__ import annotations

import io
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fabula.cli.console import Talk, has_colour, take_options
from fabula.cli.progress import PATIENCE, progress, still
from fabula.testing import ChatServer

FABULA = str(Path(sys.executable).with_name("fabula"))


class Terminal(io.StringIO):
    """A text stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Yes."""
        return True


def on_a_terminal(*arguments: str, cwd: Path) -> tuple[int, str]:
    """Run `fabula` with a terminal for stdout and stderr; its exit code and what it showed."""
    reader, writer = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    environment.pop("NO_COLOR", None)
    process = subprocess.Popen(
        [FABULA, *arguments], cwd=cwd, env=environment, stdout=writer, stderr=writer
    )
    os.close(writer)
    shown = b""
    while select.select([reader], [], [], 60)[0]:
        try:
            piece = os.read(reader, 65_536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        shown += piece
    os.close(reader)
    return process.wait(timeout=60), shown.decode()


def test_a_terminal_gets_bars_and_colours(shop):
    """Each table has a bar; the hint is coloured; the data is the same."""
    code, shown = on_a_terminal("generate", "shop.yaml", "-o", "out", cwd=shop.parent)
    assert code == 0, shown
    assert "━" in shown
    assert "customers" in shown
    assert "\x1b[1;36mhint:\x1b[0m" in shown
    code, shown = on_a_terminal("generate", "nothing.yaml", cwd=shop.parent)
    assert code == 2
    assert "\x1b[1;31merror[spec.unreadable]:\x1b[0m" in shown


def test_a_preview_keeps_to_the_width_of_the_terminal(shop):
    """Columns that do not fit follow below; nothing is hidden."""
    shop.write_text(shop.read_text().replace("country:", "a_country_with_a_very_long_name:"))
    code, shown = on_a_terminal("preview", "shop.yaml", "-n", "1", "-q", cwd=shop.parent)
    assert code == 0
    assert max(map(len, shown.splitlines())) <= 100
    assert "a_country_with_a_very_long_name" in shown


def test_colours_are_for_terminals_whose_user_wants_them(monkeypatch):
    """NO_COLOR and dumb terminals are honoured."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert has_colour(Terminal())
    assert not has_colour(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not has_colour(Terminal())
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert not has_colour(Terminal())


def test_options_of_every_verb_are_taken_anywhere_before_a_double_dash():
    """They may stand before or after the verb; behind `--` everything is the verb's own."""
    talk, rest = take_options(["-q", "show", "--verbose", "x", "--no-progress", "--", "--quiet"])
    assert (talk.quiet, talk.verbose, talk.progress, talk.errors) == (True, True, False, "text")
    assert rest == ["show", "x", "--", "--quiet"]


def test_a_long_table_gives_a_sign_of_life_in_a_log(capsys, monkeypatch):
    """Away from a terminal: a line now and then, and one at the end, never the same twice."""
    clock = iter([0.0, 1.0, PATIENCE + 1, PATIENCE + 2, 2 * PATIENCE, 2 * PATIENCE])
    monkeypatch.setattr("fabula.cli.progress.time.monotonic", lambda: next(clock))
    with progress(Talk()) as watch:
        assert watch is not None
        for done in (0, 1, 2, 3, 10, 10):
            watch("notes", done, 10)
    assert capsys.readouterr().err.splitlines() == [
        "notes  2 of 10 rows  31 s",
        "notes  10 rows  60 s",
    ]


def test_work_without_a_count_says_that_it_goes_on(monkeypatch, capsys):
    """Off a terminal `balance` was silent for minutes."""
    monkeypatch.setattr("fabula.cli.progress.PATIENCE", 0.01)
    said, deadline = "", time.monotonic() + 60
    with still(Talk(), "looking at names.csv"):
        while "still looking" not in said and time.monotonic() < deadline:
            said += capsys.readouterr().err
    assert "still looking at names.csv  " in said
    capsys.readouterr()
    with still(Talk(progress=False), "looking at names.csv"):
        time.sleep(0.05)
    assert not capsys.readouterr().err


@pytest.mark.parametrize("talk", [Talk(quiet=True), Talk(progress=False)])
def test_progress_can_be_switched_off(talk):
    """--quiet and --no-progress leave nothing to call."""
    with progress(talk) as watch:
        assert watch is None


@pytest.mark.slow
def test_a_stopped_run_loses_nothing_and_goes_on(shop, tmp_path):
    """Ctrl-C ends with 130 and says how to continue; the same command asks only what is missing."""
    shop.write_text(
        "fabula: 1\nname: notes\ntables:\n  notes:\n    n: 120\n    columns:\n"
        "      id: {kind: key}\n      note: {kind: text, prompt: 'About {{ id }}'}\n"
    )
    with ChatServer(latency=0.3) as server:
        environment = {
            **os.environ,
            "OPENAI_BASE_URL": server.url,
            "OPENAI_API_KEY": "test-key",
            "FABULA_HOME": str(tmp_path / "home"),
        }
        command = [FABULA, "generate", "shop.yaml", "--model", "openai:any", "-o", "out"]
        process = subprocess.Popen(
            command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
        )
        deadline = time.monotonic() + 60
        while len(server.calls) < 70 and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 130, err
        assert "error[run.interrupted]: stopped after" in err
        assert "hint: run the same command to continue" in err
        asked = len(server.calls)
        again = subprocess.run(
            command, cwd=tmp_path, env=environment, check=False, capture_output=True, text=True
        )
        assert again.returncode == 0, again.stderr
        assert "requested 120 = written 120 + rejected 0" in again.stderr
        kept = re.search(r"stopped after (\d+) rows", err)
        assert kept
        assert f"Continuing: {kept[1]} of 120 rows kept" in again.stderr
        assert len(server.calls) - asked < 120


STOPPED = {
    "pairs": ("pairs", "q -> a", "-n", "4"),
    "describe": ("describe", "bios.csv"),
    "extract": ("extract", "bios.csv", "--column", "life", "--schema", "name str"),
    "extend": ("extend", "bios.csv", "-n", "2"),
    "balance": ("balance", "bios.csv", "--topics", "1"),
    "program": ("program", "5 rows of houses: id, size"),
    "init": ("init", "--prompt", "a shop"),
    "preview": ("preview", "2 rows of knights: name, motto"),
}


@pytest.mark.parametrize(
    "verb", [pytest.param(v, marks=[] if v == "pairs" else [pytest.mark.slow]) for v in STOPPED]
)
def test_every_verb_that_asks_a_model_can_be_stopped(tmp_path, verb):
    """Ctrl-C while a reply is awaited ends with 130 and a few words, never with a traceback."""
    (tmp_path / "bios.csv").write_text("name,life\nAda,she wrote notes\nGrace,she found a bug\n")
    with ChatServer(latency=30) as server:
        environment = {
            **os.environ,
            "OPENAI_BASE_URL": server.url,
            "OPENAI_API_KEY": "test-key",
            "FABULA_HOME": str(tmp_path / "home"),
        }
        command = [FABULA, *STOPPED[verb], "--model", "openai:any"]
        process = subprocess.Popen(
            command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
        )
        deadline = time.monotonic() + 60
        while not server.calls and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "stopped" in err
    assert "hint: " in err
    assert len(err.splitlines()) <= 4
