"""Secrets taken out of what a server sends, before it is read, shown or kept."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable

FEWEST = 6
"""Characters of a secret; a shorter one would be found in every text."""
LONG_WORD = 12
"""Letters from which on a text of nothing else is a secret."""
HIDDEN = b"***"


class Redactor:
    """Finds secrets as they are, as JSON writes them, and in base64.

    Args:
        secrets: Keys, passwords, and values of the environment that a request carries.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets if _is_secret(secret) for form in _forms(secret)}
        self._forms = sorted(forms, key=len, reverse=True)

    def __call__(self, body: bytes) -> bytes:
        """The bytes with `***` for each secret."""
        for form in self._forms:
            body = body.replace(form, HIDDEN)
        return body


def _is_secret(text: str) -> bool:
    """Whether a text is not a plain word, such as the `ollama` that own servers take for a key."""
    return len(text) >= FEWEST and not (text.isalpha() and len(text) < LONG_WORD)


def _forms(secret: str) -> Iterable[bytes]:
    raw = secret.encode()
    yield raw
    yield json.dumps(secret)[1:-1].encode()
    for start in range(3):  # base64 of a longer text that holds it
        coded = b64encode(bytes(start) + raw)
        inner = coded[4 if start else 0 : len(coded) // 4 * 4 - (4 if coded.endswith(b"=") else 0)]
        if len(inner) >= FEWEST:
            yield inner
    yield b64encode(raw)
