"""Texts that are hidden in others: escapes, base64, hexadecimal digits, UTF-16."""

from __future__ import annotations

import base64
import binascii
import html
import quopri
import re
import string
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

import numpy as np
from numpy.typing import NDArray

from fabula.privacy.scan.unkeyed import SHOWN

DEEPEST = 3
"""Encodings inside one another that are undone."""

_BETWEEN = b"\n \n"
"""What parts decoded texts, so that no encoding continues from one into the next."""

_SHORTEST, _LINE, _AROUND = 6, 56, 200
"""Characters of a word, of a full line of base64, and around an escape."""


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
    for how, parts in _parts(data):
        texts, origins = [], []
        for origin, text in parts:
            if text and len(text) > 1:
                texts.append(text)
                origins.append(origin)
        if not texts:
            continue
        yield Decoded(how, texts, origins)
        if depth < DEEPEST:
            inside = [text.encode("utf-8", "replace") for text in texts]
            starts = np.cumsum([0, *(len(each) + len(_BETWEEN) for each in inside[:-1])])
            for inner in decoded(_BETWEEN.join(inside), depth + 1):
                which = np.searchsorted(starts, inner.origins, side="right") - 1
                places = [origins[at] for at in which.tolist()]
                yield Decoded(f"{inner.how} in {how}", inner.texts, places)


def _parts(data: bytes) -> Iterator[tuple[str, Iterator[tuple[int, str | None]]]]:
    """Each encoding with the places where it may be used, and what is decoded there."""
    for how, hints, sign, read in _ESCAPES:
        if any(hint in data for hint in hints):
            yield how, ((at, read(data[at:end])) for at, end in _around(sign, data))
    signs = _signs(data)
    tokens = list(_tokens(signs))
    yield "base64", ((at, _base64(data[at:end])) for at, end in tokens)
    if any(end - at >= _LINE for at, end in tokens):
        yield "base64", ((m.start(), _base64(m[0])) for m in _BASE64_LINES.finditer(data))
    yield "hexadecimal", ((at, _hex(data[at:end])) for at, end in _hex_words(data, signs))
    yield "base32", ((at, _base32(data[at:end])) for at, end in _long_words(signs, _IN_BASE32, 16))
    for how, is_near, pattern, read in _SPACED:
        if is_near(signs):
            yield how, ((m.start(), read(m[0])) for m in pattern.finditer(data))
    if b"begin " in data:
        yield "uuencoded", ((m.start(), _uu(m[1])) for m in _UU.finditer(data))
    if any(head in data for head in _ZLIB_HEADS):
        packed = (m.start() for m in _ZLIB.finditer(data) if m.start() or m[0] != _GZIP)
        yield "deflated", ((at, _inflated(data[at:])) for at in packed)
    if b"\0" in data:
        for how, order, pattern in _WIDE:
            found = pattern.finditer(data)
            yield how, ((m.start(), m[0].decode(order, "replace")) for m in found)


def _around(sign: re.Pattern[bytes], data: bytes) -> Iterator[tuple[int, int]]:
    """Where signs stand, with what is around them in their lines."""
    start = end = 0
    for match in sign.finditer(data):
        begin = max(data.rfind(b"\n", 0, match.start()) + 1, match.start() - _AROUND)
        stop = data.find(b"\n", match.end())
        stop = min(len(data) if stop < 0 else stop, match.end() + _AROUND)
        if begin > end:
            if end:
                yield start, end
            start = begin
        end = stop
    if end:
        yield start, end


def _signs(data: bytes) -> NDArray[np.uint8]:
    """What each byte may be a part of."""
    return np.frombuffer(data.translate(_SIGNS), dtype=np.uint8)


def _tokens(signs: NDArray[np.uint8]) -> Iterator[tuple[int, int]]:
    """Words in which a capital follows a small letter or a digit, as those of base64 do."""
    rises = np.flatnonzero((signs[:-1] & signs[1:] >> 1 & _AFTER).view(bool))
    if not len(rises):
        return
    gaps = np.concatenate([[-1], np.flatnonzero(signs & _IN_BASE64 == 0), [len(signs)]])
    words = np.unique(np.searchsorted(gaps, rises))
    for begin, end in zip((gaps[words - 1] + 1).tolist(), gaps[words].tolist(), strict=True):
        if end - begin >= _SHORTEST:
            yield begin, end


def _hex_words(data: bytes, signs: NDArray[np.uint8]) -> Iterator[tuple[int, int]]:
    """Runs of hexadecimal digits of at least six bytes.

    Most runs of decimal digits are numbers: as letters and digits, each byte begins with 2 to 7.
    """
    for begin, end in _long_words(signs, _IN_HEX, 2 * _SHORTEST):
        if not data[begin:end].isdigit() or not data[begin : end - 1 : 2].strip(b"234567"):
            yield begin, end - (end - begin) % 2


def hash_words(data: bytes) -> Iterator[tuple[int, int]]:
    """Whole words of hexadecimal digits and letters, at least as many as a hash shows."""
    for begin, end in _long_words(_signs(data), _IN_HEX, SHOWN):
        word, before = data[begin:end], data[max(0, begin - 2) : begin]
        if word.isdigit() or word.isalpha() or data[end : end + 1].isalnum():
            continue
        if before in (b"0x", b"\\x") or not before[-1:].isalnum():
            yield begin, end


def _long_words(signs: NDArray[np.uint8], sign: int, least: int) -> Iterator[tuple[int, int]]:
    """Runs of bytes of some sort."""
    gaps = np.concatenate([[-1], np.flatnonzero(signs & sign == 0), [len(signs)]])
    long = np.flatnonzero(np.diff(gaps) > least)
    yield from zip((gaps[long] + 1).tolist(), gaps[long + 1].tolist(), strict=True)


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


