"""Numbers and times as cells: single values that are common, and quantile intervals between.

Inside an interval a value is drawn between thinned quantiles, between which several rows lie, so
that no drawn value is about a single row. The smallest and largest values are not learned
(`protect`): a draw never goes beyond what several real rows reach.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.errors import UsageError
from fabula.render import amounts
from fabula.synthesizers.codecs.codec import CodeColumn, CodecState, Places, Range, Target, told
from fabula.synthesizers.codecs.fixed_point import Lattice
from fabula.synthesizers.codecs.last_digits import LastDigits
from fabula.synthesizers.codecs.number_cells import (
    SEGMENTS,
    apart,
    bounds_of,
    quantiles,
    sorted_numbers,
    without_extremes,
)
from fabula.synthesizers.codecs.tails import Tail, row_order
from fabula.synthesizers.model import CellColumn, Weights

SIDES = ("below", "above")

_REDRAWS = 16
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True, eq=False)
class NumberCodec:
    """A numeric column's cells.

    Attributes:
        name: The column's name.
        lattice: How its values are numbers.
        grid: Rising numbers for each cell, shape (cells, SEGMENTS + 1); all the same where the
            cell is one value.
        counts: Training rows in each cell; the last is of missing values if there are any.
        pieces: The parts of each cell, at most SEGMENTS; further columns of `grid` repeat its end.
        note: What of the values counts as missing, for the card.
        blur: Why every value inside a cell is as likely, where the values are about people.
        digits: Remainders that values inside intervals prefer.
        tails: What lies below the first cell and above the last one, where that is much.
        differ: Whether no value comes twice, as of birth dates that all differ.
    """

    name: str
    lattice: Lattice
    grid: NDArray[np.float64]
    counts: NDArray[np.int64]
    pieces: NDArray[np.int64]
    note: str = ""
    blur: str = ""
    digits: LastDigits | None = None
    tails: tuple[Tail | None, Tail | None] = (None, None)
    differ: bool = False

    @classmethod
    def learn(
        cls, name: str, values: pa.Array, *, protect: int, people: NDArray[np.int64] | None = None
    ) -> NumberCodec:
        """Cut the values of a column into cells.

        Args:
            name: The column's name.
            values: Its values.
            protect: That many of the smallest and of the largest values are not learned, and no
                value of fewer rows is its own cell.
            people: The number of each row's person; then people are counted in place of rows.
        """
        lattice = Lattice.of(values)
        numbers = lattice.numbers(values)
        known, heads = sorted_numbers(numbers, people)
        note = _lost(values, len(known), protect)
        if len(known) < protect:  # too few to be shown: they count as missing
            known, heads, numbers = known[:0], heads[:0], np.full(len(numbers), np.nan)
        inner = without_extremes(heads, protect)
        hidden = known[: inner.start], known[inner.stop :]
        spread = float(np.abs(known - np.median(known)).sum()) if len(known) else 0.0
        filled = len(known)
        known, heads = known[inner], heads[inner]
        bounds = bounds_of(known, heads, max(1, protect))
        if pooled := len(known) - sum(end - start for start, end in bounds):
            note += f"; rare ones in {pooled:,} row{'s' * (pooled > 1)} become their neighbours"
        who = np.array([heads[start:end].sum() for start, end in bounds], np.int64)
        pieces = np.clip(who // max(1, protect), 1, SEGMENTS)
        parts = zip(bounds, pieces.tolist(), strict=True)
        grid = np.array([quantiles(known[start:end], count) for (start, end), count in parts])
        grid = grid.reshape(len(bounds), SEGMENTS + 1)
        counts = np.ones(len(grid) + bool(np.isnan(numbers).any()), int)
        codec = cls(name, lattice, grid, counts, pieces, note)
        codes = codec._codes(numbers)
        counts = np.bincount(codes, minlength=len(counts)).astype(np.int64)
        if not len(grid):
            return replace(codec, counts=counts)
        between = (grid[:, 0] < grid[:, -1])[np.minimum(codes, len(grid) - 1)]
        free = numbers[between & ~np.isnan(numbers)]
        digits = None if lattice.step is None else LastDigits.of(free, protect)
        codec = replace(codec, counts=counts, digits=digits)
        if pa.types.is_temporal(values.type):
            return codec
        below = Tail.of(hidden[0], known[0], spread, int(counts[0]), filled)
        above = Tail.of(hidden[1], known[-1], spread, int(counts[len(grid) - 1]), filled)
        return replace(codec, tails=(below, above))

    def within(
        self, other: NumberCodec, codes: CodeColumn, values: pa.Array, protect: int
    ) -> NumberCodec:
        """These numbers as they are in the cells of another column; a tenth on each side is cut.

        Args:
            other: The other column.
            codes: Its codes in training.
            values: These numbers in training.
            protect: As for `learn`.
        """
        low, high = (self.grid[0, 0], self.grid[-1, -1]) if len(self.grid) else (0.0, 0.0)
        numbers = np.clip(self.lattice.numbers(values), low, high)
        grid, pieces = np.zeros((len(other.grid), SEGMENTS + 1)), np.ones(len(other.grid), np.int64)
        for cell in range(len(grid)):
            inner = np.sort(numbers[(codes == cell) & ~np.isnan(numbers)])
            cut = min(-(-len(inner) // 10), max(0, (len(inner) - 1) // 3))
            inner = inner[cut : len(inner) - cut]
            pieces[cell] = np.clip(len(inner) // max(1, protect), 1, SEGMENTS)
            grid[cell] = quantiles(inner, int(pieces[cell])) if len(inner) else low
        return replace(self, grid=grid, counts=other.counts, pieces=pieces, tails=(None, None))

    @property
    def missing(self) -> bool:
        """Whether some values are missing."""
        return len(self.counts) > len(self.grid)

    @property
    def cells(self) -> CellColumn:
        """What a model sees of the column."""
        return CellColumn(self.name, self.counts, ordered=True, missing=self.missing)

    @property
    def about(self) -> str:
        """What was made of the column."""
        single = int((self.grid[:, 0] == self.grid[:, -1]).sum())
        word = "times" if pa.types.is_temporal(self.lattice.type) else "numbers"
        values = amounts.count(single, "value")
        told = f"{word}: {values}, {amounts.count(len(self.grid) - single, 'interval')}{self.note}"
        sides = [side for side, tail in zip(("below", "above"), self.tails, strict=True) if tail]
        if sides:
            told += f"; a tail {' and '.join(sides)} with the mean of the hidden extremes"
        return f"{told}; {self.blur}" if self.blur else told

    def blurred(self, why: str, *, differ: bool = False) -> NumberCodec:
        """The same cells, in which every value is as likely, and comes once if all `differ`."""
        grid = self.grid[:, [0] + [-1] * SEGMENTS]
        even = replace(self, grid=grid, pieces=np.ones(len(grid), np.int64), blur=why)
        even = replace(even, differ=differ and self.lattice.step is not None)
        return replace(even, digits=None, tails=(None, None))

    def encode(self, values: pa.Array) -> CodeColumn:
        """Codes of values; those between two cells go to the upper one."""
        return self._codes(self.lattice.numbers(values))

    def decode(self, codes: CodeColumn, places: Places, wanted: Target | None = None) -> pa.Array:
        """Values for codes, drawn inside each cell."""
        numbers = np.full(len(codes), np.nan)
        known = np.flatnonzero(codes < len(self.grid))
        numbers[known] = self._draw(codes[known], places.rng)
        if self.differ and wanted is None and len(known):
            own, rng, ends = codes[known], places.rng, (self.grid[0, 0], self.grid[-1, -1])
            numbers[known] = apart(numbers[known], lambda rows: self._draw(own[rows], rng), ends)
        for tail, cell in zip(self.tails, (0, len(self.grid) - 1), strict=True):
            if tail is not None:
                at = np.flatnonzero(codes == cell)
                tail.put(numbers, at, row_order(places.numbers[at], places.seed))
        if wanted is not None:
            self._draw_within(numbers, known, codes, places.rng, self._whole_days(wanted))
        return self.lattice.values(numbers)

    def weights(self, wanted: Target) -> Weights:
        """The share of each cell that a range or some values allow."""
        share = np.zeros(len(self.counts))
        wanted = self._whole_days(wanted)
        if isinstance(wanted, Range):
            low, high = self._bounds(wanted)
            half = 0.5 if self.lattice.step is not None else 0.0
            for code, pieces in enumerate(self.pieces.tolist()):
                grid = self.grid[code, : pieces + 1]
                share[code] = _mass_between(grid, low - half, high + half)
                if share[code] <= 0 and grid[0] <= high and grid[-1] >= low:
                    share[code] = 1e-6
        else:
            for value in wanted:
                share[self._cell_of(value)] = 1.0
        if not (share * self.counts > 0).any():
            raise self._nothing(wanted)
        return share

    def fits(self, values: pa.Array, wanted: Target) -> NDArray[np.bool_]:
        """Which values lie in a range, or are among some values."""
        numbers = self.lattice.numbers(values)
        wanted = self._whole_days(wanted)
        if isinstance(wanted, Range):
            low, high = self._bounds(wanted)
            return (numbers >= low) & (numbers <= high)
        asked = [np.nan if value is None else self._number(value) for value in wanted]
        near = np.isclose(numbers[:, None], asked, rtol=1e-9, atol=0, equal_nan=True)
        return np.asarray(near.any(axis=1))

    def state(self) -> CodecState:
        """The codec as plain values; the type is the schema's."""
        lattice, own = self.lattice, {"blur": self.blur, "differ": self.differ}
        settings = {"origin": lattice.origin, "step": lattice.step, **own}
        arrays = {"grid": self.grid, "counts": self.counts, "pieces": self.pieces}
        if self.digits is not None:
            arrays["digits"] = self.digits.shares
        for side, tail in zip(SIDES, self.tails, strict=True):
            if tail is not None:
                arrays[side] = np.append(tail.share, tail.ends)
        return CodecState("number", settings, arrays)

    @classmethod
    def over(cls, name: str, lattice: Lattice, grid: NDArray[np.float64]) -> NumberCodec:
        """A codec of given cells, and one of missing values, of which no row is known."""
        counts = np.ones(len(grid) + 1, np.int64)
        return cls(name, lattice, grid, counts, _all_pieces(grid))

    @classmethod
    def restore(cls, name: str, kind: pa.DataType, state: CodecState) -> NumberCodec:
        """The codec of a state."""
        lattice = Lattice(kind, int(state.settings["origin"]), state.settings["step"])
        arrays, blur = state.arrays, state.settings.get("blur", "")
        pieces = arrays.get("pieces", _all_pieces(arrays["grid"]))
        digits = LastDigits(arrays["digits"]) if "digits" in arrays else None
        below, above = (
            Tail(float(arrays[side][0]), arrays[side][1:]) if side in arrays else None
            for side in SIDES
        )
        return cls(
            name, lattice, arrays["grid"], arrays["counts"], pieces, "", blur, digits,
            (below, above), state.settings.get("differ", False),
        )  # fmt: skip

    @cached_property
    def _tops(self) -> NDArray[np.float64]:
        return np.ascontiguousarray(self.grid[:, -1])

    def _codes(self, numbers: NDArray[np.float64]) -> CodeColumn:
        last = max(0, len(self.grid) - 1)
        codes = np.minimum(np.searchsorted(self._tops, numbers, "left"), last)
        missing = len(self.counts) - 1
        return np.where(np.isnan(numbers), missing, codes).astype(np.int32)

    def _draw(self, codes: CodeColumn, rng: np.random.Generator) -> NDArray[np.float64]:
        """A number inside each cell; on a lattice, every step between two quantiles is as likely.

        A segment holds its upper end and, but for the first, not its lower one.
        """
        segment = (rng.random(len(codes)) * self.pieces[codes]).astype(np.int64)
        u = rng.random(len(codes))
        low, high = self.grid[codes, segment], self.grid[codes, segment + 1]
        if self.lattice.step is None:
            return low + u * (high - low)
        low = low + ((segment > 0) & (high > low))
        if self.digits is not None:
            return self.digits.between(low, high, u)
        return low + np.floor(u * (high - low + 1))

    def _draw_within(
        self,
        numbers: NDArray[np.float64],
        known: NDArray[np.int64],
        codes: CodeColumn,
        rng: np.random.Generator,
        wanted: Target,
    ) -> None:
        """Replace numbers that were not requested: drawn again, then by the nearest asked one."""
        if isinstance(wanted, Range):
            low, high = self._bounds(wanted)
            for _ in range(_REDRAWS):
                out = known[(numbers[known] < low) | (numbers[known] > high)]
                numbers[out] = self._draw(codes[out], rng)
            numbers[known] = np.clip(numbers[known], low, high)
            if self.lattice.step is not None:
                numbers[known] = np.clip(np.rint(numbers[known]), np.ceil(low), np.floor(high))
            return
        asked = np.array([self.lattice.number(v) for v in wanted if v is not None], float)
        cells = self._codes(asked)
        for row in known:
            choices = asked[cells == codes[row]]
            if len(choices):
                numbers[row] = choices[rng.integers(len(choices))]

    def _whole_days(self, wanted: Target) -> Target:
        """A day that is asked of a column of times as all of its times, also as a range's end."""
        if not pa.types.is_timestamp(self.lattice.type):
            return wanted
        if isinstance(wanted, Range):
            return Range(wanted.low, _day_end(wanted.high))
        if len(wanted) == 1 and _is_day(wanted[0]):
            return Range(wanted[0], _day_end(wanted[0]))
        return wanted

    def _bounds(self, wanted: Range) -> tuple[float, float]:
        low = -np.inf if wanted.low is None else self._number(wanted.low)
        high = np.inf if wanted.high is None else self._number(wanted.high)
        return low, high

    def _number(self, value: object) -> float:
        try:
            return self.lattice.number(value)
        except (ValueError, TypeError, pa.ArrowException) as exc:
            raise UsageError(
                f"given {self.name}={value!r} is not a value of type {self.lattice.type}",
                code="given.type",
                where=self.name,
            ) from exc

    def _cell_of(self, value: object) -> int:
        """The cell of an asked value.

        Raises:
            UsageError: It lies outside of what was learned.
        """
        if value is None:
            if not self.missing:
                raise self._nothing((value,))
            return len(self.counts) - 1
        number = self._number(value)
        if not len(self.grid) or not self.grid[0, 0] <= number <= self.grid[-1, -1]:
            raise self._nothing((value,))
        between = abs(number - round(number)) > 1e-6 + 1e-12 * abs(number)
        if self.lattice.step is not None and between:
            raise self._nothing((value,))
        return int(self._codes(np.array([number]))[0])

    def _nothing(self, wanted: Target) -> UsageError:
        hint = "the column holds no value"
        if len(self.grid):
            low, high = self.lattice.values(np.array([self.grid[0, 0], self.grid[-1, -1]]))
            hint = f"learned values lie between {low} and {high}"
        return UsageError(
            f"given {self.name}={told(wanted)} never occurs in training data",
            code="given.unknown",
            where=self.name,
            hint=hint,
        )


