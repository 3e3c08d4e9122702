"""The encrypted map of a masking: which new value stands for which old one.

It is written only on request. Each block of rows is sealed with AES-256-GCM (NIST SP 800-38D) under
a key that is derived from the masking's; its number and whether it is the last are authenticated,
so that no block can be left out, moved or changed.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from fabula.errors import PrerequisiteError, SourceError
from fabula.io.places import replacing
from fabula.privacy.secret import Secret

_HEADER = b"fabula-map-1\n"
_NONCE = 12
_FIELD = b"table"


def write_map(path: Path, secret: Secret, blocks: Iterable[tuple[str, pa.Table]]) -> None:
    """Write a map.

    Args:
        path: The file; only its owner can read it.
        secret: The masking's key.
        blocks: Rows of new and old values, each with the name of its table.

    Raises:
        SinkError: The file can't be written.
        PrerequisiteError: The extra `mask` is missing.
    """
    cipher = _cipher(secret)
    with replacing(path) as temporary, temporary.open("wb") as file:
        temporary.chmod(0o600)
        file.write(_HEADER)
        number = 0
        for name, rows in blocks:
            _write(file, cipher, number, _packed(name, rows))
            number += 1
        _write(file, cipher, number, b"")


def read_map(path: Path, secret: Secret) -> Iterator[tuple[str, pa.Table]]:
    """The blocks of a map, each with the name of its table.

    Raises:
        SourceError: The file is not a map, is of another key, or was changed or cut off.
        PrerequisiteError: It is missing, or the extra `mask` is.
    """
    cipher = _cipher(secret)
    try:
        file = path.open("rb")
    except OSError as exc:
        raise PrerequisiteError(
            f"the map `{path}` can't be read: {exc.strerror}",
            code="mask.no-map",
            where=str(path),
            hint=f"`fabula mask DATA --key-file KEY --map {path}` writes one",
        ) from exc
    with file:
        if file.read(len(_HEADER)) != _HEADER:
            raise _broken(path, "is not a map of a masking")
        number = 0
        while True:
            head = file.read(_NONCE + 8)
            sealed = file.read(struct.unpack("<Q", head[_NONCE:])[0]) if len(head) == 20 else b""
            block = _opened(cipher, head[:_NONCE], sealed, number)
            if block is None and number:
                raise _broken(path, "was changed, or is cut off")
            if block is None:
                raise SourceError(
                    f"the map `{path}` was written with another key, or was changed",
                    code="mask.other-key",
                    where=str(path),
                    hint="give the key file of that masking: `--key-file FILE`",
                )
            if not block:
                return
            yield _unpacked(block)
            number += 1


def _packed(name: str, rows: pa.Table) -> bytes:
    schema = rows.schema.with_metadata({_FIELD: name.encode()})
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(sink, schema, options=options) as out:
        out.write_table(rows.cast(schema))
    return bytes(sink.getvalue())


def _unpacked(block: bytes) -> tuple[str, pa.Table]:
    table = pa.ipc.open_stream(block).read_all()
    return table.schema.metadata[_FIELD].decode(), table.replace_schema_metadata(None)


def _write(file: Any, cipher: Any, number: int, block: bytes) -> None:
    nonce = os.urandom(_NONCE)
    sealed = cipher.encrypt(nonce, block, struct.pack("<Q", number))
    file.write(nonce + struct.pack("<Q", len(sealed)) + sealed)


def _opened(cipher: Any, nonce: bytes, sealed: bytes, number: int) -> bytes | None:
    """A block; None if its key, number or bytes are others."""
    from cryptography.exceptions import InvalidTag

    try:
        block: bytes = cipher.decrypt(nonce, sealed, struct.pack("<Q", number))
    except (InvalidTag, ValueError):
        return None
    return block


def _cipher(secret: Secret) -> Any:
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError as exc:
        raise PrerequisiteError.for_extra("mask", needed_by="the map of a masking") from exc
    return AESGCM(secret.derived("map"))


def _broken(path: Path, told: str) -> SourceError:
    hint = f"`fabula mask DATA --key-file KEY --map {path}` writes it again"
    return SourceError(f"`{path}` {told}", code="mask.bad-map", where=str(path), hint=hint)
