"""Names of a run's files, made from table names that may hold anything."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from fabula.errors import FabulaError

_UNSAFE = re.compile(r"[^\w .()+,=@~-]|^\.|[. ]$")
_RESERVED = re.compile(
    r"(run|manifest|rejects|model-calls|report|con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE
)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/")
"""The start of an address; a drive of Windows has one letter."""
_SECRET = re.compile(
    r"^[^:]+:/+[^/?@]*:[^?]*@|[?&;][^=&]*(pass|secret|token|access_?key|account_?key|sig)[^=&]*=",
    re.IGNORECASE,
)


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


def share_name(number: int, of: int) -> str:
    """The name of a file with one of several shares of a table."""
    return f"part-{number:0{len(str(of))}}-of-{of}"


def missing_share(names: Sequence[str]) -> str | None:
    """The first share, as `3/16`, that files with these names lack; None if all are there."""
    found = [re.fullmatch(r"part-\d+-of-(\d{1,6})", name) for name in names]
    totals = {int(each[1]) for each in found if each is not None}
    wanted = [(share_name(n, of), f"{n}/{of}") for of in totals for n in range(1, of + 1)]
    return next((share for name, share in wanted if name not in names), None)
