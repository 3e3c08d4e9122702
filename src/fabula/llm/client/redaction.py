"""Secrets taken out of what a server sends, before it is read, shown or kept."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

FEWEST = 6
"""Characters of a secret; a shorter one would be found in every text."""
LONG_WORD = 12
"""Letters from which on a text of nothing else is a secret."""
JSON_LEVELS = 4
"""As it is, and as JSON in JSON in JSON: rows in a tool's arguments in a message."""
HIDDEN = b"***"
_OF_ADDRESSES = bytes.maketrans(b"+/", b"-_")
"""The two signs of base64 that addresses write in another way."""


class Redactor:
    """Finds secrets as they are, as JSON and addresses write them, in base64 and hexadecimal.

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

    def text(self, words: str) -> str:
        """A text with `***` for each secret."""
        return self(words.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")


def _is_secret(text: str) -> bool:
    """Whether a text is not a plain word, such as the `ollama` that own servers take for a key."""
    return len(text) >= FEWEST and not (text.isalpha() and len(text) < LONG_WORD)


def _forms(secret: str) -> Iterable[bytes]:
    raw = secret.encode()
    for ascii_only in (True, False):
        text = secret
        for _ in range(JSON_LEVELS):
            yield text.encode()
            yield text.replace("/", r"\/").encode()
            text = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
    yield quote(secret, safe="").encode()
    yield quote(secret).encode()
    yield quote_plus(secret).encode()
    yield raw.hex().encode()
    for coded in (form for start in range(3) for form in _base64(bytes(start) + raw, start)):
        if len(coded) >= FEWEST:
            yield coded
            yield coded.translate(_OF_ADDRESSES)


def _base64(raw: bytes, start: int) -> Iterable[bytes]:
    """Base64 of a secret behind `start` bytes: the signs that are the same in any longer text."""
    coded = b64encode(raw)
    yield coded[4 if start else 0 : len(coded) - (4 if coded.endswith(b"=") else 0)]
    if start == 0:
        yield coded
        yield coded.rstrip(b"=")
