"""What planning needs to know of a fitted synthesizer's file: its columns and its hash.

The file itself is described in `fabula.synthesizers.persistence`.
"""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pyarrow as pa

from fabula.errors import SourceError, did_you_mean
from fabula.io.claims import read_members

_DAMAGED = (zipfile.BadZipFile, zlib.error, pa.ArrowException, MemoryError)
SCHEMA_MEMBER = "schema.arrow"


@dataclass(frozen=True)
class FittedFile:
    """A synthesizer's file, seen from outside: its columns with their types, and its hash."""

    schema: pa.Schema
    sha256: str


def fitted_file(path: str) -> FittedFile:
    """Look into a synthesizer's file; read once as long as it does not change.

    Raises:
        SourceError: It is missing, or no synthesizer's file.
    """
    place = Path(path)
    try:
        facts = place.stat()
        return _look(place, facts.st_mtime_ns, facts.st_size)
    except FileNotFoundError as exc:
        near = [item.name for item in place.parent.glob("*")] if place.parent.is_dir() else []
        raise SourceError(
            f"there is no file `{path}`",
            code="source.missing",
            where=path,
            hint=did_you_mean(place.name, near) or f"fabula fit DATA -o {path}",
        ) from exc
    except (OSError, RuntimeError, ValueError, LookupError, EOFError, *_DAMAGED) as exc:
        raise SourceError(
            f"`{path}` is not a fitted synthesizer",
            code="synthesizer.damaged",
            where=path,
            hint=f"fabula fit DATA -o {path}",
        ) from exc


@lru_cache(maxsize=64)
def _look(path: Path, changed: int, size: int) -> FittedFile:
    del changed, size  # part of the cache's key
    with zipfile.ZipFile(path) as archive:
        schema = pa.ipc.read_schema(
            pa.py_buffer(read_members(archive, [SCHEMA_MEMBER])[SCHEMA_MEMBER])
        )
    with path.open("rb") as content:
        return FittedFile(schema, hashlib.file_digest(content, "sha256").hexdigest())
