"""Whole numbers that are codes, such as postcodes and diagnoses: labels, which nobody may invent.

A number's neighbours are alike, and new values lie between old ones. Codes are few of many
possible numbers, come again and again, and their order says nothing of what goes with them. What
a column's name calls a measure is none: few of many distances may be there, since routes are few.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.arrays import is_text, mean_ranks, plain_type
from fabula.io.written.columns import written_digits
from fabula.relationships.key_names import measures_something
from fabula.synthesizers.codecs.categories import plain_values

FEWEST, ROWS_OF_CODE, MOST_SINGLE, DENSE = 64, 5, 0.02, 0.5
"""Codes are more than that many, of so many rows each on average; few rows hold one that comes
once, and they are a small part of the numbers between their ends."""

BEYOND_ORDER, STEPS = 0.02, 30
"""The share of another column's spread that codes explain and their order, in steps, does not."""

_DEVIATIONS = 4.0


def are_codes(table: pa.Table, name: str) -> bool:
    """Whether a column of whole numbers, or of texts of digits, holds codes.

    Args:
        table: Training rows; the other columns tell whether the order of the numbers does.
        name: The column.
    """
    values = plain_values(table.column(name).combine_chunks())
    if is_text(values.type):
        digits = pc.all(pc.match_substring_regex(values, r"^[0-9]{1,18}$")).as_py()
        values = values.cast(pa.int64()) if digits else values
    if not pa.types.is_integer(values.type) or not len(values.drop_null()):
        return False
    known = values.is_valid().to_numpy(zero_copy_only=False)
    numbers = values.drop_null().to_numpy().astype(float)
    distinct, codes, rows = np.unique(numbers, return_inverse=True, return_counts=True)
    step = max(1, np.gcd.reduce((distinct - distinct[0]).astype(np.int64)))
    low, high = np.quantile(distinct, [0.01, 0.99])
    if (
        len(distinct) <= FEWEST
        or distinct[0] < 1
        or len(numbers) < ROWS_OF_CODE * len(distinct)
        or rows[rows == 1].sum() > MOST_SINGLE * len(numbers)
        or len(distinct) > DENSE * (high - low) / step
        or measures_something(name)
        or written_digits(values.drop_null().cast(pa.string())) is not None
    ):
        return False
    steps = (mean_ranks(numbers) * STEPS / (len(numbers) + 1)).astype(np.int64)
    told = [
        (_explained(other, codes), _explained(other, steps))
        for field in table.schema
        if field.name != name
        for other in _scores(table.column(field.name).combine_chunks(), known)
    ]
    if any(own - ordered >= BEYOND_ORDER for own, ordered in told):
        return True
    digits = np.floor(np.log10(distinct))
    return bool(digits[0] == digits[-1] and digits[0] >= 2 and not any(o for _, o in told))


def _scores(values: pa.Array, known: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
    """The ranks of numbers and times; of labels whether a row has the most frequent one."""
    kind = plain_type(values.type)
    if pa.types.is_floating(kind) or pa.types.is_integer(kind):
        numbers = values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)[known]
        return [mean_ranks(np.nan_to_num(numbers))]
    if not is_text(kind) and not pa.types.is_boolean(kind):
        return []
    counted = plain_values(values).value_counts()
    order = np.argsort(-counted.field("counts").to_numpy(), kind="stable")[:3]
    return [
        np.asarray(pc.equal(plain_values(values), counted.field("values")[int(at)]).fill_null(False)
                   .to_numpy(zero_copy_only=False)[known], float)
        for at in order
    ]  # fmt: skip


def _explained(values: NDArray[np.float64], groups: NDArray[np.int64]) -> float:
    """The share of the spread of values between groups, less what chance gives; 0 if no more."""
    size, count = len(values), int(groups.max()) + 1
    spread = float(values.var()) * size
    rows = np.bincount(groups, minlength=count)
    sums = np.bincount(groups, weights=values - values.mean(), minlength=count)
    between = float((sums**2 / np.maximum(rows, 1)).sum())
    free = (rows > 0).sum() - 1
    if spread <= 0 or size - free <= 2:
        return 0.0
    by_chance = free / (size - 1) * (1 + _DEVIATIONS * np.sqrt(2 / max(free, 1)))
    share = between / spread
    return 0.0 if share <= by_chance else 1 - (1 - share) * (size - 1) / (size - free - 1)
