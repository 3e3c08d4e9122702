"""Parts of keys whose values mean something, such as years and seasons: real ones come back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.arrays import array_of, is_text, plain_type
from fabula.io.written.columns import written_form
from fabula.io.written.time_forms import TimeForm
from fabula.relationships.key_names import named_as_key, names_year
from fabula.synthesizers.codecs.categories import plain_values
from fabula.synthesizers.codecs.codec import CodeColumn, CodecState, Places, Target, not_given
from fabula.synthesizers.model import CellColumn, Weights

MOST = 300
"""Parts of a key with more different values than this are identifiers, not names of something."""

_YEARS, _OUR_TIMES = (1000, 2999), (1850, 2100)


@dataclass(frozen=True, eq=False)
class NaturalCodec:
    """A part of a key that keeps its real values.

    Attributes:
        name: The column's name.
        type: Its Arrow type.
        levels: Its values, rising.
        counts: Training rows of each.
    """

    name: str
    type: pa.DataType
    levels: pa.Array
    counts: NDArray[np.int64]

    @classmethod
    def learn(cls, name: str, values: pa.Array) -> NaturalCodec:
        """Count the values of a complete column."""
        counted = plain_values(values).value_counts()
        labels, rows = counted.field("values"), counted.field("counts")
        order = pc.sort_indices(labels)
        return cls(name, values.type, labels.take(order), np.asarray(rows.take(order)))

    @property
    def cells(self) -> CellColumn:
        """A cell for each value."""
        return CellColumn(self.name, self.counts, ordered=True, missing=False)

    @property
    def about(self) -> str:
        """What was made of the column."""
        first, last = self.levels[0], self.levels[len(self.levels) - 1]
        return f"part of the key: keeps its {len(self.levels):,} real values, {first} to {last}"

    def encode(self, values: pa.Array) -> CodeColumn:
        """Places of values; unknown ones are the first."""
        found = pc.index_in(plain_values(values).cast(self.levels.type), value_set=self.levels)
        return np.asarray(found.fill_null(0)).astype(np.int32)

    def order(self, values: pa.ChunkedArray) -> NDArray[np.int64]:
        """The places of values, rising by value."""
        return np.argsort(self.encode(values.combine_chunks()), kind="stable")

    def decode(self, codes: CodeColumn, places: Places, wanted: Target | None = None) -> pa.Array:
        """Real values."""
        del places, wanted
        return self.levels.take(array_of(codes.astype(np.int64))).cast(self.type)

    def weights(self, wanted: Target) -> Weights:
        """Parts of keys can't be asked for."""
        del wanted
        raise not_given(self.name, "is part of a key", "given.key")

    def state(self) -> CodecState:
        """The codec as plain values; the type is the schema's."""
        return CodecState("natural", {}, {"levels": self.levels, "counts": self.counts})

    @classmethod
    def restore(cls, name: str, kind: pa.DataType, state: CodecState) -> NaturalCodec:
        """The codec of a state."""
        return cls(name, kind, state.arrays["levels"], np.asarray(state.arrays["counts"]))


def holds_times(values: pa.ChunkedArray) -> bool:
    """Whether a part of a key holds days or points in time, as such or written."""
    if not is_text(plain_type(values.type)):
        return bool(pa.types.is_temporal(values.type))
    found = written_form(plain_values(values.combine_chunks()))
    return found is not None and isinstance(found.form, TimeForm) and found.form.is_point


def means_a_year(name: str, values: pa.ChunkedArray) -> bool:
    """Whether a column holds years, or is named like a year or a season and holds few texts.

    Whole numbers of our times are years by any name but that of an identifier.
    """
    named = names_year(name)
    if not len(values) or (named_as_key(name) and not named):
        return False
    if pa.types.is_integer(values.type):
        found = pc.min_max(values)
        low, high = _YEARS if named else _OUR_TIMES
        least, most = found["min"].as_py(), found["max"].as_py()
        return least is not None and bool(low <= least <= most <= high)
    return named and len(values.unique()) <= MOST
