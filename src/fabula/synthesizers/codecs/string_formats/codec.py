"""Texts that are dates, times or numbers in one form: learned as such, written the same way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.errors import UsageError
from fabula.io.arrays import is_text
from fabula.io.written.columns import written_digits, written_form
from fabula.io.written.form import StringFormat
from fabula.synthesizers.codecs.codec import CodeColumn, CodecState, Places, Range, Target, told
from fabula.synthesizers.codecs.numbers import NumberCodec
from fabula.synthesizers.codecs.string_formats.texts import WrittenTexts, plain_texts, spread
from fabula.synthesizers.model import CellColumn, Weights


@dataclass(frozen=True)
class WrittenCodec:
    """A column of texts, or of digits, that stand for numbers or times.

    Attributes:
        name: The column's name.
        texts: How its values are written.
        numbers: What was learned of the values.
    """

    name: str
    texts: WrittenTexts
    numbers: NumberCodec

    @classmethod
    def learn(
        cls, name: str, values: pa.Array, *, protect: int, people: NDArray[np.int64] | None = None
    ) -> WrittenCodec | None:
        """The codec of a column, or None if its values have no such form.

        Args:
            name: The column's name.
            values: Its values.
            protect: That many extreme values are not learned, and no own word for a missing value
                that has fewer rows.
            people: As for `NumberCodec.learn`.
        """
        plain = plain_texts(values)
        found = written_form(plain) if is_text(values.type) else written_digits(plain)
        if found is None:
            return None
        texts = WrittenTexts.of(values, found, protect=protect)
        read, stray = texts.look(values)
        people = None if people is None else people[~stray]
        read = read.filter(pa.array(~stray))
        numbers = NumberCodec.learn(name, read, protect=protect, people=people)
        return cls(name, texts, numbers)

    @property
    def type(self) -> pa.DataType:
        """The column's Arrow type."""
        return self.texts.type

    @property
    def form(self) -> StringFormat:
        """How values are written."""
        return self.texts.form

    @property
    def cells(self) -> CellColumn:
        """What a model sees of the column."""
        return self.numbers.cells

    @property
    def about(self) -> str:
        """What was made of the column."""
        cells = self.numbers.about.partition(": ")[2]
        form, stray = self.texts.about
        return f"{form}: {cells}{stray}"

    def encode(self, values: pa.Array) -> CodeColumn:
        """Codes of texts; mistyped ones are spread over the values that are known."""
        read, mistyped = self.texts.look(values)
        codes, stray = self.numbers.encode(read), np.flatnonzero(mistyped)
        if len(stray) and len(self.numbers.grid):
            sums = np.cumsum(self.numbers.counts[: len(self.numbers.grid)])
            codes[stray] = np.searchsorted(sums, spread(len(stray)) * sums[-1], "right")
        return codes

    def decode(self, codes: CodeColumn, places: Places, wanted: Target | None = None) -> pa.Array:
        """Texts for codes."""
        asked = None if wanted is None else self._read(wanted)
        gaps = self.texts.gaps
        if isinstance(wanted, tuple):
            gaps = {gap: rows for gap, rows in gaps.items() if gap in wanted} or gaps
        return self.texts.written(self.numbers.decode(codes, places, asked), places.rng, gaps)

    def read(self, values: pa.Array) -> pa.Array:
        """The numbers or times of texts; null where missing, or of another form."""
        return self.texts.look(values)[0]

    def write(self, values: pa.Array, before: pa.Array) -> pa.Array:
        """The texts of numbers or times; if none is, the word that stood there before.

        Args:
            values: Numbers or times.
            before: The texts of the same rows until now.
        """
        gaps, kind = self.texts.gaps, self.type
        texts = self.form.write(values)
        if not any(gaps):
            return texts.cast(kind)
        word = max(gaps, key=lambda gap: gaps[gap])
        kept = plain_texts(before)
        kept = pc.if_else(self.read(before).is_null(), kept, pa.scalar(word, kept.type))
        return pc.coalesce(texts, kept).cast(kind)

    def fits(self, values: pa.Array, wanted: Target) -> NDArray[np.bool_]:
        """Which numbers or times are as asked in the column's own form."""
        return self.numbers.fits(values, self._read(wanted))

    def weights(self, wanted: Target) -> Weights:
        """The share of each cell that a range or some values allow, in the column's own form."""
        try:
            return self.numbers.weights(self._read(wanted))
        except UsageError as exc:
            if exc.code != "given.type":
                raise
            raise UsageError(
                f"given {self.name}={told(wanted)} can't be read; the column holds"
                f" {self.form.told}",
                code=exc.code,
                where=self.name,
                hint="write it in the same form",
            ) from exc

    def state(self) -> CodecState:
        """The codec as plain values; the type is the schema's."""
        numbers = self.numbers.state()
        return CodecState("written", {**numbers.settings, **self.texts.state()}, numbers.arrays)

    @classmethod
    def restore(cls, name: str, kind: pa.DataType, state: CodecState) -> WrittenCodec:
        """The codec of a state."""
        texts = WrittenTexts.restore(kind, state.settings)
        return cls(name, texts, NumberCodec.restore(name, texts.form.type, state))

    def _read(self, wanted: Target) -> Target:
        if isinstance(wanted, Range):
            return Range(self._value(wanted.low), self._value(wanted.high))
        return tuple(self._value(value) for value in wanted)

    def _value(self, value: Any) -> Any:
        """A value in the column's form, or as it is: `2019-05-01` and 12.5 are understood too."""
        text, gaps = value if is_text(self.type) else str(value), self.texts.gaps
        if value is None or not isinstance(text, str) or text in gaps:
            return None if text in gaps else value
        read = self.form.read(pa.array([text], pa.large_string()))[0].as_py()
        return value if read is None else read
