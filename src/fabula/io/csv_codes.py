"""Digits in a CSV file that are not a number: `00501`, `0x1F`, `12E4`, ids of more than 64 bits.

Arrow takes them for numbers, and so loses their zeros and their last digits. Where a file holds
any, its columns of numbers are looked at as text, and those of codes stay text.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

_BLOCK_BYTES = 4 << 20
_CODE = r"[+-]?0[0-9xX]|[0-9]+[eE][0-9]"
"""A number has no leading zero; a program that writes an exponent gives it a sign or a point."""

_ANYWHERE = rf"""(?:^|[,;|\t\r\n"])(?:{_CODE}|[+-]?[0-9]{{19}})"""
_WHOLE = r"^[+-]?[0-9]+$"
_EXACT = 2.0**53


def with_codes(
    table: pa.Table, path: Path, encoding: str, as_text: Callable[[set[str]], pa.Table]
) -> pa.Table:
    """A file's table whose columns of codes are text, letter by letter as `as_text` reads them."""
    numeric = [
        at
        for at, field in enumerate(table.schema)
        if pa.types.is_integer(field.type) or pa.types.is_floating(field.type)
    ]
    if not numeric or (encoding == "utf-8" and not _may_hold_codes(path)):
        return table
    texts = as_text({table.column_names[at] for at in numeric})
    for at in numeric:
        kept = _kept(table.column(at), texts.column(at))
        table = table.set_column(at, table.column_names[at], kept)
    return table


def _may_hold_codes(path: Path) -> bool:
    """Whether any field starts like a code."""
    end = b""
    with pa.input_stream(str(path), compression="detect") as stream:
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
    too_long = (pc.max(pc.abs(numbers)).as_py() or 0.0) >= _EXACT
    if not too_long or not pc.all(pc.match_substring_regex(texts, _WHOLE)).as_py():
        return numbers
    try:
        return texts.cast(pa.uint64())
    except pa.ArrowInvalid:  # more than 64 bits, or some below zero
        return texts
