"""Safe writing: a file appears whole or not at all, and every failure has a name.

Everything that Fabula writes goes through `replacing`: the bytes go to a temporary name in the
same folder, reach the disk, and then take the final name in one step. A killed process leaves
at most a temporary file, which the next run removes.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from typing import Any

from fabula.errors import SinkError, UsageError
from fabula.io.destinations import names_file
from fabula.io.names import refuse_address

_TEMPORARY = ".tmp"
_CAUSES: dict[int, tuple[str, str, str | None]] = {
    errno.ENOSPC: ("sink.full", "there is no space left", "free some space, or choose a disk"),
    errno.EDQUOT: ("sink.full", "the disk quota is used up", "free some space"),
    errno.EFBIG: ("sink.full", "the file exceeds the allowed size", "raise the file size limit"),
    errno.ENOENT: ("sink.missing", "its folder does not exist", "make the folder first"),
    errno.EROFS: ("sink.read-only", "the place is read-only", "choose another folder"),
    errno.EACCES: ("sink.denied", "writing is not allowed there", "choose another folder"),
    errno.EPERM: ("sink.denied", "writing is not allowed there", "choose another folder"),
    errno.ENOTDIR: ("sink.no-folder", "a part of the path is a file", "choose another path"),
    errno.EEXIST: ("sink.no-folder", "a file has that name", "choose another path"),
    errno.EISDIR: ("sink.no-file", "a folder has that name", "choose another path"),
    errno.ENAMETOOLONG: ("sink.name", "the name is too long", "choose a shorter name"),
}


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path; when the block ends well, it becomes `path`.

    A device is yielded itself.

    Raises:
        SinkError: The place can't be written; nothing is left behind.
    """
    with _failures_named(path):
        if path.is_char_device():
            yield path  # such as /dev/null: written to, never replaced
            return
        temporary = _beside(path)
        temporary.unlink(missing_ok=True)  # a link of that name would lead elsewhere
        try:
            yield temporary
            _reach_disk(temporary)
            temporary.replace(path)
            _reach_disk(path.parent)
        finally:
            with suppress(OSError):
                temporary.unlink()


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8, whole or not at all; halves of characters become `?`.

    Raises:
        SinkError: The place can't be written.
    """
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="replace", newline="\n")


def write_json(path: Path, value: Any) -> None:
    """Write plain values as JSON that people can read, whole or not at all.

    Raises:
        SinkError: The place can't be written.
    """
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def check_free(path: Path, *, overwrite: bool = False, folder: bool = False) -> None:
    """Make sure, before anything is written, that a file (or a folder for several) can be written.

    Raises:
        UsageError: A folder is wanted, and it is named like a file.
        SinkError: It exists, has the wrong form, or can't be written.
    """
    with _failures_named(path):
        if folder and names_file(path) and not path.is_dir():
            raise UsageError(
                f"`{path}` looks like a file name, but the output is a folder",
                code="usage.output",
                hint=f"give a folder: `-o {path.with_suffix('')}`",
            )
        if path.is_file() if folder else path.is_dir():
            raise OSError(errno.EEXIST if folder else errno.EISDIR, "")
        if path.exists() and not overwrite:
            raise SinkError(
                f"`{path}` exists",
                code="sink.exists",
                where=str(path),
                hint=f"choose another {'folder' if folder else 'file'} with `-o`, or pass "
                "--overwrite",
            )
        places = (path,) if path.is_dir() else path.absolute().parents
        probe = _beside(next(place for place in places if place.exists()) / path.name)
        probe.touch()
        probe.unlink()
        _remove_dead(path)


def make_folder(path: Path) -> None:
    """Make a folder and its parents if they are missing.

    Raises:
        SinkError: The folder can't be made.
    """
    with _failures_named(path):
        path.mkdir(parents=True, exist_ok=True)


def sha256_of(path: Path) -> str:
    """The hash of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remove_leftovers(folder: Path) -> None:
    """Remove temporary files that a killed process left in `folder`."""
    for leftover in folder.glob(f".*.*{_TEMPORARY}"):
        if re.search(r"\.\d+\.tmp$", leftover.name):
            leftover.unlink(missing_ok=True)


def has_ended(process: int) -> bool:
    """Whether a process of this machine is known to have ended."""
    if os.name != "posix":
        return False  # asking would end it
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def _remove_dead(path: Path) -> None:
    """Remove the temporary files of a file, and their journals, whose process was killed."""
    for leftover in path.parent.glob(f".{escape(path.name)}.*{_TEMPORARY}*"):
        found = re.fullmatch(r"\.(\d+)\.tmp([-.]\w+)?", leftover.name[len(path.name) + 1 :])
        if found and (int(found[1]) == os.getpid() or has_ended(int(found[1]))):
            leftover.unlink(missing_ok=True)


def sink_error(exc: OSError, path: Path) -> SinkError:
    """The error that names why `path` could not be written."""
    code, cause, hint = _CAUSES.get(_number(exc)) or ("sink.failed", str(exc), None)
    return SinkError(f"can't write `{path}`: {cause}", code=code, where=str(path), hint=hint)


@contextmanager
def _failures_named(path: Path) -> Iterator[None]:
    """Raise what the system refuses as the error that names the path; refuse addresses."""
    refuse_address(path, SinkError, "write a file or folder, such as `-o out/`, and load that")
    try:
        yield
    except OSError as exc:
        raise sink_error(exc, path) from exc


def _beside(path: Path) -> Path:
    """The temporary name of a file."""
    return path.with_name(f".{path.name}.{os.getpid()}{_TEMPORARY}")


def _number(exc: OSError) -> int:
    """The system's error number, 0 if unknown; Arrow writes it into the message only."""
    if exc.errno is not None:
        return exc.errno
    found = re.search(r"errno (\d+)", str(exc), re.IGNORECASE)
    return int(found.group(1)) if found else 0


def _reach_disk(path: Path) -> None:
    """Wait until a file or folder is on the disk (Windows can't sync folders)."""
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
