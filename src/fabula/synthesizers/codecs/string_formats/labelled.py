"""Numbers written as text with labels among them, such as `<0.5` or `trace`.

A label is a cell of its own, so that a model learns what goes with it: below the numbers, or above
them where it says so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.arrays import array_of, is_text
from fabula.io.written.form import flags
from fabula.io.written.labels import is_high, number_labels
from fabula.io.written.number_forms import NumberForm
from fabula.synthesizers.codecs.codec import CodeColumn, CodecState, Places, Range, Target
from fabula.synthesizers.codecs.string_formats.codec import WrittenCodec
from fabula.synthesizers.codecs.string_formats.texts import plain_texts
from fabula.synthesizers.model import CellColumn, Weights


@dataclass(frozen=True, eq=False)
class LabelledCodec:
    """A column of numbers and labels.

    Attributes:
        written: The numbers.
        labels: The labels, those below the numbers first.
        counts: Training rows of each cell; the last is of missing values if there are any.
    """

    written: WrittenCodec
    labels: tuple[str, ...]
    counts: NDArray[np.int64]

    @classmethod
    def learn(
        cls, name: str, values: pa.Array, *, protect: int, people: NDArray[np.int64] | None = None
    ) -> LabelledCodec | None:
        """The codec of a column, or None if it holds no such labels.

        Args:
            name: The column's name.
            values: Its values.
            protect: As for `WrittenCodec.learn`; labels of fewer rows are none.
            people: As for `NumberCodec.learn`.
        """
        if not is_text(values.type):
            return None
        texts = plain_texts(values)
        labels = number_labels(texts, max(protect, 2))
        if not labels:
            return None
        rest = ~flags(pc.is_in(texts, value_set=pa.array(labels, texts.type)))
        theirs = None if people is None else people[rest]
        numbers = values.filter(pa.array(rest))
        written = WrittenCodec.learn(name, numbers, protect=protect, people=theirs)
        if written is None or not isinstance(written.form, NumberForm):
            return None
        size = len(labels) + len(written.numbers.grid) + written.numbers.missing
        codec = cls(written, tuple(labels), np.ones(size, np.int64))
        counts = np.bincount(codec.encode(values), minlength=size).astype(np.int64)
        return cls(written, tuple(labels), counts)

    @property
    def name(self) -> str:
        """The column's name."""
        return self.written.name

    @property
    def type(self) -> pa.DataType:
        """The column's Arrow type."""
        return self.written.type

    @property
    def missing(self) -> bool:
        """Whether some values are missing."""
        return self.written.numbers.missing

    @property
    def cells(self) -> CellColumn:
        """What a model sees of the column."""
        return CellColumn(self.name, self.counts, ordered=True, missing=self.missing)

    @property
    def about(self) -> str:
        """What was made of the column."""
        return f"{self.written.about}; labels: {', '.join(f'`{label}`' for label in self.labels)}"

    def encode(self, values: pa.Array) -> CodeColumn:
        """Codes of texts."""
        texts = plain_texts(values)
        label = pc.index_in(texts, value_set=pa.array(self.labels, texts.type))
        found = label.fill_null(-1).to_numpy(zero_copy_only=False)
        read = pc.if_else(label.is_valid(), pa.scalar(None, texts.type), texts)
        number = self.written.encode(read.cast(self.type))
        codes = np.where(number < self._numbers, self._low + number, len(self.counts) - 1)
        return np.where(found < 0, codes, self._cells_of_labels[found]).astype(np.int32)

    def decode(self, codes: CodeColumn, places: Places, wanted: Target | None = None) -> pa.Array:
        """Texts for codes."""
        cells = self._cells_of_labels
        label = np.full(len(self.counts), -1)
        label[cells] = np.arange(len(cells))
        drawn = label[codes]
        number = np.clip(codes - self._low, 0, None)
        number[codes >= self._low + self._numbers] = self._numbers
        number[drawn >= 0] = 0
        if isinstance(wanted, tuple):
            wanted = tuple(value for value in wanted if value not in self.labels) or None
        texts = plain_texts(self.written.decode(number.astype(np.int32), places, wanted))
        words = pa.array(self.labels, texts.type).take(array_of(np.maximum(drawn, 0)))
        return pc.if_else(array_of(drawn >= 0), words, texts).cast(self.type)

    def weights(self, wanted: Target) -> Weights:
        """The share of each cell that a range of numbers, or some values, allow."""
        share, inner = np.zeros(len(self.counts)), slice(self._low, self._low + self._numbers)
        numbers: Target = wanted
        if not isinstance(wanted, Range):
            asked = [value for value in wanted if value in self.labels]
            share[[self._cells_of_labels[self.labels.index(label)] for label in asked]] = 1.0
            numbers = tuple(value for value in wanted if value not in self.labels)
        if isinstance(numbers, Range) or numbers:
            found = self.written.weights(numbers)
            share[inner] = found[: self._numbers]
            share[inner.stop + len(self.labels) - self._low :] = found[self._numbers :]
        return share

    def state(self) -> CodecState:
        """The codec as plain values; the type is the schema's."""
        state = self.written.state()
        own = {"labels": self.labels}
        arrays = {**state.arrays, "cells": self.counts}
        return CodecState("labelled", {**state.settings, **own}, arrays)

    @classmethod
    def restore(cls, name: str, kind: pa.DataType, state: CodecState) -> LabelledCodec:
        """The codec of a state."""
        written = WrittenCodec.restore(name, kind, state)
        return cls(written, tuple(state.settings["labels"]), state.arrays["cells"])

    @property
    def _numbers(self) -> int:
        return len(self.written.numbers.grid)

    @property
    def _low(self) -> int:
        """How many labels lie below the numbers."""
        return sum(not is_high(label) for label in self.labels)

    @property
    def _cells_of_labels(self) -> NDArray[np.int64]:
        places = np.arange(len(self.labels))
        return np.where(places < self._low, places, places + self._numbers)
