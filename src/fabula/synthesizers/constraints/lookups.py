"""Lookups: columns that follow from the label, or the common number, of another one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.arrays import array_of
from fabula.synthesizers.codecs.categories import OTHER, plain_values
from fabula.synthesizers.codecs.codec import CodecState
from fabula.synthesizers.constraints.calendar import part_of, parts_of
from fabula.synthesizers.constraints.evidence import (
    EXCEPTIONS,
    SURE,
    choice,
    entropy,
    lookup_is_sure,
    tolerable,
)
from fabula.synthesizers.constraints.measures import Floats
from fabula.synthesizers.pii.persons import Persons

COVERED = 0.5
"""The share of rows, at least, whose source is common enough to be looked up."""

MISSING = "missing"
"""The part of any column that says where it has no value."""

UNCLEAR = 0.05
"""The share of a column's values, at most, of which several targets are known."""

_FIRST_ROWS, _NEARLY = 200, 0.9
"""Rows that most columns fail on, and the share of them that agree where some may not."""

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Lookup:
    """What each common value of a column goes with.

    Attributes:
        source: The column that is looked up.
        part: The part of it, if it holds times; empty if it is looked up itself.
        keys: Its values, or parts of them.
        values: The target's value for each.
        unclear: Further values of the source that go with several of the target's.
    """

    source: str
    part: str
    keys: pa.Array
    values: pa.Array
    unclear: int = 0

    @property
    def sources(self) -> tuple[str, ...]:
        """The column that is looked up."""
        return (self.source,)

    def found(self, source: pa.Array) -> tuple[pa.Array, NDArray[np.bool_]]:
        """The target's values, and if there is one."""
        places = pc.index_in(_keys(source, self.part).cast(self.keys.type), value_set=self.keys)
        known = places.is_valid().to_numpy(zero_copy_only=False)
        return self.values.take(places), known

    def parts(self, target: pa.Array) -> Floats:
        """The part of a time that gives each value of the target; missing where several do."""
        unique = pc.count_distinct(self.values, mode="all").as_py() == len(self.values)
        if not unique:
            return np.full(len(target), np.nan)
        places = pc.index_in(_keys(target).cast(self.values.type), value_set=self.values)
        return np.asarray(self.keys.take(places).to_numpy(zero_copy_only=False))

    @property
    def told(self) -> str:
        """The lookup in words."""
        told = f"follows from {f'{self.part} of ' if self.part else ''}{self.source}"
        return f"{told}, but for {self.unclear:,} of its values" if self.unclear else told

    def state(self, settings: Mapping[str, Any]) -> CodecState:
        """The lookup as plain values, alongside settings of its column."""
        own = {"source": self.source, "part": self.part, "unclear": self.unclear}
        return CodecState("lookup", {**settings, **own}, {"keys": self.keys, "values": self.values})

    @classmethod
    def restore(cls, state: CodecState) -> Lookup:
        """The lookup of a state."""
        settings, arrays = state.settings, state.arrays
        unclear = settings.get("unclear", 0)
        keys, values = arrays["keys"], arrays["values"]
        return cls(settings["source"], settings["part"], keys, values, unclear)


@dataclass(frozen=True, eq=False)
class Agreement:
    """How far one column follows from another one.

    Attributes:
        targets: The target's most common code for each of the source's codes; -1 for unclear ones.
        unclear: How many codes of the source are unclear.
        broken: How many rows of the others have another target.
        kept: Rows that agree.
    """

    targets: Ints
    unclear: int
    broken: int
    kept: NDArray[np.bool_]

    @classmethod
    def of(cls, codes: Ints, targets: Ints) -> Agreement:
        """Compare the codes of two columns; the fewest sources that help are unclear."""
        width, size = int(targets.max()) + 1, int(codes.max()) + 1
        pairs, rows = np.unique(codes * width + targets, return_counts=True)
        sources = pairs // width
        order = np.lexsort((-rows, sources))
        order = order[np.unique(sources[order], return_index=True)[1]]
        common = np.full(size, -1)
        common[sources[order]] = pairs[order] % width
        missed = np.bincount(codes[common[codes] != targets], minlength=size)
        worst = np.argsort(-missed, kind="stable")[: int(UNCLEAR * len(order))]
        left = missed.sum() - np.cumsum(missed[worst])
        allowed = EXCEPTIONS * len(codes)
        count = 0
        if missed.sum() > allowed and len(left) and left[-1] <= allowed:
            count = int(np.argmax(left <= allowed)) + 1
        common[worst[:count]] = -1
        clear = common[codes] >= 0
        kept = clear & (common[codes] == targets)
        return cls(common, count, int((clear & ~kept).sum()), kept)

    @property
    def is_exact(self) -> bool:
        """Whether every row agrees."""
        return not self.unclear and not self.broken

    def is_sure(self, codes: Ints, targets: Ints, *, columns: int) -> bool:
        """Whether so few rows disagree, and chance is ruled out."""
        if self.is_exact:
            return lookup_is_sure(codes, targets, columns=columns)
        clear = self.targets[codes] >= 0
        if not clear.any() or not tolerable(self.broken, targets[clear]):
            return False
        sources = int((np.bincount(codes) > 0).sum())
        chosen = choice(sources, self.unclear) + choice(int(clear.sum()), self.broken)
        return lookup_is_sure(codes[self.kept], targets[self.kept], columns=columns, chosen=chosen)


def coded(values: pa.Array, part: str = "") -> tuple[Ints, pa.Array]:
    """A code of each value, missing ones included, and the values of the codes."""
    encoded = pc.dictionary_encode(_keys(values, part), null_encoding="encode")
    return encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64), encoded.dictionary


