"""Help texts and the reference in the documentation equal the real ones, and links lead somewhere.

A help text stands between two comments and is written by `python -m tools.check_docs --write`::

    <!-- help: fabula generate -->
    <!-- end of help -->
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tools import python_reference
from tools.check_repo import repository_files

HELP = re.compile(r"<!-- help: (fabula[\w -]*?) -->\n.*?<!-- end of help -->", re.DOTALL)
CODE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(\s*<?([^)>\s]+)")
OUTSIDE = re.compile(r"[a-z][a-z0-9+.-]*:|#")


def problems(root: Path) -> list[str]:
    """Help texts that are out of date and relative links to files that do not exist."""
    found: list[str] = []
    if not _reference_is_current(root):
        found.append(
            f"{python_reference.PAGE}: out of date; run `python -m tools.check_docs --write`"
        )
    for path in pages(root):
        name = path.relative_to(root)
        text = path.read_text(encoding="utf-8")
        if with_current_help(text) != text:
            found.append(f"{name}: help is out of date; run `python -m tools.check_docs --write`")
        for link in LINK.findall(CODE.sub("", text)):
            target = link.partition("#")[0]
            if not OUTSIDE.match(link) and not (path.parent / target).exists():
                found.append(f"{name}: the link to `{link}` leads nowhere")
    return found


def write(root: Path) -> None:
    """Put the current help texts into every page, and write the reference of Python."""
    if not _reference_is_current(root):
        text = python_reference.markdown()
        (root / python_reference.PAGE).write_text(text, encoding="utf-8")
        print(f"wrote {python_reference.PAGE}")
    for path in pages(root):
        text = path.read_text(encoding="utf-8")
        current = with_current_help(text)
        if current != text:
            path.write_text(current, encoding="utf-8")
            print(f"wrote {path.relative_to(root)}")


def _reference_is_current(root: Path) -> bool:
    page = root / python_reference.PAGE
    if not page.parent.exists():
        return True  # documentation of something else
    return page.exists() and page.read_text("utf-8") == python_reference.markdown()


def pages(root: Path) -> list[Path]:
    """The Markdown files of the repository."""
    return [root / name for name in repository_files(root) if name.endswith(".md")]


def with_current_help(text: str) -> str:
    """A page's text with each help text as the command prints it now."""
    return HELP.sub(
        lambda block: (
            f"<!-- help: {block[1]} -->\n```text\n{help_text(block[1])}\n```\n<!-- end of help -->"
        ),
        text,
    )


def help_text(command: str) -> str:
    """What `command --help` prints, 80 columns wide and without colour."""
    program, *verbs = command.split()
    environment = {**os.environ, "COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb"}
    shown = subprocess.run(
        [str(Path(sys.executable).with_name(program)), *verbs, "--help"],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return "\n".join(line.rstrip() for line in shown.stdout.strip("\n").splitlines())


if __name__ == "__main__":
    root_folder = Path(__file__).parents[1]
    if sys.argv[1:] == ["--write"]:
        write(root_folder)
    sys.exit("\n".join(problems(root_folder)) or 0)
