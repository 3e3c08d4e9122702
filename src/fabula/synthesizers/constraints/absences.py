"""Columns that are missing exactly where another one says so: cigarettes a day of non-smokers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fabula.io.arrays import array_of
from fabula.synthesizers.codecs.codec import CodecState
from fabula.synthesizers.constraints.evidence import lookup_is_sure
from fabula.synthesizers.constraints.lookups import COVERED, MISSING, Common, Lookup, coded
from fabula.synthesizers.constraints.measures import Flags

_TOLD = 4
"""Labels that are named on the card."""


@dataclass(frozen=True, eq=False)
class Absence:
    """Where a column has no value.

    Attributes:
        lookup: Whether it is missing, by the label of another column, or by whether that one is.
    """

    lookup: Lookup

    @property
    def source(self) -> str:
        """The column that says so."""
        return self.lookup.source

    @property
    def sources(self) -> tuple[str, ...]:
        """The column that says so."""
        return (self.lookup.source,)

    @property
    def told(self) -> str:
        """The rule in words."""
        if self.lookup.part:
            return f"missing exactly where {self.source} is"
        labels = self.lookup.keys.filter(self.lookup.values)
        some = ["missing" if label is None else str(label) for label in labels[:_TOLD].to_pylist()]
        more = [f"{len(labels) - _TOLD} more"] if len(labels) > _TOLD else []
        return f"missing exactly where {self.source} is {' or '.join([*some, *more])}"

    def put(
        self, values: pa.Array, source: pa.Array, rows: Flags, rng: np.random.Generator
    ) -> tuple[pa.Array, Flags]:
        """Values that are missing where they have to be; others come from rows that have one.

        Args:
            values: The column as it was drawn.
            source: The other column.
            rows: Where values may be changed.
            rng: Chooses the rows that lend their value.

        Returns:
            The values, and where they are as they have to be.
        """
        found, known = self.lookup.found(source)
        absent = known & found.fill_null(False).to_numpy(zero_copy_only=False)
        there = values.is_valid().to_numpy(zero_copy_only=False)
        lenders = np.flatnonzero(there & known & ~absent)
        lacking = np.flatnonzero(known & ~absent & ~there & rows)
        if len(lacking) and len(lenders):
            places = np.arange(len(values))
            places[lacking] = rng.choice(lenders, len(lacking))
            values, there = values.take(array_of(places)), there[places]
        values = pc.if_else(array_of(absent & rows), pa.scalar(None, values.type), values)
        return values, ~known | (absent & (rows | ~there)) | (~absent & there)

    def state(self, settings: Mapping[str, Any]) -> CodecState:
        """The rule as plain values, alongside settings of its column."""
        return replace(self.lookup.state(settings), family="absence")

    @classmethod
    def restore(cls, state: CodecState) -> Absence:
        """The rule of a state."""
        return cls(Lookup.restore(state))


def find_absence(table: pa.Table, target: str, source: str, common: Common) -> Absence | None:
    """The rule that a column's gaps keep on all rows, if another column gives one.

    Args:
        table: Training rows.
        target: The column with gaps.
        source: A column of labels, or one that may be missing in the same rows.
        common: Which labels are told.
    """
    part = "" if source in common.levels else MISSING
    absent = table.column(target).is_null().combine_chunks()
    codes, keys = coded(table.column(source).combine_chunks(), part)
    flags = absent.to_numpy(zero_copy_only=False).astype(np.int64)
    rows = np.bincount(codes, minlength=len(keys))
    missing = np.bincount(codes, flags, minlength=len(keys))
    if ((missing > 0) & (missing < rows)).any():
        return None
    if not lookup_is_sure(codes, flags, columns=table.num_columns):
        return None
    told = common(source, keys, codes) if not part else np.ones(len(keys), bool)
    if told[codes].mean() < COVERED:
        return None
    at = array_of(np.flatnonzero(told))
    return Absence(Lookup(source, part, keys.take(at), array_of(missing > 0).take(at)))
