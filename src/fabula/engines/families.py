"""Families of distributions: how each is drawn, its quantiles, and its distribution function.

Parameters are numbers or arrays of one value per row. Quantiles and distribution functions serve
truncation and correlation, which need constant parameters where a table is used.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fabula.engines.block import Engine
from fabula.planning.plan import ColumnPlan

Floats = NDArray[np.float64]
Value: TypeAlias = float | Floats
Parameters = Mapping[str, Value]


class AbstractFamily(ABC):
    """A family of distributions.

    Attributes:
        by_row: Whether quantiles and probabilities can have other parameters in each row.
    """

    by_row: ClassVar[bool] = True

    def engine(self, column: ColumnPlan) -> Engine | None:
        """An engine of its own for a column; None if the one of all distributions does."""
        del column
        return None

    @abstractmethod
    def draw(self, rng: np.random.Generator, n: int, p: Parameters) -> Floats:
        """`n` values."""

    @abstractmethod
    def quantile(self, u: Floats, p: Parameters) -> Floats:
        """The value at each cumulative probability in (0, 1)."""

    @abstractmethod
    def cdf(self, x: Floats, p: Parameters) -> Floats:
        """The cumulative probability of each value."""
