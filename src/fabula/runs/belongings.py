"""What belongs to a run in its folder: what it recorded, with the same bytes still.

A record is not a proof: `run.json` may come from anyone. So a file is removed only where it lies
in the folder itself, is not a link, and has the hash that was recorded when it was written.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from fabula.errors import SinkError
from fabula.io.run_files import MANIFEST, RunIdentity, checked, inside, is_unchanged, read_object
from fabula.media.places import is_truth
from fabula.media.truth import listed
from fabula.runs.parts import PartRecord
from fabula.runs.records import read_manifest

RUN = "run.json"
STATE = ".fabula"
FILES = "files.json"
"""In the state folder: the hashes of files that are not tables, until the manifest has them."""

_PART = TypeAdapter(PartRecord)


def read_identity(folder: Path) -> dict[str, Any] | None:
    """What `run.json` says; None if there is none, or another program's.

    Raises:
        SourceError: It has a shape that no run writes, or names a file elsewhere.
    """
    path = folder / RUN
    content = read_object(path)
    if content is None or not {"fingerprint", "tables"} <= set(content):
        return None
    return checked(path, content, RunIdentity)


def read_part(path: Path) -> PartRecord | None:
    """The record of a part; None if it is missing or is none.

    Raises:
        SourceError: It is far larger than a record.
    """
    try:
        return _PART.validate_python(read_object(path))
    except ValidationError:
        return None


def state_files(folder: Path) -> list[Path]:
    """The notes of an unfinished run.

    Raises:
        SourceError: The folder of the notes is a link.
    """
    return sorted(inside(folder, STATE).glob("*.json"))


def recorded(folder: Path) -> dict[str, str]:
    """The hash of every file that a run recorded, by its name in the folder.

    Raises:
        SourceError: The records are damaged, or name a file elsewhere.
    """
    manifest: Mapping[str, Any] = read_manifest(folder) or {}
    found: dict[str, str] = dict(manifest.get("files", {}))
    for table in manifest.get("tables", {}).values():
        found |= {file["path"]: file["sha256"] for file in table["files"]}
    for note in state_files(folder):
        part = read_part(note)
        found |= {file.name: file.sha256 for file in part.files} if part else {}
    noted = read_object(folder / STATE / FILES) or {}
    found |= {name: sha256 for name, sha256 in noted.items() if isinstance(sha256, str)}
    for name in [name for name in found if is_truth(name)]:
        if is_unchanged(inside(folder, name), found[name]):
            found |= listed(folder / name)
    for name in found:
        inside(folder, name)
    return found


def remove_run(folder: Path, keep_free: Collection[str] = ()) -> None:
    """Remove what a run recorded, and nothing else; the folder itself stays.

    `keep_free` are patterns of files that the next run writes.

    Raises:
        SourceError: The records are damaged, or name a file elsewhere.
        SinkError: A file in the way of the next run was not recorded, or was changed since.
    """
    own = {
        name: path
        for name, sha256 in recorded(folder).items()
        if is_unchanged(path := inside(folder, name), sha256)
    }
    for pattern in keep_free:
        for path in folder.glob(pattern):
            if path.relative_to(folder).as_posix() not in own:
                raise SinkError(
                    f"`{path}` is in the way, and the run in `{folder}` did not write it, or it "
                    "has changed since",
                    code="sink.exists",
                    where=str(path),
                    hint="choose another folder, or move the file away",
                )
    for path in (*state_files(folder), *own.values(), folder / MANIFEST, folder / RUN):
        path.unlink(missing_ok=True)
    places = {place for path in own.values() for place in path.parents if folder in place.parents}
    for place in sorted(places, reverse=True):
        with suppress(OSError):  # it holds files of others
            place.rmdir()
