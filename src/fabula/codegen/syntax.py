"""Python's parser for the code of strangers: whatever it can't parse is a `SyntaxError`."""

from __future__ import annotations

import ast

MOST_CHARACTERS = 1_000_000
"""Characters of a program."""


def parsed(source: str) -> ast.Module:
    """The tree of a program.

    Raises:
        SyntaxError: It is not Python, is nested too deeply, or is longer than any program.
    """
    if len(source) > MOST_CHARACTERS:
        raise SyntaxError(f"it has more than {MOST_CHARACTERS:,} characters")
    try:
        return ast.parse(source)
    except (ValueError, MemoryError, RecursionError) as error:  # zero bytes; thousands of brackets
        raise SyntaxError(str(error) or "it is nested too deeply") from error
