"""One column of several tables, read in one type: `yes` and 1, `2024-01-31` and a date."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from fabula.io.arrays import is_text
from fabula.io.sql import locked_connection

Parts = Mapping[str, pa.ChunkedArray]

_YES = "1 1.0 true t yes y on ja j wahr oui o vrai sí si s sì sim verdadeiro verdadero vero tak да"
_NO = "0 0.0 false f no n off nein falsch non faux não nao falso nee nie нет"
_FLAGS = dict.fromkeys(_YES.split(), True) | dict.fromkeys(_NO.split(), False)
NUMBER = r"^\s*[+-]?(0|[1-9]\d*)?(\.\d*)?([eE][+-]?\d+)?\s*$"
_DATES = ("%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%Y/%m/%d", "%d %b %Y", "%d %B %Y",
          "%b %d, %Y", "%B %d, %Y", "%d-%b-%Y")  # fmt: skip
_SLASHED = """
    SELECT count(try_strptime(trim(text), '%d/%m/%Y')), count(try_strptime(trim(text), '%m/%d/%Y'))
    FROM rows
"""
_KINDS = {"flag": "flags", "number": "numbers", "moment": "dates or times", "text": "text",
          "other": "values of another type"}  # fmt: skip
_UUID = r"^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$"
_PROBE = 50
"""Labels that tell whether a column contains UUIDs, whose case says nothing."""

MOSTLY = 0.5
"""Text alongside numbers or dates of which less than this share can be read is a mistake."""


def plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column without dictionaries and views, whose type decides its kind."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        own = plain(pa.chunked_array([], kind.value_type)).type
        parts = [part.dictionary.cast(own).take(part.indices) for part in column.chunks]
        return pa.chunked_array(parts, own)
    if pa.types.is_string_view(kind) or pa.types.is_large_string(kind):
        return column.cast(pa.string() if column.nbytes < 2**30 else pa.large_string())
    return column


def alike(name: str, parts: Parts, leader: str) -> tuple[dict[str, pa.ChunkedArray], list[str]]:
    """A column of every table in one type, where the tables contain it in several.

    Text becomes the flags, numbers or dates of the other table if it can be read so, and yes
    and no alongside 1 and 0 become flags. A text column of the leading table of which some can't be
    read makes text of all.

    Args:
        name: The column.
        parts: The column in each table.
        leader: The table whose type counts.

    Returns:
        The columns, and what is said about types that differ. Columns that can't be read alike
        stay unchanged.
    """
    parts = {frame: plain(part) for frame, part in parts.items()}
    kinds = {frame: kind_of(part.type) for frame, part in parts.items()}
    found = {kind for kind in kinds.values() if kind != "null"}
    if len(found) < 2 or "other" in found:
        return parts, []
    said = " and ".join(
        f"{_KINDS[kind]} in the {frame} table" for frame, kind in kinds.items() if kind != "null"
    )
    for kind, reader in _READERS.items():
        if kind not in found and (kind, found) != ("flag", {"number", "text"}):
            continue
        read = {frame: reader(part) for frame, part in parts.items()}
        if kinds[leader] == kind:
            lost = {frame: _lost(parts[frame], part) for frame, part in read.items()}
            if all(count <= MOSTLY * _filled(parts[frame]) for frame, count in lost.items()):
                more = "".join(
                    f" {count:,} of the {frame} table can't be read and count as missing."
                    for frame, count in lost.items()
                    if count
                )
                return read, [f"`{name}` holds {said}: read as {_KINDS[kind]}.{more}"]
        elif not any(_lost(parts[frame], part) for frame, part in read.items()):
            return read, [f"`{name}` holds {said}: read as {_KINDS[kind]}."]
    if kinds[leader] in ("text", "flag"):
        labels = {frame: labelled(part) for frame, part in parts.items()}
        return labels, [f"`{name}` holds {said}: compared as text."]
    return parts, [f"`{name}` holds {said}: read as {_KINDS[kinds[leader]]}."]


def kind_of(kind: pa.DataType) -> str:
    """What a type holds: flags, numbers, moments, text, nothing, or something else."""
    types = pa.types
    if types.is_null(kind):
        return "null"
    if types.is_boolean(kind):
        return "flag"
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return "number"
    if types.is_temporal(kind):
        return "moment"
    return "text" if is_text(kind) else "other"


def comparable(first: pa.ChunkedArray, second: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Two columns as one, equal values equal; None if their types can't be compared."""
    try:
        if first.type != second.type:
            moments = {kind_of(first.type), kind_of(second.type)} == {"moment"}
            to = pa.timestamp("us") if moments else None
            first, second = (part.cast(to) if to else labelled(part) for part in (first, second))
        elif pa.types.is_floating(first.type):
            first, second = (pc.fill_null(part, float("nan")) for part in (first, second))
        both = pa.chunked_array([*first.chunks, *second.chunks], first.type)
        both.slice(0, 1).combine_chunks().dictionary_encode()
    except pa.ArrowException:
        return None
    return both


