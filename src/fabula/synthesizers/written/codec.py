"""Texts that are dates, times or numbers in one form: learned as such, written the same way."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.errors import UsageError
from fabula.synthesizers.columns.categories import is_text, plain_values
from fabula.synthesizers.columns.codec import CodeColumn, CodecState, Places, Range, Wanted, told
from fabula.synthesizers.columns.numbers import NumberCodec
from fabula.synthesizers.model import CellColumn, Weights
from fabula.synthesizers.written.form import Form
from fabula.synthesizers.written.number_forms import NumberForm
from fabula.synthesizers.written.time_forms import TimeForm

_FORMS: Mapping[str, Callable[..., Form]] = {"time": TimeForm, "number": NumberForm}


@dataclass(frozen=True)
class WrittenCodec:
    """A column of texts that stand for numbers or times.

    Attributes:
        name: The column's name.
        type: Its Arrow type.
        form: How values are written.
        gap: The text of a missing value (`-`, `N/A`, a blank), or None for a null.
        numbers: What was learned of the values.
    """

    name: str
    type: pa.DataType
    form: Form
    gap: str | None
    numbers: NumberCodec

    @classmethod
    def learn(cls, name: str, values: pa.Array, *, protect: int) -> WrittenCodec | None:
        """The codec of a column of text, or None where its values have no such form.

        Args:
            name: The column's name.
            values: Its values.
            protect: So many extreme values are not learned.
        """
        texts = _texts(values)
        read = written_form(texts)
        if read is None:
            return None
        form, gap = read
        numbers = NumberCodec.learn(name, form.read(texts), protect=protect)
        rare = gap is not None and pc.sum(pc.equal(texts, gap)).as_py() < protect
        return cls(name, values.type, form, None if rare else gap, numbers)

    @property
    def cells(self) -> CellColumn:
        """What a model sees of the column."""
        return self.numbers.cells

    @property
    def about(self) -> str:
        """What was made of the column."""
        cells = self.numbers.about.partition(": ")[2]
        gap = "" if self.gap is None else f", `{self.gap}` where missing"
        return f"{self.form.told}{gap}: {cells}"

    def encode(self, values: pa.Array) -> CodeColumn:
        """Codes of texts; what has another form counts as missing."""
        return self.numbers.encode(self.read(values))

    def decode(self, codes: CodeColumn, places: Places, wanted: Wanted | None = None) -> pa.Array:
        """Texts for codes."""
        asked = None if wanted is None else self._read(wanted)
        return self.write(self.numbers.decode(codes, places, asked))

    def read(self, values: pa.Array) -> pa.Array:
        """The numbers or times of texts; null where missing, or of another form."""
        return self.form.read(_texts(values))

    def write(self, values: pa.Array) -> pa.Array:
        """The texts of numbers or times."""
        texts = self.form.write(values)
        return (texts if self.gap is None else texts.fill_null(self.gap)).cast(self.type)

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
        kind = "time" if isinstance(self.form, TimeForm) else "number"
        numbers = self.numbers.state()
        settings = {**numbers.settings, "kind": kind, "form": self.form.state(), "gap": self.gap}
        return CodecState("written", settings, numbers.arrays)

    @classmethod
    def restore(cls, name: str, kind: pa.DataType, state: CodecState) -> WrittenCodec:
        """The codec of a state."""
        settings = state.settings
        form = _FORMS[settings["kind"]](**settings["form"])
        numbers = NumberCodec.restore(name, form.type, state)
        return cls(name, kind, form, settings["gap"], numbers)

    def _read(self, wanted: Wanted) -> Wanted:
        if isinstance(wanted, Range):
            return Range(self._value(wanted.low), self._value(wanted.high))
        return tuple(self._value(value) for value in wanted)

    def _value(self, value: Any) -> Any:
        """A value in the column's form, or as it is: `2019-05-01` and 12.5 are understood too."""
        if not isinstance(value, str) or value == self.gap:
            return None if value == self.gap else value
        read = self.form.read(pa.array([value], pa.large_string()))[0].as_py()
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
        form, gap = written_form(texts) or (None, None)
        if isinstance(form, TimeForm) and gap is None and form.is_point:
            table = table.set_column(at, field.name, form.read(texts))
            forms[field.name] = form
    return table, forms


def written_form(texts: pa.Array) -> tuple[Form, str | None] | None:
    """The form of a column, and the text that stands for a missing value in it.

    Args:
        texts: Plain strings; where one text without a digit stands among them, and no null, it
            means a missing value.
    """
    known = pc.unique(texts.drop_null())
    if not len(known):
        return None
    bare = known.filter(pc.invert(pc.match_substring_regex(known, r"\d")))
    gap = bare[0].as_py() if len(bare) == 1 and not texts.null_count else None
    if len(bare) > 1 or (len(bare) == 1 and gap is None):
        return None
    if gap is not None:
        known = known.filter(pc.not_equal(known, gap))
    if not len(known):
        return None
    form = TimeForm.of(known) or NumberForm.of(known)
    return None if form is None else (form, gap)


def _texts(values: pa.Array) -> pa.Array:
    return plain_values(values).cast(pa.large_string())
