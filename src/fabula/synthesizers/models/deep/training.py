"""The training loop of the networks: rounds of steps, early stopping, bounded time, finite losses.

A round advances the whole state of a training at once, so that a network compiles one function.
The state with the best score on held-back rows is what training gives.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from fabula.errors import SourceError
from fabula.synthesizers.model import Steps

Params: TypeAlias = dict[str, jax.Array]
Carry: TypeAlias = Any
"""All that changes while a network trains: parameters, optimizers."""

RESTARTS = 2
"""How often training starts again with a third of the rate when a loss is not finite."""

LEAST_GAIN = 1e-3


@dataclass(frozen=True)
class Schedule:
    """When training ends.

    Attributes:
        rounds: Rounds at most.
        patience: Rounds without a better score after which it ends.
        max_seconds: Seconds after which no further round begins.
    """

    rounds: int
    patience: int
    max_seconds: float


@dataclass(frozen=True)
class Trained:
    """What training gave.

    Attributes:
        best: The state with the best score.
        score: That score, on rows that were held back.
        rounds: Rounds that were run.
        ended: Why it ended, in a few words.
        out_of_time: Whether time ended it, so that the same seed need not give the same again.
    """

    best: Carry
    score: float
    rounds: int
    ended: str
    out_of_time: bool = False


class Training(Protocol):
    """What a network brings to its training."""

    def start(self, factor: float) -> Carry:
        """A fresh state, for a factor of the learning rate."""
        ...

    def advance(self, carry: Carry, number: int) -> tuple[Carry, float]:
        """The state after round `number`, and the round's mean loss."""
        ...

    def score(self, carry: Carry) -> float:
        """How good a state is on held-back rows; higher is better."""
        ...


def train(training: Training, schedule: Schedule, progress: Steps) -> Trained:
    """Train until the score stops getting better, the rounds are done, or time is up.

    Args:
        training: The network.
        schedule: When to end.
        progress: Called with rounds done and rounds in all.

    Raises:
        SourceError: Losses were not finite even at low rates.
    """
    begun = time.monotonic()
    for attempt in range(RESTARTS + 1):
        trained = _attempt(training, 3.0**-attempt, schedule, progress, begun)
        if trained is not None:
            progress(schedule.rounds, schedule.rounds)
            return trained
    raise SourceError(
        f"training gave losses that are not finite, {RESTARTS + 1} times",
        code="fit.diverged",
        hint='use another model for this table: model="boosted" or model="mixture"',
    )


def _attempt(
    training: Training, factor: float, schedule: Schedule, progress: Steps, begun: float
) -> Trained | None:
    """One training; None when a loss is not finite."""
    carry = training.start(factor)
    best, top, stale = carry, -math.inf, 0
    for number in range(schedule.rounds):
        carry, loss = training.advance(carry, number)
        found = training.score(carry)
        if not (math.isfinite(loss) and math.isfinite(found)):
            return None
        progress(number + 1, schedule.rounds)
        if found > top + LEAST_GAIN:
            best, top, stale = carry, found, 0
        else:
            stale += 1
        if stale >= schedule.patience:
            return Trained(best, top, number + 1, "the score stopped rising")
        if time.monotonic() - begun > schedule.max_seconds:
            ended = f"the time of {schedule.max_seconds:g} seconds was up"
            return Trained(best, top, number + 1, ended, out_of_time=True)
    return Trained(best, top, schedule.rounds, "all rounds were run")


def dense(key: jax.Array, inputs: int, outputs: int, gain: float = 2.0) -> Params:
    """A layer with random weights of variance `gain / inputs`."""
    weights = jax.random.normal(key, (inputs, outputs)) * jnp.sqrt(gain / inputs)
    return {"weights": weights, "bias": jnp.zeros(outputs)}


def through(layer: Params, values: jax.Array) -> jax.Array:
    """A layer's outputs."""
    return jnp.asarray(values @ layer["weights"] + layer["bias"])


def arrays(layer: Params) -> tuple[np.ndarray, np.ndarray]:
    """A layer's weights and biases for numpy."""
    return np.asarray(layer["weights"]), np.asarray(layer["bias"])


def on_cpu() -> Any:
    """A context in which JAX computes on the CPU, so that a seed gives the same network."""
    return jax.default_device(jax.devices("cpu")[0])


def counted(rounds: int) -> str:
    """A number of rounds in words."""
    return f"{rounds} round{'s' * (rounds != 1)}"
