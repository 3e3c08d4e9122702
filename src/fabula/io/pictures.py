"""Folders of pictures: which files they hold, and whether they hold nothing else."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from fabula.errors import SourceError

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
"""Endings of files that are read as pictures."""


def picture_files(folder: Path, endings: Collection[str] = PICTURES) -> list[Path]:
    """The pictures in a folder and in those below it, in the order of their names.

    Raises:
        SourceError: There are none.
    """
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in endings and p.is_file())
    if not found:
        raise SourceError(
            f"`{folder}` contains no pictures",
            code="source.missing",
            where=str(folder),
            hint="name a folder of PNG or JPEG files, or of folders of them, one a label",
        )
    return found


def holds_pictures(data: object) -> bool:
    """Whether some data is a folder of pictures and nothing else, or of folders of them."""
    if not isinstance(data, str | Path) or not Path(data).is_dir():
        return False
    files = [path for path in Path(data).glob("*") if path.is_file()]
    files += [] if files else [path for path in Path(data).glob("*/*") if path.is_file()]
    return bool(files) and all(path.suffix.lower() in PICTURES for path in files)