def _is_day(value: object) -> bool:
    """Whether a value is a day without a time."""
    if isinstance(value, str):
        return _DAY.fullmatch(value.strip()) is not None
    return isinstance(value, dt.date) and not isinstance(value, dt.datetime)


def _day_end(value: object) -> object:
    """The last moment of a day; any other value as it is."""
    if not _is_day(value):
        return value
    try:
        day = dt.date.fromisoformat(str(value).strip())
    except ValueError:
        return value
    return dt.datetime.combine(day, dt.time.max)


def _lost(values: pa.Array, known: int, protect: int) -> str:
    """What is not told apart from missing values: infinite ones, and all if they are few."""
    infinite = pc.sum(pc.is_inf(values)).as_py() if pa.types.is_floating(values.type) else 0
    told = f"; {infinite:,} infinite ones count as missing" if infinite else ""
    if 0 < known < protect:
        return f"{told}; {known} are too few to be shown and count as missing"
    return told


def _all_pieces(grid: NDArray[np.float64]) -> NDArray[np.int64]:
    """The parts of cells that have all of them."""
    return np.full(len(grid), SEGMENTS, np.int64)


def _mass_between(grid: NDArray[np.float64], low: float, high: float) -> float:
    """The share of a cell's draws that lie between two bounds."""
    if grid[0] >= low and grid[-1] <= high:
        return 1.0
    if grid[0] > high or grid[-1] < low:
        return 0.0
    rising = grid + np.arange(len(grid)) * 1e-12 * max(1.0, float(np.abs(grid).max()))
    share = np.interp([low, high], rising, np.linspace(0, 1, len(grid)))
    return float(share[1] - share[0])
