"""Texts of several whole numbers, such as `137/85`: learned as numbers, written in their form.

A model sees the first number. The others are drawn as they were in the rows of its cell, so that
a high pressure keeps a high one after it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.errors import UsageError
from fabula.inference.texts_of_numbers import TextOfNumbers
from fabula.io.arrays import array_of, is_text
from fabula.relationships.key_names import named_as_key
from fabula.synthesizers.codecs.codec import CodeColumn, CodecState, Places, Range, Target, told
from fabula.synthesizers.codecs.numbers import NumberCodec
from fabula.synthesizers.codecs.string_formats.texts import plain_texts
from fabula.synthesizers.model import CellColumn, Weights

MOST_DIGITS = 4
"""Longer numbers are those of identifiers."""

FIXED_DIGITS = 3
"""Numbers that all have as many digits, and at least so many, are those of identifiers, too."""


MOST_WORDS = 4
"""Texts with more words around their numbers are sentences."""

_WORDS = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class SeveralNumbersCodec:
    """A column of texts of several numbers.

    Attributes:
        name: The column's name.
        type: Its Arrow type.
        around: What precedes, between and after the numbers.
        numbers: The first number, and each further one by the cells of the first.
        orders: Whether each further number is never below (1) or never above (-1) the one before.
    """

    name: str
    type: pa.DataType
    around: tuple[str, ...]
    numbers: tuple[NumberCodec, ...]
    orders: tuple[int, ...]

    @classmethod
    def learn(
        cls, name: str, values: pa.Array, *, protect: int, people: NDArray[np.int64] | None = None
    ) -> SeveralNumbersCodec | None:
        """The codec of a column, or None if its values have no such form.

        Args:
            name: The column's name.
            values: Its values.
            protect: That many extreme numbers are not learned.
            people: As for `NumberCodec.learn`.
        """
        found = quantities(name, values)
        if found is None:
            return None
        lead = NumberCodec.learn(name, found.numbers[0], protect=protect, people=people)
        codes = lead.encode(found.numbers[0])
        others = (
            NumberCodec.learn(name, part, protect=protect).within(lead, codes, part, protect)
            for part in found.numbers[1:]
        )
        return cls(name, values.type, found.around, (lead, *others), _orders(found))

    @property
    def cells(self) -> CellColumn:
        """What a model sees of the column."""
        return self.numbers[0].cells

    @property
    def about(self) -> str:
        """What was made of the column."""
        cells = self.numbers[0].about.partition(": ")[2]
        return f"whole numbers written as {'0'.join(self.around)}: {cells} of the first"

    def encode(self, values: pa.Array) -> CodeColumn:
        """Codes of texts; others than such texts count as missing, or as the last cell."""
        return self.numbers[0].encode(self._first(plain_texts(values)))

    def decode(self, codes: CodeColumn, places: Places, wanted: Target | None = None) -> pa.Array:
        """Texts for codes."""
        parts = [codec.decode(codes, places) for codec in self.numbers]
        for at, order in enumerate(self.orders):
            bound = pc.max_element_wise if order > 0 else pc.min_element_wise
            parts[at + 1] = bound(parts[at], parts[at + 1]) if order else parts[at + 1]
        pieces: list[Any] = [self.around[0]]
        for part, after in zip(parts, self.around[1:], strict=True):
            pieces += [part.cast(pa.string()), after]
        texts = pc.binary_join_element_wise(*pieces, "")
        if isinstance(wanted, tuple):
            texts = self._asked(texts, codes, wanted, places)
        return texts.cast(self.type)

    def weights(self, wanted: Target) -> Weights:
        """The share of each cell that some texts allow.

        Raises:
            UsageError: A range is asked for, or another form.
        """
        if isinstance(wanted, Range):
            raise self._unreadable(wanted)
        first = self._first(pa.array([x for x in wanted if x is not None], pa.large_string()))
        if first.null_count:
            raise self._unreadable(wanted)
        gaps = (None,) if None in wanted else ()
        return self.numbers[0].weights((*first.to_pylist(), *gaps))

    def state(self) -> CodecState:
        """The codec as plain values; the type is the schema's."""
        states = [codec.state() for codec in self.numbers]
        arrays = {
            f"{at}-{name}": values
            for at, state in enumerate(states)
            for name, values in state.arrays.items()
        }
        settings = {
            "around": self.around,
            "orders": self.orders,
            "numbers": [dict(state.settings) for state in states],
        }
        return CodecState("several numbers", settings, arrays)

    @classmethod
    def restore(cls, name: str, kind: pa.DataType, state: CodecState) -> SeveralNumbersCodec:
        """The codec of a state."""
        numbers = []
        for at, settings in enumerate(state.settings["numbers"]):
            own = f"{at}-"
            arrays = {k.removeprefix(own): v for k, v in state.arrays.items() if k.startswith(own)}
            told_by = CodecState("number", settings, arrays)
            numbers.append(NumberCodec.restore(name, pa.int64(), told_by))
        around, orders = (tuple(state.settings[part]) for part in ("around", "orders"))
        return cls(name, kind, around, tuple(numbers), orders)

    def _first(self, texts: pa.Array) -> pa.Array:
        """The first number of each text; null if it has another form."""
        found = TextOfNumbers.regex(self.around)
        return pc.struct_field(pc.extract_regex(texts, found), [0]).cast(pa.int64())

    def _asked(
        self, texts: pa.Array, codes: CodeColumn, wanted: tuple[Any, ...], places: Places
    ) -> pa.Array:
        """Asked texts in place of others, each in rows of its own cell."""
        asked = pa.array([text for text in wanted if text is not None], pa.string())
        cells = self.numbers[0].encode(self._first(asked.cast(pa.large_string())))
        picked = np.arange(len(texts))
        for cell in np.unique(cells):
            rows, choices = np.flatnonzero(codes == cell), np.flatnonzero(cells == cell)
            picked[rows] = len(texts) + places.rng.choice(choices, len(rows))
        return pa.concat_arrays([texts, asked]).take(array_of(picked))

    def _unreadable(self, wanted: Target) -> UsageError:
        return UsageError(
            f"given {self.name}={told(wanted)} can't be read; the column holds {self.about}",
            code="given.type",
            where=self.name,
            hint="write whole values in the same form",
        )


def _orders(found: TextOfNumbers) -> tuple[int, ...]:
    """Which way each two numbers, one after the other, are in order on every row, or 0."""
    pairs = list(zip(found.numbers, found.numbers[1:], strict=False))
    rising = [pc.all(pc.less_equal(low, high)).as_py() for low, high in pairs]
    falling = [pc.all(pc.greater_equal(high, low)).as_py() for high, low in pairs]
    return tuple(bool(up) - bool(down) for up, down in zip(rising, falling, strict=True))


def quantities(name: str, values: pa.Array) -> TextOfNumbers | None:
    """The numbers of a column of texts, if they are amounts and not parts of identifiers.

    Args:
        name: The column's name.
        values: Its values.
    """
    if not is_text(values.type) or named_as_key(name):
        return None
    found = TextOfNumbers.of(plain_texts(values))
    if found is None or len(found.numbers) < 2 or any(found.widths):
        return None
    if len(_WORDS.findall(" ".join(found.around))) > MOST_WORDS:
        return None
    digits = [pc.min_max(pc.utf8_length(part.cast(pa.string()))).as_py() for part in found.numbers]
    fixed = all(FIXED_DIGITS <= width["min"] == width["max"] for width in digits)
    return None if fixed or max(width["max"] for width in digits) > MOST_DIGITS else found
