"""Removes secrets from a server's replies before they are read, shown or kept."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

FEWEST = 6
"""Minimum length of a secret; a shorter one would be found in every text."""
LONG_WORD = 12
"""Minimum length from which a text of letters only counts as a secret."""
JSON_LEVELS = 4
"""Plain, and as JSON in JSON in JSON: rows in a tool's arguments in a message."""
HIDDEN = b"***"
_OF_ADDRESSES = bytes.maketrans(b"+/", b"-_")
"""The two base64 characters that URLs write differently."""


class Redactor:
    """Finds secrets in plain text, in JSON and URL encoding, in base64 and hexadecimal.

    Args:
        secrets: Keys, passwords, and values of the environment that a request carries.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets if _is_secret(secret) for form in _forms(secret)}
        self._forms = sorted(forms, key=len, reverse=True)

    def __call__(self, body: bytes) -> bytes:
        """The bytes with each secret replaced by `***`."""
        for form in self._forms:
            body = body.replace(form, HIDDEN)
        return body

    def text(self, words: str) -> str:
        """A text with each secret replaced by `***`."""
        return self(words.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")


def _is_secret(text: str) -> bool:
    """Whether a text is more than a plain word, such as `ollama`, a local server's key."""
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
    """Base64 of a secret after `start` bytes: the characters that any longer text shares."""
    coded = b64encode(raw)
    yield coded[4 if start else 0 : len(coded) - (4 if coded.endswith(b"=") else 0)]
    if start == 0:
        yield coded
        yield coded.rstrip(b"=")
