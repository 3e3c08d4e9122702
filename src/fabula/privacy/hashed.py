"""Addresses of networks and machines that nobody has, each from a keyed hash of the old one."""

from __future__ import annotations

import re
from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from fabula.privacy.secret import Secret

_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)?(?P<host>[^/?#]*)(?P<rest>.*)", re.DOTALL
)

_OCTET, _GROUP = r"(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)", "[0-9A-Fa-f]{1,4}"
V4 = rf"^{_OCTET}(\.{_OCTET}){{3}}$"
V6 = rf"^({_GROUP}(:{_GROUP}){{7}}|({_GROUP}(:{_GROUP}){{0,5}})?::({_GROUP}(:{_GROUP}){{0,5}})?)$"
"""Addresses of networks of both versions."""


def hashed(secret: Secret, texts: pa.Array, detail: str, domain: str) -> pa.Array:
    """A new address for each text, of the same form.

    Args:
        secret: The masking's key.
        texts: The old ones; nulls stay null.
        detail: `uuid` (a version 4), `mac` (administered locally), `ip` (private, RFC 1918, or for
            documentation, RFC 3849) or `url` (a host below `.example`, RFC 2606).
        domain: What the texts are of; another domain gives other addresses.
    """
    texts = texts.cast(pa.large_string())
    known = pc.unique(texts.drop_null())
    plain = pc.utf8_lower(pc.utf8_trim_whitespace(known))
    if detail in ("uuid", "mac"):
        plain = pc.replace_substring_regex(plain, r"[^0-9a-f]", "")
    digests = secret.digests(plain, f"{detail} {domain}", 16)
    write = _WRITERS[detail]
    made = [write(old, new.tobytes()) for old, new in zip(known.to_pylist(), digests, strict=True)]
    return pa.array(made, pa.large_string()).take(pc.index_in(texts, value_set=known))


def _uuid(old: str, new: bytes) -> str:
    changed = bytearray(new)
    changed[6], changed[8] = new[6] & 0x0F | 0x40, new[8] & 0x3F | 0x80
    return _digits(old, bytes(changed))


def _mac(old: str, new: bytes) -> str:
    return _digits(old, bytes([new[0] & 0xFC | 0x02]) + new[1:])


def _digits(old: str, new: bytes) -> str:
    """Hexadecimal digits with the punctuation and capitals of an old text."""
    digits = iter(new.hex() * (1 + len(old) // 32))
    text = "".join(next(digits) if char.isalnum() else char for char in old)
    return text.upper() if old != old.lower() else text


def _ip(old: str, new: bytes) -> str:
    if ":" not in old:
        return "10." + ".".join(map(str, new[:3]))
    groups = [new[at : at + 2].hex().lstrip("0") or "0" for at in range(0, 12, 2)]
    return "2001:db8:" + ":".join(groups)


def _url(old: str, new: bytes) -> str:
    parts = _URL.fullmatch(old)
    scheme, rest = (parts["scheme"] or "", parts["rest"]) if parts else ("", "")
    path = f"/{new[8:12].hex()}" if rest.strip("/") else rest
    return f"{scheme}{new[:4].hex()}.example{path}"


_WRITERS: dict[str, Callable[[str, bytes], str]] = {
    "uuid": _uuid,
    "mac": _mac,
    "ip": _ip,
    "url": _url,
}
