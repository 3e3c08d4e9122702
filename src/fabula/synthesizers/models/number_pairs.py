"""What a pair of numbers still has in common where a model draws its columns independently.

Mixtures and networks draw the columns of a row independently, given the component or the latent
vector that the row comes from. Few components, and networks that were trained shortly, say little
of how two numbers go together. So places inside a row's own distributions follow one Gaussian
copula, whose correlations are moved until those of drawn rows are those of real ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from fabula.streams import stream
from fabula.synthesizers.layout import Layout
from fabula.synthesizers.model import CellColumn, CodeModel, Codes
from fabula.synthesizers.models.copula import nearest

MATCHES = 6
"""How often correlations of drawn rows are compared with real ones."""

FEWEST_MATCHED, MOST_MATCHED = 5_000, 20_000
"""Rows that are drawn and compared."""

MOST_CORRELATED = 0.99
"""Places inside distributions follow each other so far, at most."""

LEAST_INSIDE = 0.1
"""Where a smaller part of a pair's spread is free, it is left to the model."""

TRIAL_ROWS = 2_000
"""Rows that a new model draws to see whether it learned how numbers go together."""

UNLEARNED, DEVIATIONS = 0.2, 4.0
"""A difference of correlations that is told; and standard deviations, if they are more."""

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

Edges = Callable[[int, Flags], tuple[Floats, Floats]]
"""For a column and some rows the shares of values below each row's cell, and up to its end."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """A copula of numbers, and of labels of two kinds, which have an order.

    Attributes:
        columns: The columns.
        correlation: Of places inside a row's own distributions; shape (columns, columns).
    """

    columns: tuple[CellColumn, ...]
    correlation: Floats

    @classmethod
    def none(cls, columns: Sequence[CellColumn]) -> Pairs:
        """Columns that are independent."""
        return cls(tuple(columns), np.eye(len(columns)))

    @classmethod
    def matched(
        cls,
        columns: Sequence[CellColumn],
        rows: Codes,
        chances: Floats,
        weights: Floats,
        draw: Callable[[Pairs, int], Codes],
    ) -> Pairs:
        """The copula with which drawn rows have the correlations of real ones.

        A correlation of drawn rows is the one between the rows' distributions plus the one inside
        them, which is moved by what is missing, over the share of the spread that lies inside.

        Args:
            columns: The columns.
            rows: Real rows.
            chances: Chances of all cells in some distributions, shape (distributions, cells).
            weights: The share of rows of each distribution.
            draw: Draws a number of rows with a copula.
        """
        found = cls.none(columns)
        rows = rows[:MOST_MATCHED]
        scores, inside = found._scores(chances, weights)
        wanted = found.correlations(rows, scores)
        apart = np.outer(inside, inside)
        free = np.outer(found.numbers, found.numbers) & (apart > LEAST_INSIDE)
        best, least = found, np.inf
        pairs = np.outer(found.numbers, found.numbers) & ~np.eye(len(found.columns), dtype=bool)
        for _ in range(MATCHES):
            drawn = draw(found, max(FEWEST_MATCHED, len(rows)))
            missed = np.where(pairs, wanted - found.correlations(drawn, scores), 0.0)
            worst = float(np.abs(missed).max(initial=0.0))
            if worst < least:
                best, least = found, worst
            moved = np.where(free, missed / np.maximum(apart, LEAST_INSIDE), 0.0)
            bounded = np.clip(found.correlation + moved, -MOST_CORRELATED, MOST_CORRELATED)
            found = cls(found.columns, nearest(bounded))
        return best

    @cached_property
    def numbers(self) -> Flags:
        """Columns of which at least two values have an order: of two labels, any."""
        sizes = np.array([column.cells - column.missing for column in self.columns])
        ordered = np.array([column.ordered for column in self.columns], bool)
        return np.asarray(ordered & (sizes > 1) | (sizes == 2))

    def missing(self, codes: Codes, at: int) -> Flags:
        """Which values of a column are missing."""
        column = self.columns[at]
        return np.asarray((codes[:, at] == column.cells - 1) & column.missing)

    def normals(self, codes: Codes, known: Flags, edges: Edges, rng: np.random.Generator) -> Floats:
        """A place for each value as a standard normal, given those of known values.

        Args:
            codes: Rows; shape (rows, columns).
            known: Which codes stand, same shape.
            edges: Where known cells lie.
            rng: The only source of randomness.
        """
        given = known & self.numbers
        normals = rng.normal(size=codes.shape)
        for at in np.flatnonzero(given.any(axis=0)).tolist():
            given[:, at] &= ~self.missing(codes, at)
            low, high = edges(at, given[:, at])
            inside = np.clip(low + (high - low) * rng.random(len(low)), 1e-9, 1 - 1e-9)
            normals[given[:, at], at] = ndtri(inside)
        patterns, which = np.unique(given, axis=0, return_inverse=True)
        for number, held in enumerate(patterns):
            rows = np.flatnonzero(which.ravel() == number)
            free = self.numbers & ~held
            inverse = np.linalg.inv(self.correlation[np.ix_(held, held)])
            slopes = self.correlation[np.ix_(free, held)] @ inverse
            rest = self.correlation[np.ix_(free, free)]
            rest = rest - slopes @ self.correlation[np.ix_(held, free)]
            part = normals[rows]
            part[:, free] = part[:, free] @ np.linalg.cholesky(rest).T + part[:, held] @ slopes.T
            normals[rows] = part
        return normals

    def places(
        self, at: int, normals: Floats, missing: Floats | None, rng: np.random.Generator
    ) -> Floats:
        """Normals as places from 0 to 1 in a column's distributions.

        Args:
            at: The column.
            normals: One a row.
            missing: Each row's chance of a missing value, which comes last and follows nothing.
            rng: Decides which values are missing.
        """
        drawn = np.asarray(ndtr(normals))
        if missing is None or not self.columns[at].missing:
            return drawn
        there = rng.random(len(drawn)) >= missing
        return np.where(there, drawn * (1 - missing), 1 - 1e-12)

    def correlations(self, rows: Codes, scores: Floats) -> Floats:
        """Correlations of rows' scores over the rows that know both columns."""
        layout = Layout.of(self.columns)
        known = np.ones(rows.shape)
        for at in np.flatnonzero(self.numbers).tolist():
            known[:, at] = ~self.missing(rows, at)
        values = scores[layout.places(rows)] * known
        count = np.maximum(known.T @ known, 1)
        means = values.T @ known / count  # of the first column, if both are known
        squares = (values**2).T @ known / count - means**2
        products = values.T @ values / count - means * means.T
        return np.asarray(products / np.sqrt(np.maximum(squares * squares.T, 1e-12)))

    def _scores(self, chances: Floats, weights: Floats) -> tuple[Floats, Floats]:
        """A normal score for each cell, and the share of each column's spread that is free."""
        layout = Layout.of(self.columns)
        scores, inside = np.zeros(layout.width), np.zeros(len(self.columns))
        for at in np.flatnonzero(self.numbers).tolist():
            places = layout.slice(at)
            own = slice(places.start, places.stop - self.columns[at].missing)
            cells = chances[:, own] / np.maximum(chances[:, own].sum(axis=1)[:, None], 1e-300)
            share = weights @ cells / weights.sum()
            middle = np.cumsum(share) - share / 2
            scores[own] = score = ndtri(np.clip(middle, 1e-6, 1 - 1e-6))
            within = weights @ (cells @ score**2 - (cells @ score) ** 2) / weights.sum()
            total = share @ score**2 - (share @ score) ** 2
            inside[at] = np.sqrt(np.clip(within / max(total, 1e-12), 0.0, 1.0))
        return scores, inside


