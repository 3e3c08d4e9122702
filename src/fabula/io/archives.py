"""Zip files that hold one data file, unpacked with a bound on what comes out."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path, PurePosixPath

from fabula.errors import SourceError
from fabula.io.formats import ENDINGS

MOST_UNPACKED = 8 << 30
MOST_RATIO = 200
"""Bytes that come out of an archive, in all and for each byte of it; text is packed to a tenth."""

_SMALL = 16 << 20
_PIECE = 1 << 20


def unpacked(path: Path, folder: Path) -> Path:
    """The only data file of an archive, unpacked into a folder.

    Raises:
        SourceError: It is damaged, locked, or holds no or several data files;
            or far more comes out of it than is in it.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            member = _only(path, archive.infolist())
            place = folder / PurePosixPath(member.filename).name
            most = min(MOST_UNPACKED, max(_SMALL, MOST_RATIO * path.stat().st_size))
            with archive.open(member) as source, place.open("wb") as target:
                size = 0
                while piece := source.read(_PIECE):
                    size += len(piece)
                    if size > most:
                        raise _refused(path, f"more than {most >> 20:,} MiB come out of it")
                    target.write(piece)
            return place
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as exc:
        raise _refused(path, f"it can't be unpacked: {exc}") from exc


def _only(path: Path, members: list[zipfile.ZipInfo]) -> zipfile.ZipInfo:
    """The one data file among the members."""
    found = [
        member
        for member in members
        if PurePosixPath(member.filename).suffix.lower() in ENDINGS
        and not member.filename.startswith(("__MACOSX/", "."))
    ]
    if len(found) == 1:
        return found[0]
    several = ", ".join(f"`{member.filename}`" for member in found[:3])
    raise _refused(path, f"it holds {len(found)} data files: {several}" if found else
                   "it holds no data file")  # fmt: skip


def _refused(path: Path, why: str) -> SourceError:
    return SourceError(
        f"`{path}` is an archive, and {why}",
        code="source.unreadable",
        file=str(path),
        hint="unpack it, and give the file or the folder",
    )
