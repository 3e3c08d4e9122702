"""Changes to a program's text at places that its syntax tree names; all else stays as it was."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Edit:
    """A piece of one line (the first is 1), from byte `start` to before `end`, and its new text."""

    line: int
    start: int
    end: int
    text: str


def replacing(node: ast.expr, text: str) -> Edit:
    """The edit that puts `text` instead of a node of one line."""
    assert node.end_col_offset is not None
    return Edit(node.lineno, node.col_offset, node.end_col_offset, text)


def before(node: ast.stmt, text: str) -> Edit:
    """The edit that puts `text` on its own line before a statement."""
    return Edit(node.lineno, 0, 0, f"{' ' * node.col_offset}{text}\n")


def edited(source: str, edits: Iterable[Edit]) -> str:
    """The text with its edits made."""
    lines = [line.encode() for line in source.splitlines(keepends=True)]
    for edit in sorted(edits, key=lambda edit: (edit.line, edit.start), reverse=True):
        line = lines[edit.line - 1]
        lines[edit.line - 1] = line[: edit.start] + edit.text.encode() + line[edit.end :]
    return b"".join(lines).decode()


def whole_number(node: ast.expr | None) -> int | None:
    """The number that a node writes out; None for anything else."""
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return node.value
    return None
