"""Dates moved by whole weeks, values made coarser, places moved to the neighbourhood."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.arrays import array_of
from fabula.privacy.actions import PERIODS, ColumnAction
from fabula.privacy.secret import Secret

_DAY = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
_KM_PER_DEGREE = 111.32


def shifted(old: pa.Array, action: ColumnAction, days: NDArray[np.int64]) -> pa.Array:
    """Dates that move by whole days; null where a text has another form.

    Args:
        old: Dates, points in time, or texts in the form of the action.
        action: The column's action.
        days: By how many days each row moves.
    """
    if action.form is not None:
        values = action.form.read(old.cast(pa.large_string()))
        moved = action.form.write(_moved(values, days))
        return moved.cast(old.type)
    return _moved(old, days)


def coarser(old: pa.Array, action: ColumnAction) -> pa.Array:
    """Values of a step: the start of a period, a multiple, or the first characters of a code."""
    if action.detail in PERIODS:
        form = action.form
        values = form.read(old.cast(pa.large_string())) if form else old
        floored = pc.floor_temporal(values, unit=action.detail).cast(values.type)
        return form.write(floored).cast(old.type) if form else floored
    step = int(action.detail)
    if pa.types.is_integer(old.type) or pa.types.is_floating(old.type):
        numbers = pc.floor(pc.divide(old.cast(pa.float64()), float(step)))
        return pc.multiply(numbers, float(step)).cast(old.type)
    texts = old.cast(pa.large_string())
    ends = pc.utf8_slice_codeunits(texts, step)
    return pc.binary_join_element_wise(
        pc.utf8_slice_codeunits(texts, 0, step),
        pc.replace_substring_regex(ends, r"[\pL\pN]", "*"),
        pa.scalar("", pa.large_string()),
    ).cast(old.type)


def nearby(
    secret: Secret, columns: Mapping[str, pa.Array], pair: Sequence[str], name: str, distance: str
) -> pa.Array:
    """Coordinates moved by half the distance to all of it, each place always alike.

    Args:
        secret: The masking's key.
        columns: The columns of the rows.
        pair: The columns that tell a place: a latitude and a longitude, or one of both.
        name: The one that is wanted.
        distance: Such as `2km`.
    """
    km = float(distance.removesuffix("km"))
    texts = [columns[each].cast(pa.large_string()) for each in pair]
    places = pc.binary_join_element_wise(*texts, pa.scalar(" ", pa.large_string()),
                                         null_handling="replace")  # fmt: skip
    drawn = secret.digests(places, "place", 16).view("<u8") / 2.0**64
    bearing = 2 * math.pi * drawn[:, 0]
    radius = km * np.sqrt(0.25 + 0.75 * drawn[:, 1])  # evenly over the ring
    north, east = radius * np.cos(bearing), radius * np.sin(bearing)
    old = columns[name]
    if len(pair) == 1 and not _is_number(old.type) and _is_pair(texts[0]):
        return _pairs_moved(texts[0], north, east).cast(old.type)
    values = _floats(old)
    if pair.index(name) == 0:
        moved = np.clip(values + north / _KM_PER_DEGREE, -90, 90)
    else:
        latitude = np.radians(np.nan_to_num(_floats(columns[pair[0]])))
        east /= _KM_PER_DEGREE * np.maximum(np.cos(latitude), 0.01)
        moved = (values + east + 180) % 360 - 180
    if _is_number(old.type):
        return array_of(moved, missing=np.isnan(values)).cast(old.type)
    return _written(moved, texts[pair.index(name)], np.isnan(values)).cast(old.type)


def _moved(values: pa.Array, days: NDArray[np.int64]) -> pa.Array:
    """Dates or points in time, later by whole days; months since 1970 by whole months."""
    kind = values.type
    missing = values.is_null().to_numpy(zero_copy_only=False)
    if pa.types.is_date32(kind):
        whole = values.cast(pa.int32()).fill_null(0).to_numpy(zero_copy_only=False)
        return array_of((whole + days).astype(np.int32), pa.date32(), missing=missing)
    whole = values.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    if pa.types.is_integer(kind):
        return array_of(whole + days // 30, missing=missing)
    unit = _DAY["ms" if pa.types.is_date64(kind) else kind.unit]
    return array_of(whole + days * unit, missing=missing).cast(pa.int64()).cast(kind)


def _floats(values: pa.Array) -> NDArray[np.float64]:
    if not _is_number(values.type):
        texts = pc.utf8_trim_whitespace(values.cast(pa.large_string()))
        number = pc.match_substring_regex(texts, r"^[+-]?\d+(\.\d+)?$")
        values = pc.if_else(number, texts, pa.scalar(None, texts.type))
    floats = values.cast(pa.float64())
    return np.asarray(pc.fill_null(floats, math.nan).to_numpy(zero_copy_only=False))


def _written(values: NDArray[np.float64], old: pa.Array, missing: NDArray[np.bool_]) -> pa.Array:
    """Numbers with as many decimals as the old texts."""
    digits = pc.fill_null(pc.utf8_length(pc.replace_substring_regex(old, r"^[^.]*\.?", "")), 0)
    made = [
        None if gap else f"{value:.{places}f}"
        for value, places, gap in zip(values.tolist(), digits.to_pylist(), missing, strict=True)
    ]
    return pa.array(made, pa.large_string())


_PAIR = r"^(?P<a>\(?)(?P<lat>[+-]?\d+\.\d+)(?P<b>\s*[,; ]\s*)(?P<lon>[+-]?\d+\.\d+)(?P<c>\)?)$"


def _is_pair(texts: pa.Array) -> bool:
    return bool(pc.any(pc.match_substring_regex(texts, _PAIR)).as_py())


def _pairs_moved(
    texts: pa.Array, north: NDArray[np.float64], east: NDArray[np.float64]
) -> pa.Array:
    parts = pc.extract_regex(texts, _PAIR)
    missing = parts.is_null().to_numpy(zero_copy_only=False)
    part = {name: pc.struct_field(parts, name) for name in ("a", "lat", "b", "lon", "c")}
    latitude, longitude = _floats(part["lat"]), _floats(part["lon"])
    east = east / (_KM_PER_DEGREE * np.maximum(np.cos(np.radians(np.nan_to_num(latitude))), 0.01))
    moved = np.clip(latitude + north / _KM_PER_DEGREE, -90, 90)
    part["lat"] = _written(moved, part["lat"], missing)
    part["lon"] = _written((longitude + east + 180) % 360 - 180, part["lon"], missing)
    return pc.binary_join_element_wise(*part.values(), pa.scalar("", pa.large_string()))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))
