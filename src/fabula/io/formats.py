"""File formats by name and by file ending."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias, get_args

from fabula.errors import UsageError, did_you_mean

Format: TypeAlias = Literal["parquet", "csv", "jsonl", "arrow"]
"""The file formats that Fabula writes; each is also the file's ending."""

FORMATS: tuple[Format, ...] = get_args(Format)

ENDINGS: dict[str, str] = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
}
"""File endings that are read, with the format that they mean."""

_NOT_WRITTEN = frozenset(
    {".gz", ".zip", ".xlsx", ".xls", ".ods", ".db", ".sqlite", ".xml", ".html"}
)


def names_file(path: Path) -> bool:
    """Whether a path is called like one file of data, though perhaps of a format not written."""
    return path.suffix.lower() in ENDINGS or path.suffix.lower() in _NOT_WRITTEN


def as_format(name: str) -> Format:
    """The format of that name.

    Raises:
        UsageError: There is no such format.
    """
    for known in FORMATS:
        if name == known:
            return known
    raise UsageError(
        f"there is no file format `{name}`",
        code="usage.format",
        hint=did_you_mean(name, FORMATS) or f"choose one of {', '.join(FORMATS)}",
    )


def separator_of(path: Path) -> str:
    """What stands between the values of a CSV file: a tab where the ending says so."""
    return "\t" if path.suffix.lower() == ".tsv" else ","


def format_of(path: Path) -> Format:
    """The format that a file's ending asks for.

    Raises:
        UsageError: The ending names no format that can be written.
    """
    return as_format(ENDINGS.get(path.suffix.lower(), path.suffix.lstrip(".")))


def check_ending(path: Path, form: Format, *, called: str = "") -> None:
    """Refuse a file whose ending says something else than what would be in it.

    Args:
        path: The file.
        form: The format that would be in it.
        called: What users call that format, where it is another word.

    Raises:
        UsageError: The ending names another format.
    """
    if format_of(path) != form:
        raise UsageError(
            f"`{path.name}` can't hold `{called or form}`: its ending says {format_of(path)}",
            code="usage.format",
            hint=f"write `-o {path.with_suffix(f'.{form}').name}`, or choose another format",
        )
