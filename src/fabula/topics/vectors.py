"""Texts as unit vectors: an endpoint's embedding if one is named, else word vectors here.

Where the endpoint can't embed, the word vectors of this machine take its place, and that is said.
All vectors of a run come from one model, since those of two can't be compared.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.errors import AuthenticationError, ModelError, PrerequisiteError, RateLimitError
from fabula.llm.cache.budget import Budget
from fabula.llm.cache.ledger import Ledger
from fabula.llm.providers.embeddings import open_embedder
from fabula.llm.providers.local_embeddings import NAME, embed_halved
from fabula.spec.models import ModelSpec, model_spec

CANNOT_EMBED = frozenset(
    f"model.{problem}" for problem in ("no-api", "not-found", "rejected", "unreachable")
) | {"prerequisite.key", "prerequisite.variable"}
"""Errors of endpoints that do not embed at all; any other one passes or names what to repair."""

Vectors = NDArray[np.floating]


class TextVectors:
    """The embedding of one run: `wordllama` for word vectors here, or an endpoint's model."""

    def __init__(
        self, model: str | ModelSpec, budget: Budget, *, fresh: bool, say: Callable[[str], None]
    ) -> None:
        self.name = model if isinstance(model, str) else str(model.name)
        self._model = model
        self._budget = budget
        self._fresh = fresh
        self._say = say
        self._is_fixed = False

    def keep_to(self, name: str) -> None:
        """Use what an earlier part of the run used, and nothing else."""
        self.name, self._is_fixed = name, True

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """A unit vector for each text, in their order.

        Raises:
            ModelError: The endpoint stopped embedding after the first texts.
            AuthenticationError: It refused the key.
        """
        if self.name == NAME:
            return embed_halved(pa.array(texts, pa.string()))
        try:
            vectors = await self._ask(texts)
        except (AuthenticationError, RateLimitError):
            raise
        except (ModelError, PrerequisiteError) as error:
            if self._is_fixed or error.code not in CANNOT_EMBED:
                raise
            self._say(
                f"`{self.name}` does not embed, so word vectors of this machine are used: "
                f"{error.message}"
            )
            self.name = NAME
            return embed_halved(pa.array(texts, pa.string()))
        self._is_fixed = True
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        units: Vectors = vectors / np.maximum(lengths, 1e-12)
        return units

    async def _ask(self, texts: Sequence[str]) -> Vectors:
        settings = self._model if isinstance(self._model, str) else model_spec(self._model)
        ledger = Ledger(fresh=self._fresh)
        embedder = open_embedder(settings, ledger=ledger, budget=self._budget)
        try:
            return await embedder.embed(texts)
        finally:
            await embedder.close()
            ledger.close()
