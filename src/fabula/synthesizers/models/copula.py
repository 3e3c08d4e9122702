"""`copula`: a Gaussian copula, the simplest model that knows of pairs of columns.

Every column is cut into cells along one standard normal axis, by the shares of the cells; what
belongs together is one correlation for each pair of columns. Labels have no order of their own, so
they are put in the one that other columns tell most about. A correlation of the hidden normals is
found from the one of the cells' mean normals, by Mehler's formula (Liu and Der Kiureghian 1986;
Cario and Nelson 1997, NORTA): E[f(X) g(Y)] = Σ_k a_k b_k ρ^k with Hermite coefficients a and b.

A missing value has no place among the others. So a column with missing values has two axes: one of
its values, learned from the rows that have both values of a pair, and a flag that says where the
value is missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from fabula.synthesizers.layout import Layout
from fabula.synthesizers.model import CellColumn, Codes, Drawn, State, Steps, Weights

TERMS = 24
"""Hermite coefficients of each column."""

LEAST_EIGENVALUE = 1e-3
HALVINGS = 30
SWEEPS = 15
"""Gibbs sweeps over the columns that are given, if there are several."""

MOST_LEVELS = 50
"""Levels of a column of labels by which other labels are put in order."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Copula:
    """A fitted model.

    Attributes:
        axes: The axes' own columns: values, in the table's order, then flags.
        flagged: Positions of the columns that have a flag.
        rank: The place of each cell on its axis, from 0; shape (cells,).
        shares: The share of each cell on its axis, in the order of cells; shape (cells,).
        correlation: Of the hidden normals; shape (axes, axes).
    """

    axes: tuple[CellColumn, ...]
    flagged: tuple[int, ...]
    rank: NDArray[np.int32]
    shares: Floats
    correlation: Floats

    @classmethod
    def fit(
        cls, codes: Codes, columns: tuple[CellColumn, ...], *, seed: int, progress: Steps
    ) -> Copula:
        """Learn rows; nothing in it is random.

        Args:
            codes: Training rows.
            columns: The columns of `codes`.
            seed: Not used.
            progress: Called with steps done and steps in all.
        """
        del seed
        axes, flagged = _axes(columns)
        layout = Layout.of(axes)
        places, known = _apart(codes, columns, flagged)
        counts = np.concatenate([axis.counts + 0.5 / axis.cells for axis in axes])
        shares = counts / layout.sums(counts)[layout.column]
        rank = _ranks(places, known, axes, layout, shares)
        progress(1, 3)
        free = cls(axes, flagged, rank, shares, np.eye(len(axes)))
        means = np.concatenate([axis.means[axis.rank] for axis in free._axes])
        scores = means[layout.places(places)] * known
        both = known.T.astype(float) @ known
        products = scores.T @ scores / np.maximum(both, 1)
        for flag, at in enumerate(flagged, len(columns)):  # values are known under one flag only
            products[at, flag] = products[flag, at] = 0.0
        progress(2, 3)
        coefficients = np.stack([axis.hermite() for axis in free._axes])
        correlation = nearest(_hidden(products, coefficients))
        progress(3, 3)
        return cls(axes, flagged, rank, shares, correlation)

    @property
    def notes(self) -> tuple[str, ...]:
        """What it can't do."""
        return ("one correlation for each pair of columns; relations of another form are lost",)

    def sample(self, rows: int, rng: np.random.Generator, allowed: Mapping[int, Weights]) -> Drawn:
        """Draw rows; columns of which something is asked are drawn first."""
        given = np.zeros((rows, len(self.axes)), bool)
        weights: dict[int, Floats] = {}
        for at, asked in allowed.items():
            size = self.axes[at].cells
            of_value, of_gap = np.asarray(asked, float)[:size], float(np.sum(asked[size:]))
            chance = float(of_value @ self.shares[self.layout.slice(at)])
            if chance + of_gap <= 0:
                codes = np.zeros((rows, self.columns), np.int32)
                return Drawn(codes, np.full(rows, -np.inf))
            given[:, at] = True
            if at in self.flagged:
                flag = self.columns + self.flagged.index(at)
                here, gone = self.shares[self.layout.slice(flag)] * [chance, of_gap]
                missing = rng.random(rows) * (here + gone) >= here
                given[:, at], given[:, flag] = ~missing, True
                weights[flag] = np.eye(2)[missing.astype(int)]
            weights[at] = np.tile(of_value[self._axes[at].order], (rows, 1))
        return Drawn(self._joined(self._drawn(given, weights, rng)))

    def complete(self, codes: Codes, known: NDArray[np.bool_], rng: np.random.Generator) -> Drawn:
        """Draw what is unknown, given what is known about each row."""
        sizes = np.array([axis.cells for axis in self.axes[: self.columns]])
        missing = codes >= sizes
        given = np.concatenate([known & ~missing, known[:, list(self.flagged)]], axis=1)
        places = np.minimum(codes, sizes - 1)
        places = np.concatenate([places, missing[:, list(self.flagged)]], axis=1)
        weights = {
            at: np.eye(axis.cells)[self._axes[at].rank[places[:, at]]]
            for at, axis in enumerate(self.axes)
            if given[:, at].any()
        }
        drawn = self._joined(self._drawn(given, weights, rng))
        return Drawn(np.where(known, codes, drawn).astype(np.int32))

    def state(self) -> State:
        """The model as plain values."""
        arrays: dict[str, NDArray[Any]] = {
            "rank": self.rank,
            "shares": self.shares,
            "correlation": self.correlation,
        }
        return State({}, arrays)

    @classmethod
    def restore(cls, state: State, columns: tuple[CellColumn, ...]) -> Copula:
        """The model of a state."""
        arrays = state.arrays
        axes, flagged = _axes(columns)
        return cls(axes, flagged, arrays["rank"], arrays["shares"], arrays["correlation"])

    @property
    def columns(self) -> int:
        """How many columns the table has."""
        return len(self.axes) - len(self.flagged)

    @cached_property
    def layout(self) -> Layout:
        """Where the cells of axes stand."""
        return Layout.of(self.axes)

    @cached_property
    def _axes(self) -> tuple[_Axis, ...]:
        slices = [self.layout.slice(at) for at in range(len(self.layout.sizes))]
        return tuple(_Axis.of(self.rank[part], self.shares[part]) for part in slices)

    def _drawn(
        self, given: NDArray[np.bool_], weights: Mapping[int, Floats], rng: np.random.Generator
    ) -> Codes:
        """Cells of all axes, where some axes of each row are to be among weighed cells.

        Args:
            given: Which axes, shape (rows, axes).
            weights: Of the cells along such an axis, a row for each row.
            rng: The only source of randomness.
        """
        drawn = np.empty(given.shape, np.int32)
        patterns, which = np.unique(given, axis=0, return_inverse=True)
        for number, pattern in enumerate(patterns):
            rows = np.flatnonzero(which.ravel() == number)
            asked = [int(at) for at in np.flatnonzero(pattern)]
            hidden = self._asked(asked, [weights[at][rows] for at in asked], len(rows), rng)
            drawn[rows] = self._cells(self._others(asked, hidden, rng))
        return drawn

    def _joined(self, drawn: Codes) -> Codes:
        """Codes of columns: of values, and of missing ones where the flag is up."""
        codes = np.ascontiguousarray(drawn[:, : self.columns])
        for flag, at in enumerate(self.flagged, self.columns):
            codes[:, at] = np.where(drawn[:, flag], self.axes[at].cells, codes[:, at])
        return codes

    def _asked(
        self, asked: list[int], weights: list[Floats], rows: int, rng: np.random.Generator
    ) -> Floats:
        """Hidden normals of the columns that are asked, by Gibbs sampling; shape (rows, asked).

        Args:
            asked: Their positions.
            weights: For each of them the weights of cells along its axis, a row for each row.
            rows: How many.
            rng: The only source of randomness.
        """
        hidden = np.zeros((rows, len(asked)))
        if not asked:
            return hidden
        precision = np.linalg.inv(self._among(asked, asked))
        for sweep in range(1 + (SWEEPS if len(asked) > 1 else 0)):
            for place, at in enumerate(asked):
                spread, mean = 1.0, np.zeros(rows)
                if sweep:
                    spread = float(precision[place, place] ** -0.5)
                    others = np.delete(np.arange(len(asked)), place)
                    mean = -(spread**2) * hidden[:, others] @ precision[others, place]
                hidden[:, place] = self._axes[at].draw(mean, spread, weights[place], rng)
        return hidden

    def _others(self, asked: list[int], hidden: Floats, rng: np.random.Generator) -> Floats:
        """All hidden normals, those of the other columns drawn given `hidden`."""
        free = [at for at in range(len(self.correlation)) if at not in asked]
        everything = np.empty((len(hidden), len(self.correlation)))
        everything[:, asked] = hidden
        across = self._among(free, asked)
        slopes = across @ np.linalg.inv(self._among(asked, asked))
        rest = self._among(free, free) - slopes @ across.T
        noise = rng.normal(size=(len(hidden), len(free)))
        everything[:, free] = hidden @ slopes.T + noise @ np.linalg.cholesky(rest).T
        return everything

    def _among(self, rows: list[int], columns: list[int]) -> Floats:
        """The correlations of some columns with some others."""
        picked: Floats = self.correlation[np.array(rows, int)[:, None], np.array(columns, int)]
        return picked

    def _cells(self, hidden: Floats) -> Codes:
        codes = np.empty(hidden.shape, np.int32)
        for at, axis in enumerate(self._axes):
            codes[:, at] = axis.order[np.searchsorted(axis.bounds[1:-1], hidden[:, at])]
        return codes


