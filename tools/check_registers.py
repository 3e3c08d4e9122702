"""Every built-in entry stands in a file of its own, which is called after it and registers it.

A register's entries are the modules of its home: a new entry is a new file, and no list names it.
"""

from __future__ import annotations

import ast
from pathlib import Path

HOMES = (
    "src/fabula/io/entries",
    "src/fabula/llm/providers/entries",
    "src/fabula/synthesizers/entries",
    "src/fabula/training/entries",
)
"""Folders whose modules register one entry each."""

CALLED = {"embedded": "local"}
"""Modules that can't be called as their entry is: `local` is a package of its own."""


def problems(root: Path) -> list[str]:
    """Modules that register no entry of their name, homes that are gone, and two of a name."""
    found = []
    for home in HOMES:
        paths = [path for path in sorted((root / home).glob("*.py")) if path.stem != "__init__"]
        if not paths:
            found.append(f"{home}: there is no entry; correct HOMES in tools/check_registers.py")
        for path in paths:
            expected = CALLED.get(path.stem, path.stem)
            names = [name.replace(".", "_").replace("-", "_") for name in registered(path)]
            if names != [expected]:
                told = f"registers {', '.join(names) or 'nothing'}"
                found.append(f"{path.relative_to(root)}: {told}, not one entry `{expected}`")
    return found


def registered(path: Path) -> list[str]:
    """The names of the entries that a module adds to a register."""
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "add":
            for entry in node.args:
                given = getattr(entry, "keywords", [])
                values = [word.value for word in given if word.arg == "name"]
                names += [_text(value) for value in values]
    return names


def _text(value: ast.expr) -> str:
    """A name as it is written, or as the constant that stands for it is called."""
    if isinstance(value, ast.Constant):
        return str(value.value)
    return {"COMPATIBLE": "openai-compatible"}.get(ast.unparse(value), "")
