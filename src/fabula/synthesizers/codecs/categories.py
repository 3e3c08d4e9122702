"""Labels as cells, the most frequent first.

Labels of fewer rows than `protect` are not reproduced: they share one cell. Where this would take
more than `MANY_RARE` of a column of text, labels of fewer than `fewer(protect)` rows do. What
is drawn from it becomes one of the learned labels, or the word `other` where rare labels are many:
a long tail that came back as frequent labels would distort the column.
"""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.errors import UsageError
from fabula.inference.periods import are_periods
from fabula.io.arrays import array_of, is_text
from fabula.pii.lexicon import regions
from fabula.synthesizers.codecs.codec import (
    PROTECTED_ROWS,
    CodeColumn,
    CodecState,
    Places,
    Range,
    Target,
)
from fabula.synthesizers.model import CellColumn, Weights
from fabula.synthesizers.pii.persons import Persons

TEXT_SHARE, TEXT_DISTINCT, LONG_TEXT = 0.5, 20, 60
"""Strings are text where more than this share and more than that many differ, or if they are
longer than that many characters on average."""

OTHER = "other"
"""The label that stands for rare ones if they are many."""

MANY_RARE = 0.05
"""Rare labels are many in a text column where they are more than this share of its labels."""

_FEWER = 0.3


def fewer(protect: int) -> int:
    """The rows of the rarest kept label if `protect` would make too many labels rare."""
    return math.ceil(_FEWER * protect)


