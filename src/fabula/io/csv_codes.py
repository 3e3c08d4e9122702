"""Digits in a CSV file that are not a number: `00501`, `0x1F`, `12E4`, ids of more than 64 bits.

Arrow takes them for numbers, and so loses their zeros and their last digits. Where a file contains
any, its columns of numbers are looked at as text, and those of codes stay text.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import pyarrow as pa
import pyarrow.compute as pc

_BLOCK_BYTES = 4 << 20
_KEY = b"fabula.code"
_CODE = r"[+-]?0[0-9xX]|[0-9]+[eE][0-9]"
"""A number has no leading zero; a program that writes an exponent gives it a sign or a point."""

_ANYWHERE = rf"""(?:^|[,;|\t\r\n"])(?:{_CODE}|[+-]?[0-9]{{19}})"""
_DIGITS = r"^[+-]?(?P<whole>[0-9]+)(?:\.(?P<tail>[0-9]+))?$"
_MOST_DIGITS = 38
"""Digits that a decimal of 128 bits has."""
_EXACT = 2.0**53


def with_codes(
    table: pa.Table,
    opened: Callable[[], pa.NativeFile],
    encoding: str,
    as_text: Callable[[set[str]], pa.Table],
    known: Collection[str] = (),
) -> pa.Table:
    """A file's table whose columns of codes are text, letter by letter as `as_text` reads them.

    Columns that are `known` are codes elsewhere in the file.
    """
    numeric = [
        at
        for at, field in enumerate(table.schema)
        if pa.types.is_integer(field.type)
        or pa.types.is_floating(field.type)
        or field.name in known
    ]
    if not numeric or not (known or encoding != "utf-8" or _may_hold_codes(opened)):
        return table
    texts = as_text({table.column_names[at] for at in numeric})
    for at in numeric:
        name, numbers = table.column_names[at], table.column(at)
        kept = texts.column(at) if name in known else _kept(numbers, texts.column(at))
        field = code_field(name) if pa.types.is_string(kept.type) else pa.field(name, kept.type)
        table = table.set_column(at, field, kept)
    return table


def code_field(name: str) -> pa.Field:
    """A column of codes that look like numbers."""
    return pa.field(name, pa.string(), metadata={_KEY: b""})


def is_code(field: pa.Field) -> bool:
    """Whether a column holds codes that look like numbers."""
    return _KEY in (field.metadata or {})


def holds_digits(field: pa.Field) -> bool:
    """Whether a column holds numbers, or codes that look like them."""
    kind = field.type
    numbers = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    return numbers or is_code(field)


def _may_hold_codes(opened: Callable[[], pa.NativeFile]) -> bool:
    """Whether any field starts like a code."""
    end = b""
    with opened() as stream:
        while chunk := stream.read(_BLOCK_BYTES):
            text = pa.array([end + chunk], pa.large_binary())
            if pc.match_substring_regex(text, _ANYWHERE)[0].as_py():
                return True
            end = chunk[-64:]
    return False


def _kept(numbers: pa.ChunkedArray, texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """The numbers, or their texts where these are codes or too long for a number."""
    texts = pc.utf8_trim_whitespace(texts)
    if pc.any(pc.match_substring_regex(texts, f"^(?:{_CODE})")).as_py():
        return texts
    if not pa.types.is_floating(numbers.type) or not len(numbers.drop_null()):
        return numbers
    parts = pc.extract_regex(texts, _DIGITS)
    too_long = (pc.max(pc.abs(numbers)).as_py() or 0.0) >= _EXACT
    if not too_long or parts.null_count > texts.null_count:
        return numbers
    whole, tail = (pc.max(pc.utf8_length(pc.struct_field(parts, [at]))).as_py() for at in (0, 1))
    try:
        if tail:
            return texts.cast(pa.decimal128(min(whole + tail, _MOST_DIGITS), tail))
        return texts.cast(pa.uint64())
    except (pa.ArrowInvalid, ValueError):  # more than 64 bits, or some below zero
        return texts
