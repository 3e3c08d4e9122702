"""Sampling from a trained network with numpy alone: a latent vector, its decoder, one row.

Both networks end as the same thing: latent vectors from a mixture of Gaussians, and a decoder that
turns a vector into chances of the cells of every column. Given the vector, labels are independent,
and numbers share what is in `pairs`.
So no JAX is needed to sample, and a file samples the same rows on any machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabula.synthesizers.layout import Layout
from fabula.synthesizers.model import CellColumn, Codes, Drawn, State, Weights
from fabula.synthesizers.models.deep.gaussians import Gaussians, Vectors
from fabula.synthesizers.models.number_pairs import Pairs

BOUND = 15.0
"""Scores of cells stay between minus and plus this much: no chance is ever 0 or infinite."""

POOL = 4_096
"""Latent vectors among which the one behind a partly known row is chosen."""

_BATCH = 4_096
_CALIBRATIONS = 12

Layer = tuple[NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class Latent:
    """Latent vectors and their decoder.

    Attributes:
        layout: Where cells stand.
        prior: Where latent vectors lie.
        layers: Weights (inputs, outputs) and biases of the decoder's layers.
        offset: What is added to the score of each cell; shape (cells,).
        pairs: What numbers have in common beyond the vector.
    """

    layout: Layout
    prior: Gaussians
    layers: tuple[Layer, ...]
    offset: Weights
    pairs: Pairs

    def calibrated(self, rows: Codes, rng: np.random.Generator) -> Latent:
        """With the distribution that every column has in training, and its correlations.

        Args:
            rows: Training rows.
            rng: Draws the latent vectors by which it is measured.
        """
        latents = self.prior.draw(POOL, rng)
        shares = self.layout.shares(rows, extra=1.0)
        scores = np.log(self.chances(latents))
        offset = np.zeros(self.layout.width)
        for _ in range(_CALIBRATIONS):
            chances = self._normal(np.exp(scores + offset))
            offset += np.log(shares / chances.mean(axis=0))
        free = replace(self, offset=self.offset + offset)

        def draw(pairs: Pairs, count: int) -> Codes:
            return replace(free, pairs=pairs).sample(count, rng, {}).codes

        chances = self._normal(np.exp(scores + offset))
        weights = np.full(len(chances), 1 / len(chances))
        return replace(free, pairs=Pairs.matched(self.pairs.columns, rows, chances, weights, draw))

    def chances(self, latents: Vectors) -> Vectors:
        """The chance of every cell in its column; shape (rows, cells)."""
        hidden = latents
        for weights, bias in self._wide[:-1]:
            hidden = hidden @ weights + bias
            hidden = hidden / (1 + np.exp(-hidden))
        weights, bias = self._wide[-1]
        scores = BOUND * np.tanh((hidden @ weights + bias) / BOUND) + self.offset
        return self._normal(np.exp(scores))

    def sample(self, rows: int, rng: np.random.Generator, allowed: Mapping[int, Weights]) -> Drawn:
        """Draw rows; what is allowed is weighed by how likely the latent vector makes it."""
        weights = self.layout.weights(allowed)
        codes = np.empty((rows, len(self.layout.sizes)), np.int32)
        log_weights = np.zeros(rows)
        for part in _batches(rows):
            latents = self.prior.draw(part.stop - part.start, rng)
            chances = self.chances(latents) * weights
            for at in allowed:
                fits = chances[:, self.layout.slice(at)].sum(axis=1)
                with np.errstate(divide="ignore"):
                    log_weights[part] += np.log(fits)
            known = np.zeros(codes[part].shape, bool)
            codes[part] = self._cells(chances, codes[part], known, rng)
        return Drawn(codes, log_weights if allowed else None)

    def complete(self, codes: Codes, known: NDArray[np.bool_], rng: np.random.Generator) -> Drawn:
        """Draw what is unknown, given the likeliest of many latent vectors for what is known."""
        chances = self.chances(self.prior.draw(POOL, rng))
        logs = np.log(np.maximum(chances, 1e-30)).T
        filled = codes.copy()
        for part in _batches(len(codes), 512):
            fits = np.zeros((part.stop - part.start, POOL))
            for at, places in enumerate(self.layout.places(codes[part]).T):
                fits += np.where(known[part, at, None], logs[places], 0.0)
            fits = np.exp(fits - fits.max(axis=1, keepdims=True))
            sums = np.cumsum(fits, axis=1)
            chosen = (rng.random((len(fits), 1)) * sums[:, -1:] >= sums).sum(axis=1)
            own = chances[np.minimum(chosen, POOL - 1)]
            filled[part] = self._cells(own, codes[part], known[part], rng)
        return Drawn(filled)

    def state(self, notes: Sequence[str]) -> State:
        """The model as plain values."""
        arrays: dict[str, NDArray[Any]] = {
            "shares": self.prior.shares,
            "means": self.prior.means,
            "spreads": self.prior.spreads,
            "offset": self.offset,
            "pairs": self.pairs.correlation,
        }
        for number, (weights, bias) in enumerate(self.layers):
            arrays |= {f"weights{number}": weights, f"bias{number}": bias}
        return State({"layers": len(self.layers), "notes": list(notes)}, arrays)

    @classmethod
    def restore(cls, state: State, columns: tuple[CellColumn, ...]) -> Latent:
        """The model of a state."""
        arrays = state.arrays
        layers = tuple(
            (arrays[f"weights{number}"], arrays[f"bias{number}"])
            for number in range(state.settings["layers"])
        )
        prior = Gaussians(arrays["shares"], arrays["means"], arrays["spreads"])
        pairs = Pairs(columns, arrays["pairs"])
        return cls(Layout.of(columns), prior, layers, arrays["offset"], pairs)

    @cached_property
    def _wide(self) -> tuple[tuple[Vectors, Vectors], ...]:
        """The layers in double precision, which makes machines agree on every row."""
        return tuple((weights.astype(float), bias.astype(float)) for weights, bias in self.layers)

    def _normal(self, values: Vectors) -> Vectors:
        sums = np.add.reduceat(values, self.layout.starts, axis=1)
        return np.asarray(values / sums[:, self.layout.column])

    def _cells(
        self,
        chances: Vectors,
        codes: Codes,
        known: NDArray[np.bool_],
        rng: np.random.Generator,
    ) -> Codes:
        """Codes with the unknown ones drawn, by chances that need not add up to 1."""
        sums = [
            np.cumsum(chances[:, self.layout.slice(at)], axis=1)
            for at in range(len(self.layout.sizes))
        ]

        def edges(at: int, rows: NDArray[np.bool_]) -> tuple[Vectors, Vectors]:
            own = sums[at][rows]
            own = np.concatenate([np.zeros((len(own), 1)), own], axis=1)
            last = own[:, -1 - self.pairs.columns[at].missing]
            cells, each = codes[rows, at], np.arange(len(own))
            whole = np.maximum(last, 1e-300)
            return own[each, cells] / whole, own[each, cells + 1] / whole

        filled = codes.copy()
        normals = self.pairs.normals(codes, known, edges, rng)
        for at, size in enumerate(self.layout.sizes):
            whole = np.maximum(sums[at][:, -1], 1e-300)
            gone = chances[:, self.layout.slice(at)][:, -1] / whole
            places = self.pairs.places(at, normals[:, at], gone, rng)
            found = (places[:, None] * sums[at][:, -1:] >= sums[at]).sum(axis=1)
            filled[:, at] = np.where(known[:, at], codes[:, at], np.minimum(found, size - 1))
        return filled


def _batches(count: int, size: int = _BATCH) -> Iterator[slice]:
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))