@dataclass(frozen=True, eq=False)
class CategoryCodec:
    """A column of labels.

    Attributes:
        name: The column's name.
        type: Its Arrow type.
        levels: The learned labels, most frequent first.
        counts: Training rows of each label, then of the rare ones and of missing values, if there
            are any.
        rare: Whether there are rare labels.
        told_by: What identifies the people that rarity was counted in; empty if it was in rows.
        joined: What is said about rare labels that count as other ones.
    """

    name: str
    type: pa.DataType
    levels: pa.Array
    counts: NDArray[np.int64]
    rare: bool
    told_by: str = ""
    joined: str = ""

    @classmethod
    def learn(
        cls, name: str, values: pa.Array, *, protect: int, persons: Persons | None = None
    ) -> CategoryCodec:
        """Count the labels of a column.

        Args:
            name: The column's name.
            values: Its values.
            protect: Labels of fewer rows are rare; in a column of text that would lose many to
                this, labels of `fewer` rows are.
            persons: Whom the rows are about; then people are counted in place of rows.
        """
        plain = plain_values(values)
        counted = plain.drop_null().value_counts()
        labels, rows = counted.field("values"), counted.field("counts").to_numpy()
        order = np.argsort(-rows, kind="stable")
        who = rows
        if persons is not None:
            codes = pc.index_in(plain, value_set=labels).fill_null(-1).to_numpy()
            who = persons.of_labels(codes.astype(np.int64), len(labels))
        if is_text(plain.type) and rows[who < protect].sum() > MANY_RARE * rows.sum():
            # a town of four people names none of them, a quarter or a country names nobody
            protect = 1 if are_periods(labels) else fewer(protect)
            who = np.where(are_regions(labels), protect, who)
        order = order[who[order] >= protect]
        levels = labels.take(array_of(order.astype(np.int64)))
        hidden = int(rows.sum() - rows[order].sum())
        rest = [hidden] * bool(hidden) + [plain.null_count] * bool(plain.null_count)
        counts = np.concatenate([rows[order], rest]).astype(np.int64)
        counts = counts if len(counts) else np.zeros(1, int)
        told_by = "" if persons is None else persons.told_by
        return cls(name, values.type, levels, counts, hidden > 0, told_by)

    @property
    def missing(self) -> bool:
        """Whether some values are missing; a column without any value has no other cell."""
        return len(self.counts) > len(self.levels) + self.rare

    @property
    def cells(self) -> CellColumn:
        """What a model sees of the column."""
        return CellColumn(self.name, self.counts, ordered=False, missing=self.missing)

    @property
    def pools(self) -> bool:
        """Whether `other` may stand for rare labels: where they are many or a relation needs it."""
        return self.rare and is_text(self.levels.type)

    @property
    def others(self) -> bool:
        """Whether all rare labels come back as `other`: they are many."""
        return self.pools and self.many_rare

    @property
    def many_rare(self) -> bool:
        """Whether rare labels have a noticeable share of the rows."""
        filled = self.counts[: len(self.levels) + 1]
        return self.rare and bool(filled[-1] > MANY_RARE * filled.sum())

    @property
    def is_known_mostly(self) -> bool:
        """Whether most values have a learned label."""
        filled = self.counts[: len(self.levels) + self.rare]
        return bool(filled[: len(self.levels)].sum() > filled.sum() / 2)

    @property
    def about(self) -> str:
        """What was made of the column."""
        if not len(self.levels) and not self.rare:
            return "no value"
        told = f"{len(self.levels):,} label{'s' * (len(self.levels) != 1)}"
        least = int(self.counts[: len(self.levels)].min(initial=PROTECTED_ROWS))
        if 1 < least < PROTECTED_ROWS and not self.told_by:
            told += f" of {least} rows or more"
        if self.joined:
            told += f", {self.joined}"
        if not self.rare:
            public = "periods of time" if are_periods(self.levels) else ""
            if least < PROTECTED_ROWS and are_regions(self.levels).any():
                public = "countries, states, currencies or time zones"
            return f"{told}, {public}: all are kept" if public else told
        become = f"become `{OTHER}`" if self.others else "hidden"
        told += f", rare ones in {self.counts[len(self.levels)]:,} rows {become}"
        return f"{told} (counted in people, by {self.told_by})" if self.told_by else told

    def encode(self, values: pa.Array) -> CodeColumn:
        """Codes of labels; unknown ones are rare (or the least frequent known one)."""
        plain = plain_values(values).cast(self.levels.type)
        found = pc.index_in(plain, value_set=self.levels)
        unknown = len(self.levels) if self.rare else max(0, len(self.levels) - 1)
        codes = found.fill_null(unknown).to_numpy(zero_copy_only=False).astype(np.int32)
        missing = plain.is_null().to_numpy(zero_copy_only=False)
        return np.where(missing, len(self.counts) - 1, codes).astype(np.int32)

    def decode(self, codes: CodeColumn, places: Places, wanted: Target | None = None) -> pa.Array:
        """Labels for codes; a rare one becomes a learned one or `other`."""
        del wanted  # a label is a whole cell
        levels, positions = self.levels, codes.astype(np.int64)
        if self.others:
            levels = pa.concat_arrays([levels, pa.array([OTHER], levels.type)])
        elif self.rare and len(levels):
            hidden = np.flatnonzero(codes == len(levels))
            sums = np.cumsum(self.counts[: len(levels)])
            u = places.rng.random(len(hidden)) * sums[-1]
            positions[hidden] = np.searchsorted(sums, u, "right")
        if not len(levels):
            return pa.nulls(len(codes), self.type)
        missing = positions >= len(levels)
        index = array_of(np.where(missing, 0, positions), missing=missing)
        if isinstance(self.type, pa.DictionaryType):
            index = index.cast(self.type.index_type)
            return pa.DictionaryArray.from_arrays(index, levels.cast(self.type.value_type))
        return levels.take(index).cast(self.type)

    def weights(self, wanted: Target) -> Weights:
        """1 for the cells of the wanted labels, 0 for others."""
        if isinstance(wanted, Range):
            return self._between(wanted)
        share = np.zeros(len(self.counts))
        codes = {self._text(label): code for code, label in enumerate(self.levels.to_pylist())}
        if self.others:
            codes.setdefault(OTHER, len(self.levels))
        for value in wanted:
            if value is None and self.missing:
                share[-1] = 1.0
            elif value is not None and self._text(value) in codes:
                share[codes[self._text(value)]] = 1.0
            else:
                raise self._unknown(value, list(codes))
        return share

    def state(self) -> CodecState:
        """The codec as plain values; the type is the schema's."""
        arrays = {"levels": self.levels, "counts": self.counts}
        settings = {"rare": self.rare, "told_by": self.told_by, "joined": self.joined}
        return CodecState("category", settings, arrays)

    @classmethod
    def restore(cls, name: str, kind: pa.DataType, state: CodecState) -> CategoryCodec:
        """The codec of a state."""
        arrays = state.arrays
        rare, told_by = bool(state.settings["rare"]), state.settings.get("told_by", "")
        joined = state.settings.get("joined", "")
        return cls(name, kind, arrays["levels"], arrays["counts"], rare, told_by, joined)

    def _between(self, wanted: Range) -> Weights:
        low: Any = wanted.low
        high: Any = wanted.high
        share = np.zeros(len(self.counts))
        placed: type = float if pa.types.is_integer(self.levels.type) else str
        try:
            low, high = (end if end is None else placed(end) for end in (low, high))
        except ValueError:
            raise self._unknown(str(wanted), self.levels.to_pylist()) from None
        for code, label in enumerate(map(placed, self.levels.to_pylist())):
            above = low is None or label >= low
            share[code] = above and (high is None or label <= high)
        if not share.any():
            raise self._unknown(str(wanted), self.levels.to_pylist())
        return share

    def _text(self, value: Any) -> str:
        """A label as text; truth values may be given as 0 and 1, or in any case."""
        if not pa.types.is_boolean(self.levels.type):
            return str(value)
        return {"0": "false", "1": "true"}.get(str(value), str(value).lower())

    def _unknown(self, value: Any, known: list[Any]) -> UsageError:
        told = "null" if value is None else repr(value) if not isinstance(value, str) else value
        near = difflib.get_close_matches(str(value), map(str, known), n=1, cutoff=0.0)
        return UsageError(
            f'given {self.name}="{told}" never occurs in training data',
            code="given.unknown",
            where=self.name,
            hint=f"closest: {near[0]}" if near else "the column has no values to condition on",
        )


def are_regions(labels: pa.Array) -> NDArray[np.bool_]:
    """Which labels are known regions, currencies or time zones, where most labels are."""
    known = np.array([str(text).strip().casefold() in regions() for text in labels.to_pylist()])
    return known if known.size and known.mean() >= MOST else np.zeros(len(labels), bool)


MOST = 0.75


def plain_values(values: pa.Array) -> pa.Array:
    """Values without dictionary encoding and views."""
    kind = values.type
    if isinstance(kind, pa.DictionaryType):
        return plain_values(values.dictionary).take(values.indices)
    if pa.types.is_string_view(kind):
        return values.cast(pa.large_string())
    return values


def is_free_text(values: pa.Array) -> bool:
    """Whether strings are text rather than labels."""
    plain = plain_values(values)
    filled = len(plain) - plain.null_count
    if not filled:
        return False
    distinct = pc.count_distinct(plain).as_py()
    if distinct > TEXT_DISTINCT and distinct > TEXT_SHARE * filled:
        return True
    is_string = pa.types.is_string(plain.type) or pa.types.is_large_string(plain.type)
    return bool(is_string and pc.mean(pc.utf8_length(plain)).as_py() > LONG_TEXT)
