"""`mixture`: every row belongs to one of many kinds of rows, inside which labels are independent.

p(row) = Σ_k π_k Π_j θ_k(cell of column j), fitted by expectation-maximisation: first in
mini-batches (Cappé and Moulines 2009, "On-line EM"), which finds the kinds quickly, then in full
passes. So rows given any cells of any columns, the gaps of a row given the rest of it, and the
density of a row are sums over kinds; what numbers have in common inside a kind is in `pairs`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from fabula.streams import stream
from fabula.synthesizers.layout import Layout
from fabula.synthesizers.model import CellColumn, Codes, Drawn, State, Steps, Weights
from fabula.synthesizers.models.number_pairs import Pairs

ROWS_A_COMPONENT, MORE_OF_FEW = 60, 40_000
"""Training rows for each component, where their number is not given, and what is added to them
divided by the table's rows: components of small tables must be large, or they copy their rows."""

MOST_COMPONENTS = 800
MOST_PARAMETERS = 20_000_000
MOST_ROWS = 200_000
"""Rows that are learned from; of more, a sample is drawn by seed."""

SMOOTHING = 0.3
"""Rows that are added to each component, spread as the whole column is. More of them raise the
density of new rows, and blur what belongs together in those that are drawn."""

OWN = 0.3
"""How much of a component comes from the row that it starts from; the rest is the whole table."""

BATCH = 2_048


