"""Identifiers: never learned, made anew for every sampled row.

A number goes on after the largest real one; a text follows the form of the real ones. No real
identifier is kept, so that a sampled table can't be joined with the real one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fabula.errors import UsageError
from fabula.inference.arrays import guess_array
from fabula.inference.guesses import words
from fabula.io.arrays import array_of
from fabula.spec.keys import Uuid
from fabula.spec.words import Pattern
from fabula.streams import Permutation
from fabula.synthesizers.columns.codec import CodecState, CodeColumn, Places, Wanted
from fabula.synthesizers.model import CellColumn, Weights
from fabula.words.regex import compile_pattern
from fabula.words.uuids import draw_uuids

DENSE_ROWS = 50
"""Differing numbers without gaps are a key only among more rows than this."""

_RANK_LIMIT = 2**62


@dataclass(frozen=True)
class KeyCodec:
    """A column of identifiers.

    Attributes:
        name: The column's name.
        type: Its Arrow type.
        rows: Training rows.
        start: The first new number, for numbers.
        step: The distance of two numbers; negative where they fall.
        regex: The form of texts; empty for UUIDs.
    """

    name: str
    type: pa.DataType
    rows: int
    start: int = 1
    step: int = 1
    regex: str = ""

    @classmethod
    def learn(cls, name: str, values: pa.Array) -> KeyCodec | None:
        """The key that a column is, or None where it is none."""
        if len(values) < 3 or values.null_count or pc.count_distinct(values).as_py() < len(values):
            return None
        kind = values.type
        if pa.types.is_integer(kind):
            return _number_key(name, values)
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            return None
        chunked = pa.chunked_array([values])
        column = guess_array(name, chunked, owner="", beside=frozenset()).column
        if isinstance(column, Uuid):
            return cls(name, kind, len(values))
        if isinstance(column, Pattern) and column.unique:
            return cls(name, kind, len(values), regex=column.regex)
        return None

    @property
    def cells(self) -> CellColumn:
        """One cell: a key tells a model nothing."""
        return CellColumn(self.name, np.array([self.rows]), ordered=False, missing=False)

    @property
    def about(self) -> str:
        """What was made of the column."""
        if pa.types.is_integer(self.type):
            return f"key: made anew from {self.start:,}"
        return f"key: made anew as {self.regex or 'UUID'}"

    def encode(self, values: pa.Array) -> CodeColumn:
        """Zeros."""
        return np.zeros(len(values), np.int32)

    def decode(self, codes: CodeColumn, places: Places, wanted: Wanted | None = None) -> pa.Array:
        """New identifiers, which differ from row to row by the rows' numbers."""
        del codes, wanted
        if pa.types.is_integer(self.type):
            return array_of(self.start + places.numbers * self.step).cast(self.type)
        if not self.regex:
            return draw_uuids(places.rng, len(places.numbers)).cast(self.type)
        pattern = compile_pattern(self.regex)
        size = min(pattern.size or 0, _RANK_LIMIT)
        if len(places.numbers) and int(places.numbers.max()) >= size:
            raise UsageError(
                f"only {size:,} different values of `{self.name}` have its form {self.regex}",
                code="sample.too-few-keys",
                where=self.name,
                hint="ask for fewer rows",
            )
        shuffled = Permutation(size, places.seed, "synthesizer", self.name)
        return pattern.at(shuffled(places.numbers)).cast(self.type)

    def weights(self, wanted: Wanted) -> Weights:
        """Identifiers can't be asked for."""
        raise UsageError(
            f"`{self.name}` is a key, which is made anew for each row",
            code="given.key",
            where=self.name,
            hint=f"leave `{self.name}` out of what is given",
        )

    def state(self) -> CodecState:
        """The codec as plain values; the type is the schema's."""
        settings = {
            "rows": self.rows,
            "start": self.start,
            "step": self.step,
            "regex": self.regex,
        }
        return CodecState("key", settings)

    @classmethod
    def restore(cls, name: str, kind: pa.DataType, state: CodecState) -> KeyCodec:
        """The codec of a state."""
        return cls(name, kind, **state.settings)


def _number_key(name: str, values: pa.Array) -> KeyCodec | None:
    """A key where differing numbers are named so, or leave next to no gaps."""
    numbers = np.sort(values.cast(pa.int64()).to_numpy())
    span = int(numbers[-1]) - int(numbers[0])
    word = words(name)
    named = word in ("id", "key", "pk") or word.endswith("_id")
    steps = np.diff(numbers)
    even = bool((steps == steps[0]).all())
    dense = len(numbers) > DENSE_ROWS and (span < 2 * len(numbers) or even)
    if not named and not dense:
        return None
    step = int(steps[0]) if even else 1
    return KeyCodec(name, values.type, len(numbers), start=int(numbers[-1]) + step, step=step)
