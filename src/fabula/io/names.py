"""Names of a run's files, made from table names that may hold anything."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from fabula.errors import FabulaError, SourceError, UsageError, did_you_mean

_UNSAFE = re.compile(r"[^\w .()+,=@~-]|^\.|[. ]$")
_RESERVED = re.compile(
    r"(run|manifest|rejects|model-calls|report|con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE
)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+(:[A-Za-z][A-Za-z0-9+.-]+)*):/")
"""The start of an address, also of `jdbc:postgresql://…`; a drive of Windows has one letter."""
_BROKEN_ADDRESS = re.compile(
    r"(postgres(?:ql)?|mysql|mariadb|sqlite|duckdb|s3|gs|abfs|hf)(?::/?(?!/)|//)(?=.)",
    re.IGNORECASE,
)
"""An address without its colon or with one slash too few, which would be the name of a folder."""
_SECRET = re.compile(
    r"^[^:]+:/+[^/?@]*:[^?]*@|[?&;][^=&]*(pass|secret|token|access_?key|account_?key|sig)[^=&]*=",
    re.IGNORECASE,
)

_TABLES = (".csv", ".parquet", ".jsonl", ".xlsx", ".arrow", ".tsv")
_SHOWN_FILES = 5
"""How many files of a folder are named where the one that was asked for is missing."""

SHARE = re.compile(r"part-\d+-of-(\d{1,6})-([0-9a-f]{8})\.")
"""The file of a share: of how many, and what they share."""


def file_stem(table: str) -> str:
    """A file name for a table: its own name, with unsafe characters as `%XX`.

    Different tables get different names, and no table takes the name of one of the run's own
    files.
    """
    stem = _UNSAFE.sub(lambda found: _escaped(found.group()), table)
    if not stem:
        return "%"
    if _RESERVED.fullmatch(stem):
        return _escaped(stem[0]) + stem[1:]
    return stem


def scheme_of(place: str) -> str:
    """The scheme of an address, in small letters; empty for a path."""
    found = _SCHEME.match(place)
    return found[1].lower() if found else ""


def means_address(place: str) -> bool:
    """Whether a text is an address, or was meant as one: `postgres//host/shop`."""
    return bool(scheme_of(place) or _BROKEN_ADDRESS.match(place))


def refuse_broken_address(place: object) -> None:
    """Refuse the text `postgres//host/shop`: it would be written as a folder of that name.

    A `Path` is not refused: it drops a slash of every address, and means a folder where it has no
    scheme.

    Raises:
        UsageError: The text begins like an address and is none.
    """
    if isinstance(place, str) and (found := _BROKEN_ADDRESS.match(place)):
        # A `Path` with a colon and a slash is an address again, so no folder can have that name.
        folder = "" if found[0].endswith(":/") else f"; a folder of that name is `./{found[0]}…`"
        raise UsageError(
            f"`{found[0]}…` begins like an address and lacks a part of `://`",
            code="usage.address",
            hint=f"write `{found[1]}://…`{folder}",
        )


def output_path(place: str | os.PathLike[str]) -> Path:
    """Where an output of files goes; every verb that writes files by itself asks here.

    Raises:
        UsageError: The text begins like an address and is none.
    """
    refuse_broken_address(place)
    return Path(place)


def missing_file(path: Path) -> SourceError:
    """The error of a file that isn't there, with the nearest name, or with what its folder has."""
    folder = path.parent
    names = sorted(item.name for item in folder.iterdir()) if folder.is_dir() else []
    near = did_you_mean(path.name, names)
    if near:
        hint = f"did you mean `{folder / near.split('`')[1]}`?"
    elif not folder.is_dir():
        hint = f"there is no folder `{folder}` either; give the path from here on"
    else:
        tables = sorted(names, key=lambda name: not name.endswith(_TABLES))
        shown = [f"`{folder / name}`" for name in tables if not name.startswith(".")][:_SHOWN_FILES]
        hint = f"there are {', '.join(shown)}" if shown else f"`{folder}` is empty: check the path"
    message = f"there is no file `{path}`"
    return SourceError(message, code="source.missing", where=str(path), hint=hint)


def has_secret(address: str) -> bool:
    """Whether an address holds a password or a key."""
    return _SECRET.search(address) is not None


def refuse_address(path: Path, error: type[FabulaError], hint: str) -> None:
    """Raise an error where a path is `postgresql://…`, without what follows: it may be secret."""
    if scheme := scheme_of(str(path)):
        message = f"`{scheme}://…` is an address, not a file or folder"
        raise error(message, code="usage.address", hint=hint)


def _escaped(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


def share_name(number: int, of: int, mark: str) -> str:
    """The name of a file with one of several shares of a table; `mark` tells what they share."""
    return f"part-{number:0{len(str(of))}}-of-{of}-{mark}"


def check_shares(folder: Path, names: Sequence[str]) -> None:
    """Refuse files of a folder that are shares of different tables, and a share that is missing.

    Raises:
        SourceError: The shares don't make up one table.
    """
    groups: dict[tuple[str, str], list[str]] = {}
    for name in names:
        if found := SHARE.match(name):
            groups.setdefault((found[1], found[2]), []).append(name)
    if len(groups) > 1:
        told = " and ".join(", ".join(f"`{name}`" for name in group) for group in groups.values())
        raise SourceError(
            f"`{folder}` mixes shares of different samples: {told} were made with another model,"
            " `-n`, `--seed`, number of shares, or conditions",
            code="source.shares-differ",
            where=str(folder),
            hint="remove those of the wrong ones, and make them again with the same options",
        )
    for of, mark in groups:
        for number in range(1, int(of) + 1):
            if not any(name.startswith(f"{share_name(number, int(of), mark)}.") for name in names):
                raise SourceError(
                    f"`{folder}` lacks share {number}/{of}; make it with `--blocks {number}/{of}`",
                    code="source.share-missing",
                    where=str(folder),
                )