@dataclass(frozen=True, eq=False)
class Mixture:
    """A fitted model.

    Attributes:
        layout: Where cells stand.
        shares: The share of each component, adding up to 1; shape (components,).
        cells: The chance of each cell in each component; shape (cells, components).
        pairs: What numbers have in common inside all components.
    """

    layout: Layout
    shares: NDArray[np.float32]
    cells: NDArray[np.float32]
    pairs: Pairs

    @classmethod
    def fit(
        cls,
        codes: Codes,
        columns: tuple[CellColumn, ...],
        *,
        seed: int,
        progress: Steps,
        components: int = 0,
        passes: int = 12,
    ) -> Mixture:
        """Learn rows.

        Args:
            codes: Training rows.
            columns: The columns of `codes`.
            seed: Decides where components start and the order of rows.
            progress: Called with passes done and passes in all.
            components: How many kinds of rows; 0 for one to 60 rows (to 127 in a table of 600),
                at most 800. More of them distinguish rows better, and come back with more copies
                of real rows.
            passes: Passes over the rows.
        """
        layout = Layout.of(columns)
        rng = stream(seed, "mixture", "fit", 0)
        rows = codes[rng.permutation(len(codes))[:MOST_ROWS]]
        most = min(MOST_COMPONENTS, max(1, MOST_PARAMETERS // layout.width))
        each = ROWS_A_COMPONENT + MORE_OF_FEW / len(rows)
        wanted = components or min(most, int(len(rows) / each))
        learner = _Learner(layout, rows, max(1, min(wanted, len(rows))))
        for done in range(passes):
            if done == 0:
                learner.stepwise(rng)
            else:
                learner.full()
            progress(done + 1, passes)
        shares, cells = (part.astype(np.float32) for part in learner.chances())
        free = cls(layout, shares, cells, Pairs.none(columns))

        def draw(pairs: Pairs, count: int) -> Codes:
            return replace(free, pairs=pairs).sample(count, rng, {}).codes

        chances = cells.T.astype(float)
        pairs = Pairs.matched(columns, rows, chances, shares.astype(float), draw)
        return replace(free, pairs=pairs)

    @property
    def notes(self) -> tuple[str, ...]:
        """What it is made of."""
        return (
            f"{len(self.shares):,} component{'s'[: len(self.shares) != 1]}, inside which labels are"
            " independent and numbers share one correlation for each pair",
        )

    def sample(self, rows: int, rng: np.random.Generator, allowed: Mapping[int, Weights]) -> Drawn:
        """Draw rows; what is allowed is kept exactly."""
        cells = self.cells.astype(float) * self.layout.weights(allowed)[:, None]
        sums = self.layout.sums(cells)
        chances = self.shares * np.prod(sums[list(allowed)], axis=0)
        if not chances.sum() > 0:
            return Drawn(np.zeros((rows, len(self.layout.sizes)), np.int32), np.full(rows, -np.inf))
        bounds = np.cumsum(chances)
        component = np.searchsorted(bounds, rng.random(rows) * bounds[-1], side="right")
        component = np.minimum(component, len(bounds) - 1)
        codes = np.empty((rows, len(self.layout.sizes)), np.int32)
        for at in allowed:
            drawn = rng.random(rows)
            codes[:, at] = _drawn(cells[self.layout.slice(at)], component, drawn)
        known = np.zeros(codes.shape, bool)
        known[:, list(allowed)] = True
        return Drawn(self._filled(codes, known, component, rng))

    def complete(self, codes: Codes, known: NDArray[np.bool_], rng: np.random.Generator) -> Drawn:
        """Draw what is unknown, from its exact distribution given what is known."""
        component = np.empty(len(codes), np.int64)
        for part in _batches(len(codes)):
            component[part] = _chosen(self._joint(codes[part], known[part]), rng)
        return Drawn(self._filled(codes, known, component, rng))

    def log_density(self, codes: Codes) -> Weights:
        """The logarithm of each row's chance, in cells; low ones are unusual rows."""
        found = np.empty(len(codes))
        for part in _batches(len(codes)):
            logs = self._log_joint(codes[part], np.ones(codes[part].shape, bool))
            top = logs.max(axis=1)
            found[part] = top + np.log(np.exp(logs - top[:, None]).sum(axis=1))
        return found

    def state(self) -> State:
        """The model as plain values."""
        return State(
            {}, {"shares": self.shares, "cells": self.cells, "pairs": self.pairs.correlation}
        )

    @classmethod
    def restore(cls, state: State, columns: tuple[CellColumn, ...]) -> Mixture:
        """The model of a state."""
        arrays = state.arrays
        layout = Layout.of(columns)
        pairs = Pairs(columns, arrays["pairs"])
        return cls(layout, arrays["shares"], arrays["cells"], pairs)

    def _filled(
        self,
        codes: Codes,
        known: NDArray[np.bool_],
        component: NDArray[np.int64],
        rng: np.random.Generator,
    ) -> Codes:
        """Rows of known components with the unknown cells drawn."""

        def edges(at: int, rows: NDArray[np.bool_]) -> tuple[Weights, Weights]:
            return self._edges(at, codes[rows, at], component[rows])

        filled = codes.copy()
        normals = self.pairs.normals(codes, known, edges, rng)
        for at in range(codes.shape[1]):
            gaps = np.flatnonzero(~known[:, at])
            cells = self.cells[self.layout.slice(at)].astype(float)
            gone = (cells[-1] / cells.sum(axis=0))[component[gaps]]
            places = self.pairs.places(at, normals[gaps, at], gone, rng)
            filled[gaps, at] = _drawn(cells, component[gaps], places)
        return filled

    def _edges(
        self, at: int, codes: NDArray[np.int32], component: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The shares of a component's values below each cell, and up to its end."""
        cells = self.cells[self.layout.slice(at)].astype(float)
        cells = cells[: len(cells) - self.pairs.columns[at].missing]
        sums = np.concatenate([np.zeros((1, cells.shape[1])), np.cumsum(cells, axis=0)])
        sums = np.clip(sums / np.maximum(sums[-1], 1e-300), 1e-9, 1 - 1e-9)
        return sums[codes, component], sums[codes + 1, component]

    @cached_property
    def _logs(self) -> NDArray[np.float64]:
        return np.asarray(np.log(np.maximum(self.cells, 1e-30).astype(float)))

    def _log_joint(self, codes: Codes, known: NDArray[np.bool_]) -> NDArray[np.float64]:
        """The log of each component's share times its probability of a row's known values."""
        logs = np.log(np.maximum(self.shares, 1e-30).astype(float)) + np.zeros((len(codes), 1))
        for at, places in enumerate(self.layout.places(codes).T):
            logs += np.where(known[:, at, None], self._logs[places], 0.0)
        return np.asarray(logs)

    def _joint(self, codes: Codes, known: NDArray[np.bool_]) -> NDArray[np.float64]:
        """The same as chances, up to a factor for each row."""
        logs = self._log_joint(codes, known)
        return np.asarray(np.exp(logs - logs.max(axis=1, keepdims=True)))


class _Learner:
    """Expectation-maximisation; holds how many rows fall into each component, and where in it."""

    def __init__(self, layout: Layout, rows: Codes, components: int) -> None:
        self._layout, self._count = layout, len(rows)
        self._whole = layout.shares(rows, extra=1.0)[:, None]
        places = layout.places(rows)
        ends = np.arange(0, places.size + 1, places.shape[1])
        ones = np.ones(places.size, np.float32)
        self._rows = csr_matrix((ones, places.ravel(), ends), (len(rows), layout.width))
        size = len(rows) / components
        first = self._rows[:components].toarray().T  # the rows come in random order
        self._cells = (OWN * first + (1 - OWN) * self._whole) * size
        self._sizes = np.full(components, size)
        self._steps = 0

    def stepwise(self, rng: np.random.Generator) -> None:
        """One pass in which every batch moves the components."""
        order = rng.permutation(self._count)
        for part in _batches(self._count):
            rows = self._rows[order[part]]
            cells, sizes = self._expected(rows, *self._log_chances())
            grown = self._count / rows.shape[0]
            step = max((self._steps + 2.0) ** -0.6, 1 / grown)
            self._steps += 1
            self._cells += step * (grown * cells - self._cells)
            self._sizes += step * (grown * sizes - self._sizes)

    def full(self) -> None:
        """One pass after which the components follow all rows."""
        logs = self._log_chances()
        cells, sizes = np.zeros_like(self._cells), np.zeros_like(self._sizes)
        for part in _batches(self._count):
            found = self._expected(self._rows[part], *logs)
            cells += found[0]
            sizes += found[1]
        self._cells, self._sizes = cells, sizes

    def chances(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The share of each component, and the chances of its cells."""
        shares = (self._sizes + SMOOTHING) / (self._sizes + SMOOTHING).sum()
        cells = self._cells + SMOOTHING * self._whole
        return shares, cells / self._layout.sums(cells)[self._layout.column]

    def _log_chances(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        shares, cells = self.chances()
        return np.log(shares).astype(np.float32), np.log(cells).astype(np.float32)

    @staticmethod
    def _expected(
        rows: csr_matrix, shares: NDArray[np.float32], cells: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """How many of the rows are in each cell of each component, and in the component."""
        belongs = rows @ cells
        belongs += shares
        belongs -= belongs.max(axis=1, keepdims=True)
        np.exp(belongs, out=belongs)
        belongs /= belongs.sum(axis=1, keepdims=True)
        return np.asarray(rows.T @ belongs), belongs.sum(axis=0)


def _chosen(chances: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    """A component for each row, by chances (rows, components) that need not add up to 1."""
    sums = np.cumsum(chances, axis=1)
    drawn = (rng.random((len(sums), 1)) * sums[:, -1:] >= sums).sum(axis=1)
    return np.asarray(np.minimum(drawn, sums.shape[1] - 1))


def _batches(count: int) -> Iterator[slice]:
    for start in range(0, count, BATCH):
        yield slice(start, min(start + BATCH, count))


def _drawn(
    cells: NDArray[np.float64], component: NDArray[np.int64], places: NDArray[np.float64]
) -> NDArray[np.int64]:
    """The cell at each row's place (0 to 1), by the chances (cells, components) it has there."""
    sums = np.cumsum(cells, axis=0)
    bounds = (sums / np.maximum(sums[-1], 1e-300)).T + np.arange(cells.shape[1])[:, None]
    found = np.searchsorted(bounds.ravel(), component + places, side="right")
    return np.asarray(np.clip(found - component * len(cells), 0, len(cells) - 1))
