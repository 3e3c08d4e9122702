"""Durations and times of day in files of text: `0:42:48`, `-1:00:00`, `26:10:00.500000`."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

_TICKS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_CLOCK = r"^(?P<sign>-?)(?P<h>\d+):(?P<m>\d\d):(?P<s>\d\d)(?:\.(?P<tail>\d{1,9}))?$"


def clock_texts(values: pa.Array) -> pa.Array:
    """Durations as hours, minutes and seconds, with the decimals of their unit."""
    scale = _TICKS[values.type.unit]
    ticks = values.cast(pa.int64())
    size = pc.abs(ticks)
    seconds = pc.divide(size, scale)
    parts = [
        pc.divide(seconds, 3600).cast(pa.string()),
        _two(_rest(pc.divide(seconds, 60), 60)),
        _two(_rest(seconds, 60)),
    ]
    text = pc.binary_join_element_wise(*parts, ":")
    if scale > 1:
        width = len(str(scale)) - 1
        tail = pc.utf8_lpad(_rest(size, scale).cast(pa.string()), width, "0")
        text = pc.binary_join_element_wise(text, tail, ".")
    sign = pc.if_else(pc.less(ticks, 0), "-", "")
    return pc.binary_join_element_wise(sign, text, "")


def clock_values(texts: Any, kind: pa.DataType) -> Any:
    """Durations (or times of day) of such texts.

    Raises:
        ArrowInvalid: A text is of another form.
    """
    scale = _TICKS[kind.unit]
    found = pc.extract_regex(texts.cast(pa.string()), _CLOCK)

    def number(part: str) -> Any:
        digits = pc.struct_field(found, part)
        return pc.if_else(pc.equal(digits, ""), "0", digits).cast(pa.int64())

    seconds = pc.add(
        pc.add(pc.multiply(number("h"), 3600), pc.multiply(number("m"), 60)), number("s")
    )
    tail = pc.utf8_slice_codeunits(pc.utf8_rpad(pc.struct_field(found, "tail"), 9, "0"), 0, 9)
    ticks = pc.add(pc.multiply(seconds, scale), pc.divide(tail.cast(pa.int64()), 10**9 // scale))
    negative = pc.equal(pc.struct_field(found, "sign"), "-")
    read = pc.if_else(negative, pc.negate(ticks), ticks)
    read = (read.cast(pa.int32()) if pa.types.is_time32(kind) else read).cast(kind)
    if read.null_count > texts.null_count:
        wrong = pc.and_(texts.is_valid(), read.is_null())
        raise pa.ArrowInvalid(f"`{texts.filter(wrong)[0]}` is not a time such as `0:42:48`")
    return read


def _rest(values: pa.Array, size: int) -> pa.Array:
    return pc.subtract(values, pc.multiply(pc.divide(values, size), size))


def _two(values: pa.Array) -> pa.Array:
    return pc.utf8_lpad(values.cast(pa.string()), 2, "0")
