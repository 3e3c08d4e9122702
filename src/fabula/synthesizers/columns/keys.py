"""Identifiers: never learned, made anew for every sampled row.

A number goes on after the largest real one; a text follows the form of the real ones. No real
identifier is kept, so that a sampled table can't be joined with the real one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.errors import UsageError
from fabula.inference.arrays import guess_array
from fabula.inference.guesses import words
from fabula.io.arrays import array_of
from fabula.spec.keys import Uuid
from fabula.spec.words import Pattern
from fabula.streams import Permutation
from fabula.synthesizers.columns.codec import CodeColumn, CodecState, Places, Wanted
from fabula.synthesizers.model import CellColumn, Weights
from fabula.words.regex import compile_pattern
from fabula.words.uuids import draw_uuids

DENSE_ROWS = 50
"""Differing numbers without gaps are a key only among more rows than this."""

ANY_TEXT = "[A-Z]{2}[0-9]{8}"
"""The form of new keys where the real ones have none."""

_RANK_LIMIT = 2**62
_HIGHEST = 2**62
_SELDOM = 0.01
"""Real identifiers that as many new ones meet by chance, at most."""


@dataclass(frozen=True)
class KeyCodec:
    """A column of identifiers.

    Attributes:
        name: The column's name.
        type: Its Arrow type.
        rows: Training rows.
        start: The first new number, for numbers and for texts around one.
        step: The distance of two numbers.
        around: What stands before and after the number of a text.
        width: Digits of that number, at least.
        regex: The form of other texts; empty for UUIDs.
    """

    name: str
    type: pa.DataType
    rows: int
    start: int = 1
    step: int = 1
    around: tuple[str, str] = ("", "")
    width: int = 0
    regex: str = ""

    @classmethod
    def learn(cls, name: str, values: pa.Array) -> KeyCodec | None:
        """The key that a column is, or None where it is none."""
        kind = values.type
        number, text = pa.types.is_integer(kind), _is_text(kind)
        if not (number or text) or len(values) < 3 or values.null_count:
            return None
        if pc.count_distinct(values).as_py() < len(values):
            return None
        if number:
            return _number_key(name, values)
        if (numbered := _numbered_key(name, values)) is not None:
            return numbered
        chunked = pa.chunked_array([values])
        column = guess_array(name, chunked, owner="", beside=frozenset()).column
        if isinstance(column, Uuid):
            return cls(name, kind, len(values))
        if isinstance(column, Pattern) and column.unique:
            return cls(name, kind, len(values), regex=column.regex)
        return None

    @classmethod
    def always(cls, name: str, values: pa.Array) -> KeyCodec:
        """How new values of a column that is known to be a key are made."""
        found = cls.learn(name, values)
        if found is not None:
            return found
        if pa.types.is_integer(values.type):
            largest = pc.max(values).as_py() or 0
            return cls(name, values.type, len(values), start=largest + 1)
        return cls(name, values.type, len(values), regex=ANY_TEXT)

    @property
    def cells(self) -> CellColumn:
        """One cell: a key tells a model nothing."""
        return CellColumn(self.name, np.array([self.rows]), ordered=False, missing=False)

    @property
    def meets_real_ones(self) -> bool:
        """Whether new identifiers are likely to meet some of the real ones."""
        size = compile_pattern(self.regex).size if self.regex else None
        return size is not None and self.rows**2 > _SELDOM * size

    @property
    def about(self) -> str:
        """What was made of the column."""
        if pa.types.is_integer(self.type):
            return f"key: made anew from {self.start}"
        if self.width:
            return f"key: made anew from {self._texts(np.array([self.start]))[0]}"
        return f"key: made anew as {self.regex or 'UUID'}"

    def encode(self, values: pa.Array) -> CodeColumn:
        """Zeros."""
        return np.zeros(len(values), np.int32)

    def decode(self, codes: CodeColumn, places: Places, wanted: Wanted | None = None) -> pa.Array:
        """New identifiers, which differ from row to row by the rows' numbers."""
        del codes, wanted
        if pa.types.is_integer(self.type):
            return array_of(self.start + places.numbers * self.step).cast(self.type)
        if self.width:
            return self._texts(self.start + places.numbers).cast(self.type)
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
        del wanted
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
            "around": self.around,
            "width": self.width,
            "regex": self.regex,
        }
        return CodecState("key", settings)

    @classmethod
    def restore(cls, name: str, kind: pa.DataType, state: CodecState) -> KeyCodec:
        """The codec of a state."""
        settings = {**state.settings, "around": tuple(state.settings["around"])}
        return cls(name, kind, **settings)

    def _texts(self, numbers: NDArray[np.int64]) -> pa.Array:
        padded = pc.utf8_lpad(array_of(numbers).cast(pa.string()), self.width, "0")
        return pc.binary_join_element_wise(self.around[0], padded, self.around[1], "")


def _numbered_key(name: str, values: pa.Array) -> KeyCodec | None:
    """A key where all texts are the same but for one number of as many digits."""
    parts = pc.extract_regex(values, r"^(?P<front>\D*)(?P<number>\d{1,18})(?P<back>\D*)$")
    if parts.null_count:
        return None
    front, number, back = parts.flatten()
    widths = pc.unique(pc.utf8_length(number))
    if max(len(pc.unique(front)), len(pc.unique(back)), len(widths)) > 1:
        return None
    start, width = pc.max(number.cast(pa.int64())).as_py() + 1, widths[0].as_py()
    if start + len(values) > 10**width:  # those after the last would have a digit more
        return None
    around = front[0].as_py(), back[0].as_py()
    return KeyCodec(name, values.type, len(values), start=start, around=around, width=width)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _number_key(name: str, values: pa.Array) -> KeyCodec | None:
    """A key where differing numbers are named so, or leave next to no gaps."""
    if pc.max(values).as_py() >= _HIGHEST:
        return None
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
