"""Columns that are missing exactly where another one says so: cigarettes a day of non-smokers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

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
        """Values that are missing if they have to be; others come from rows that have one.

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


def find_absences(
    table: pa.Table,
    names: Sequence[str],
    common: Common,
    is_free: Callable[[str, Sequence[str]], bool],
    take: Callable[[str, Absence], None],
) -> None:
    """Take rules that the gaps of columns keep on all rows; labels tell before other gaps do.

    Args:
        table: Training rows.
        names: Columns of labels and numbers.
        common: Which labels are told.
        is_free: Whether a column may still follow from others.
        take: Takes a column and its rule.
    """
    gaps = [name for name in names if table.column(name).null_count]
    if not gaps:
        return
    labels = [name for name in names if name in common.levels]
    sources = [*labels, *(name for name in gaps if name not in common.levels)]
    parts = {name: "" if name in common.levels else MISSING for name in sources}
    known = {name: coded(table.column(name).combine_chunks(), parts[name]) for name in sources}
    told = {
        name: common(name, keys, codes) | bool(parts[name]) for name, (codes, keys) in known.items()
    }
    for target in reversed(gaps):
        absent = table.column(target).is_null().to_numpy().astype(np.int64)
        for source in sources:
            if source != target and is_free(target, (source,)):
                rule = _rule(absent, *known[source], told[source], table.num_columns)
                if rule is not None:
                    take(target, Absence(Lookup(source, parts[source], *rule)))


def _rule(
    flags: NDArray[np.int64],
    codes: NDArray[np.int64],
    keys: pa.Array,
    told: Flags,
    columns: int,
) -> tuple[pa.Array, pa.Array] | None:
    """The values that are told, and whether rows of each are flagged; None if some rows differ."""
    rows = np.bincount(codes, minlength=len(keys))
    missing = np.bincount(codes, flags, minlength=len(keys))
    if ((missing > 0) & (missing < rows)).any():
        return None
    if not lookup_is_sure(codes, flags, columns=columns):
        return None
    if told[codes].mean() < COVERED:
        return None
    at = array_of(np.flatnonzero(told))
    return keys.take(at), array_of(missing > 0).take(at)
