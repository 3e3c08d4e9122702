"""Runs the pages of the documentation: their commands, Python blocks and specs.

A page runs from top to bottom in an empty folder. What a `$ fabula …` line prints must be what
the page shows below it; times and sizes are not compared, and a line of `…` stands for anything.
Commands
that name a real language model run with the fake one, and their output is not compared.
`python -m tests.docs.pages` writes what the commands print now into the pages.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fabula.cli.main import main

ROOT = Path(__file__).parents[2]
EXTENDING = ROOT / "docs" / "extending.md"
"""The page of plug-ins, whose package is installed by a test of its own."""
PAGES = [
    ROOT / "README.md",
    *sorted(page for page in (ROOT / "docs").rglob("*.md") if page != EXTENDING),
]

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_FILE = re.compile(r"# (\S+\.yaml|(?:test_\w+|conftest)\.py)\n")
"""The first line of a block that is a file: a spec, or tests that a command runs."""

_VARYING = re.compile(r"<?\d+(?:\.\d+)? (?:s|min|h|bytes|kB|MB)\b")
_MODEL = re.compile(r"--model (?!fake\b)\S+")
_SKIPPED = ("pip ", "uv ", "make ", "export ")


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, its text, and where its text stands in the page."""

    language: str
    text: str
    start: int


@dataclass(frozen=True)
class Printed:
    """What a command of a page printed.

    Attributes:
        command: The command as the page has it.
        shown: What the page shows below it.
        printed: What it printed now.
        code: Its exit code.
        start: Where `shown` stands in the page.
        offline: Whether it ran unchanged, with no real model replaced.
    """

    command: str
    shown: str
    printed: str
    code: int
    start: int
    offline: bool

    @property
    def holds(self) -> bool:
        """Whether the page shows what the command prints; with a model replaced, that it works."""
        return _matches(self.shown, self.printed) if self.offline else self.code == 0


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    return [Block(found[1], found[2], found.start(2)) for found in _BLOCK.finditer(text)]


def files_of(page: Path) -> dict[str, str]:
    """The files that a page's blocks are, by the name in their first line."""
    named = ((re.match(r"# (\S+/\S+)\n", block.text), block.text) for block in blocks(page))
    return {found[1]: text for found, text in named if found}


def commands_of(page: Path) -> list[tuple[list[str], str]]:
    """The words of each `$ fabula …` line of a page, and what the page shows below it."""
    return [
        (shlex.split(found[1]), found[2])
        for block in blocks(page)
        for found in re.finditer(r"^\$ (fabula .*)\n((?:(?!\$ ).*\n)*)", block.text, re.MULTILINE)
    ]


def run_page(page: Path) -> list[Printed]:
    """Run a page's commands and Python blocks in the current folder."""
    names: dict[str, object] = {"__name__": "__main__"}
    found: list[Printed] = []
    for block in blocks(page):
        file = _FILE.match(block.text)
        if file:
            Path(file[1]).write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            code = compile(block.text, page.name, "exec", dont_inherit=True)
            exec(code, names)
        elif block.language in ("console", "bash"):
            found += _run_console(block)
    return found


def _run_console(block: Block) -> Iterator[Printed]:
    """Run the `$ ` lines of a block, each with the output that stands below it."""
    for found in re.finditer(r"^\$ (.*(?:\\\n.*)*)\n((?:(?!\$ ).*\n)*)", block.text, re.MULTILINE):
        command = found[1].replace("\\\n", " ")
        if command.startswith(_SKIPPED):
            continue
        offline = _MODEL.sub("--model fake", command)
        code, printed = _run(offline)
        start = block.start + found.start(2)
        yield Printed(command, found[2], printed, code, start, offline == command)


def _run(command: str) -> tuple[int, str]:
    """Run a command as a shell would, `fabula` in this process; stdout and stderr together."""
    if not command.startswith("fabula ") or "|" in command or "<" in command:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        ended = subprocess.run(
            command,
            shell=True,
            check=False,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PATH": path},
        )
        return ended.returncode, ended.stdout
    words, _, target = command.partition(" > ")
    target = target.strip()
    raw = io.BytesIO()
    with contextlib.ExitStack() as stack:
        both = io.TextIOWrapper(raw, encoding="utf-8", write_through=True)
        file = stack.enter_context(Path(target).open("w", encoding="utf-8")) if target else both
        stack.enter_context(contextlib.redirect_stdout(file))
        stack.enter_context(contextlib.redirect_stderr(both))
        return main(shlex.split(words)[1:]), raw.getvalue().decode()


def _matches(shown: str, printed: str) -> bool:
    parts = [
        re.escape(_VARYING.sub("VARIES", part)) for part in re.split(r"^…\n", shown, flags=re.M)
    ]
    return re.fullmatch("(?:.*\n)*".join(parts), _VARYING.sub("VARIES", printed)) is not None


def refresh(page: Path) -> str:
    """The page with what its commands print now, where that differs from what it shows.

    Raises:
        AssertionError: A command fails that the page shows working.
    """
    text = page.read_text(encoding="utf-8")
    for printed in reversed(run_page(page)):
        works = printed.code == 0 or not printed.shown or "error[" in printed.shown
        assert works, f"{page.name}: `{printed.command}` fails:\n{printed.printed}"
        if not printed.holds:
            end = printed.start + len(printed.shown)
            text = text[: printed.start] + printed.printed + text[end:]
    return text


if __name__ == "__main__":
    for each in PAGES:
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            os.environ["FABULA_HOME"] = str(Path(folder) / "home")
            each.write_text(refresh(each), encoding="utf-8")
