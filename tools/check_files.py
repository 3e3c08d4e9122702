"""Every source file has one subject that its name and docstring tell, and fits on a few screens."""

from __future__ import annotations

import ast
from pathlib import Path

MOST_LINES = 400
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "manager", "misc", "common"}


def problems(root: Path) -> list[str]:
    """Files that are too long, vaguely named, or that hold something public without a docstring."""
    found: list[str] = []
    for path in sorted((root / "src").rglob("*.py")):
        name = path.relative_to(root)
        text = path.read_text(encoding="utf-8")
        length = len(text.splitlines())
        if length > MOST_LINES:
            found.append(f"{name}: {length} lines, at most {MOST_LINES}; split it by subject")
        if path.stem in VAGUE_NAMES:
            found.append(f"{name}: name the file after its subject, not `{path.stem}`")
        if text.strip():
            found += [f"{name}:{line}: {what} has no docstring" for line, what in silent(text)]
    return found


def silent(text: str) -> list[tuple[int, str]]:
    """The line and name of the module and of each public function or class without a docstring."""
    module = ast.parse(text)
    found = [] if ast.get_docstring(module) else [(1, "the module")]
    for node in module.body:
        if (
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            and not node.name.startswith("_")
            and not ast.get_docstring(node)
            and "overload" not in map(ast.unparse, node.decorator_list)
        ):
            found.append((node.lineno, f"`{node.name}`"))
    return found
