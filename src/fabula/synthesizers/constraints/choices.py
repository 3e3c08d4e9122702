"""Columns whose values go with another column's: a guest plays in the division of the home team.

A column may follow from several others. It takes the value that the first of them gives, and each
of the others then holds one of its own values that give the same one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.arrays import array_of
from fabula.synthesizers.codecs.categories import plain_values
from fabula.synthesizers.codecs.codec import CodecState
from fabula.synthesizers.constraints.lookups import Lookup, coded
from fabula.synthesizers.constraints.measures import Flags


@dataclass(frozen=True, eq=False)
class Choice:
    """A column that holds one of the values that go with a value of another one.

    Attributes:
        source: The column that its values have to give.
        lookup: What each of its values gives.
        rows: Training rows of each value.
        rest: What stands for values that are in no lookup; empty if nothing does.
    """

    source: str
    lookup: Lookup
    rows: NDArray[np.int64] = field(repr=False)
    rest: str = ""

    @classmethod
    def of(cls, source: str, lookup: Lookup, values: pa.Array, rest: str = "") -> Choice:
        """The choice of a column of training rows that gives another one."""
        places = pc.index_in(plain_values(values).cast(lookup.keys.type), value_set=lookup.keys)
        known = places.drop_null().to_numpy(zero_copy_only=False)
        return cls(source, lookup, np.bincount(known, minlength=len(lookup.keys)), rest)

    @property
    def sources(self) -> tuple[str, ...]:
        """The column that its values have to give."""
        return (self.source,)

    @property
    def told(self) -> str:
        """The choice in words."""
        told = f"one that {self.source} follows from"
        return f"{told}, or `{self.rest}` where no label is told" if self.rest else told

    def put(
        self, values: pa.Array, wanted: pa.Array, rows: Flags, rng: np.random.Generator
    ) -> tuple[pa.Array, Flags]:
        """Values that give what is wanted; those that do already stay.

        Args:
            values: The column as it was drawn.
            wanted: The other column.
            rows: Where values may be changed.
            rng: Chooses among values, each as often as in training.

        Returns:
            The values, and where they give what is wanted, or are in no lookup.
        """
        given, known = self.lookup.found(values)
        agree = pc.equal(plain_values(wanted), given.cast(plain_values(wanted).type))
        wrong = known & ~pc.fill_null(agree, False).to_numpy(zero_copy_only=False)
        at = np.flatnonzero(wrong & rows)
        if not len(at):
            return values, ~wrong
        codes, targets = coded(self.lookup.values)
        order = np.argsort(codes, kind="stable")
        sums = np.concatenate([[0], np.cumsum(self.rows[order])])
        ends = np.searchsorted(codes[order], np.arange(len(targets) + 1))
        needed = pc.index_in(plain_values(wanted).cast(targets.type), value_set=targets)
        needed = needed.take(array_of(at))
        found = needed.is_valid().to_numpy(zero_copy_only=False)
        code = needed.fill_null(0).to_numpy(zero_copy_only=False)
        low, high = sums[ends[code]], sums[ends[code + 1]]
        place = np.searchsorted(sums, low + rng.random(len(at)) * (high - low), "right") - 1
        chosen = order[np.minimum(place, len(order) - 1)]
        changed = np.full(len(values), -1)
        changed[at[found]] = chosen[found]
        others = self.lookup.keys.take(array_of(np.maximum(changed, 0)))
        moved = changed >= 0
        made = pc.if_else(array_of(moved), others.cast(values.type), values)
        if self.rest:
            lacking = np.isin(np.arange(len(values)), at[~found])
            made = pc.if_else(array_of(lacking), pa.scalar(self.rest, made.type), made)
            moved |= lacking
        return made, ~wrong | moved

    def state(self, settings: Mapping[str, Any]) -> CodecState:
        """The choice as plain values, alongside settings of its column."""
        own = {**settings, "wanted": self.source, "rest": self.rest}
        state = self.lookup.state(own)
        return CodecState("choice", state.settings, {**state.arrays, "rows": self.rows})

    @classmethod
    def restore(cls, state: CodecState) -> Choice:
        """The choice of a state."""
        settings, rows = state.settings, state.arrays["rows"]
        return cls(settings["wanted"], Lookup.restore(state), rows, settings.get("rest", ""))
