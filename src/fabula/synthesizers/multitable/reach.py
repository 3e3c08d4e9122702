"""A foreign key as it was in training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fabula.relationships.keys import ForeignKey
from fabula.synthesizers.multitable.groups import Groups
from fabula.synthesizers.trees import Trees


@dataclass(frozen=True, eq=False)
class Reach:
    """A foreign key as it was in training.

    Attributes:
        counts: Children of each parent, rising; in the parents' order only where these are kept
            as they are.
        missing: Share of rows without a parent.
        distinct: Whether no row may repeat its parent alongside the same leading parent.
        groups: Groups of parents; None for the leading key.
        trees: How rows of one table point at each other.
        back: Of a key that closes a circle, the key that leads back from its parent.
        home: The share of rows whose parent leads back to them: heads of their own department.
        astray: The share of rows whose key no parent has.
        apart: Keys to the same table that no row shares the parent with: home and away team.
    """

    counts: NDArray[np.int64]
    missing: float
    distinct: bool = False
    groups: Groups | None = None
    trees: Trees | None = None
    back: ForeignKey | None = None
    home: float = 0.0
    astray: float = 0.0
    apart: tuple[ForeignKey, ...] = ()
