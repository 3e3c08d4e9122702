"""What every column codec does, and the values it is made of when it is saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.errors import UsageError
from fabula.synthesizers.model import CellColumn, Weights

CodeColumn: TypeAlias = NDArray[np.int32]

PROTECTED_ROWS = 10
"""Labels of fewer rows are rare, and that many smallest and largest numbers are extremes."""


@dataclass(frozen=True, eq=False)
class Repeated:
    """The people of some rows.

    Attributes:
        numbers: The person of each row; from `len(everyone)` on, people of one row.
        everyone: What is the same in all rows of those with several, in the order of their numbers.
    """

    numbers: NDArray[np.int64]
    everyone: pa.Table


@dataclass(frozen=True)
class Places:
    """Where decoded values stand: what an identifier needs to differ from row to row.

    Attributes:
        numbers: The number of each row in the whole sample.
        seed: The sample's seed.
        rng: The stream of this column and block.
        beside: The rows' other columns, if they are known already.
        people: Whom the rows are about, by the name of the crowd, if that is decided.
    """

    numbers: NDArray[np.int64]
    seed: int
    rng: np.random.Generator
    beside: pa.Table | None = None
    people: Mapping[str, Repeated] = field(default_factory=dict)


@dataclass(frozen=True)
class CodecState:
    """A codec as plain values, for a file."""

    family: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, NDArray[Any] | pa.Array] = field(default_factory=dict)


@dataclass(frozen=True)
class Range:
    """Values from `low` to `high`, both allowed; None leaves a side open."""

    low: Any = None
    high: Any = None

    def __str__(self) -> str:
        ends = ("" if end is None else str(end) for end in (self.low, self.high))
        return "..".join(ends)


Target: TypeAlias = "Range | tuple[Any, ...]"
"""What a column is asked to hold: a range, or some values (None is a missing one)."""


def told(wanted: Target) -> str:
    """What is wanted, in words."""
    if isinstance(wanted, Range):
        return str(wanted)
    return ", ".join("null" if value is None else str(value) for value in wanted)


class ColumnCodec(Protocol):
    """One column's way from values to codes and back. Immutable."""

    @property
    def cells(self) -> CellColumn:
        """What a model sees of the column."""
        ...

    @property
    def about(self) -> str:
        """What was made of the column, in a few words for the card."""
        ...

    def encode(self, values: pa.Array) -> CodeColumn:
        """Codes of values, also of ones that were not seen in training."""
        ...

    def decode(self, codes: CodeColumn, places: Places, wanted: Target | None = None) -> pa.Array:
        """Values for codes; inside a cell they are drawn, within `wanted` where it is given."""
        ...

    def weights(self, wanted: Target) -> Weights:
        """The share of each cell that `wanted` allows, from 0 to 1.

        Raises:
            UsageError: No cell contains any of it.
        """
        ...

    def state(self) -> CodecState:
        """The codec as plain values."""
        ...


def not_given(name: str, why: str, code: str) -> UsageError:
    """The error where a column is asked for whose values can't be.

    Args:
        name: The column.
        why: What it is, as the rest of a sentence: `is part of a key`.
        code: The error's code.
    """
    hint = f"leave `{name}` out of `given`"
    return UsageError(f"`{name}` {why}", code=code, where=name, hint=hint)
