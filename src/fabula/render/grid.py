"""Aligned text: tables for terminals that read well without lines or colour."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

GAP = "  "


def width(text: str) -> int:
    """Columns that a text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(_character_width(character) for character in text)


def fit(text: str, room: int) -> str:
    """The text, cut with an ellipsis where it is wider than `room`."""
    if width(text) <= room:
        return text
    taken, kept = 1, ""
    for character in text:
        taken += _character_width(character)
        if taken > room:
            break
        kept += character
    return kept + "…"


def pad(text: str, room: int, *, right: bool = False) -> str:
    """The text with spaces up to `room`."""
    spaces = " " * max(0, room - width(text))
    return spaces + text if right else text + spaces


def lines(rows: Sequence[Sequence[str]], *, right: Sequence[bool] = ()) -> list[str]:
    """Rows as lines with aligned columns.

    Args:
        rows: Cells; all rows have the same length.
        right: Which columns are aligned to the right; by default none.
    """
    if not rows:
        return []
    rooms = [max(map(width, column)) for column in zip(*rows, strict=True)]
    sides = [*right, *(False for _ in rooms)]
    return [
        GAP.join(
            pad(cell, room, right=side) for cell, room, side in zip(row, rooms, sides, strict=False)
        ).rstrip()
        for row in rows
    ]


def one_line(text: str) -> str:
    """The text without line breaks, tabs and other control characters."""
    if text.isprintable():
        return text
    spaced = " ".join(text.split())
    return "".join(
        character if character.isprintable() else ascii(character)[1:-1] for character in spaced
    )


def _character_width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Cf", "Me", "Mn"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
