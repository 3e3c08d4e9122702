"""Domains that nobody gave: bounds and labels found by noisy counts, within the budget.

Bounds of numbers: rows are counted, with noise, by powers of two, then twice by parts of the range
that is left; ends where counts don't rise above the noise are cut off. Labels, and numbers that
many rows have: each value's rows are counted with noise, and values above a threshold are kept. A
value that one person alone has passes it with a chance that is part of δ (stability-based
histograms: Korolova et al. 2009; with Gaussian noise Desfontaines et al. 2022).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import NormalDist

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.io.arrays import array_of, plain_type
from fabula.relationships.column_names import name_words
from fabula.relationships.key_names import IDS
from fabula.synthesizers.codecs.categories import CategoryCodec, plain_values
from fabula.synthesizers.codecs.codec import ColumnCodec
from fabula.synthesizers.codecs.fixed_point import Lattice, is_counted
from fabula.synthesizers.codecs.number_cells import SEGMENTS
from fabula.synthesizers.codecs.numbers import NumberCodec
from fabula.synthesizers.models.private.accounting import Account, scale
from fabula.synthesizers.models.private.domain import CELLS, is_number, lattice_within

SHARE = 0.25
"""Of the budget, what domains of all columns cost; less where some are given."""

DELTA_SHARE = 0.5
"""Of δ, what the thresholds of labels cost; the noise of all counts takes the rest."""

_LABELS, _TOTAL, _HEAVY, _BOUNDS = 4, 1, 1, 1
"""Parts of a column's budget: its labels, and how many it has; numbers of many rows; each of three
counts of bounds."""

_POWERS = range(-30, 63)
_PARTS = 256
_SURELY, _LIKELY = 5.5, 4.0
"""Standard deviations of noise that a count must exceed to be seen: of powers of two, where noise
alone would move a bound far away, and of parts."""

_HEAVY_SHARE = 0.01
"""A number of at least this share of the rows is its own cell."""

_KNOWN = 0.5
"""A column of labels is left out if fewer of its rows have one that passes the threshold."""

_NAME_THEM = "give them in `domain`, or `None` to leave the column out"

_Floats = NDArray[np.float64]


@dataclass
class Discovery:
    """Finds the domains of columns.

    Attributes:
        account: What is spent.
        budget: The ρ for all columns.
        delta: The δ for all thresholds.
        parts: Parts that the budget is divided into.
        thresholds: Columns among which δ is divided.
        left_out: Why columns have no domain.
    """

    account: Account
    budget: float
    delta: float
    parts: int
    thresholds: int
    left_out: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls, fields: Iterable[pa.Field], account: Account, budget: float, delta: float
    ) -> Discovery:
        """What finds the domains of some columns, whose names and types are public."""
        kinds = [is_number(field.type) for field in fields if why_not(field) is None]
        numbers = sum(kinds)
        labels = len(kinds) - numbers
        parts = (_LABELS + _TOTAL) * labels + (_HEAVY + 3 * _BOUNDS) * numbers
        return cls(account, budget, delta, max(1, parts), max(1, len(kinds)))

    def codecs(self, table: pa.Table, names: Iterable[str]) -> Mapping[str, ColumnCodec]:
        """A codec for each of some columns that has a domain; `left_out` tells of the others."""
        found: dict[str, ColumnCodec] = {}
        for name in names:
            column = table.schema.field(name)
            reason = why_not(column)
            codec: ColumnCodec | str = reason or ""
            if reason is None:
                values = table.column(name).combine_chunks()
                learn = self._numbers if is_number(column.type) else self._labels
                codec = learn(name, column.type, values)
            if isinstance(codec, str):
                self.left_out[name] = codec
            else:
                found[name] = codec
        return found

    def _labels(self, name: str, kind: pa.DataType, values: pa.Array) -> ColumnCodec | str:
        plain = plain_values(values)
        filled = np.array([len(plain) - plain.null_count], np.int64)
        rows = float(self.account.noisy(filled, self._rho(_TOTAL))[0])
        labels, counts = self._frequent(plain, _LABELS)
        if not len(labels) or counts.sum() < _KNOWN * rows:
            return f"its labels are too rare to be found privately; {_NAME_THEM}"
        rest = max(1.0, rows - counts.sum())
        known = np.maximum(np.rint([*counts, rest, 1]), 1).astype(np.int64)
        return CategoryCodec(name, kind, labels.cast(plain_type(kind)), known, rare=True)

    def _numbers(self, name: str, kind: pa.DataType, values: pa.Array) -> ColumnCodec | str:
        whole = is_counted(kind)
        numbers = Lattice(kind, 0, 1.0 if whole else None).numbers(values)
        known = numbers[~np.isnan(numbers)]
        noise = scale(self._rho(_BOUNDS))
        counts = self._counted(_power(known), 2 * len(_POWERS) + 1)
        seen = _above(counts, _SURELY * noise)
        if seen is None:
            return f"its bounds can't be found privately in so few rows; {_NAME_THEM}"
        rows, low, high = float(counts.sum()), _ends(seen[0])[0], _ends(seen[1])[1]
        edges = np.array([low, high])
        for _ in range(2):
            edges = _edges(low, high, whole=whole)
            inside = np.clip(known, edges[0], edges[-1])
            at = np.minimum(np.searchsorted(edges, inside, "right") - 1, len(edges) - 2)
            counts = self._counted(at, len(edges) - 1)
            first, last = _above(counts, _LIKELY * noise) or (0, len(counts) - 1)
            low, high = float(edges[first]), float(edges[last + 1])
        edges, counts = edges[first : last + 2], np.maximum(counts[first : last + 1], 0.0)
        heavy, own = self._frequent(pa.array(known), _HEAVY)
        alone = heavy.to_numpy(zero_copy_only=False)[own >= _HEAVY_SHARE * rows]
        lattice, start, _ = lattice_within(kind, low, high - whole)
        step, origin = lattice.step or 1.0, lattice.origin
        tops = np.rint((edges - origin) / step).astype(np.int64) - start
        single = np.unique(np.rint((alone - origin) / step).astype(np.int64) - start)
        cells = _cells(tops, counts, set(single[(single >= 0) & (single < tops[-1])].tolist()))
        ends = np.array(cells, float) + start
        grid = np.linspace(ends[:, 0], ends[:, 1], SEGMENTS + 1, axis=1).round()
        return NumberCodec.over(name, lattice, grid)

    def _rho(self, parts: int) -> float:
        return self.budget * parts / self.parts

    def _counted(self, bins: NDArray[np.int64], size: int) -> _Floats:
        return self.account.noisy(np.bincount(bins, minlength=size), self._rho(_BOUNDS))

    def _frequent(self, values: pa.Array, parts: int) -> tuple[pa.Array, _Floats]:
        """Values of many rows, the most frequent first, with their noisy counts."""
        rho, delta = self._rho(parts), self.delta / self.thresholds
        counted = values.drop_null().value_counts()
        exact = counted.field("counts").to_numpy().astype(np.int64)
        noisy = self.account.noisy(np.append(exact, 0), rho)[:-1]  # one more, so never none
        self.account.delta += delta
        kept = np.flatnonzero(noisy >= threshold(scale(rho), delta))
        labels = counted.field("values").take(array_of(kept))
        names = np.array([str(label) for label in labels.to_pylist()], np.str_)
        order = np.lexsort((names, -noisy[kept]))
        return labels.take(array_of(order)), noisy[kept][order]


def why_not(column: pa.Field) -> str | None:
    """Why no domain of a column is looked for; only its name and type tell."""
    if pa.types.is_nested(plain_type(column.type)):
        return f"nested values of type {column.type}; give them as separate columns"
    if {*name_words(column.name)[-1:]} & IDS:
        return "its name is that of a key; give bounds or labels in `domain` to keep it"
    return None


def threshold(noise: float, delta: float) -> float:
    """The noisy count that the single row of a value exceeds with a chance of at most δ.

    Discrete Gaussian noise is at least m with no more than the chance that continuous noise is at
    least m - 1 (Canonne, Kamath and Steinke 2020).
    """
    return 2 + noise * NormalDist().inv_cdf(1 - delta)


def _power(numbers: _Floats) -> NDArray[np.int64]:
    """The power of two that each number lies above, with its sign; 0 has its own place."""
    size = np.abs(numbers)
    with np.errstate(divide="ignore"):
        power = np.clip(np.floor(np.log2(size)), _POWERS[0], _POWERS[-1]) - _POWERS[0] + 1
    signed = np.where(size > 0, np.sign(numbers) * power, 0)
    return np.asarray(signed + len(_POWERS), np.int64)


def _ends(place: int) -> tuple[float, float]:
    """The numbers between which those of a place lie; 0 alone has no width."""
    away = place - len(_POWERS)
    if not away:
        return 0.0, 1.0
    low = 2.0 ** (abs(away) - 1 + _POWERS[0])
    return (low, 2 * low) if away > 0 else (-2 * low, -low)


def _above(noisy: _Floats, least: float) -> tuple[int, int] | None:
    """The first and the last count that exceed some number."""
    seen = np.flatnonzero(noisy > least)
    return (int(seen[0]), int(seen[-1])) if len(seen) else None


def _edges(low: float, high: float, *, whole: bool) -> _Floats:
    """Edges of parts of equal width; each part holds its lower edge."""
    if not whole:
        return np.linspace(low, high, _PARTS + 1)
    low, high = math.floor(low), math.ceil(high)
    width = max(1, -(-(high - low) // _PARTS))
    return np.asarray(low + width * np.arange(-(-(high - low) // width) + 1), float)


def _cells(tops: NDArray[np.int64], counts: _Floats, alone: set[int]) -> list[tuple[int, int]]:
    """First and last number of each cell: runs of parts with about as many rows each."""
    share = counts.sum() / CELLS
    cells: list[tuple[int, int]] = []
    start, rows = int(tops[0]), 0.0
    for end, count in zip(tops[1:].tolist(), counts.tolist(), strict=True):
        rows += count
        if rows >= share or end == tops[-1]:
            if end > start:
                cells.append((start, end - 1))
            start, rows = end, 0.0
    parted: list[tuple[int, int]] = []
    for low, high in cells:
        first = low
        for number in sorted(number for number in alone if low <= number <= high):
            parted += [(first, number - 1)] if number > first else []
            parted.append((number, number))
            first = number + 1
        parted += [(first, high)] if first <= high else []
    return parted
