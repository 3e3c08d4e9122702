"""Latitudes and longitudes in columns of their own: exact numbers that tell where someone is."""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.arrays import is_text, plain_type
from fabula.pii.kinds import FEWEST, Finding, found_as, named

DECIMAL = re.compile(r"[+-]?\d{1,3}\.\d+")

FEWEST_DECIMALS, MOST_DECIMALS = 3, 8
"""A thousandth of a degree is a block of houses, the eighth decimal a millimetre."""

FEWEST_OF_PAIRS = 4
"""Decimals that two columns without a telling name have at least."""

_SEEN = 2_000


def coordinate(values: pa.Array | pa.ChunkedArray, name: str) -> Finding | None:
    """A column that is called a latitude or longitude, and may be one.

    Args:
        values: Fractions, or texts of fractions.
        name: What the column is called.
    """
    if not named("coordinate", name) or not _are_degrees(values, 180, FEWEST_DECIMALS):
        return None
    return found_as("coordinate", 1.0, f"are degrees, and `{name}` says where")


def paired_coordinates(table: pa.Table, known: Collection[str]) -> dict[str, Finding]:
    """Neighbouring columns of which one may hold latitudes, and the other longitudes.

    Args:
        table: The rows.
        known: Columns of other details.
    """
    found: dict[str, Finding] = {}
    names = [name for name in table.column_names if _may_be_fractions(table.schema.field(name))]
    degrees = {name: _are_degrees(table.column(name), 180, FEWEST_OF_PAIRS) for name in names}
    for pair in pairwise(table.column_names):
        if not all(degrees.get(name) and name not in {*known, *found} for name in pair):
            continue
        if any(_are_degrees(table.column(name), 90, FEWEST_OF_PAIRS) for name in pair):
            told = "are degrees of four decimals or more, as those of a neighbouring column are"
            found |= dict.fromkeys(pair, found_as("coordinate", 0.9, told))
    return found


def _may_be_fractions(field: pa.Field) -> bool:
    kind = plain_type(field.type)
    return bool(pa.types.is_floating(kind)) or is_text(kind)


def _are_degrees(values: pa.Array | pa.ChunkedArray, most: int, decimals: int) -> bool:
    """Whether values differ, lie in range, and have as many decimals as measured places have."""
    numbers = _fractions(values)
    if len(numbers) < max(FEWEST, 8) or np.abs(numbers).max() > most:
        return False
    if np.median(np.abs(numbers)) < 1:  # shares and standard scores
        return False
    exact = _on_grid(numbers, MOST_DECIMALS).mean()
    coarse = _on_grid(numbers, decimals - 1).mean()
    return bool(exact >= 0.9 and coarse <= 0.5)


def _fractions(values: pa.Array | pa.ChunkedArray) -> NDArray[np.float64]:
    """Differing finite values as numbers; none if most of them are not fractions."""
    known = pc.unique(values[:_SEEN]).drop_null()
    if pa.types.is_dictionary(known.type):
        known = known.cast(known.type.value_type)
    if not pa.types.is_floating(known.type):
        texts = [text for text in known.to_pylist() if DECIMAL.fullmatch(text)]
        return np.array(texts if len(texts) >= 0.9 * len(known) else [], float)
    numbers = known.to_numpy(zero_copy_only=False).astype(float)
    return np.asarray(numbers[np.isfinite(numbers)])


def _on_grid(numbers: NDArray[np.float64], decimals: int) -> NDArray[np.bool_]:
    return np.asarray(np.abs(numbers - np.round(numbers, decimals)) <= 1e-12 * np.abs(numbers))
