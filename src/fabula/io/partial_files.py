"""Files that were written with rows missing: the same command replaces them when it continues.

`.NAME.partial` is alongside such a file until a later run completes it.
"""

from __future__ import annotations

from pathlib import Path

from fabula.io.places import write_text


def is_unfinished(output: Path) -> bool:
    """Whether an earlier run left rows out of a file."""
    return _mark(output).exists()


def mark_unfinished(output: Path) -> None:
    """Note that rows are missing in a file.

    Raises:
        SinkError: The place can't be written.
    """
    write_text(_mark(output), "")


def mark_finished(output: Path) -> None:
    """Note that a file contains every row."""
    _mark(output).unlink(missing_ok=True)


def _mark(output: Path) -> Path:
    return output.with_name(f".{output.name}.partial")
