"""What every network is once it is fitted: latent vectors, a decoder, and how training went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from fabula.streams import stream
from fabula.synthesizers.model import CellColumn, Codes, Drawn, State, Steps, Weights
from fabula.synthesizers.models.deep.latent import Latent
from fabula.synthesizers.models.deep.pooling import Pooling


@dataclass(frozen=True, eq=False)
class AbstractNetwork:
    """A fitted network; it samples with numpy alone.

    Attributes:
        latent: Latent vectors and the decoder.
        notes: How training went.
        pooling: Which labels share a cell.
    """

    name: ClassVar[str]
    learner: ClassVar[str]
    """The module that trains it: imported by the fit alone, as it needs JAX."""

    latent: Latent
    notes: tuple[str, ...]
    pooling: Pooling = field(default_factory=lambda: Pooling(()))

    def sample(self, rows: int, rng: np.random.Generator, allowed: Mapping[int, Weights]) -> Drawn:
        """Draw rows; what is allowed is weighed by how likely the latent vector makes it."""
        drawn = self.latent.sample(rows, rng, self.pooling.weights(allowed))
        return replace(drawn, codes=self.pooling.opened(drawn.codes, rng, allowed))

    def complete(self, codes: Codes, known: NDArray[np.bool_], rng: np.random.Generator) -> Drawn:
        """Draw what is unknown, given the likeliest latent vectors for what is known."""
        drawn = self.latent.complete(self.pooling.closed(codes), known, rng)
        opened = self.pooling.opened(drawn.codes, rng)
        return replace(drawn, codes=np.where(known, codes, opened).astype(np.int32))

    def state(self) -> State:
        """The model as plain values."""
        state = self.latent.state(self.notes)
        return State({**state.settings, "pooled": bool(self.pooling.cells)}, state.arrays)

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
        rng, pooling = stream(seed, cls.name, "fit", 0), Pooling(columns)
        latent, told = train(pooling.closed(codes), pooling.pooled, rng, progress, **options)
        return cls(latent, tuple(filter(None, (told, pooling.told))), pooling)

    @classmethod
    def restore(cls, state: State, columns: tuple[CellColumn, ...]) -> Self:
        """The model of a state."""
        pooling = Pooling(columns if state.settings.get("pooled") else ())
        cells = pooling.pooled or columns
        return cls(Latent.restore(state, cells), tuple(state.settings["notes"]), pooling)
