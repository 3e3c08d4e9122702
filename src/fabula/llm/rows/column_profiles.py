"""Columns of a table as fields to request: type, range, categories and a summary in words.

The model is told what the old rows show, but that limits new values only on request: five prices
don't bound a sixth. Categories that are frequent enough are the only ones allowed. The module also
converts a reply's values back to a column of the table's type.
"""

from __future__ import annotations

import datetime as dt
import math
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa

from fabula.errors import SourceError
from fabula.io.arrays import is_text
from fabula.llm.rows.job import RowField

SLACK = 0.25
"""How far outside the observed range a number is still usual, as a share of the range."""
MOST_CATEGORIES = 30
SURELY_ALL = 10
"""Minimum rows for the categories to be complete, if each occurs twice."""
MOST_DECIMALS = 6
SURELY_UNIQUE = 20
"""Minimum number of distinct texts for a column to count as unique."""


@dataclass(frozen=True)
class AskedColumn:
    """A column that the model fills: its field, and how replies are converted to its type."""

    field: RowField
    type: pa.DataType
    decimals: int | None = None
    unique: bool = False

    def array(self, values: Sequence[Any]) -> pa.Array:
        """A reply's values in the column's type."""
        made = [None if item is None else _value(item, self.type, self.decimals) for item in values]
        return typed_array(made, self.type)


def asked_column(
    name: str, column: pa.ChunkedArray, values: Sequence[Any], *, within: bool = False
) -> AskedColumn:
    """The field that requests more values of a column.

    With `within`, new numbers and texts stay in the range of the old `values`.

    Raises:
        SourceError: It contains values that text can't represent.
    """
    known = [value for value in values if value is not None]
    schema, summary = _schema(name, column, known, within)
    missing = len(values) - len(known)
    if missing:
        summary.append(f"missing in {missing / len(values) * 100:.0f}% of the rows")
    decimals = _decimals(known) if pa.types.is_floating(column.type) else None
    if decimals is not None and decimals <= MOST_DECIMALS:
        summary.append("whole numbers" if decimals == 0 else f"{decimals} decimals")
    if decimals is None or decimals > MOST_DECIMALS or len(known) < SURELY_ALL:
        decimals = None  # a few rows are no reason to round
    texts = bool(known) and isinstance(known[0], str)
    distinct = texts and "enum" not in schema and len(set(known)) == len(values) >= SURELY_UNIQUE
    field = RowField(name, schema, ", ".join(summary), required=not missing)
    return AskedColumn(field, column.type, decimals, distinct)


def beyond_range(name: str, old: Sequence[Any], new: Sequence[Any]) -> str:
    """States how many new numbers are far outside the old range; empty if none are."""
    known = [float(value) for value in old if _is_number(value)]
    added = [float(value) for value in new if _is_number(value)]
    if not known or not added:
        return ""
    low, high = min(known), max(known)
    slack = SLACK * ((high - low) or abs(high) or 1)
    far = [value for value in added if not low - slack <= value <= high + slack]
    if not far:
        return ""
    farthest = max(far, key=lambda value: abs(value - low))
    return (
        f"{len(far)} of {len(added)} new values of `{name}` lie beyond the old ones "
        f"({low:.6g} to {high:.6g}), the farthest {farthest:.6g}"
    )


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    return is_number and math.isfinite(value)


