"""Finds the tables that a path holds: a data file, a folder of files, or a run's folder."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from fabula.errors import SourceError
from fabula.io.formats import ENDINGS, FORMATS

_RUN_FILES = {"rejects.jsonl"}
_PART = re.compile(r"part-\d+")


@dataclass(frozen=True)
class TableFiles:
    """One table on disk: its name, its files and their format."""

    name: str
    paths: tuple[Path, ...]
    format: str

    @property
    def bytes(self) -> int:
        """Size of the files together."""
        return sum(path.stat().st_size for path in self.paths)


def find_tables(path: Path) -> list[TableFiles]:
    """The tables under a path; where one is there in several formats, the best one to read.

    Raises:
        SourceError: There is nothing, or nothing that can be read as a table.
    """
    if path.is_file():
        file_format = ENDINGS.get(path.suffix.lower())
        if file_format is None:
            raise SourceError(
                f"`{path}` is no data file",
                code="source.format",
                hint=f"files that are read end in {', '.join(ENDINGS)}",
            )
        return [TableFiles(path.stem, (path,), file_format)]
    if not path.is_dir():
        raise SourceError(f"there is no file or folder `{path}`", code="source.missing")
    items = [item for item in sorted(path.iterdir()) if not item.name.startswith(".")]
    tables = _tables_of_files(path, (item for item in items if item.is_file()))
    for folder in (item for item in items if item.is_dir()):
        tables += _tables_of_files(folder, sorted(folder.iterdir()))
    if not tables:
        raise SourceError(
            f"the folder `{path}` holds no data files",
            code="source.empty",
            hint=f"files that are read end in {', '.join(f'.{name}' for name in FORMATS)}",
        )
    return tables


def _tables_of_files(folder: Path, files: Iterable[Path]) -> list[TableFiles]:
    """Files of one folder as tables; parts of a table are one table, named like the folder."""
    found: dict[str, dict[str, list[Path]]] = {}
    for file in files:
        file_format = ENDINGS.get(file.suffix.lower(), "")
        if file_format not in FORMATS or file.suffix == ".txt" or file.name in _RUN_FILES:
            continue
        name = folder.resolve().name if _PART.fullmatch(file.stem) else file.stem
        found.setdefault(name, {}).setdefault(file_format, []).append(file)
    return [
        TableFiles(name, tuple(formats[best]), best)
        for name, formats in found.items()
        for best in [next(known for known in FORMATS if known in formats)]
    ]
