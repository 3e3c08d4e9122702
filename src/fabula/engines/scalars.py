"""A spec's plain values as Arrow arrays and numbers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.engines.block import Array
from fabula.kinds.base.parameters import Scalar, as_moment

_EPOCH = dt.datetime(1970, 1, 1)


def scalar_array(values: Iterable[Scalar], kind: pa.DataType) -> Array:
    """A spec's values as an Arrow array; times are those on the wall, whatever their zone."""
    if pa.types.is_timestamp(kind):
        moments = (value if isinstance(value, dt.date) else None for value in values)
        values = [None if moment is None else as_moment(moment) for moment in moments]
    return pa.array(values, kind)


def seconds_of_months(months: NDArray[np.int64]) -> NDArray[np.int64]:
    """When months, counted from January 1970, begin, in seconds since 1970."""
    return months.astype("datetime64[M]").astype("datetime64[s]").astype(np.int64)


def microseconds(moment: dt.datetime) -> int:
    """Microseconds since 1970."""
    return (moment - _EPOCH) // dt.timedelta(microseconds=1)
