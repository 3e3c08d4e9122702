"""What a run's records may name, and what they say: read as the words of a stranger.

A run's folder is something that people pass on, so `run.json`, `manifest.json` and the records of
parts may come from anyone. Every reader, writer and deleter of a run's files asks here first.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from fabula.errors import SourceError
from fabula.io.places import sha256_of

MANIFEST = "manifest.json"
"""The record of a finished run, written last."""

MOST_BYTES = 256 << 20
"""Bytes of a record; a larger one is not read."""

T = TypeVar("T")


def plain_name(name: str) -> str:
    """The name, if it stays below the folder that it is joined to.

    Raises:
        ValueError: It is absolute, climbs out, or has parts that mean something else.
    """
    parts = name.split("/")
    leaves = PurePosixPath(name).is_absolute() or PureWindowsPath(name).anchor or "\\" in name
    if leaves or "\0" in name or any(part in ("", ".", "..") for part in parts):
        raise ValueError(f"the name {name[:200]!r} leads out of the folder")
    return name


Name = Annotated[str, AfterValidator(plain_name)]
Count = Annotated[int, Field(ge=0, lt=2**63)]


class Recorded(BaseModel):
    """A part of a record: what is read is checked, the rest is kept as it is."""

    model_config = ConfigDict(frozen=True, strict=True, extra="allow")


class RecordedFile(Recorded):
    """One data file of a run."""

    path: Name
    rows: Count
    bytes: Count
    sha256: str


class RecordedTable(Recorded):
    """What happened to one table."""

    requested: Count
    written: Count
    rejected: Count
    reasons: dict[str, Count]
    files: list[RecordedFile] = Field(min_length=1)


class _Timings(Recorded):
    started: str
    seconds: float = Field(ge=0, allow_inf_nan=False)


class _Usage(Recorded):
    identity: str
    calls: Count
    cached: Count
    prompt_tokens: int | None
    completion_tokens: int | None
    cost: float | None
    programs: dict[str, str] = Field(default_factory=dict)


class RunManifest(Recorded):
    """`manifest.json`: the run is over."""

    name: str
    seed: int
    passed: bool
    tables: dict[str, RecordedTable] = Field(min_length=1)
    versions: dict[str, str]
    checks: list[dict[str, Any]]
    models: dict[str, _Usage]
    timings: _Timings
    spec_sha256: str | None
    files: dict[Name, str] = Field(default_factory=dict)


class RunIdentity(Recorded):
    """`run.json`: which run a folder belongs to."""

    fingerprint: str
    tables: dict[str, Count]
    outputs: list[Name] = Field(default_factory=list)


def inside(folder: Path, name: str) -> Path:
    """The path of a file that a record names: below the folder, and through no link.

    Raises:
        SourceError: The name leads out of the folder.
    """
    try:
        path = folder / plain_name(name)
    except ValueError as exc:
        raise _outside(folder, str(exc)) from exc
    for place in (path, *path.parents):
        if place == folder:
            return path
        if place.is_symlink():
            raise _outside(folder, f"`{place}` is a link")
    raise _outside(folder, f"the name {name[:200]!r} leads out of the folder")


def is_unchanged(path: Path, sha256: str) -> bool:
    """Whether a path is a regular file, no link, with the bytes that were recorded."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode) and sha256_of(path) == sha256
    except OSError:
        return False


def check_unchanged(path: Path, sha256: str) -> None:
    """Make sure that a run's file is there as the run wrote it.

    Raises:
        SourceError: It is missing, or was changed since.
    """
    if is_unchanged(path, sha256):
        return
    if not path.is_file():
        raise SourceError(
            f"the run's file `{path}` is missing",
            code="source.missing",
            where=str(path),
            hint="run `fabula generate` again with `--fresh`",
        )
    raise SourceError(
        f"`{path}` has changed since its run wrote it",
        code="source.changed",
        where=str(path),
        hint="to read it anyway, name the file itself; to generate it again, move it away and run "
        "`fabula generate` again with `--fresh`",
    )


def read_object(path: Path) -> dict[str, Any] | None:
    """A JSON file's object; None if there is none, such as in half a file.

    Raises:
        SourceError: It is larger than any record, or nested without end.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise damaged(path, f"it has more than {MOST_BYTES >> 20} MiB")
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    except RecursionError as exc:
        raise damaged(path, "it is nested too deeply") from exc
    return content if isinstance(content, dict) else None


def checked(path: Path, content: Mapping[str, Any], shape: type[T]) -> dict[str, Any]:
    """A record's content as it is, once it has the shape that its readers rely on.

    Raises:
        SourceError: It has another; the error says where.
    """
    try:
        TypeAdapter(shape).validate_python(content)
    except ValidationError as exc:
        problem = exc.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, problem["loc"]))[:200]
        raise damaged(path, f"`{place}`: {problem['msg'].removeprefix('Value error, ')}") from exc
    return dict(content)


def damaged(path: Path, why: str) -> SourceError:
    """The error of a record that no run wrote."""
    return SourceError(
        f"`{path}` is not what a run wrote: {why}",
        code="source.damaged-run",
        where=str(path),
        hint="choose another folder, or move this one away and generate the data again",
    )


def _outside(folder: Path, why: str) -> SourceError:
    return SourceError(
        f"a record of `{folder}` names a file elsewhere: {why}",
        code="source.outside",
        where=str(folder),
        hint="a run's files lie in its folder and are not links; choose another folder",
    )
