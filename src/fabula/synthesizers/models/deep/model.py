"""What every network is once it is fitted: latent vectors, a decoder, and how training went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from fabula.synthesizers.model import CellColumn, Codes, Drawn, State, Weights
from fabula.synthesizers.models.deep.latent import Latent


@dataclass(frozen=True, eq=False)
class AbstractNetwork:
    """A fitted network; it samples with numpy alone.

    Attributes:
        latent: Latent vectors and the decoder.
        notes: How training went.
    """

    latent: Latent
    notes: tuple[str, ...]

    def sample(self, rows: int, rng: np.random.Generator, allowed: Mapping[int, Weights]) -> Drawn:
        """Draw rows; what is allowed is weighed by how likely the latent vector makes it."""
        return self.latent.sample(rows, rng, allowed)

    def complete(self, codes: Codes, known: NDArray[np.bool_], rng: np.random.Generator) -> Drawn:
        """Draw what is unknown, given the likeliest latent vectors for what is known."""
        return self.latent.complete(codes, known, rng)

    def state(self) -> State:
        """The model as plain values."""
        return self.latent.state(self.notes)

    @classmethod
    def restore(cls, state: State, columns: tuple[CellColumn, ...]) -> Self:
        """The model of a state."""
        return cls(Latent.restore(state, columns), tuple(state.settings["notes"]))
