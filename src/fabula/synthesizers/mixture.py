"""`mixture`: every row belongs to one of many kinds of rows, inside which labels are independent.

p(row) = Σ_k π_k Π_j θ_k(cell of column j), fitted by expectation-maximisation: first in
mini-batches (Cappé and Moulines 2009, "On-line EM"), which finds the kinds quickly, then in full
passes. So rows given any cells of any columns, the gaps of a row given the rest of it, and the
density of a row are sums over kinds. Few kinds say little of how two numbers go together, so
numbers inside a kind share what is left of it: one Gaussian copula for all kinds, whose
correlations are moved until those of drawn rows are those of real ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.special import ndtr, ndtri

from fabula.streams import stream
from fabula.synthesizers.copula import nearest
from fabula.synthesizers.layout import Layout
from fabula.synthesizers.model import CellColumn, Codes, Drawn, State, Steps, Weights

ROWS_A_COMPONENT, MORE_OF_FEW = 60, 40_000
"""Training rows for each component, where their number is not given, and what is added to them
divided by the table's rows: components of small tables must be large, or they copy their rows."""

MOST_COMPONENTS = 800
MOST_PARAMETERS = 20_000_000
MOST_ROWS, MOST_COMPARED = 200_000, 20_000
"""Rows that are learned from, and those by which pairs are compared; of more, a sample."""

MATCHES, FEWEST_MATCHED = 3, 5_000
"""How often correlations of drawn rows are compared with real ones, and drawn rows at least."""