@dataclass(frozen=True, eq=False)
class _Axis:
    """A column's cells along a standard normal axis.

    Attributes:
        rank: The place of each cell on the axis.
        order: The cell at each place.
        bounds: Where cells begin and end, from minus to plus infinity.
        means: The mean normal of each place.
    """

    rank: NDArray[np.int32]
    order: NDArray[np.int64]
    bounds: Floats
    means: Floats

    @classmethod
    def of(cls, rank: NDArray[np.int32], shares: Floats) -> _Axis:
        order = np.argsort(rank)
        sums = np.cumsum(shares[order])
        bounds = np.concatenate([[-np.inf], ndtri(sums[:-1] / sums[-1]), [np.inf]])
        return cls(rank, order, bounds, -np.diff(_normal_density(bounds)) / shares[order])

    def hermite(self) -> Floats:
        """Coefficients of the mean normals in normalised Hermite polynomials, from degree 1."""
        inner = self.bounds[1:-1]
        density = _normal_density(inner)
        before, now = np.zeros_like(inner), np.ones_like(inner)
        found = np.empty(TERMS)
        for degree in range(1, TERMS + 1):
            edges = np.concatenate([[0.0], now * density, [0.0]])
            found[degree - 1] = -self.means @ np.diff(edges) / np.sqrt(degree)
            step = (inner * now - np.sqrt(degree - 1) * before) / np.sqrt(degree)
            before, now = now, step
        return found

    def draw(
        self, mean: Floats, spread: float, weights: Floats, rng: np.random.Generator
    ) -> Floats:
        """Normals of given means (rows,) and spread, their cells weighed by (rows, cells)."""
        edges = ndtr((self.bounds - mean[:, None]) / spread)
        chances = np.diff(edges, axis=1) * weights + 1e-300 * (weights > 0)
        sums = np.cumsum(chances, axis=1)
        cell = (rng.random((len(mean), 1)) * sums[:, -1:] >= sums).sum(axis=1)
        cell = np.minimum(cell, len(self.means) - 1)
        rows = np.arange(len(mean))
        low, high = edges[rows, cell], edges[rows, cell + 1]
        inside = mean + spread * ndtri(low + (high - low) * rng.random(len(mean)))
        low, high = np.maximum(self.bounds[cell], -8), np.minimum(self.bounds[cell + 1], 8)
        return np.asarray(np.clip(inside, low, high))


