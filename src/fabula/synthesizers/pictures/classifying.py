"""A small classifier of pictures, by which others are judged; trained in JAX."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from fabula.synthesizers.models.deep.training import Schedule, on_cpu, through, train
from fabula.synthesizers.pictures.networks import (
    HELD_OUT,
    STEPS_A_ROUND,
    AbstractDescent,
    Network,
    mlp,
    run,
)

ROUNDS, PATIENCE, HIDDEN = 15, 4, 128
NOISE = 0.1
"""Noise on the pictures that it learns, so that it learns no pixel by heart."""


@dataclass(frozen=True)
class Classifier:
    """A trained classifier."""

    network: Network

    @classmethod
    def trained(
        cls, values: NDArray[Any], labels: NDArray[np.int64], count: int, rng: np.random.Generator
    ) -> Classifier:
        """Learn labels from the components of pictures."""
        asked = np.eye(count, dtype=np.float32)[labels]
        order = rng.permutation(len(values))
        held = max(1, int(HELD_OUT * len(values)))
        with on_cpu():
            training = _Labels(
                (values[order[held:]], asked[order[held:]]),
                (values[order[:held]], asked[order[:held]]),
                rng,
                HIDDEN,
                ROUNDS * STEPS_A_ROUND,
            )
            schedule = Schedule(ROUNDS, PATIENCE, 300)
            return cls(train(training, schedule, lambda *_: None).best[1])

    def accuracy(self, values: NDArray[Any], labels: NDArray[np.int64]) -> float:
        """The share of pictures whose label it finds."""
        with on_cpu():
            found = np.asarray(run(self.network, jnp.asarray(values))).argmax(axis=1)
        return float((found == labels).mean())

    def features(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """What its second layer sees in pictures."""
        with on_cpu():
            inner = jax.nn.silu(through(self.network["first"], jnp.asarray(values)))
            inner = inner + jax.nn.silu(through(self.network["second"], inner))
        return np.asarray(inner, np.float64)


class _Labels(AbstractDescent):
    """Cross-entropy of labels."""

    def initial(self, key: jax.Array) -> Network:
        return mlp(key, self.width, self.hidden, self.labels)

    def loss(
        self, network: Network, values: jax.Array, conditions: jax.Array, key: jax.Array
    ) -> jax.Array:
        noisy = values + NOISE * jax.random.normal(key, values.shape)
        logs = jax.nn.log_softmax(run(network, noisy))
        return jnp.asarray(-(logs * conditions).sum(axis=1).mean())
