"""Rows that point at rows of their own table: bosses, parent categories, replies, spouses.

Most form a forest, which is learned by depth: each row hangs below one that is a level higher, so
no new row can be above itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fabula.render.amounts import percent
from fabula.synthesizers.multitable.foreign_keys import Rows
from fabula.synthesizers.multitable.matching import chosen_within, counts_like

Levels: TypeAlias = NDArray[np.int64]

_CIRCLING = 0.05
"""Up to this share of the links may lie in circles of a forest; they are not learned."""


@dataclass(frozen=True, eq=False)
class Trees:
    """How the rows of a table point at each other.

    Attributes:
        form: A forest; pairs, which point at each other; or a web of any other links. In pairs and
            webs level 0 points nowhere, and level 1 at some row.
        levels: How many rows have each depth, roots first.
        counts: How many rows point at each row, by depth, rising within each.
        loops: The share of roots that point at themselves.
        circling: Rows in or below a circle of a forest.
    """

    form: Literal["forest", "pairs", "web"]
    levels: Levels
    counts: Levels
    loops: float = 0.0
    circling: int = 0

    @classmethod
    def of(cls, above: Rows) -> tuple[Trees, Levels]:
        """Learn from the row that each row points at, -1 for none; also gives the rows' levels."""
        numbers = np.arange(len(above))
        linked = above >= 0
        loop = above == numbers
        level = depths(above)
        circling = int((level < 0).sum())
        form: Literal["forest", "pairs", "web"] = "forest"
        if circling > _CIRCLING * linked.sum():
            mates = np.where(linked, above, numbers)
            form = "pairs" if (mates[mates] == numbers).all() and not loop.any() else "web"
            level, circling = linked.astype(np.int64), 0
        level = np.maximum(level, 0)
        counts = np.bincount(above[linked & ~loop], minlength=len(above))
        order = np.lexsort((counts, level))
        roots = level == 0
        loops = float(loop[roots].mean()) if roots.any() else 0.0
        levels = np.bincount(level, minlength=1)
        return cls(form, levels, counts[order].astype(np.int64), loops, circling), level

    @property
    def about(self) -> str:
        """What the links form, in a few words."""
        roots = percent(self.levels[0] / max(self.levels.sum(), 1))
        if self.form != "forest":
            form = "pairs that point at each other" if self.form == "pairs" else "a web of links"
            return f"{form}; {roots} of the rows point nowhere"
        lost = f"; {self.circling:,} rows in circles were learned as roots" * bool(self.circling)
        return f"a forest of {len(self.levels)} levels with {roots} roots{lost}"

    def grown(
        self,
        drawn: NDArray[np.integer],
        wanted: NDArray[np.float64],
        rng: np.random.Generator,
        labels: NDArray[np.int64] | None = None,
    ) -> Rows:
        """The row that each new row points at, -1 for none.

        Levels have the real shares of rows, and rows the real numbers of rows below them.

        Args:
            drawn: How deep a model wants each row; the real depths are met rank by rank.
            wanted: How rows rank by the number of rows below them.
            rng: The only source of randomness.
            labels: Rows hang below rows of the same label alone.
        """
        size = len(drawn)
        above = np.full(size, -1, dtype=np.int64)
        if not size or not self.levels.sum():
            return above
        level = np.empty(size, dtype=np.int64)
        places = (np.arange(size) + 0.5) / size * self.levels.sum()
        order = np.lexsort((rng.random(size), drawn))
        level[order] = np.searchsorted(np.cumsum(self.levels), places.astype(np.int64), "right")
        if self.form == "pairs":
            return _paired(np.flatnonzero(level), above, rng)
        if self.form == "web":
            return self._web(np.flatnonzero(level), above, wanted, labels, rng)
        level[order[0]] = 0
        real = np.split(self.counts, np.cumsum(self.levels)[:-1])
        used, level = np.unique(level, return_inverse=True)  # few rows may leave levels out
        for depth in range(1, len(used)):
            here, over = np.flatnonzero(level == depth), np.flatnonzero(level == depth - 1)
            counts = counts_like(wanted[over], real[used[depth - 1]], len(here), rng)
            above[here] = _below(here, over, counts, labels, rng)
        roots = np.flatnonzero(above < 0)
        loops = rng.permutation(roots)[: round(self.loops * len(roots))]
        above[loops] = loops
        return above

    def _web(
        self,
        here: Rows,
        above: Rows,
        wanted: NDArray[np.float64],
        labels: NDArray[np.int64] | None,
        rng: np.random.Generator,
    ) -> Rows:
        everything = np.arange(len(above))
        counts = counts_like(wanted, np.sort(self.counts), len(here), rng)
        above[here] = _below(here, everything, counts, labels, rng)
        themselves = np.flatnonzero(above == everything)
        above[themselves] = -1
        return above

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Plain values and arrays, for a file."""
        settings = {"form": self.form, "loops": self.loops, "circling": self.circling}
        return settings, {"levels": self.levels, "counts": self.counts}

    @classmethod
    def restore(cls, settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Trees:
        """The trees of a state."""
        return cls(levels=arrays["levels"], counts=arrays["counts"], **settings)


def depths(above: Rows) -> Levels:
    """How many rows are above each row; -1 in a circle and below one.

    A row that points nowhere or at itself is a root. Links are followed twice as far each time.
    """
    numbers = np.arange(len(above))
    root = (above < 0) | (above == numbers)
    jump = np.where(root, numbers, above)
    depth = np.where(root, 0, 1)
    for _ in range(max(len(above), 1).bit_length()):
        depth, jump = depth + depth[jump], jump[jump]
    return np.where(root[jump], depth, -1) if len(above) else depth


def _below(
    here: Rows,
    over: Rows,
    counts: NDArray[np.int64],
    labels: NDArray[np.int64] | None,
    rng: np.random.Generator,
) -> Rows:
    """The row of `over` that each row hangs below; -1 if none has its label."""
    if labels is None:
        if not len(over):
            return np.full(len(here), -1, dtype=np.int64)
        return rng.permutation(np.repeat(over, counts))
    nothing = (np.zeros(len(here), np.int64), np.zeros(len(over), np.int64))
    chosen = chosen_within(*nothing, counts, (labels[here], labels[over]), rng)
    return np.where(chosen >= 0, over[chosen], -1)


def _paired(here: Rows, above: Rows, rng: np.random.Generator) -> Rows:
    """Rows that point at each other, two by two."""
    mixed = rng.permutation(here)[: len(here) // 2 * 2]
    above[mixed[::2]], above[mixed[1::2]] = mixed[1::2], mixed[::2]
    return above
