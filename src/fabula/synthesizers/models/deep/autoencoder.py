"""The variational autoencoder's networks and their training, in JAX; `vae` says what they are."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import NDArray
from scipy.linalg import block_diag

from fabula.synthesizers.layout import Layout
from fabula.synthesizers.model import CellColumn, Codes, Steps, Weights
from fabula.synthesizers.models.deep.gaussians import Gaussians
from fabula.synthesizers.models.deep.latent import BOUND, Latent
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
from fabula.synthesizers.models.number_pairs import Pairs

LATENTS, PRIORS = 16, 200
"""Dimensions of a latent vector, and components of the prior that is trained along."""

RATE, BATCH = 2e-3, 512
STEPS = 1_500
"""Steps of training in all; small tables are passed over more often."""

FEWEST_ROUNDS, MOST_ROUNDS, PATIENCE = 20, 150, 8
WAVES = 16
"""Cosines by which the networks know a number."""

WARM_UP = 0.2
"""The share of rounds in which β grows to its full size."""

HELD_OUT, MOST_HELD_OUT = 0.1, 2_048
MOST_ROWS = 200_000


def train_rows(
    codes: Codes,
    columns: tuple[CellColumn, ...],
    rng: np.random.Generator,
    progress: Steps,
    *,
    beta: float = 1.0,
    hidden: int = 256,
    max_seconds: float = 600,
) -> tuple[Latent, str]:
    """Train on rows.

    Args:
        codes: Training rows.
        columns: The columns of `codes`.
        rng: Decides everything that is random.
        progress: Called with rounds of training done and rounds in all.
        beta: The weight of the divergence from the prior; less keeps more of what belongs
            together, more makes smoother rows.
        hidden: Width of the networks' layers.
        max_seconds: Training ends after this time, with what it has.

    Returns:
        Latent vectors with their decoder, and how training went.
    """
    layout = Layout.of(columns)
    places = layout.places(codes[rng.permutation(len(codes))[:MOST_ROWS]])
    held_out = int(np.clip(HELD_OUT * len(places), 1, MOST_HELD_OUT))
    held, rows = places[:held_out], places[held_out:]
    with on_cpu():
        network = _Network(columns, hidden, layout.shares(codes, extra=1.0))
        training = _Training(network, rows, held, beta, rng)
        schedule = Schedule(training.rounds, PATIENCE, max_seconds)
        trained = train(training, schedule, progress)
        params = trained.best[0]
        prior = Gaussians.fit(training.latents(params), rng)
        weights, bias = arrays(params["score"])
        score = (weights @ network.waves, bias)
        layers = (arrays(params["widen"]), arrays(params["mix"]), score)
    latent = Latent(layout, prior, layers, np.zeros(layout.width), Pairs.none(columns))
    latent = latent.calibrated(codes, rng)
    told = (
        f"{counted(trained.rounds)} of training ({trained.ended}); a held-back row costs"
        f" {-trained.score:.2f} nats"
    )
    return latent, told


class _Network:
    """Encoder, decoder and prior as functions of their parameters."""

    def __init__(self, columns: tuple[CellColumn, ...], hidden: int, shares: Weights) -> None:
        layout = Layout.of(columns)
        self._layout, self._hidden = layout, hidden
        self.waves = _waves(columns)
        self._basis = jnp.asarray(self.waves)
        self._shares = jnp.asarray(np.log(shares), jnp.float32)
        self._members = jnp.asarray(layout.column[:, None] == np.arange(len(layout.sizes)), float)

    def initial(self, key: jax.Array) -> dict[str, Params]:
        """Random parameters; the decoder starts from each column's own distribution."""
        keys = iter(jax.random.split(key, 7))
        layout, hidden = self._layout, self._hidden
        embed = dense(next(keys), len(layout.sizes), hidden, 1.0)
        embed["weights"] = jax.random.normal(next(keys), (len(self.waves), hidden))
        embed["weights"] /= jnp.sqrt(len(layout.sizes))
        score = dense(next(keys), hidden, len(self.waves), 0.5)
        score["bias"] = self._shares
        prior = {
            "shares": jnp.zeros(PRIORS),
            "means": jax.random.normal(next(keys), (PRIORS, LATENTS)),
            "spreads": jnp.zeros((PRIORS, LATENTS)),
        }
        return {
            "embed": embed,
            "fold": dense(next(keys), hidden, hidden),
            "place": dense(next(keys), hidden, 2 * LATENTS),
            "widen": dense(next(keys), LATENTS, hidden),
            "mix": dense(jax.random.fold_in(key, 1), hidden, hidden),
            "score": score,
            "prior": prior,
        }

    def encode(self, params: dict[str, Params], places: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Means and logarithms of the spreads of latent vectors."""
        embed = params["embed"]
        weights = self._basis.T @ embed["weights"]
        values = jax.nn.silu(weights[places].sum(axis=1) + embed["bias"])
        values = jax.nn.silu(through(params["fold"], values))
        means, spreads = jnp.split(through(params["place"], values), 2, axis=1)
        return means, jnp.clip(spreads - 2.0, -8.0, 3.0)

    def terms(
        self, params: dict[str, Params], places: jax.Array, key: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        """Reconstruction and divergence, in nats a row."""
        mu, log_sd = self.encode(params, places)
        eps = jax.random.normal(key, mu.shape)
        z = mu + jnp.exp(log_sd) * eps
        values = jax.nn.silu(through(params["widen"], z))
        values = jax.nn.silu(through(params["mix"], values))
        scores = values @ params["score"]["weights"] @ self._basis + params["score"]["bias"]
        scores = BOUND * jnp.tanh(scores / BOUND)
        totals = jnp.log(jnp.exp(scores) @ self._members)
        missed = (totals - jnp.take_along_axis(scores, places, 1)).sum(axis=1)
        divergence = (-0.5 * eps**2 - log_sd).sum(axis=1) - _log_prior(params["prior"], z)
        return missed.mean(), divergence.mean()


def _waves(columns: Sequence[CellColumn]) -> NDArray[np.float32]:
    """What cells have in common, shape (waves, cells): neighbouring cells of numbers are alike.

    The networks know a number by cosines of its rank, slow ones first, so that a few hundred rows
    tell them how it goes with others; a label, or a missing value, they know as itself.
    """
    blocks = []
    for column in columns:
        known = column.cells - column.missing
        if not column.ordered or known <= 2:
            blocks.append(np.eye(column.cells))
            continue
        counts = column.counts[:known] + 0.5
        rank = (np.cumsum(counts) - counts / 2) / counts.sum()
        waves = np.arange(1, min(WAVES, known) + 1)[:, None]
        own = np.zeros((len(waves) + column.missing, column.cells))
        own[: len(waves), :known] = np.cos(np.pi * waves * rank) * 2 / np.sqrt(waves)
        own[len(waves) :, known:] = 1.0
        blocks.append(own)
    return np.asarray(block_diag(*blocks), np.float32)


def _log_prior(prior: Params, z: jax.Array) -> jax.Array:
    """The logarithm of the prior's density, up to a constant."""
    precise = jnp.exp(-2 * prior["spreads"])
    means = prior["means"]
    far = z**2 @ precise.T - 2 * z @ (means * precise).T + (means**2 * precise).sum(axis=1)
    logs = jax.nn.log_softmax(prior["shares"]) - 0.5 * far - prior["spreads"].sum(axis=1)
    return jax.nn.logsumexp(logs, axis=1)


class _Training:
    """What the training loop needs: fresh states, rounds of steps, scores."""

    def __init__(
        self,
        network: _Network,
        rows: NDArray[np.int32],
        held: NDArray[np.int32],
        beta: float,
        rng: np.random.Generator,
    ) -> None:
        self._network, self._rows, self._held, self._rng = network, rows, held, rng
        self._beta = beta
        self._batch = min(BATCH, max(8, len(rows) // 8))
        steps = len(rows) // self._batch
        self.rounds = int(np.clip(STEPS // steps, FEWEST_ROUNDS, MOST_ROUNDS))
        self._keys = jax.random.split(jax.random.key(int(rng.integers(2**31))), 3)
        rates = optax.cosine_decay_schedule(RATE, self.rounds * steps, 0.05)
        self._optimizer = optax.chain(optax.clip_by_global_norm(5.0), optax.scale_by_adam())
        self._rates = rates
        self._round = jax.jit(self._steps)
        self._terms = jax.jit(network.terms)

    def start(self, factor: float) -> Carry:
        """Fresh parameters, with a factor of the rate."""
        params = self._network.initial(self._keys[0])
        return params, self._optimizer.init(params), jnp.float32(factor), jnp.int32(0)

    def advance(self, carry: Carry, number: int) -> tuple[Carry, float]:
        """One pass over the rows in a new order."""
        count = len(self._rows) // self._batch * self._batch
        order = self._rng.permutation(len(self._rows))[:count].reshape(-1, self._batch)
        beta = self._beta * min(1.0, (number + 1) / (WARM_UP * self.rounds))
        key = jax.random.fold_in(self._keys[1], number)
        carry, loss = self._round(carry, self._rows[order], key, jnp.float32(beta))
        return carry, float(loss)

    def score(self, carry: Carry) -> float:
        """How likely held-back rows are, as training weighs it at the end."""
        missed, divergence = self._terms(carry[0], self._held, self._keys[2])
        return -float(missed + self._beta * divergence)

    def latents(self, params: dict[str, Params]) -> NDArray[np.float64]:
        """A latent vector for each training row."""
        encode = jax.jit(self._network.encode)
        found = []
        for start in range(0, len(self._rows) - self._batch + 1, self._batch):
            mu, log_sd = encode(params, self._rows[start : start + self._batch])
            noise = self._rng.normal(size=mu.shape)
            found.append(np.asarray(mu) + np.exp(np.asarray(log_sd)) * noise)
        return np.concatenate(found)

    def _steps(
        self, carry: Carry, batches: jax.Array, key: jax.Array, beta: jax.Array
    ) -> tuple[Carry, jax.Array]:
        def loss(params: dict[str, Params], places: jax.Array, key: jax.Array) -> jax.Array:
            missed, divergence = self._network.terms(params, places, key)
            return missed + beta * divergence

        def step(carry: Carry, places: jax.Array) -> tuple[Carry, jax.Array]:
            params, moments, factor, count = carry
            value, slopes = jax.value_and_grad(loss)(params, places, jax.random.fold_in(key, count))
            updates, moments = self._optimizer.update(slopes, moments, params)
            rate = -self._rates(count) * factor
            updates = jax.tree.map(lambda update: rate * update, updates)
            params = optax.apply_updates(params, updates)
            return (params, moments, factor, count + 1), value

        carry, values = jax.lax.scan(step, carry, batches)
        return carry, values.mean()
