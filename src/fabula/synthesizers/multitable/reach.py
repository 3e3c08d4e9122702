"""A foreign key as it was in training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fabula.relationships.keys import ForeignKey
from fabula.synthesizers.codecs.learning import FEWEST_ROWS
from fabula.synthesizers.multitable.foreign_keys import Links, Rows
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
        changes: The share of rows whose parent is of another group than that of the sibling before.
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
    changes: float = 1.0


def way_back(key: ForeignKey, rows: Mapping[ForeignKey, Rows]) -> tuple[ForeignKey | None, float]:
    """The key of a parent that leads back to its child most often, and in which share."""
    own = rows[key]
    filled = np.flatnonzero(own >= 0)
    ways = [way for way in rows if (way.child, way.parent) == (key.parent, key.child)]
    shares = [float((rows[way][own[filled]] == filled).mean()) for way in ways]
    best = int(np.argmax(shares)) if len(filled) and shares else None
    return (None, 0.0) if best is None else (ways[best], shares[best])


def apart(key: ForeignKey, links: Links, rows: Mapping[ForeignKey, Rows]) -> tuple[ForeignKey, ...]:
    """Earlier keys to the same table that never have the same parent on many rows."""
    if key not in links.others:
        return ()
    own = rows[key]
    return tuple(
        other
        for other in links.outward[: links.outward.index(key)]
        if (other.parent, other.key) == (key.parent, key.key)
        and ((rows[other] >= 0) & (own >= 0)).sum() >= FEWEST_ROWS
        and not ((rows[other] == own) & (own >= 0)).any()
    )