def typed_array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Values as an array of a type, including dictionaries of any text type."""
    if not pa.types.is_dictionary(kind):
        return pa.array(values, kind)
    listed = [value for value in dict.fromkeys(values) if value is not None]
    places = {value: place for place, value in enumerate(listed)}
    indices = pa.array([places.get(value) for value in values], kind.index_type)
    dictionary = pa.array(listed, kind.value_type)
    return pa.DictionaryArray.from_arrays(indices, dictionary, ordered=kind.ordered)


def _schema(
    name: str, column: pa.ChunkedArray, known: Sequence[Any], within: bool
) -> tuple[dict[str, Any], list[str]]:
    kind = column.type
    categories = _categories(column, known)
    if categories:
        counts = Counter(known)
        told = {value: counts[value] / max(1, len(known)) for value in categories}
        shares = [f"{value} {share * 100:.0f}%" for value, share in told.items()]
        return {"enum": categories}, ["shares: " + ", ".join(shares[:MOST_CATEGORIES])]
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _number(kind, [float(value) for value in known if math.isfinite(value)], within)
    if known and isinstance(known[0], dt.date | dt.time):
        first, last = min(known), max(known)
        return _plain(name, kind), [f"from {first.isoformat()} to {last.isoformat()} so far"]
    if known and isinstance(known[0], str):
        longest = max(map(len, known))
        length = statistics.median(len(text.split()) for text in known)
        about = f"about {length:g} word{'s' * (length != 1)}"
        limit = {"maxLength": longest} if within else {}
        return {"type": "string", **limit}, [about, *_values_so_far(known)]
    return _plain(name, kind), []


def _values_so_far(known: Sequence[str]) -> list[str]:
    """The values of a repetitive text column, too few to be the only ones allowed."""
    found = Counter(known)
    if 2 * len(found) > len(known) or len(found) > MOST_CATEGORIES:
        return []
    return ["so far: " + ", ".join(value for value, _ in found.most_common())]


def _number(
    kind: pa.DataType, known: Sequence[float], within: bool
) -> tuple[dict[str, Any], list[str]]:
    whole = pa.types.is_integer(kind)
    schema: dict[str, Any] = {"type": "integer" if whole else "number"}
    if not known:
        return schema, []
    low, high = min(known), max(known)
    if within:
        schema |= {"minimum": int(low) if whole else low, "maximum": int(high) if whole else high}
    summary = f"from {low:.6g} to {high:.6g} so far, {statistics.median(known):.6g} in the middle"
    return schema, [summary]


def _categories(column: pa.ChunkedArray, known: Sequence[Any]) -> list[str]:
    """The only allowed values of a column, if they are few, or listed by its type."""
    if pa.types.is_dictionary(column.type) and is_text(column.type.value_type):
        listed = [value for chunk in column.chunks for value in chunk.dictionary.to_pylist()]
        if listed:
            return list(dict.fromkeys(listed))
    if not known or not isinstance(known[0], str):
        return []
    found = Counter(known)
    few = len(found) <= MOST_CATEGORIES and 2 * len(found) <= len(known) >= SURELY_ALL
    few = few and min(found.values()) > 1
    return [value for value, _ in found.most_common()] if few else []


def _plain(name: str, kind: pa.DataType) -> dict[str, Any]:
    """The JSON Schema of a type, without facts about the values."""
    for test, schema in _SCHEMAS:
        if test(kind):
            return dict(schema)
    if pa.types.is_dictionary(kind):
        return _plain(name, kind.value_type)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return {"type": "array", "items": _plain(name, kind.value_type)}
    if pa.types.is_struct(kind):
        parts = {part.name: _plain(name, part.type) for part in kind}
        return {"type": "object", "properties": parts, "required": list(parts)}
    if pa.types.is_null(kind):
        raise SourceError(
            f"column `{name}` has no values to learn from",
            code="source.no-values",
            where=name,
            hint="leave the column out, or give rows that have values",
        )
    raise SourceError(
        f"column `{name}` holds {kind} values, which no model can write",
        code="source.unsupported-type",
        where=name,
        hint="leave the column out, or turn it into text or numbers",
    )


_SCHEMAS = (
    (pa.types.is_boolean, {"type": "boolean"}),
    (pa.types.is_integer, {"type": "integer"}),
    (pa.types.is_floating, {"type": "number"}),
    (pa.types.is_decimal, {"type": "number"}),
    (pa.types.is_date, {"type": "string", "format": "date"}),
    (pa.types.is_timestamp, {"type": "string", "format": "date-time"}),
    (pa.types.is_time, {"type": "string", "format": "time"}),
    (is_text, {"type": "string"}),
)


def _decimals(known: Sequence[float]) -> int | None:
    """The most decimals that any of the numbers has."""
    finite = [value for value in known if math.isfinite(value)]
    if not finite:
        return None
    return max(
        max(0, -int(Decimal(repr(value)).normalize().as_tuple().exponent)) for value in finite
    )


def _value(value: Any, kind: pa.DataType, decimals: int | None) -> Any:
    """One value of a reply, ready for a column of that type."""
    if pa.types.is_floating(kind):
        return float(value) if decimals is None else round(float(value), decimals)
    if pa.types.is_decimal(kind):
        return Decimal(str(value)).quantize(Decimal(1).scaleb(-kind.scale))
    if pa.types.is_date(kind):
        return dt.date.fromisoformat(value[:10])
    if pa.types.is_time(kind):
        return dt.time.fromisoformat(value)
    if pa.types.is_timestamp(kind):
        moment = dt.datetime.fromisoformat(value)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
        return aware if kind.tz else moment.replace(tzinfo=None)
    return value
