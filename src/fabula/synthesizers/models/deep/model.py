"""What every network is once it is fitted: latent vectors, a decoder, and how training went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from fabula.streams import stream
from fabula.synthesizers.model import CellColumn, Codes, Drawn, State, Steps, Weights
from fabula.synthesizers.models.deep.latent import Latent


@dataclass(frozen=True, eq=False)
class AbstractNetwork:
    """A fitted network; it samples with numpy alone.

    Attributes:
        latent: Latent vectors and the decoder.
        notes: How training went.
    """

    name: ClassVar[str]
    learner: ClassVar[str]
    """The module that trains it: imported by the fit alone, as it needs JAX."""

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
    def fit(
        cls,
        codes: Codes,
        columns: tuple[CellColumn, ...],
        *,
        seed: int,
        progress: Steps,
        **options: Any,
    ) -> Self:
        """Learn rows; the rest is the network's own, as its entry declares it.

        Raises:
            SourceError: Losses were not finite.
        """
        train = import_module(f"{__package__}.{cls.learner}").train_rows
        rng = stream(seed, cls.name, "fit", 0)
        latent, told = train(codes, columns, rng, progress, **options)
        return cls(latent, (told,))

    @classmethod
    def restore(cls, state: State, columns: tuple[CellColumn, ...]) -> Self:
        """The model of a state."""
        return cls(Latent.restore(state, columns), tuple(state.settings["notes"]))
