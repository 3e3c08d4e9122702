"""Latitudes and longitudes, learned as one place and drawn together.

Two columns that are cut into intervals each know a crossing of intervals at best, which is coarser
than a road. So the rows are divided into small areas by both coordinates: where points are dense,
areas are small, and a coordinate that many rows share (a street of a grid) has areas of its own.
The area is a column that a model learns and nobody is handed. A new point is drawn along the main
axes of its area, which only the mean and the spread of its rows describe; a tenth of them, those
that lie furthest off, are left out of both.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.io.arrays import array_of
from fabula.pii.places import coordinate, paired_coordinates
from fabula.synthesizers.codecs.codec import PROTECTED_ROWS, CodecState
from fabula.synthesizers.codecs.fixed_point import Lattice
from fabula.synthesizers.codecs.number_cells import COMMON, SEGMENTS
from fabula.synthesizers.codecs.numbers import NumberCodec
from fabula.synthesizers.constraints.absences import Absence
from fabula.synthesizers.constraints.measures import Flags, Floats, Measure
from fabula.synthesizers.constraints.relation import Relation
from fabula.synthesizers.constraints.sheet import Sheet
from fabula.synthesizers.model import CellColumn

MOST_AREAS = 4_096
"""Areas of a place, about, at most."""

ROWS = 2
"""Times the protected rows that an area has at least: in smaller ones, drawn points lie nearer to
learned ones than to others."""

LINES = 4
"""A coordinate that so many times the rows of an area share has areas of its own."""

FEWEST_AREAS = 64
"""Fewer areas tell no more than the intervals of both columns do."""

_SIDE = 4
"""A cut leaves at least one row in so many on each side."""

_OFF = 0.1
_FLAT = 1e-2
"""Of the whole range: narrower areas are as dense."""

_NAMED = re.compile(r"latitude|longitude|lat|lon(?!d)g?|lng")

Points = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Spot:
    """The place that two columns tell together.

    Attributes:
        name: The hidden column of areas.
        columns: The two columns.
        lines: For each of both the values that have areas of their own, rising.
        roots: Where the search for the area of a point starts: one for each of these values of the
            first column, then of the second, then one for all other points.
        nodes: The axis of each cut, and what follows at or below it and above it; -1 - area where
            the search ends. Shape (cuts, 3).
        cuts: Where the cuts are.
        means: The middle of each area.
        axes: Both main axes of each area, as long as points spread along them.
        least: Rows, or people, of an area at least.
    """

    name: str
    columns: tuple[str, str]
    lines: tuple[Floats, Floats]
    roots: NDArray[np.int64]
    nodes: NDArray[np.int64]
    cuts: Floats
    means: Points
    axes: Floats
    least: int

    @property
    def told(self) -> str:
        """The place in words."""
        first, second = self.columns
        return (
            f"{first}, {second}: drawn together, within {len(self.means):,} areas of at least"
            f" {self.least} rows each"
        )

    def areas(self, points: Points) -> NDArray[np.int64]:
        """The area of each point; -1 where a coordinate is missing."""
        start = np.full(len(points), len(self.roots) - 1)
        before = 0
        for axis in (0, 1):
            line, own = self.lines[axis], points[:, axis]
            at = np.searchsorted(line, own)
            is_on = (at < len(line)) & (np.append(line, np.nan)[np.minimum(at, len(line))] == own)
            is_on &= start == len(self.roots) - 1
            start[is_on] = before + at[is_on]
            before += len(line)
        place = self.roots[start]
        while (rows := np.flatnonzero(place >= 0)).size:
            cut = place[rows]
            above = points[rows, self.nodes[cut, 0]] > self.cuts[cut]
            place[rows] = self.nodes[cut, 1 + above]
        return np.where(np.isnan(points).any(axis=1), -1, -1 - place)

    def values(self, sheet: Sheet) -> pa.Array:
        """The area of each row; null where a coordinate is missing."""
        areas = self.areas(self._points(sheet))
        return array_of(np.maximum(areas, 0), missing=areas < 0)

    def put(self, sheet: Sheet, rng: np.random.Generator, rows: Flags | None = None) -> None:
        """Draw both coordinates of rows, all by default, inside the area that was drawn."""
        drawn = sheet.values(self.name).cast(pa.float64()).to_numpy(zero_copy_only=False)
        at = np.where(np.isnan(drawn), 0, drawn).astype(np.int64)
        along = (rng.random((len(at), 2)) * 2 - 1) * np.sqrt(3)
        points = self.means[at] + np.einsum("rij,rj->ri", self.axes[at], along)
        keep = np.isnan(drawn) if rows is None else np.isnan(drawn) | ~rows
        for axis, name in enumerate(self.columns):
            measure = sheet.measures[name]
            own = sheet.numbers(name)
            low, high = measure.bounds
            numbers = np.where(keep, own, np.clip(points[:, axis], low, high))
            if rows is None:
                numbers = np.where(np.isnan(drawn), np.nan, numbers)
            sheet.replace(name, measure.values(numbers))

    def codec_of(self, table: pa.Table) -> NumberCodec:
        """The hidden column's cells: one for each area, and one of missing values."""
        areas = np.arange(len(self.means), dtype=float)
        lattice, every = Lattice(pa.int64(), 0, 1.0), np.ones(len(areas), np.int64)
        values = table.column(self.name).combine_chunks()
        counts = np.ones(len(areas) + bool(values.null_count), np.int64)
        grid = np.repeat(areas[:, None], SEGMENTS + 1, axis=1)
        codec = NumberCodec(self.name, lattice, grid, counts, every)
        return replace(codec, counts=np.bincount(codec.encode(values), minlength=len(counts)))

    def marked(self, cells: CellColumn) -> CellColumn:
        """The hidden column as a model sees it."""
        return replace(cells, marks=self._marks[:, : cells.cells])

    @property
    def _marks(self) -> NDArray[np.uint8]:
        """For each coordinate a coarse and a fine code of each area and of missing values."""
        found = []
        for axis in (0, 1):
            rank = np.argsort(np.argsort(self.means[:, axis], kind="stable"), kind="stable")
            size = -(-len(rank) // 63)
            fine = (rank % size) * 63 // size
            found += [np.append(rank // size, 63), np.append(fine, 63)]
        return np.array(found, np.uint8)

    def state(self) -> CodecState:
        """The place as plain values."""
        settings = {"name": self.name, "columns": list(self.columns), "least": self.least}
        arrays = {"first": self.lines[0], "second": self.lines[1], "roots": self.roots}
        arrays |= {part: getattr(self, part) for part in ("nodes", "cuts", "means", "axes")}
        return CodecState("spot", settings, arrays)

    @classmethod
    def restore(cls, state: CodecState) -> Spot:
        """The place of a state."""
        own, arrays = state.settings, state.arrays
        parts = {part: np.asarray(arrays[part]) for part in ("roots", "nodes", "cuts", "means")}
        lines = np.asarray(arrays["first"]), np.asarray(arrays["second"])
        columns = (own["columns"][0], own["columns"][1])
        axes = np.asarray(arrays["axes"])
        return cls(own["name"], columns, lines, **parts, axes=axes, least=own["least"])

    def _points(self, sheet: Sheet) -> Points:
        return np.column_stack([sheet.numbers(name) for name in self.columns])


def find_spots(
    table: pa.Table,
    measures: Mapping[str, Measure],
    *,
    items: Iterable[Relation],
    protect: int,
    people: NDArray[np.int64] | None,
) -> list[Spot]:
    """The places that coordinates of a table tell.

    Args:
        table: Training rows.
        measures: How columns are numbers.
        items: What follows from what; these columns stay as they are.
        protect: An area has twice as many rows, or people, at least.
        people: Whom each row is about, where people have several rows.
    """
    floats = [name for name in measures if pa.types.is_floating(table.schema.field(name).type)]
    ruled = [item for item in items if not isinstance(item.how, Absence)]
    taken = {name for item in ruled for name in (item.target, *item.sources)}
    free = table.select([name for name in floats if name not in taken])
    found = [name for name in free.column_names if coordinate(free.column(name), name)]
    found += paired_coordinates(free, found)
    sheet, spots = Sheet(table, measures), []
    for first, second in _pairs(found):
        points = np.column_stack([sheet.numbers(first), sheet.numbers(second)])
        known = ~np.isnan(points)
        if (known[:, 0] != known[:, 1]).any():
            continue
        rows = known[:, 0]
        growth = _Growth(
            points[rows],
            ROWS * max(protect, PROTECTED_ROWS),
            None if people is None else people[rows],
        )
        spot = growth.spot(_free_name(f"place of {first}", table.column_names), (first, second))
        if len(spot.means) >= FEWEST_AREAS:
            spots.append(spot)
    return spots


@dataclass
class _Growth:
    """Areas as they are found: points are cut where they become densest on both sides."""

    points: Points
    least: int
    people: NDArray[np.int64] | None
    nodes: list[list[int]] = field(default_factory=list)
    cuts: list[float] = field(default_factory=list)
    areas: list[NDArray[np.int64]] = field(default_factory=list)

    def spot(self, name: str, columns: tuple[str, str]) -> Spot:
        """The place of all points."""
        self.flat = _FLAT * (np.ptp(self.points, axis=0) + 1e-12)
        self.share = max(self.least, -(-len(self.points) // MOST_AREAS))
        rest = np.arange(len(self.points))
        lines, roots = [], []
        for axis in (0, 1):
            values, place, counts = np.unique(
                self.points[rest, axis], return_inverse=True, return_counts=True
            )
            heavy = counts >= max(LINES * self.share, COMMON * len(self.points))
            own = [rest[place == at] for at in np.flatnonzero(heavy)]
            enough = [self._are_enough(rows) for rows in own]
            lines.append(values[heavy][enough])
            roots += [self._grown(rows) for rows, kept in zip(own, enough, strict=True) if kept]
            rest = rest[~np.isin(self.points[rest, axis], lines[-1])]
        if not self._are_enough(rest):  # too few of their own: they join what is nearest
            roots.append(self._nearest(roots))
        else:
            roots.append(self._grown(rest))
        shapes = [_shape(self.points[rows]) for rows in self.areas]
        return Spot(
            name, columns, (lines[0], lines[1]), np.array(roots, np.int64),
            np.array(self.nodes, np.int64).reshape(-1, 3), np.array(self.cuts, float),
            np.array([mean for mean, _ in shapes]).reshape(-1, 2),
            np.array([axes for _, axes in shapes]).reshape(-1, 2, 2), self.least,
        )  # fmt: skip

    def _nearest(self, roots: Sequence[int]) -> int:
        """Where the few points that are on no line are put: to the areas of the longest line."""
        if not roots:
            self.areas.append(np.arange(len(self.points)))
            return -len(self.areas)
        return roots[0]

    def _are_enough(self, rows: NDArray[np.int64]) -> bool:
        if self.people is None or len(rows) < self.least:
            return len(rows) >= self.least
        return len(np.unique(self.people[rows])) >= self.least

    def _grown(self, rows: NDArray[np.int64]) -> int:
        """The number of the cut of some points, or -1 - area."""
        cut = self._cut(rows) if len(rows) >= 2 * self.share else None
        if cut is not None:
            axis, at = cut
            above = self.points[rows, axis] > at
            low, high = rows[~above], rows[above]
            if self._are_enough(low) and self._are_enough(high):
                node = len(self.nodes)
                self.nodes.append([axis, 0, 0])
                self.cuts.append(at)
                self.nodes[node][1:] = [self._grown(low), self._grown(high)]
                return node
        self.areas.append(rows)
        return -len(self.areas)

    def _cut(self, rows: NDArray[np.int64]) -> tuple[int, float] | None:
        """The axis and the place of the cut after which points lie closest together."""
        near, count = self.points[rows], len(rows)
        first = max(self.share, count // _SIDE)
        left = np.arange(first, count - first + 1)
        best: tuple[float, int, float] | None = None
        for axis in (0, 1):
            along = near[np.argsort(near[:, axis], kind="stable")]
            own = along[:, axis]
            cuts = left[own[left - 1] < own[left]] if left[-1] < count else left[:0]
            if not len(cuts):
                continue
            loss = np.zeros(len(cuts))
            for side, sizes in ((along, cuts), (along[::-1], count - cuts)):
                wide = np.maximum.accumulate(side) - np.minimum.accumulate(side)
                area = np.log(wide[sizes - 1] + self.flat).sum(axis=1)
                loss += sizes * (area - np.log(sizes))
            at = int(loss.argmin())
            if best is None or loss[at] < best[0]:
                best = float(loss[at]), axis, float(own[cuts[at] - 1])
        return None if best is None else best[1:]


def _shape(points: Points) -> tuple[Points, Floats]:
    """The mean of points and their main axes, but for those that lie furthest off."""
    off = np.abs(points - np.median(points, axis=0))
    usual = np.median(off, axis=0)
    usual = np.where(usual > 0, usual, np.maximum(off.mean(axis=0), 1e-300))
    order = np.argsort((off / usual).max(axis=1), kind="stable")
    inner = points[order[: len(points) - int(_OFF * len(points))]]
    mean = inner.mean(axis=0)
    spread, main = np.linalg.eigh(np.atleast_2d(np.cov(inner.T, bias=True)))
    return mean, main * np.sqrt(np.maximum(spread, 0))


def _pairs(names: Sequence[str]) -> list[tuple[str, str]]:
    """Names of two coordinates that are called alike but for which one they are."""
    stems: dict[str, list[str]] = {}
    for name in names:
        stems.setdefault(_NAMED.sub("", name.lower()), []).append(name)
    found = [tuple(pair) for pair in stems.values() if len(pair) == 2]
    if not found and len(names) == 2:
        found = [tuple(names)]
    return [(pair[0], pair[1]) for pair in found]


def _free_name(name: str, taken: Collection[str]) -> str:
    while name in taken:
        name += "'"
    return name