def unlearned(
    codes: Codes, columns: Sequence[CellColumn], model: CodeModel, seed: int, *, other: str
) -> tuple[str, ...]:
    """A sentence for the card where drawn rows lack the correlations of training rows.

    Args:
        codes: Training rows.
        columns: Their columns.
        model: What was learned.
        seed: The seed of the fit.
        other: Another model that may learn them.
    """
    free = Pairs.none(columns)
    shares = Layout.of(columns).shares(codes, extra=1.0)
    scores, _ = free._scores(shares[None, :], np.ones(1))
    drawn = model.sample(TRIAL_ROWS, stream(seed, "fit", "trial", 0), {}).codes
    missed = np.abs(free.correlations(codes, scores) - free.correlations(drawn, scores))
    missed[~np.outer(free.numbers, free.numbers)] = 0.0
    np.fill_diagonal(missed, 0.0)
    bound = max(UNLEARNED, DEVIATIONS / np.sqrt(min(len(codes), TRIAL_ROWS)))
    if not missed.size or missed.max() <= bound:
        return ()
    first, second = divmod(int(missed.argmax()), len(columns))
    pairs = int((missed > bound).sum()) // 2
    counted = f"{pairs} pairs of columns are" if pairs > 1 else "1 pair of columns is"
    return (
        f"warning: {counted} not learned: correlations of drawn rows differ by"
        f" up to {missed.max():.2f} from those of training rows (`{columns[first].name}` and"
        f" `{columns[second].name}`); another model may:"
        f" `fabula fit DATA --model {other} -o model.fabula`",
    )
