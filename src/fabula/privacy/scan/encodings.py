"""Texts that are hidden in others: escapes, base64, hexadecimal digits, UTF-16."""

from __future__ import annotations

import base64
import binascii
import html
import quopri
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

DEEPEST = 3
"""Encodings inside one another that are undone."""

_SHORTEST = 6


@dataclass(frozen=True)
class Decoded:
    """Texts that were decoded from a chunk of bytes.

    Attributes:
        how: The encoding, in words.
        texts: The texts.
        origins: Where each stood in the chunk.
    """

    how: str
    texts: list[str]
    origins: list[int]


def as_text(data: bytes) -> str:
    """Bytes as text: UTF-8, and each byte as a letter of Western Europe where it is not."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def decoded(data: bytes, depth: int = 1) -> Iterator[Decoded]:
    """Everything that a chunk of bytes holds in an encoding.

    Args:
        data: The bytes.
        depth: How many encodings were undone before.
    """
    for how, hint, pattern, read in _ENCODINGS:
        if hint and not any(sign in data for sign in hint):
            continue
        texts, origins = [], []
        for match in pattern.finditer(data):
            if (text := read(match[0])) and len(text) > 1:
                texts.append(text)
                origins.append(match.start())
        if not texts:
            continue
        yield Decoded(how, texts, origins)
        if depth < DEEPEST:
            for text, origin in zip(texts, origins, strict=True):
                for inner in decoded(text.encode("utf-8", "replace"), depth + 1):
                    yield Decoded(f"{inner.how} in {how}", inner.texts, [origin] * len(inner.texts))


def _base64(token: bytes) -> str | None:
    plain = re.sub(rb"\s", b"", token).translate(bytes.maketrans(b"-_", b"+/")).rstrip(b"=")
    if plain.isdigit() or plain.islower() or (plain.isalpha() and plain[1:].islower()):
        return None
    for start in range(4):
        part = plain[start:]
        if len(part) < _SHORTEST or (len(part) % 4 == 1 and start < 3):
            part = part[:-1]
        try:
            text = _readable(base64.b64decode(part + b"=" * (-len(part) % 4)))
        except (binascii.Error, ValueError):
            continue
        if text:
            return text
    return None


def _hex(token: bytes) -> str | None:
    return _readable(bytes.fromhex(token.decode()))


def _readable(data: bytes) -> str | None:
    """Bytes as text where they are one."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    if data.count(0) * 3 > len(data):
        order = "utf-16-le" if data[1:2] == b"\0" else "utf-16-be"
        return data.decode(order, "replace")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    controls = sum(char < " " and char not in "\t\r\n" for char in text)
    return None if controls else text


def _escapes(line: bytes) -> str:
    """A line with the escapes of JSON, Python and JavaScript undone."""
    raw = re.sub(
        rb"((?:\\x[0-9A-Fa-f]{2})+)",
        lambda match: bytes.fromhex(match[0].replace(b"\\x", b"").decode()),
        line,
    )
    text = re.sub(r"\\u\{?([0-9A-Fa-f]{4,6})\}?|\\U([0-9A-Fa-f]{8})",
                  lambda match: _char(match[1] or match[2]), as_text(raw))  # fmt: skip
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _char(code: str) -> str:
    number = int(code, 16)
    return chr(number) if number < 0x110000 else "\ufffd"


def _url(token: bytes) -> str:
    return as_text(unquote_to_bytes(token.replace(b"+", b" ")))


def _quoted(line: bytes) -> str:
    return as_text(quopri.decodestring(line))


def _utf16(order: str) -> Callable[[bytes], str]:
    return lambda data: data.decode(order, "replace")


def _utf32(data: bytes) -> str:
    return data.decode("utf-32-le", "replace")


_LINE = rb"[^\r\n]*"
_ENCODINGS: tuple[
    tuple[str, tuple[bytes, ...], re.Pattern[bytes], Callable[[bytes], str | None]], ...
] = (
    ("URL-encoded", (b"%",), re.compile(rb"[^\s\"'<>%]*(?:%[0-9A-Fa-f]{2}[^\s\"'<>%]*)+"), _url),
    (
        "escaped",
        (b"\\u", b"\\x", b"\\U"),
        re.compile(_LINE + rb"\\[uUx](?:\{|[0-9A-Fa-f]{2})" + _LINE),
        _escapes,
    ),
    (
        "HTML-escaped",
        (b"&",),
        re.compile(rb"[^\r\n<>&]{0,80}(?:&#?\w{2,8};[^\r\n<>&]{0,80})+"),
        lambda line: html.unescape(as_text(line)),
    ),
    ("quoted-printable", (b"=",), re.compile(_LINE + rb"=[0-9A-F]{2}" + _LINE), _quoted),
    (
        "base64",
        (),
        re.compile(
            rb"(?:[A-Za-z0-9+/]{56,76}\r?\n)+[A-Za-z0-9+/]{2,76}={0,2}"
            rb"|(?<![A-Za-z0-9+/_-])(?=[a-z0-9+/_-]*[A-Z])[A-Za-z0-9+/_-]{6,}={0,2}"
        ),
        _base64,
    ),
    ("hexadecimal", (), re.compile(rb"(?<![0-9A-Za-z])(?:[2-7cCdDeE][0-9A-Fa-f]){6,}"), _hex),
    ("UTF-16", (b"\0",), re.compile(rb"(?:[^\0][\0-\x05]){4,}"), _utf16("utf-16-le")),
    ("UTF-16", (b"\0",), re.compile(rb"(?:[\0-\x05][^\0]){4,}"), _utf16("utf-16-be")),
    ("UTF-32", (b"\0\0\0",), re.compile(rb"(?:[^\0][\0-\x05]\0\0){4,}"), _utf32),
)
"""Each encoding: its name, bytes that must occur, what is decoded, and how."""
