"""Networks that learn small pictures: an autoencoder, adversaries, a flow; training in JAX.

All three learn principal components of the pixels, which keep `KEPT` of the variance, so that
dense layers suffice and a picture of 64 x 64 costs little more than one of 8 x 8. A condition, the
label as one of several, goes into the first layer. JAX is used to train; numpy suffices to sample.

- `vae`: Gaussian latents; a spread a component is learned (Kingma and Welling 2014), and what
  latents real pictures of each label have (Ghosh et al. 2020).
- `gan`: relativistic, with penalties on the slopes (Huang et al. 2024), generator averaged.
- `flow`: learns the velocity of straight paths from noise to pictures (Lipman et al. 2023), beyond
  what the spread of each component tells of it alone, as denoisers do (Karras et al. 2022).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import NDArray

from fabula.synthesizers.model import Steps
from fabula.synthesizers.models.deep.training import (
    Carry,
    Params,
    Schedule,
    arrays,
    counted,
    dense,
    on_cpu,
    through,
    train,
)
from fabula.synthesizers.pictures.distances import frechet
from fabula.synthesizers.pictures.sampling import LATENTS, SEEN, SPREAD, WAVES, on_path, time_waves

Floats = NDArray[np.float32]
Network = dict[str, Params]
Loss = Callable[[Network, jax.Array, jax.Array, jax.Array], jax.Array]

RATE, BATCH, STEPS_A_ROUND = 1e-3, 128, 100
AVERAGED = 0.995
"""How much of the averaged network stays at each step."""
PENALTY = 1.0
PATIENCE = {"vae": 8, "gan": 20, "flow": 12}
HELD_OUT, MOST_HELD_OUT = 0.1, 1_000
BETA = 0.5


def train_pictures(
    model: str,
    values: Floats,
    conditions: Floats,
    rng: np.random.Generator,
    progress: Steps,
    *,
    copies: Sequence[Floats],
    steps: int,
    hidden: int,
    max_seconds: float | None,
) -> tuple[dict[str, NDArray[Any]], str]:
    """Train on the components of pictures.

    Args:
        model: `vae`, `gan` or `flow`.
        values: Components, a row a picture.
        conditions: Labels as one of several, of shape (pictures, labels); no columns without.
        rng: Decides everything that is random.
        progress: Called with rounds done and rounds in all.
        copies: Further versions of all rows, which are learned from alone.
        steps: Steps at most.
        hidden: Width of the layers.
        max_seconds: Training ends after this time, with what it has; None for none.

    Returns:
        The layers that sampling needs, and how training went.
    """
    order = rng.permutation(len(values))
    held = min(MOST_HELD_OUT, max(1, int(HELD_OUT * len(values))))
    schedule = Schedule(
        max(1, steps // STEPS_A_ROUND),
        PATIENCE[model],
        math.inf if max_seconds is None else max_seconds,
    )
    with on_cpu():
        training = _TRAININGS[model](
            (
                np.concatenate([each[order[held:]] for each in (values, *copies)]),
                np.tile(conditions[order[held:]], (1 + len(copies), 1)),
            ),
            (values[order[:held]], conditions[order[:held]]),
            rng,
            hidden,
            schedule.rounds * STEPS_A_ROUND,
        )
        trained = train(training, schedule, progress)
        network = training.sampler(trained.best)
        layers: dict[str, NDArray[Any]] = {}
        for name, layer in network.items():
            layers[f"{name}.weights"], layers[f"{name}.bias"] = arrays(layer)
    told = f"{counted(trained.rounds)} of {STEPS_A_ROUND} steps ({trained.ended})"
    if trained.out_of_time:
        told += (
            f"; time ends another run elsewhere: `steps={trained.rounds * STEPS_A_ROUND}` without "
            "`max_seconds` takes as long, and the same seed then gives the same model"
        )
    return layers, told


def mlp(key: jax.Array, inputs: int, hidden: int, outputs: int) -> Network:
    """Three hidden layers, of which two add to what they get."""
    keys = jax.random.split(key, 4)
    return {
        "first": dense(keys[0], inputs, hidden),
        "second": dense(keys[1], hidden, hidden, 1.0),
        "third": dense(keys[2], hidden, hidden, 1.0),
        "last": dense(keys[3], hidden, outputs, 0.2),
    }


def run(network: Mapping[str, Params], values: jax.Array, prefix: str = "") -> jax.Array:
    """The outputs of such a network."""
    inner = jax.nn.silu(through(network[f"{prefix}first"], values))
    inner = inner + jax.nn.silu(through(network[f"{prefix}second"], inner))
    inner = inner + jax.nn.silu(through(network[f"{prefix}third"], inner))
    return through(network[f"{prefix}last"], inner)


Rows = tuple[Floats, Floats]


class AbstractDescent:
    """Training by one loss: the flow's and the autoencoder's."""

    def __init__(
        self, rows: Rows, held: Rows, rng: np.random.Generator, hidden: int, steps: int
    ) -> None:
        self._rows, self._held, self._rng, self.hidden = rows, held, rng, hidden
        self._rates = optax.cosine_decay_schedule(RATE, steps, 0.05)
        self._optimizer = optax.chain(optax.clip_by_global_norm(5.0), optax.scale_by_adam())
        self._keys = jax.random.split(jax.random.key(int(rng.integers(2**31))), 3)
        self.width, self.labels = rows[0].shape[1], rows[1].shape[1]
        self._round, self._scored = jax.jit(self._steps), jax.jit(self.loss)

    def start(self, factor: float) -> Carry:
        """Fresh parameters, with a factor of the rate."""
        network = self.initial(self._keys[0])
        state = self._optimizer.init(network)
        return network, network, state, jnp.float32(factor), jnp.int32(0)

    def advance(self, carry: Carry, number: int) -> tuple[Carry, float]:
        """Some steps on rows that are drawn again."""
        drawn = self._rng.integers(0, len(self._rows[0]), (STEPS_A_ROUND, BATCH))
        key = jax.random.fold_in(self._keys[1], number)
        carry, loss = self._round(carry, self._rows[0][drawn], self._rows[1][drawn], key)
        return carry, float(loss)

    def score(self, carry: Carry) -> float:
        """Minus the averaged network's loss on held-back pictures, each taken several times."""
        times = max(1, 2_000 // len(self._held[0]))
        values, conditions = (np.repeat(each, times, axis=0) for each in self._held)
        return -float(self._scored(carry[1], values, conditions, self._keys[2]))

    def sampler(self, carry: Carry) -> Network:
        """The layers that sampling needs."""
        return {name: layer for name, layer in carry[1].items() if not name.startswith("see.")}

    def initial(self, key: jax.Array) -> Network:
        """Random parameters."""
        raise NotImplementedError

    def loss(
        self, network: Network, values: jax.Array, conditions: jax.Array, key: jax.Array
    ) -> jax.Array:
        """The mean loss of a batch."""
        raise NotImplementedError

    def _steps(
        self, carry: Carry, batches: jax.Array, conditions: jax.Array, key: jax.Array
    ) -> tuple[Carry, jax.Array]:
        def step(carry: Carry, batch: tuple[jax.Array, jax.Array]) -> tuple[Carry, jax.Array]:
            network, average, state, factor, count = carry
            own = jax.random.fold_in(key, count)
            value, slopes = jax.value_and_grad(self.loss)(network, *batch, own)
            updates, state = self._optimizer.update(slopes, state, network)
            rate = self._rates(count) * factor
            network = jax.tree.map(lambda old, update: old - rate * update, network, updates)
            average = jax.tree.map(
                lambda old, new: AVERAGED * old + (1 - AVERAGED) * new, average, network
            )
            return (network, average, state, factor, count + 1), value

        carry, values = jax.lax.scan(step, carry, (batches, conditions))
        return carry, values.mean()


class _Flow(AbstractDescent):
    """The velocity at a point of the path from noise to a picture."""

    def __init__(
        self, rows: Rows, held: Rows, rng: np.random.Generator, hidden: int, steps: int
    ) -> None:
        super().__init__(rows, held, rng, hidden, steps)
        self._spread = rows[0].std(axis=0)

    def initial(self, key: jax.Array) -> Network:
        return mlp(key, self.width + 2 * WAVES + self.labels, self.hidden, self.width)

    def loss(
        self, network: Network, values: jax.Array, conditions: jax.Array, key: jax.Array
    ) -> jax.Array:
        noise, when = jax.random.split(key)
        start = jax.random.normal(noise, values.shape)
        t = jax.nn.sigmoid(jax.random.normal(when, (len(values), 1)))
        point = (1 - t) * start + t * values
        seen, known, left = on_path(point, t, self._spread, jnp)
        given = jnp.concatenate([seen, time_waves(t, jnp), conditions], axis=1)
        velocity = known + left * run(network, given)
        return jnp.asarray(((velocity - (values - start)) ** 2).mean())

    def sampler(self, carry: Carry) -> Network:
        zeros = jnp.zeros((1, self.width))
        return {**super().sampler(carry), SPREAD: {"weights": zeros, "bias": self._spread}}


class _Autoencoder(AbstractDescent):
    """Encoder and decoder; the decoder samples."""

    def initial(self, key: jax.Array) -> Network:
        see, show = jax.random.split(key)
        encoder = mlp(see, self.width + self.labels, self.hidden, 2 * LATENTS)
        decoder = mlp(show, LATENTS + self.labels, self.hidden, self.width)
        # The spread is learned with the network, and is needed to sample.
        spread = {"weights": jnp.zeros((1, self.width)), "bias": jnp.zeros(self.width)}
        return (
            {f"see.{name}": layer for name, layer in encoder.items()} | decoder | {SPREAD: spread}
        )

    def loss(
        self, network: Network, values: jax.Array, conditions: jax.Array, key: jax.Array
    ) -> jax.Array:
        mu, log_sd = self._seen(network, values, conditions)
        z = mu + jnp.exp(log_sd) * jax.random.normal(key, mu.shape)
        shown = run(network, jnp.concatenate([z, conditions], axis=1))
        spread = jnp.clip(network[SPREAD]["bias"], -4.0, 2.0)
        missed = (0.5 * ((values - shown) * jnp.exp(-spread)) ** 2 + spread).sum(axis=1)
        divergence = (0.5 * (mu**2 + jnp.exp(2 * log_sd) - 1) - log_sd).sum(axis=1)
        return jnp.asarray((missed + BETA * divergence).mean() / self.width)

    def sampler(self, carry: Carry) -> Network:
        # Latents of real pictures are not standard normal, above all not those of one label.
        mu, log_sd = map(np.asarray, self._seen(carry[1], *map(jnp.asarray, self._rows)))
        groups = self._rows[1].T > 0 if self.labels else np.ones((1, len(mu)), bool)
        means, roots = (
            np.zeros((len(groups), LATENTS)),
            np.tile(np.eye(LATENTS), (len(groups), 1, 1)),
        )
        for label, own in enumerate(groups):
            if own.any():
                means[label] = mu[own].mean(axis=0)
                cover = np.cov(mu[own], rowvar=False, bias=True)
                roots[label] = np.linalg.cholesky(cover + np.diag(np.exp(2 * log_sd[own]).mean(0)))
        latents = {"weights": jnp.asarray(roots), "bias": jnp.asarray(means)}
        return {**super().sampler(carry), SEEN: latents}

    def _seen(
        self, network: Network, values: jax.Array, conditions: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        """Means and logarithms of the deviations of what pictures are encoded as."""
        seen = run(network, jnp.concatenate([values, conditions], axis=1), "see.")
        mu, log_sd = jnp.split(seen, 2, axis=1)
        return mu, jnp.clip(log_sd, -6.0, 2.0)


class _Adversaries(AbstractDescent):
    """A generator and its critic, each with its own slopes."""

    def __init__(
        self, rows: Rows, held: Rows, rng: np.random.Generator, hidden: int, steps: int
    ) -> None:
        super().__init__(rows, held, rng, hidden, steps)
        self._moments = optax.scale_by_adam(b1=0.0, b2=0.98)

    def start(self, factor: float) -> Carry:
        show, judge = jax.random.split(self._keys[0])
        generator = mlp(show, LATENTS + self.labels, self.hidden, self.width)
        critic = mlp(judge, self.width + self.labels, self.hidden, 1)
        moments = self._moments.init(generator), self._moments.init(critic)
        return generator, generator, critic, moments, jnp.float32(factor), jnp.int32(0)

    def score(self, carry: Carry) -> float:
        """Minus the Fréchet distance between pictures drawn and held back, on components."""
        conditions = np.concatenate([self._held[1], self._rows[1]])[:2_000]
        real = np.concatenate([self._held[0], self._rows[0]])[:2_000]
        noise = jax.random.normal(self._keys[2], (len(conditions), LATENTS))
        made = np.asarray(run(carry[1], jnp.concatenate([noise, conditions], axis=1)))
        if not np.isfinite(made).all():
            return float("nan")
        return -frechet(real, made)

    def _judged(self, critic: Network, values: jax.Array, conditions: jax.Array) -> jax.Array:
        return run(critic, jnp.concatenate([values, conditions], axis=1))[:, 0]

    def _critic_loss(
        self, critic: Network, real: jax.Array, fake: jax.Array, conditions: jax.Array
    ) -> jax.Array:
        penalty, judgements = jnp.float32(0), []
        for rows in (real, fake):
            judged, slopes = jax.vjp(lambda given: self._judged(critic, given, conditions), rows)
            penalty += (slopes(jnp.ones_like(judged))[0] ** 2).sum(axis=1).mean()
            judgements.append(judged)
        lost = jax.nn.softplus(judgements[1] - judgements[0]).mean()
        return jnp.asarray(lost + PENALTY / 2 * penalty)

    def _steps(
        self, carry: Carry, batches: jax.Array, conditions: jax.Array, key: jax.Array
    ) -> tuple[Carry, jax.Array]:
        def generated(generator: Network, asked: jax.Array, key: jax.Array) -> jax.Array:
            noise = jax.random.normal(key, (BATCH, LATENTS))
            return run(generator, jnp.concatenate([noise, asked], axis=1))

        def fooled(
            generator: Network, critic: Network, real: jax.Array, asked: jax.Array, key: jax.Array
        ) -> jax.Array:
            fake = self._judged(critic, generated(generator, asked, key), asked)
            return jax.nn.softplus(self._judged(critic, real, asked) - fake).mean()

        def moved(network: Network, slopes: Network, moments: Any, rate: Any) -> tuple[Any, Any]:
            updates, moments = self._moments.update(slopes, moments)
            return jax.tree.map(lambda old, new: old - rate * new, network, updates), moments

        def step(carry: Carry, batch: tuple[jax.Array, jax.Array]) -> tuple[Carry, jax.Array]:
            generator, average, critic, (moments, critics), factor, count = carry
            real, asked = batch
            rate = self._rates(count) * factor
            keys = jax.random.split(jax.random.fold_in(key, count))
            fake = generated(generator, asked, keys[0])
            loss, slopes = jax.value_and_grad(self._critic_loss)(critic, real, fake, asked)
            critic, critics = moved(critic, slopes, critics, rate)
            slopes = jax.grad(fooled)(generator, critic, real, asked, keys[1])
            generator, moments = moved(generator, slopes, moments, rate)
            average = jax.tree.map(
                lambda old, new: AVERAGED * old + (1 - AVERAGED) * new, average, generator
            )
            return (generator, average, critic, (moments, critics), factor, count + 1), loss

        carry, losses = jax.lax.scan(step, carry, (batches, conditions))
        return carry, losses.mean()


_TRAININGS: Mapping[str, type[AbstractDescent]] = {
    "vae": _Autoencoder,
    "gan": _Adversaries,
    "flow": _Flow,
}