LEAST_INSIDE = 0.1
"""Pairs of a smaller part inside components are left to the components."""

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
        pairs: Correlations of numbers inside all components; shape (columns, columns).
    """

    layout: Layout
    shares: NDArray[np.float32]
    cells: NDArray[np.float32]
    columns: tuple[CellColumn, ...]
    pairs: NDArray[np.float64]

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
                at most 800. More of them tell rows apart better, and come back with more copies
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
        free = cls(layout, shares, cells, columns, np.eye(len(columns)))
        return free._matched(rows[:MOST_COMPARED], rng)

    @property
    def notes(self) -> tuple[str, ...]:
        """What it is made of."""
        return (
            f"{len(self.shares):,} components, inside which labels are independent and numbers"
            " share one correlation for each pair",
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
        return State({}, {"shares": self.shares, "cells": self.cells, "pairs": self.pairs})

    @classmethod
    def restore(cls, state: State, columns: tuple[CellColumn, ...]) -> Mixture:
        """The model of a state."""
        arrays = state.arrays
        layout = Layout.of(columns)
        return cls(layout, arrays["shares"], arrays["cells"], columns, arrays["pairs"])

    def _matched(self, rows: Codes, rng: np.random.Generator) -> Mixture:
        """With correlations inside components that make up for what components leave out.

        A correlation of drawn rows is the one between components plus the one inside them, which
        is moved by what is missing, over the share of the spread that lies inside components.
        """
        scores, inside = self._scores()
        wanted = self._correlations(rows, scores)
        apart = np.outer(inside, inside)
        both = np.outer(self._numbers, self._numbers) & (apart > LEAST_INSIDE)
        found, pairs = self, np.eye(len(self.columns))
        for _ in range(MATCHES):
            drawn = found.sample(max(FEWEST_MATCHED, len(rows)), rng, {}).codes
            missed = wanted - found._correlations(drawn, scores)
            pairs = nearest(pairs + np.where(both, missed / np.maximum(apart, LEAST_INSIDE), 0.0))
            found = replace(self, pairs=pairs)
        return found

    def _scores(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """A normal score for each cell, and the share of each column's spread in components."""
        scores, inside = np.zeros(self.layout.width), np.zeros(len(self.columns))
        whole = self.cells.astype(float) @ self.shares.astype(float)
        for at, column in enumerate(self.columns):
            if not self._numbers[at]:
                continue
            places = self.layout.slice(at)
            own = slice(places.start, places.stop - column.missing)
            share = whole[own] / whole[own].sum()
            middle = np.cumsum(share) - share / 2
            scores[own] = ndtri(np.clip(middle, 1e-6, 1 - 1e-6))
            cells = self.cells[own].astype(float)
            cells /= np.maximum(cells.sum(axis=0), 1e-300)
            means = scores[own] @ cells
            within = (scores[own] ** 2 @ cells - means**2) @ self.shares
            total = share @ scores[own] ** 2 - (share @ scores[own]) ** 2
            inside[at] = np.sqrt(within / max(total, 1e-12))
        return scores, np.clip(inside, 0.0, 1.0)

    def _correlations(self, rows: Codes, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Correlations of rows' scores over the rows that know both columns."""
        known = np.ones(rows.shape)
        for at in np.flatnonzero(self._numbers).tolist():
            known[:, at] = ~self._missing(rows, at)
        values = scores[self.layout.places(rows)] * known
        count = np.maximum(known.T @ known, 1)
        means = values.T @ known / count  # of the first column, where both are known
        squares = (values**2).T @ known / count - means**2
        products = values.T @ values / count - means * means.T
        return np.asarray(products / np.sqrt(np.maximum(squares * squares.T, 1e-12)))

    def _filled(
        self,
        codes: Codes,
        known: NDArray[np.bool_],
        component: NDArray[np.int64],
        rng: np.random.Generator,
    ) -> Codes:
        """Rows of known components with the unknown cells drawn."""
        filled = codes.copy()
        given = known & self._numbers
        for at in np.flatnonzero(given.any(axis=0)).tolist():
            given[:, at] &= ~self._missing(codes, at)
        normals = rng.normal(size=codes.shape)
        for at in np.flatnonzero(given.any(axis=0)).tolist():
            own = given[:, at]
            low, high = self._edges(at, codes[own, at], component[own])
            normals[own, at] = ndtri(low + (high - low) * rng.random(len(low)))
        patterns, which = np.unique(given, axis=0, return_inverse=True)
        for number, pattern in enumerate(patterns):
            rows = np.flatnonzero(which.ravel() == number)
            free = self._numbers & ~pattern
            slopes = self.pairs[np.ix_(free, pattern)] @ np.linalg.inv(
                self.pairs[np.ix_(pattern, pattern)]
            )
            rest = self.pairs[np.ix_(free, free)] - slopes @ self.pairs[np.ix_(pattern, free)]
            part = normals[rows]
            part[:, free] = part[:, free] @ np.linalg.cholesky(rest).T + part[:, pattern] @ slopes.T
            normals[rows] = part
        for at in range(codes.shape[1]):
            gaps = np.flatnonzero(~known[:, at])
            cells = self.cells[self.layout.slice(at)].astype(float)
            drawn = ndtr(normals[gaps, at])
            if self.columns[at].missing:
                there = (1 - cells[-1] / cells.sum(axis=0))[component[gaps]]
                drawn = np.where(rng.random(len(gaps)) < there, drawn * there, 1 - 1e-12)
            filled[gaps, at] = _drawn(cells, component[gaps], drawn)
        return filled

    @cached_property
    def _numbers(self) -> NDArray[np.bool_]:
        """Columns of which at least two values have an order: of two labels, any."""
        sizes = np.array([column.cells - column.missing for column in self.columns])
        ordered = np.array([column.ordered for column in self.columns], bool)
        return np.asarray(ordered & (sizes > 1) | (sizes == 2))

    def _missing(self, codes: Codes, at: int) -> NDArray[np.bool_]:
        column = self.columns[at]
        return np.asarray((codes[:, at] == column.cells - 1) & column.missing)

    def _edges(
        self, at: int, codes: NDArray[np.int32], component: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The shares of a component's values below each cell, and up to its end."""
        cells = self.cells[self.layout.slice(at)].astype(float)
        cells = cells[: len(cells) - self.columns[at].missing]
        sums = np.concatenate([np.zeros((1, cells.shape[1])), np.cumsum(cells, axis=0)])
        sums = np.clip(sums / np.maximum(sums[-1], 1e-300), 1e-9, 1 - 1e-9)
        return sums[codes, component], sums[codes + 1, component]

    @cached_property
    def _logs(self) -> NDArray[np.float64]:
        return np.asarray(np.log(np.maximum(self.cells, 1e-30).astype(float)))

    def _log_joint(self, codes: Codes, known: NDArray[np.bool_]) -> NDArray[np.float64]:
        """The logarithms of each component's share times its chance of what is known of a row."""
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