def _normal_density(values: Floats) -> Floats:
    return np.asarray(np.exp(-0.5 * values**2) / np.sqrt(2 * np.pi))


def _axes(columns: Sequence[CellColumn]) -> tuple[tuple[CellColumn, ...], tuple[int, ...]]:
    """An axis for the values of each column, then flags of missing ones; and who has a flag."""
    flagged = tuple(at for at, column in enumerate(columns) if column.missing and column.cells > 1)
    values = [
        replace(column, counts=column.counts[:-1]) if at in flagged else column
        for at, column in enumerate(columns)
    ]
    flags = [
        replace(
            columns[at], counts=np.array([columns[at].counts[:-1].sum(), columns[at].counts[-1]])
        )
        for at in flagged
    ]
    return (*values, *flags), flagged


def _apart(
    codes: Codes, columns: Sequence[CellColumn], flagged: tuple[int, ...]
) -> tuple[Codes, NDArray[np.bool_]]:
    """Cells of axes, and which of them are known: those of missing values are not."""
    values, known = codes.copy(), np.ones((len(codes), len(columns) + len(flagged)), bool)
    for at in flagged:
        known[:, at] = codes[:, at] < columns[at].cells - 1
        values[:, at] *= known[:, at]
    flags = ~known[:, list(flagged)]
    return np.concatenate([values, flags], axis=1, dtype=np.int32), known


