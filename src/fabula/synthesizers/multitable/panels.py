"""Panels: each parent has nearly the same rows, such as the hours of the days of a station.

A key of several parts that mean something (a year and a month, a day and an hour) can't be drawn
part by part: one day would get thirty hours. The combinations are drawn as a whole, before all
other columns, which can depend on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.relationships.key_values import FILLED
from fabula.synthesizers.codecs.natural import MOST, NaturalCodec
from fabula.synthesizers.multitable.foreign_keys import Links, Rows
from fabula.synthesizers.multitable.layout import Siblings

PARENTS = 2
"""A panel has so many parents at least."""

NEARLY = 0.94
"""Large counts of children are blurred by a twentieth."""


@dataclass(frozen=True, eq=False)
class Panel:
    """The combinations that rows of one parent have.

    Attributes:
        columns: The parts of the key.
        codes: Their codes by `NaturalCodec`, a row a combination, rising.
    """

    columns: tuple[str, ...]
    codes: NDArray[np.int32]

    @classmethod
    def of(cls, table: pa.Table, primary: Sequence[str], links: Links, rows: Rows) -> Panel | None:
        """The panel that a table is, if it is one.

        Args:
            table: Its rows.
            primary: Its primary key.
            links: Its foreign keys.
            rows: The leading parent of each row; -1 for none.
        """
        pointing = {column for key in links.all for column in key.columns}
        own = [column for column in primary if column not in pointing]
        led = set() if links.driver is None else set(links.driver.columns)
        if len(own) < 2 or not set(primary) & led or set(primary) - led - set(own):
            return None
        meant = all(_may_mean(table.column(column)) for column in own)
        if not meant or not len(rows) or (rows < 0).any():
            return None
        values = {column: table.column(column).combine_chunks() for column in own}
        parts = [NaturalCodec.learn(name, part).encode(part) for name, part in values.items()]
        codes = np.unique(np.column_stack(parts), axis=0)
        parents = len(np.unique(rows))
        filled = len(rows) >= FILLED * parents * len(codes)
        return cls(tuple(own), codes) if filled and parents >= PARENTS else None

    def __str__(self) -> str:
        return f"{', '.join(self.columns)}: each parent's of {len(self.codes):,} combinations"

    def counts(self, wanted: NDArray[np.int64]) -> NDArray[np.int64]:
        """Rows of each parent: at most one a combination, and all where no more than blur lacks."""
        full = len(self.codes)
        return np.where(wanted > NEARLY * full, full, np.minimum(wanted, full))

    def drawn(self, siblings: Siblings, rng: np.random.Generator) -> NDArray[np.int32]:
        """The combination of each row, rising among siblings; those of few rows lack some."""
        places = siblings.positions.copy()
        starts = np.flatnonzero(siblings.positions == 0)
        for start in starts[siblings.sizes[starts] < len(self.codes)]:
            size = int(siblings.sizes[start])
            there = np.sort(rng.permutation(len(self.codes))[:size])
            places[start : start + size] = there
        return self.codes[places]


def _may_mean(values: pa.ChunkedArray) -> bool:
    """Whether a part of a key has few values, which come again."""
    return not values.null_count and len(values.unique()) <= MOST
