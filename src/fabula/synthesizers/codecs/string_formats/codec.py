"""Texts that are dates, times or numbers in one form: learned as such, written the same way."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.errors import UsageError
from fabula.io.arrays import array_of
from fabula.io.written.columns import is_gap, is_known_gap, written_digits, written_form
from fabula.io.written.duration_forms import DurationForm
from fabula.io.written.form import Form, flags
from fabula.io.written.number_forms import NumberForm
from fabula.io.written.time_forms import TimeForm
from fabula.synthesizers.codecs.categories import is_text, plain_values
from fabula.synthesizers.codecs.codec import CodeColumn, CodecState, Places, Range, Wanted, told
from fabula.synthesizers.codecs.numbers import NumberCodec
from fabula.synthesizers.model import CellColumn, Weights

_FORMS: Mapping[str, type[TimeForm | DurationForm | NumberForm]] = {
    "time": TimeForm,
    "duration": DurationForm,
    "number": NumberForm,
}


_GOLDEN = (5**0.5 - 1) / 2
"""Multiples of it spread evenly over the numbers from 0 to 1, however many there are."""

_NOTHING = NumberCodec.learn("", pa.nulls(0, pa.int64()), protect=0)


@dataclass(frozen=True)
class WrittenCodec:
    """A column of texts, or of digits, that stand for numbers or times.

    Attributes:
        name: The column's name.
        type: Its Arrow type.
        form: How values are written.
        gaps: The texts of a missing value (`-`, `unknown`, 9999-12-31) with their rows; None
            stands for a null.
        numbers: What was learned of the values.
        stray: How many values were mistyped.
        hidden: How many rare words count as missing.
    """

    name: str
    type: pa.DataType
    form: Form
    gaps: Mapping[str | None, int]
    numbers: NumberCodec
    stray: int = 0
    hidden: int = 0

    @classmethod
    def learn(cls, name: str, values: pa.Array, *, protect: int) -> WrittenCodec | None:
        """The codec of a column, or None where its values have no such form.

        Args:
            name: The column's name.
            values: Its values.
            protect: That many extreme values are not learned, and no own word for a missing value
                that has fewer rows.
        """
        texts = _texts(values)
        found = written_form(texts) if is_text(values.type) else written_digits(texts)
        if found is None:
            return None
        gaps: dict[str | None, int] = {
            text: rows for text, rows in found.gaps.items() if rows >= protect or is_known_gap(text)
        }
        hidden = sum(found.gaps.values()) - sum(gaps.values())
        nulls = values.null_count + hidden
        gaps |= {None: nulls} if nulls else {}
        codec = cls(name, values.type, found.form, gaps, _NOTHING, found.stray, hidden)
        read, stray = codec._look(values)
        numbers = NumberCodec.learn(name, read.filter(pa.array(~stray)), protect=protect)
        return replace(codec, numbers=numbers)

    @property
    def cells(self) -> CellColumn:
        """What a model sees of the column."""
        return self.numbers.cells

    @property
    def about(self) -> str:
        """What was made of the column."""
        cells = self.numbers.about.partition(": ")[2]
        words = ", ".join(f"`{text}`" for text in self.gaps if text is not None)
        gap = f", {words} where missing" if words else ""
        stray = f"; {self.stray:,} mistyped not learned" if self.stray else ""
        return f"{self.form.told}{gap}: {cells}{stray}"

    def encode(self, values: pa.Array) -> CodeColumn:
        """Codes of texts; mistyped ones are spread over the values that are known."""
        read, mistyped = self._look(values)
        codes, stray = self.numbers.encode(read), np.flatnonzero(mistyped)
        if len(stray) and len(self.numbers.grid):
            sums = np.cumsum(self.numbers.counts[: len(self.numbers.grid)])
            places = (_GOLDEN * np.arange(1, len(stray) + 1)) % 1 * sums[-1]
            codes[stray] = np.searchsorted(sums, places, "right")
        return codes

    def decode(self, codes: CodeColumn, places: Places, wanted: Wanted | None = None) -> pa.Array:
        """Texts for codes."""
        asked = None if wanted is None else self._read(wanted)
        texts = self.form.write(self.numbers.decode(codes, places, asked))
        gaps = dict(self.gaps)
        if isinstance(wanted, tuple):
            gaps = {gap: rows for gap, rows in gaps.items() if gap in wanted} or gaps
        empty = np.flatnonzero(flags(texts.is_null()))
        if not len(empty) or not any(gaps):
            return texts.cast(self.type)
        sums = np.cumsum(list(gaps.values()))
        drawn = np.zeros(len(empty), np.int64)
        if len(sums) > 1:
            drawn = np.searchsorted(sums, places.rng.random(len(empty)) * sums[-1], "right")
        words = pa.array(list(gaps), texts.type).take(array_of(drawn))
        return _replaced(texts, empty, words).cast(self.type)

    def mistyped(self, values: pa.Array) -> NDArray[np.bool_]:
        """Which values are none of the form, and no word for a missing one."""
        return self._look(values)[1]

    def unknown_words(self, values: pa.Array) -> NDArray[np.bool_]:
        """Which values are words that count as missing because few rows have them."""
        texts = _texts(values)
        words = pa.array([gap for gap in self.gaps if gap is not None], texts.type)
        known = flags(pc.is_in(texts, value_set=words)) | flags(texts.is_null())
        return is_gap(texts, self.form.read(texts)) & ~known

    def read(self, values: pa.Array) -> pa.Array:
        """The numbers or times of texts; null where missing, or of another form."""
        return self._look(values)[0]

    def _look(self, values: pa.Array) -> tuple[pa.Array, NDArray[np.bool_]]:
        """The numbers or times of texts, and which texts are mistyped."""
        texts = _texts(values)
        read = self.form.read(texts)
        unread = flags(texts.is_valid()) & flags(read.is_null())
        stray = unread & ~is_gap(texts, read) if unread.any() else unread
        words = pa.array([gap for gap in self.gaps if gap is not None], texts.type)
        if len(words):
            word = pc.is_in(texts, value_set=words)
            read = pc.if_else(word, pa.scalar(None, read.type), read)
            stray = stray & ~flags(word)
        return read, stray

    def write(self, values: pa.Array, before: pa.Array) -> pa.Array:
        """The texts of numbers or times; where none is, the word that stood there before.

        Args:
            values: Numbers or times.
            before: The texts of the same rows until now.
        """
        texts = self.form.write(values)
        if not any(self.gaps):
            return texts.cast(self.type)
        word = max(self.gaps, key=lambda gap: self.gaps[gap])
        kept = _texts(before)
        kept = pc.if_else(self.read(before).is_null(), kept, pa.scalar(word, kept.type))
        return pc.coalesce(texts, kept).cast(self.type)

    def fits(self, values: pa.Array, wanted: Wanted) -> NDArray[np.bool_]:
        """Which numbers or times are as asked in the column's own form."""
        return self.numbers.fits(values, self._read(wanted))

    def weights(self, wanted: Wanted) -> Weights:
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
        kind = next(kind for kind, form in _FORMS.items() if isinstance(self.form, form))
        numbers = self.numbers.state()
        own = {"kind": kind, "form": self.form.state(), "gaps": list(self.gaps.items())}
        settings = {**numbers.settings, **own, "stray": self.stray, "hidden": self.hidden}
        return CodecState("written", settings, numbers.arrays)

    @classmethod
    def restore(cls, name: str, kind: pa.DataType, state: CodecState) -> WrittenCodec:
        """The codec of a state."""
        settings = state.settings
        form = _FORMS[settings["kind"]](**settings["form"])
        numbers = NumberCodec.restore(name, form.type, state)
        gaps = dict(map(tuple, settings["gaps"]))
        return cls(name, kind, form, gaps, numbers, settings["stray"], settings["hidden"])

    def _read(self, wanted: Wanted) -> Wanted:
        if isinstance(wanted, Range):
            return Range(self._value(wanted.low), self._value(wanted.high))
        return tuple(self._value(value) for value in wanted)

    def _value(self, value: Any) -> Any:
        """A value in the column's form, or as it is: `2019-05-01` and 12.5 are understood too."""
        text = value if is_text(self.type) else str(value)
        if value is None or not isinstance(text, str) or text in self.gaps:
            return None if text in self.gaps else value
        read = self.form.read(pa.array([text], pa.large_string()))[0].as_py()
        return value if read is None else read


def read_times(table: pa.Table, *, but: Collection[str]) -> tuple[pa.Table, dict[str, TimeForm]]:
    """A table with its written dates and points in time as such, and their forms.

    Args:
        table: Rows.
        but: Columns that stay as they are.
    """
    forms: dict[str, TimeForm] = {}
    for at, field in enumerate(table.schema):
        if field.name in but or not is_text(field.type):
            continue
        texts = _texts(table.column(at).combine_chunks())
        found = written_form(texts)
        if found is None or found.gaps or found.stray:
            continue
        form = found.form
        if isinstance(form, TimeForm) and form.is_point:
            table = table.set_column(at, field.name, form.read(texts))
            forms[field.name] = form
    return table, forms


def _texts(values: pa.Array) -> pa.Array:
    return plain_values(values).cast(pa.large_string())


def _replaced(texts: pa.Array, rows: NDArray[np.int64], words: pa.Array) -> pa.Array:
    """Texts with words in some of their rows."""
    order = np.arange(len(texts))
    order[rows] = len(texts) + np.arange(len(rows))
    return pa.concat_arrays([texts, words]).take(array_of(order))