def _base32(token: bytes) -> str | None:
    try:
        return _readable(base64.b32decode(token + b"=" * (-len(token) % 8)))
    except binascii.Error:
        return None


def _uu(lines: bytes) -> str | None:
    try:
        return _readable(b"".join(map(binascii.a2b_uu, lines.splitlines())))
    except binascii.Error:
        return None


def _inflated(data: bytes) -> str | None:
    """What zlib or gzip packed, as far as the chunk reaches."""
    try:
        return as_text(zlib.decompressobj(wbits=47).decompress(data, _MOST_INFLATED))
    except zlib.error:
        return None


def _spaced_hex(token: bytes) -> str | None:
    return _hex(re.sub(rb"[ :]", b"", token))


def _readable(data: bytes) -> str | None:
    """Bytes as text if they are one."""
    if data[:2] in (b"\x1f\x8b", b"x\x9c", b"x\xda", b"x\x01"):
        return _inflated(data)
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


def _octal(line: bytes) -> str:
    return as_text(re.sub(rb"\\([0-3][0-7]{2})", lambda found: bytes([int(found[1], 8)]), line))


def _untagged(line: bytes) -> str:
    return html.unescape(as_text(re.sub(rb"<[^<>]*>", b"", line)))


def _quoted(line: bytes) -> str:
    return as_text(quopri.decodestring(line))


_ESCAPES: tuple[
    tuple[str, tuple[bytes, ...], re.Pattern[bytes], Callable[[bytes], str | None]], ...
] = (
    ("URL-encoded", (b"%",), re.compile(rb"%[0-9A-Fa-f]{2}"), _url),
    ("escaped", (b"\\u", b"\\x", b"\\U"), re.compile(rb"\\[uUx][{0-9A-Fa-f]"), _escapes),
    ("HTML-escaped", (b"&",), re.compile(rb"&#?\w{2,8};"), lambda x: html.unescape(as_text(x))),
    ("quoted-printable", (b"=",), re.compile(rb"=[0-9A-F]{2}"), _quoted),
    ("octal escapes", (b"\\",), re.compile(rb"\\[0-3][0-7]{2}"), _octal),
    ("UTF-7", (b"+",), re.compile(rb"\+[A-Za-z0-9/]{3,}-"), lambda x: x.decode("utf-7", "replace")),
    ("between tags", (b"</",), re.compile(rb"</?[A-Za-z][^<>]*>"), _untagged),
)
"""Each encoding of single characters: its name, bytes that must occur, its sign, how it is read."""

_MOST_INFLATED = 1 << 20
_GZIP = b"\x1f\x8b\x08"  # a whole file of it is unpacked anyway
_ZLIB_HEADS = (b"x\x01", b"x^", b"x\x9c", b"x\xda", _GZIP)
_ZLIB = re.compile(b"|".join(map(re.escape, _ZLIB_HEADS)))
_UU = re.compile(rb"begin [0-7]{3} [^\n]*\n(.*?)\r?\n(?:`\r?\n)?end", re.DOTALL)
_BASE64_LINES = re.compile(rb"(?:[A-Za-z0-9+/]{56,76}\r?\n)+[A-Za-z0-9+/]{2,76}={0,2}")
_WIDE = (
    ("UTF-16", "utf-16-le", re.compile(rb"(?:[^\0][\0-\x05]){4,}")),
    ("UTF-16", "utf-16-be", re.compile(rb"(?:[\0-\x05][^\0]){4,}")),
    ("UTF-32", "utf-32-le", re.compile(rb"(?:[^\0][\0-\x05]\0\0){4,}")),
)
_SMALL, _DIGITS = string.ascii_lowercase.encode(), string.digits.encode()
_CAPITALS = string.ascii_uppercase.encode()
_AFTER, _CAPITAL, _IN_HEX, _IN_BASE64, _IN_BASE32, _APART = 1, 2, 4, 8, 16, 32
_SIGNS = bytes(
    sum(bit for bit, chars in (
        (_AFTER, _SMALL + _DIGITS), (_CAPITAL, _CAPITALS), (_IN_HEX, string.hexdigits.encode()),
        (_IN_BASE64, _SMALL + _CAPITALS + _DIGITS + b"+/-_"), (_IN_BASE32, _CAPITALS + b"234567"),
        (_APART, b" :"),
    ) if sign in chars)
    for sign in range(256)
)  # fmt: skip
"""For each byte, what it may be a part of."""


def _apart(step: int, times: int) -> Callable[[NDArray[np.uint8]], bool]:
    """Whether spaces follow one another at the same distance, several times."""

    def holds(signs: NDArray[np.uint8]) -> bool:
        alike = np.flatnonzero(np.diff(np.flatnonzero(signs & _APART > 0)) == step)
        return bool((alike[times - 2 :] - alike[: 2 - times or None] == times - 2).any())

    return holds


_SPACED: tuple[
    tuple[str, Callable[[NDArray[np.uint8]], bool], re.Pattern[bytes],
          Callable[[bytes], str | None]], ...
] = (
    ("hexadecimal", _apart(3, 6), re.compile(rb"(?:[0-9A-Fa-f]{2}[ :]){6,}[0-9A-Fa-f]{2}"),
     _spaced_hex),
    ("letter by letter", _apart(2, 4),
     re.compile(rb"(?:(?:[A-Za-z0-9]|[\xc2-\xf4][\x80-\xbf]+) {1,3}){5,}\S"),
     lambda x: as_text(x.replace(b" ", b""))),
)  # fmt: skip
"""Encodings with a space after each sign."""