def as_labels(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column as text, so that keys of different types, and UUIDs of any case, can be compared."""
    values = plain(column)
    days = pa.types.is_timestamp(values.type) and are_days(values)
    labels = labelled(values.cast(pa.date32()) if days else values)
    some = labels.slice(0, _PROBE).drop_null()
    uuids = len(some) and pc.all(pc.match_substring_regex(some, _UUID)).as_py()
    return pc.ascii_lower(labels) if uuids else labels


def are_days(times: pa.ChunkedArray) -> bool:
    """Whether points in time are all at midnight."""
    day = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
    counted = times.drop_null().cast(pa.int64())
    few = counted.slice(0, _PROBE)
    size = pa.scalar(day[times.type.unit])
    whole = (pc.multiply(pc.divide(part, size), size) for part in (few, counted))
    return all(found.equals(part) for found, part in zip(whole, (few, counted), strict=True))


def labelled(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Labels as text; whole numbers lose a needless `.0`, so that 1.0 and "1" are one label."""
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)
        whole = pc.all(pc.equal(pc.floor(values), values), min_count=0).as_py()
        small = whole and (pc.max(pc.abs(values)).as_py() or 0) < 2**62
        values = values.cast(pa.int64()) if small else values
    return values.cast(pa.large_string())


def _flags(values: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_boolean(values.type):
        return values
    if pa.types.is_temporal(values.type):
        return pa.chunked_array([pa.nulls(len(values), pa.bool_())])
    words = pc.utf8_lower(pc.utf8_trim_whitespace(labelled(values)))
    known = pa.array(list(_FLAGS), pa.large_string())
    return pc.take(pa.array(list(_FLAGS.values())), pc.index_in(words, value_set=known))


def _as_numbers(values: pa.ChunkedArray) -> pa.ChunkedArray:
    if kind_of(values.type) == "number":
        return values
    if pa.types.is_boolean(values.type):
        return values.cast(pa.int8())
    if pa.types.is_temporal(values.type):
        return pa.chunked_array([pa.nulls(len(values), pa.float64())])
    text = pc.utf8_trim_whitespace(values.cast(pa.large_string()))
    fits = pc.and_(pc.match_substring_regex(text, NUMBER), pc.match_substring_regex(text, r"\d"))
    return pc.if_else(fits, text, pa.scalar(None, text.type)).cast(pa.float64())


def _moments(values: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_temporal(values.type):
        return values
    if kind_of(values.type) != "text":
        return pa.chunked_array([pa.nulls(len(values), pa.timestamp("us"))])
    rows = pa.table({"text": values})
    with locked_connection() as connection:
        connection.register("rows", rows)
        [(day_first, month_first)] = connection.sql(_SLASHED).fetchall()
        # Day or month first is told by what reads more; where both read all, nothing tells
        slashed = {True: "%d/%m/%Y", False: "%m/%d/%Y"}[day_first > month_first]
        forms = [*_DATES, *[slashed] * (day_first != month_first)]
        query = (
            "SELECT coalesce(TRY_CAST(trim(text) AS TIMESTAMP), try_strptime(trim(text), $forms)) "
            "AS moment FROM rows"
        )
        read: pa.ChunkedArray = connection.sql(query, params={"forms": forms}).to_arrow_table()[0]
        return read


_READERS: Mapping[str, Callable[[pa.ChunkedArray], pa.ChunkedArray]] = {
    "flag": _flags,
    "moment": _moments,
    "number": _as_numbers,
}


def _filled(values: pa.ChunkedArray) -> int:
    return len(values) - int(values.null_count)


def _lost(given: pa.ChunkedArray, read: pa.ChunkedArray) -> int:
    """How many values could not be read."""
    return int(read.null_count) - int(given.null_count)
