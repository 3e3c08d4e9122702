"""API keys: the environment first, then a file that only its owner can read.

Specs, manifests and logs hold the *name* of a key, never the key.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from fabula.errors import UsageError
from fabula.llm.client.user_dirs import home


def find_key(provider: str, variables: tuple[str, ...]) -> str | None:
    """A provider's key: from the first variable that is set, else the user's file, else None."""
    for variable in variables:
        value = _bare(os.environ.get(variable, ""))
        if value:
            return value
    return _read().get(provider)


def set_key(provider: str, key: str) -> Path:
    """Keep a key in the user's file and return the file's path."""
    key = _bare(key)
    if not key or not key.isprintable() or not key.isascii():
        raise UsageError(
            f"the key for `{provider}` is empty or contains characters that no key has",
            code="keys.invalid",
            hint="paste the key again, without quotes or line breaks",
        )
    return _write({**_read(), provider: key})


def _bare(key: str) -> str:
    """A key without pasted extras: quotes, as in env files, and `Bearer `."""
    return key.strip().strip("\"'").removeprefix("Bearer ").strip()


def key_names() -> list[str]:
    """The providers that have a key in the user's file, sorted; never the keys."""
    return sorted(_read())


def remove_key(provider: str) -> bool:
    """Delete a provider's key; False if there was none."""
    keys = _read()
    if provider not in keys:
        return False
    del keys[provider]
    _write(keys)
    return True


def _path() -> Path:
    return home() / "keys.json"


def _read() -> dict[str, str]:
    path = _path()
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except OSError as exc:
        raise UsageError(
            f"the key file can't be read: {exc.strerror}", code="keys.unreadable", file=str(path)
        ) from exc
    try:
        keys = json.loads(text)
    except ValueError:
        keys = None
    if not isinstance(keys, dict) or not all(isinstance(key, str) for key in keys.values()):
        # The parser's own message would quote the file, so it is not chained.
        raise UsageError(
            "the key file is damaged",
            code="keys.damaged",
            file=str(path),
            hint=f"delete {path} and set the keys again: fabula keys set PROVIDER",
        ) from None
    return keys


def _write(keys: dict[str, str]) -> Path:
    path = _path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # mkstemp makes the file with mode 600, so the keys are never readable by others.
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".keys-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(keys, file, indent=2, sort_keys=True)
        Path(temporary).replace(path)
    except OSError as exc:
        raise UsageError(
            f"the key file can't be written: {exc.strerror}", code="keys.unwritable", file=str(path)
        ) from exc
    return path
