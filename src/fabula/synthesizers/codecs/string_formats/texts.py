"""Texts, or digits, that stand for numbers or times in one form: read, and written the same way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.arrays import array_of
from fabula.io.written.columns import Written, is_gap, is_known_gap
from fabula.io.written.duration_forms import DurationForm
from fabula.io.written.form import StringFormat, flags
from fabula.io.written.number_forms import NumberForm
from fabula.io.written.time_forms import TimeForm
from fabula.synthesizers.codecs.categories import plain_values

_FORMS: Mapping[str, type[TimeForm | DurationForm | NumberForm]] = {
    "time": TimeForm,
    "duration": DurationForm,
    "number": NumberForm,
}

_GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True)
class WrittenTexts:
    """How the values of a column are written.

    Attributes:
        type: The column's Arrow type.
        form: How values are written.
        gaps: The texts of a missing value (`-`, `unknown`, 9999-12-31) with their rows; None
            stands for a null.
        stray: How many values were mistyped.
        hidden: How many rare words count as missing.
    """

    type: pa.DataType
    form: StringFormat
    gaps: Mapping[str | None, int]
    stray: int = 0
    hidden: int = 0

    @classmethod
    def of(cls, values: pa.Array, found: Written, *, protect: int) -> WrittenTexts:
        """The texts of a column.

        Args:
            values: Its values.
            found: What they stand for.
            protect: No own word for a missing value is kept that has fewer rows.
        """
        gaps: dict[str | None, int] = {
            text: rows for text, rows in found.gaps.items() if rows >= protect or is_known_gap(text)
        }
        hidden = sum(found.gaps.values()) - sum(gaps.values())
        nulls = values.null_count + hidden
        gaps |= {None: nulls} if nulls else {}
        return cls(values.type, found.form, gaps, found.stray, hidden)

    @property
    def about(self) -> tuple[str, str]:
        """The form with the words of missing values, and what is said about mistyped ones."""
        words = ", ".join(f"`{text}`" for text in self.gaps if text is not None)
        gap = f", {words} where missing" if words else ""
        stray = f"; {self.stray:,} mistyped not learned" if self.stray else ""
        return f"{self.form.told}{gap}", stray

    def mistyped(self, values: pa.Array) -> NDArray[np.bool_]:
        """Which values are none of the form, and no word for a missing one."""
        return self.look(values)[1]

    def unknown_words(self, values: pa.Array) -> NDArray[np.bool_]:
        """Which values are words that count as missing because few rows have them."""
        texts = plain_texts(values)
        words = pa.array([gap for gap in self.gaps if gap is not None], texts.type)
        known = flags(pc.is_in(texts, value_set=words)) | flags(texts.is_null())
        return is_gap(texts, self.form.read(texts)) & ~known

    def look(self, values: pa.Array) -> tuple[pa.Array, NDArray[np.bool_]]:
        """The numbers or times of texts, null if there is none, and which are mistyped."""
        texts = plain_texts(values)
        read = self.form.read(texts)
        unread = flags(texts.is_valid()) & flags(read.is_null())
        stray = unread & ~is_gap(texts, read) if unread.any() else unread
        words = pa.array([gap for gap in self.gaps if gap is not None], texts.type)
        if len(words):
            word = pc.is_in(texts, value_set=words)
            read = pc.if_else(word, pa.scalar(None, read.type), read)
            stray = stray & ~flags(word)
        return read, stray

    def written(
        self,
        values: pa.Array,
        rng: np.random.Generator,
        gaps: Mapping[str | None, int] | None = None,
    ) -> pa.Array:
        """The texts of numbers or times; if none is, a word for a missing one.

        Args:
            values: Numbers or times.
            rng: Chooses among these words.
            gaps: The words, where not all are wanted.
        """
        gaps = self.gaps if gaps is None else gaps
        texts = self.form.write(values)
        empty = np.flatnonzero(flags(texts.is_null()))
        if not len(empty) or not any(gaps):
            return texts.cast(self.type)
        sums = np.cumsum(list(gaps.values()))
        drawn = np.zeros(len(empty), np.int64)
        if len(sums) > 1:
            drawn = np.searchsorted(sums, rng.random(len(empty)) * sums[-1], "right")
        words = pa.array(list(gaps), texts.type).take(array_of(drawn))
        return _replaced(texts, empty, words).cast(self.type)

    def state(self) -> dict[str, Any]:
        """The texts as plain values; the type is the schema's."""
        kind = next(kind for kind, form in _FORMS.items() if isinstance(self.form, form))
        own = {"kind": kind, "form": self.form.state(), "gaps": list(self.gaps.items())}
        return {**own, "stray": self.stray, "hidden": self.hidden}

    @classmethod
    def restore(cls, kind: pa.DataType, state: Mapping[str, Any]) -> WrittenTexts:
        """The texts of a state; files of earlier versions hold the form of times alone."""
        if "kind" not in state:
            return cls(kind, TimeForm(**state), {})
        form = _FORMS[state["kind"]](**state["form"])
        gaps = dict(map(tuple, state["gaps"]))
        return cls(kind, form, gaps, state["stray"], state["hidden"])


def plain_texts(values: pa.Array) -> pa.Array:
    """Values as plain strings."""
    return plain_values(values).cast(pa.large_string())


def spread(count: int) -> NDArray[np.float64]:
    """Numbers from 0 to below 1, spread evenly however many there are."""
    return np.asarray(_GOLDEN * np.arange(1, count + 1) % 1, np.float64)


def _replaced(texts: pa.Array, rows: NDArray[np.int64], words: pa.Array) -> pa.Array:
    """Texts with words in some of their rows."""
    order = np.arange(len(texts))
    order[rows] = len(texts) + np.arange(len(rows))
    return pa.concat_arrays([texts, words]).take(array_of(order))