def _ranks(
    codes: Codes,
    known: NDArray[np.bool_],
    columns: tuple[CellColumn, ...],
    layout: Layout,
    shares: Floats,
) -> NDArray[np.int32]:
    """The place of each cell on its axis: as it is for numbers, by other columns for labels."""
    features, owners = _features(codes, known, columns, shares, layout)
    ranks = np.empty(layout.width, np.int32)
    for at, column in enumerate(columns):
        part = layout.slice(at)
        ranks[part] = np.arange(column.cells)
        if column.ordered or column.cells < 3:
            continue
        own = codes[known[:, at], at]
        others = features[known[:, at]][:, owners != at]
        counts = np.bincount(own, minlength=column.cells)
        sums = np.zeros((column.cells, others.shape[1]))
        np.add.at(sums, own, others)
        means = sums / (counts[:, None] + 1.0)
        _, axes = np.linalg.eigh(means.T @ (means * counts[:, None]))
        ranks[part] = np.argsort(np.argsort(means @ axes[:, -1], kind="stable"), kind="stable")
    return ranks


def _features(
    codes: Codes,
    known: NDArray[np.bool_],
    columns: tuple[CellColumn, ...],
    shares: Floats,
    layout: Layout,
) -> tuple[Floats, NDArray[np.int64]]:
    """What tells labels apart: normal scores of numbers, frequent labels; and whose they are."""
    features: list[Floats] = []
    owners: list[int] = []
    for at, column in enumerate(columns):
        part = shares[layout.slice(at)]
        if column.ordered:
            middle = np.cumsum(part) - part / 2
            features.append(ndtri(middle)[codes[:, at]] * known[:, at])
            owners.append(at)
            continue
        for level in np.argsort(-part, kind="stable")[: min(MOST_LEVELS, column.cells - 1)]:
            is_level = (codes[:, at] == level) - part[level]
            features.append(is_level * known[:, at] / np.sqrt(part[level]))
            owners.append(at)
    stacked = np.stack(features, axis=1) if features else np.zeros((len(codes), 0))
    return stacked, np.array(owners, int)


def _hidden(products: Floats, coefficients: Floats) -> Floats:
    """Correlations of hidden normals whose cells' means have the `products`; by bisection."""
    low, high = np.full(products.shape, -1.0), np.ones(products.shape)
    pairs = coefficients[:, None, :] * coefficients[None, :, :]
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        value = np.zeros_like(middle)
        for degree in range(TERMS, 0, -1):
            value = middle * (value + pairs[:, :, degree - 1])
        low = np.where(value < products, middle, low)
        high = np.where(value < products, high, middle)
    return (low + high) / 2


def nearest(correlation: Floats) -> Floats:
    """A correlation matrix near a symmetric one, with no eigenvalue near 0."""
    np.fill_diagonal(correlation, 1.0)
    values, axes = np.linalg.eigh((correlation + correlation.T) / 2)
    found = (axes * np.maximum(values, LEAST_EIGENVALUE)) @ axes.T
    spread = np.sqrt(np.diag(found))
    return np.asarray(found / np.outer(spread, spread))