def _keys(values: pa.Array, part: str = "") -> pa.Array:
    if part == MISSING:
        return values.is_null()
    if part:
        return array_of(part_of(part, values))
    plain = plain_values(values)
    if pa.types.is_floating(plain.type):
        return pc.if_else(pc.is_nan(plain), pa.scalar(None, plain.type), plain)
    return plain


class Labels:
    """Codes of columns, and of parts of times, in some rows.

    Args:
        table: The rows.
        names: Columns whose values are looked up and are found.
        times: Those of them that hold points in time.
    """

    def __init__(self, table: pa.Table, names: Sequence[str], times: Sequence[str]) -> None:
        values = {name: table.column(name).combine_chunks() for name in names}
        self._codes = {(name, ""): coded(values[name])[0] for name in names}
        for name in times:
            for part in parts_of(values[name].type):
                self._codes[name, part] = coded(values[name], part)[0]
        self._matrix = np.column_stack([self._codes[name, ""] for name in names])
        bits = [entropy(self._codes[name, ""]) * table.num_rows for name in names]
        self._telling = np.flatnonzero(np.array(bits) >= SURE)  # others can't be sure to follow
        self._names = list(names)

    def candidates(self, *, nearly: bool = False) -> dict[str, list[tuple[str, str]]]:
        """By target the sources, and parts of them, that give it in all of the rows.

        Sources that cover most rows come first, then those of fewer values, then earlier ones.

        Args:
            nearly: A few rows, or values of the source, may disagree.
        """
        found: dict[str, list[tuple[float, int, int, str]]] = {name: [] for name in self._names}
        for (source, part), codes in self._codes.items():
            sizes = np.bincount(codes)
            repeated = float(sizes[sizes > 1].sum() / len(codes))
            if repeated < COVERED or len(sizes) < 2:
                continue
            for at in self._followers(codes, _NEARLY if nearly else 1.0):
                target, targets = self._names[at], self._matrix[:, at]
                if target == source:
                    continue
                if nearly:
                    sure = Agreement.of(codes, targets).is_sure(
                        codes, targets, columns=len(self._names)
                    )
                else:
                    sure = lookup_is_sure(codes, targets, columns=len(self._names))
                if sure:
                    found[target].append((-repeated, len(sizes), self._names.index(source), part))
        return {
            target: [(self._names[source], part) for _, _, source, part in sorted(sources)]
            for target, sources in found.items()
        }

    def _followers(self, codes: Ints, share: float) -> Ints:
        """Columns that have one value for each code; a few rows rule most of them out.

        Args:
            codes: The source.
            share: Rows, at least, that have the target of the first row with their code.
        """
        left = self._telling
        for rows in (_FIRST_ROWS, len(codes)):
            part = codes[:rows]
            first = np.full(int(codes.max()) + 1, -1)
            first[part[::-1]] = np.arange(len(part))[::-1]
            block = self._matrix[:rows][:, left]
            left = left[(block[first[part]] == block).mean(axis=0) >= share]
        return left


def lookup(
    table: pa.Table,
    target: str,
    source: str,
    part: str,
    common: Common,
    *,
    nearly: bool = False,
    least: float = COVERED,
) -> tuple[Lookup, int] | None:
    """The lookup of a target in all rows, or None if the source does not give it.

    Args:
        table: All training rows.
        target: The column that is given.
        source: The column that gives it.
        part: The part of the source, or empty.
        common: Which values may be told.
        nearly: A few rows, or values of the source, may disagree.
        least: The share of rows whose source is looked up, where all rows agree.

    Returns:
        The lookup, and how many rows have another target.
    """
    codes, keys = coded(table.column(source).combine_chunks(), part)
    targets, values = coded(table.column(target).combine_chunks())
    found = Agreement.of(codes, targets)
    if not nearly and not found.is_exact:
        return None
    shown = common(target, values, targets)
    if target in common.pooled:  # a label that is told goes with `other` where its target is rare
        rare = ~shown & values.is_valid().to_numpy(zero_copy_only=False)
        values = pc.if_else(array_of(rare), pa.scalar(OTHER, values.type), values)
        shown |= rare
    told = common(source, keys, codes) & (found.targets >= 0) & shown[found.targets]
    at = np.flatnonzero(told)
    covered = told[codes].mean()
    if not len(at) or covered < (least if found.is_exact else COVERED):
        return None
    if not found.is_sure(codes, targets, columns=table.num_columns):
        return None
    keys, values = keys.take(array_of(at)), values.take(array_of(found.targets[at]))
    return Lookup(source, part, keys, values, found.unclear), found.broken


@dataclass(frozen=True)
class Common:
    """Which values are common enough to be told.

    Attributes:
        levels: The labels that are reproduced, by column.
        protect: Other values are told if that many rows have them.
        pooled: Columns whose rare labels come back as `other`.
        persons: Whom the rows are about; then people are counted in place of rows.
    """

    levels: Mapping[str, pa.Array]
    protect: int
    pooled: Collection[str] = ()
    persons: Persons | None = None

    def __call__(self, name: str, values: pa.Array, codes: Ints) -> NDArray[np.bool_]:
        """Tell it for each of a column's values.

        Args:
            name: The column.
            values: Its values.
            codes: The value of each row.
        """
        who = np.bincount(codes, minlength=len(values))
        if self.persons is not None:
            who = self.persons.of_labels(codes, len(values))
        often = who >= max(1, self.protect)
        if name not in self.levels or values.type != self.levels[name].type:
            return often
        known = pc.is_in(values, value_set=self.levels[name])
        return np.asarray(often | known.to_numpy(zero_copy_only=False))
