"""Cells that the data has no say in: bounds and labels that the user gives.

Labels and bounds that are read off the data tell about single rows, whatever noise comes after.
So they are given: `{"age": "17..90", "sex": ["f", "m"], "note": None}`, or found at a price
(`discovery`). What lies outside is moved to the nearest bound, or counts as missing or as rare.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fabula.errors import UsageError, did_you_mean
from fabula.io.arrays import plain_type
from fabula.synthesizers.codecs.categories import CategoryCodec, plain_values
from fabula.synthesizers.codecs.codec import ColumnCodec, Range
from fabula.synthesizers.codecs.fixed_point import Lattice, is_counted
from fabula.synthesizers.codecs.learning import Columns
from fabula.synthesizers.codecs.number_cells import SEGMENTS
from fabula.synthesizers.codecs.numbers import NumberCodec
from fabula.synthesizers.conditions import as_wanted

Domain: TypeAlias = Mapping[str, Any]
"""By column its labels, its bounds as `"17..90"`, or None to leave it out."""

CELLS = 20
"""Intervals of equal width that bounded numbers are cut into; fewer whole numbers stand alone."""

_DIGITS = 4


def undeclared(schema: pa.Schema, domain: Domain) -> list[str]:
    """Names of the columns whose domain is not given, and does not follow from their type.

    Raises:
        UsageError: The domain is not one of these columns.
    """
    if not isinstance(domain, Mapping):
        raise UsageError(
            f"the domain must be a mapping by column, not {domain!r}",
            code="privacy.domain",
            hint='domain={"age": "18..90", "plan": ["free", "pro"]}',
        )
    for name in domain:
        if name not in schema.names:
            raise UsageError(
                f"the domain names a column `{name}` that the table lacks",
                code="privacy.domain",
                where=name,
                hint=did_you_mean(name, schema.names),
            )
    return [
        field.name
        for field in schema
        if field.name not in domain and not pa.types.is_boolean(field.type)
    ]


def columns_of(
    schema: pa.Schema,
    domain: Domain,
    found: Mapping[str, ColumnCodec],
    unfound: Mapping[str, str],
) -> Columns:
    """Columns that follow from types, the domain, and what was found privately.

    Args:
        schema: The columns.
        domain: What was given.
        found: What was found of other columns.
        unfound: Why nothing was found of the rest.

    Raises:
        UsageError: A column's domain does not suit its type, or no column has one.
    """
    fields: list[pa.Field] = []
    codecs: list[ColumnCodec] = []
    left_out: dict[str, str] = {}
    for field in schema:
        given = domain.get(field.name, [False, True])
        if given is None or field.name in unfound:
            left_out[field.name] = unfound.get(field.name, "left out by its domain")
            continue
        fields.append(field.remove_metadata().with_nullable(True))
        codecs.append(found.get(field.name) or _codec(field.name, field.type, given))
    if not codecs and not unfound:
        raise UsageError("the domain leaves every column out", code="privacy.domain")
    if not codecs:
        name, why = next(iter(unfound.items()))
        raise UsageError(
            f"no column can be learned privately; `{name}`: {why}",
            code="privacy.domain",
            hint=f'domain={{"{name}": "LOW..HIGH" or a list of labels}}, or a larger epsilon',
        )
    return Columns(pa.schema(fields), tuple(codecs), left_out)


def inside(table: pa.Table, columns: Columns) -> pa.Table:
    """The learned columns of a table, labels outside the domain as missing values."""
    arrays = []
    for name, codec in zip(columns.names, columns.codecs, strict=True):
        values = table.column(name).combine_chunks()
        if isinstance(codec, CategoryCodec) and not codec.rare:
            plain = plain_values(values).cast(codec.levels.type)
            values = pc.if_else(pc.is_in(plain, value_set=codec.levels), plain, None)
        arrays.append(values)
    return pa.table(arrays, names=columns.names)


def _codec(name: str, kind: pa.DataType, given: Any) -> ColumnCodec:
    wanted = as_wanted(given)
    if isinstance(wanted, Range):
        if wanted.low is None or wanted.high is None or not is_number(kind):
            raise _unsuitable(name, kind, given)
        return _number(name, kind, wanted)
    if isinstance(given, str) or not isinstance(given, Sequence) or not len(given):
        raise _unsuitable(name, kind, given)
    labels = plain_type(kind)
    try:
        levels = plain_values(pa.array(dict.fromkeys(given), labels).drop_null())
    except (pa.ArrowException, TypeError) as exc:
        raise _unsuitable(name, kind, given) from exc
    return CategoryCodec(name, kind, levels, np.ones(len(levels) + 1, np.int64), rare=False)


def _number(name: str, kind: pa.DataType, bounds: Range) -> NumberCodec:
    """Cells of equal width between two bounds, and one for missing values."""
    plain = Lattice(kind, 0, 1.0 if is_counted(kind) else None)
    try:
        low, high = plain.number(bounds.low), plain.number(bounds.high)
    except (pa.ArrowException, ValueError, OverflowError) as exc:
        raise _unsuitable(name, kind, f"{bounds.low}..{bounds.high}") from exc
    if not -math.inf < low < high < math.inf:
        raise _unsuitable(name, kind, f"{bounds.low}..{bounds.high}")
    lattice, first, last = lattice_within(kind, low, high)
    zero = -int(low) if is_counted(kind) else 0
    cells = np.array(_cells(first, last, zero))
    grid = np.linspace(cells[:, 0], cells[:, 1], SEGMENTS + 1, axis=1).round()
    return NumberCodec.over(name, lattice, grid)


def lattice_within(kind: pa.DataType, low: float, high: float) -> tuple[Lattice, int, int]:
    """The lattice of numbers between two bounds, and the places of both on it."""
    if is_counted(kind):
        return Lattice(kind, int(low), 1.0), 0, int(high - low)
    step = 10.0 ** (math.floor(math.log10(high - low)) - _DIGITS)
    return Lattice(kind, 0, step), round(low / step), round(high / step)


def _cells(first: int, last: int, zero: int) -> list[tuple[int, int]]:
    """First and last number of each cell; the bounds and zero, which often pile up, stand alone."""
    if last - first < CELLS:
        return [(number, number) for number in range(first, last + 1)]
    alone = sorted({first, last} | ({zero} if first < zero < last else set()))
    cells = [(first, first)]
    for start, end in pairwise(alone):
        count = min(end - start - 1, max(1, round(CELLS * (end - start) / (last - first))))
        tops = [start + (end - start - 1) * part // count for part in range(1, count + 1)]
        cells += [(low + 1, high) for low, high in pairwise([start, *tops])]
        cells.append((end, end))
    return cells


def is_number(kind: pa.DataType) -> bool:
    """Whether values of a type are bounded by two of them."""
    return is_counted(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)


def _unsuitable(name: str, kind: pa.DataType, given: Any) -> UsageError:
    return UsageError(
        f"the domain of `{name}` ({kind}) can't be {given!r}",
        code="privacy.domain",
        where=name,
        hint='bounds as "17..90" for numbers and times, a list of labels for anything else',
    )
