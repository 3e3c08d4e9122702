"""Bytes that models made, such as pictures and speech, each in a file that its digest names.

They lie next to the ledger, whose replies name them by their digest: equal bytes are kept once, and
a file that was changed is not taken for the one that was paid for.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from fabula.errors import SinkError
from fabula.llm.client.user_dirs import home, private_folder


class Blobs:
    """The folder of kept bytes; by default `files` in Fabula's home."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or home() / "files"

    def keep(self, content: bytes) -> str:
        """Keep bytes, on disk before they are used; their digest.

        Raises:
            SinkError: They can't be written.
        """
        digest = hashlib.sha256(content).hexdigest()
        path = self._path(digest)
        if self.find(digest) is not None:
            return digest
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            private_folder(path.parent)
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError as exc:
            with suppress(OSError):
                temporary.unlink()
            raise SinkError(
                f"`{path}` can't be written: {exc.strerror or exc}",
                code="ledger.disk-full",
                hint="free disk space or set FABULA_HOME to another disk, then run again",
            ) from exc
        return digest

    def find(self, digest: str) -> bytes | None:
        """The bytes of a digest; None where they are missing or were changed."""
        try:
            content = self._path(digest).read_bytes()
        except OSError:
            return None
        return content if hashlib.sha256(content).hexdigest() == digest else None

    def _path(self, digest: str) -> Path:
        return self._folder / digest[:2] / digest
