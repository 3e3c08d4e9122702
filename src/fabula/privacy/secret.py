"""The key of a masking, and what is derived from it: one keyed hash for each value.

Keyed BLAKE2b (RFC 7693) is a message authentication code: without the key, no list of names leads
from a pseudonym back to a value. The purpose of each hash goes into the `person` field, so that
hashes of different purposes tell nothing about each other.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.errors import PrerequisiteError, SinkError, SourceError
from fabula.io.places import sink_error

VARIABLE = "FABULA_KEY_FILE"
"""Names the key file where no option does."""

_HEADER = "fabula-mask-key-1"
_BYTES = 32
_PURPOSE_BYTES = hashlib.blake2b.PERSON_SIZE


@dataclass(frozen=True)
class Secret:
    """The key of a masking. Its bytes appear in no text, error or log.

    Attributes:
        key: 32 random bytes.
        kept: Whether the key stays in a file, so that another masking can agree with this one.
    """

    key: bytes = field(repr=False)
    kept: bool = False

    @classmethod
    def random(cls) -> Secret:
        """A key for this masking alone."""
        return cls(secrets.token_bytes(_BYTES))

    @classmethod
    def of_file(cls, path: Path) -> Secret:
        """The key in a file.

        Raises:
            PrerequisiteError: There is no such file.
            SourceError: It contains no key, or other users can read it.
        """
        try:
            mode = path.stat().st_mode
            words = path.read_text(encoding="ascii", errors="replace").split()
        except OSError as exc:
            raise PrerequisiteError(
                f"the key file `{path}` can't be read: {exc.strerror}",
                code="mask.no-key",
                where=str(path),
                hint=f"fabula mask --new-key {path}",
            ) from exc
        if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise SourceError(
                f"other users can read the key file `{path}`",
                code="mask.open-key",
                where=str(path),
                hint=f"chmod 600 {path}",
            )
        try:
            (header, digits), key = words, bytes.fromhex(words[-1])
        except (ValueError, IndexError):
            header, digits, key = "", "", b""
        if header != _HEADER or len(key) != _BYTES or len(digits) != 2 * _BYTES:
            raise SourceError(
                f"`{path}` is not a key file",
                code="mask.bad-key",
                where=str(path),
                hint="make a key with `fabula mask --new-key FILE`",
            )
        return cls(key, kept=True)

    @classmethod
    def find(cls, path: Path | None = None) -> Secret:
        """The key in a file or in the file that `FABULA_KEY_FILE` names; else a random one."""
        named = path or os.environ.get(VARIABLE)
        return cls.of_file(Path(named)) if named else cls.random()

    @property
    def fingerprint(self) -> str:
        """Tells whether two maskings have the same key, and nothing else about it."""
        return self.derived("fingerprint", 8).hex()

    def derived(self, purpose: str, size: int = _BYTES) -> bytes:
        """A key for one purpose.

        Args:
            purpose: Any text.
            size: Bytes, at most 64.
        """
        return hashlib.blake2b(
            purpose.encode(), key=self.key, person=b"derived", digest_size=size
        ).digest()

    def digests(self, values: pa.Array, purpose: str, size: int = 16) -> NDArray[np.uint8]:
        """The keyed hash of each value.

        Args:
            values: Texts or bytes; a null counts as empty.
            purpose: Values hashed for another purpose have other hashes.
            size: Bytes of each hash, at most 64.

        Returns:
            One row of `size` bytes a value.
        """
        person = purpose.encode()
        if len(person) > _PURPOSE_BYTES:
            person = hashlib.blake2b(person, digest_size=_PURPOSE_BYTES).digest()
        start = hashlib.blake2b(key=self.key, person=person, digest_size=size).copy

        found = []
        for value in pc.fill_null(values.cast(pa.large_binary()), b"").to_pylist():
            state = start()
            state.update(value)
            found.append(state.digest())
        return np.frombuffer(b"".join(found), np.uint8).reshape(len(values), size)


def new_key(path: Path) -> Secret:
    """Write a new key into a file that only its owner can read.

    Raises:
        SinkError: The file exists already, or can't be written.
    """
    secret = Secret(secrets.token_bytes(_BYTES), kept=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as exc:
        raise SinkError(
            f"`{path}` exists, and a key is never replaced",
            code="mask.key-exists",
            where=str(path),
            hint=f"use it with `--key-file {path}`, or name another file",
        ) from exc
    except OSError as exc:
        raise sink_error(exc, path) from exc
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(f"{_HEADER} {secret.key.hex()}\n")
        file.flush()
        os.fsync(handle)
    return secret
