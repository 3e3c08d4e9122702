"""What a model over cell codes does: it learns a matrix of small integers and draws more rows.

Models know nothing of values, files or frames. Every row is a vector of codes, one per column;
`CellColumn` tells how many cells a column has and whether neighbouring codes are alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Codes: TypeAlias = NDArray[np.int32]
"""One code a row and column, shape (rows, columns)."""

Weights: TypeAlias = NDArray[np.float64]

MOST_CELLS = 1 << 24
"""Cells of a column in a file."""
MOST_EMPTY = 64
"""Cells of a column that no row was in, such as those of an empty table."""

Steps: TypeAlias = Callable[[int, int], None]
"""Called with steps done and steps in all; may be called from any thread."""


@dataclass(frozen=True)
class CellColumn:
    """What a model knows of a column.

    Attributes:
        name: The column's name.
        counts: Training rows in each cell; codes run from 0 to `len(counts) - 1`.
        ordered: Whether neighbouring codes are alike, as those of numbers and times.
        missing: Whether the last cell stands for a missing value.
        marks: Further codes of each cell, below 64 and rising with what they tell, shape (marks,
            cells); a column with some is a place, drawn before all others. Not saved.
    """

    name: str
    counts: NDArray[np.int64]
    ordered: bool
    missing: bool
    marks: NDArray[np.uint8] | None = None

    @property
    def cells(self) -> int:
        """How many cells there are, at least one."""
        return len(self.counts)


def check_cells(columns: tuple[CellColumn, ...]) -> None:
    """Check the numbers of rows in the cells of columns that come from a file.

    Raises:
        ValueError: They are not numbers of rows, or there are none.
    """
    for column in columns:
        counts = column.counts
        whole = counts.dtype == np.int64 and counts.ndim == 1 and 0 < len(counts) <= MOST_CELLS
        rows = counts.astype(float).sum() if whole else 0.0
        empty = len(counts) > MOST_EMPTY and not rows
        if not whole or counts.min() < 0 or rows >= 2**53 or empty:
            raise ValueError(f"the cells of `{column.name}` hold no numbers of rows")


@dataclass(frozen=True)
class State:
    """A fitted model as plain values, for its file.

    Attributes:
        settings: JSON-ready values.
        arrays: Arrays by name; numbers of any type, no objects.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Drawn:
    """Rows that a model drew.

    Attributes:
        codes: The rows.
        log_weights: How much likelier each row is under what was asked than under how it was
            drawn, in logarithms up to a constant; minus infinity for a row that does not fit.
            None means that the rows follow the asked distribution exactly.
    """

    codes: Codes
    log_weights: Weights | None = None


class CodeModel(Protocol):
    """A learned distribution of rows of codes. Whatever it fits, it fits on the CPU by default."""

    @classmethod
    def fit(
        cls,
        codes: Codes,
        columns: tuple[CellColumn, ...],
        *,
        seed: int,
        progress: Steps,
        **options: Any,
    ) -> CodeModel:
        """Learn rows; the same arguments give the same model, however many threads help.

        Args:
            codes: Training rows. Rows for early stopping are split off by the model itself.
            columns: One for each column of `codes`.
            seed: Decides everything that is random.
            progress: Called while it learns.
            options: The model's own, keyword-only, each with a default.
        """
        ...

    def sample(self, rows: int, rng: np.random.Generator, allowed: Mapping[int, Weights]) -> Drawn:
        """Draw rows.

        Args:
            rows: How many.
            rng: The only source of randomness.
            allowed: For some columns (by position) a weight from 0 to 1 for each cell: asked is
                the learned distribution times these weights. A model that can't condition draws
                freely and says in `log_weights` how well each row fits.
        """
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What the card is to tell, such as a privacy budget; sentences."""
        ...

    def state(self) -> State:
        """The model as plain values."""
        ...

    @classmethod
    def restore(cls, state: State, columns: tuple[CellColumn, ...]) -> CodeModel:
        """The model of a state; it samples the same rows on any machine."""
        ...


@runtime_checkable
class CompletingModel(Protocol):
    """A model that can also draw what is missing of rows that are partly known."""

    def complete(self, codes: Codes, known: NDArray[np.bool_], rng: np.random.Generator) -> Drawn:
        """Draw the unknown codes of each row, given the known ones.

        Args:
            codes: The rows; codes that are not known are ignored.
            known: Which codes stand, same shape.
            rng: The only source of randomness.
        """
        ...
