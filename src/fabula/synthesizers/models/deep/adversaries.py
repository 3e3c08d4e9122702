"""The networks of `gan`, generator and critic, and their training, in JAX."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import NDArray

from fabula.render.amounts import percent
from fabula.synthesizers.layout import Layout
from fabula.synthesizers.model import CellColumn, Codes, Steps
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

NOISE = 64
RATE, BATCH = 5e-4, 256
STEPS_A_ROUND, PATIENCE = 100, 10
TEMPERATURE = 0.5
PENALTY = 1.0
AVERAGED = 0.995
"""How much of the averaged generator stays at each step."""

HELD_OUT, MOST_HELD_OUT = 0.1, 2_048
COMPARED, MOST_PARTS = 60, 8
"""Pairs of columns by which a generator is scored, and the parts that their cells make up: counts
of more cells than held-back rows have tell nothing but noise."""


def train_rows(
    codes: Codes,
    columns: tuple[CellColumn, ...],
    rng: np.random.Generator,
    progress: Steps,
    *,
    steps: int = 2_000,
    hidden: int = 256,
    max_seconds: float = 600,
) -> tuple[Latent, str]:
    """Train on rows.

    Args:
        codes: Training rows.
        columns: The columns of `codes`.
        rng: Decides everything that is random.
        progress: Called with rounds of training done and rounds in all.
        steps: Steps of generator and critic at most.
        hidden: Width of the networks' layers.
        max_seconds: Training ends after this time, with what it has.

    Returns:
        Noise with the generator, and how training went.
    """
    rows = codes[rng.permutation(len(codes))]
    held_out = int(np.clip(HELD_OUT * len(rows), 1, MOST_HELD_OUT))
    with on_cpu():
        schedule = Schedule(max(1, -(-steps // STEPS_A_ROUND)), PATIENCE, max_seconds)
        total = schedule.rounds * STEPS_A_ROUND
        training = _Training(columns, rows, held_out, rng, hidden=hidden, total=total)
        trained = train(training, schedule, progress)
        latent = training.latent(trained.best)
    told = (
        f"{counted(trained.rounds)} of {STEPS_A_ROUND} steps ({trained.ended}); pairs of"
        f" columns overlap by {percent(1 + trained.score)} with held-back rows"
    )
    return latent.calibrated(codes, rng), told


class _Training:
    """Both networks, and what the training loop needs of them."""

    def __init__(
        self,
        columns: tuple[CellColumn, ...],
        rows: Codes,
        held_out: int,
        rng: np.random.Generator,
        *,
        hidden: int,
        total: int,
    ) -> None:
        layout = Layout.of(columns)
        self._columns = columns
        self._layout, self._rng, self._hidden, self._total = layout, rng, hidden, total
        self._held, self._rows = rows[:held_out], rows[held_out:]
        self._bias = jnp.asarray(np.log(layout.shares(rows, extra=1.0)), jnp.float32)
        count, widest = len(layout.sizes), max(layout.sizes)
        inside = np.arange(widest) < np.array(layout.sizes)[:, None]
        self._padded = jnp.asarray(np.where(inside, layout.starts[:, None] + np.arange(widest), -1))
        within = np.arange(layout.width) - layout.starts[layout.column]
        self._unpadded = jnp.asarray(layout.column * widest + within)
        pairs = np.array([(a, b) for a in range(count) for b in range(a)]).reshape(-1, 2)
        self._pairs = pairs[rng.permutation(len(pairs))[:COMPARED]]
        self._keys = jax.random.split(jax.random.key(int(rng.integers(2**31))), 2)
        self._optimizer = optax.scale_by_adam(b1=0.0, b2=0.98)
        self._round = jax.jit(self._steps)
        self._scored = int(rng.integers(2**31))

    def start(self, factor: float) -> Carry:
        """Fresh networks, with a factor of the rate."""
        keys = jax.random.split(self._keys[0], 6)
        width, hidden = self._layout.width, self._hidden
        score = dense(keys[2], hidden, width, 0.1)
        score["bias"] = self._bias
        generator = {
            "widen": dense(keys[0], NOISE, hidden),
            "mix": dense(keys[1], hidden, hidden),
            "score": score,
        }
        embed = dense(keys[3], len(self._layout.sizes), hidden, 1.0)
        embed["weights"] = jax.random.normal(keys[4], (width, hidden))
        embed["weights"] /= jnp.sqrt(len(self._layout.sizes))
        critic = {
            "embed": embed,
            "mix": dense(keys[5], hidden, hidden),
            "judge": dense(jax.random.fold_in(keys[5], 1), hidden, 1, 1.0),
        }
        moments = self._optimizer.init(generator), self._optimizer.init(critic)
        return generator, critic, generator, moments, jnp.float32(factor), jnp.int32(0)

    def advance(self, carry: Carry, number: int) -> tuple[Carry, float]:
        """Some steps on rows that are drawn again."""
        drawn = self._rng.integers(0, len(self._rows), (STEPS_A_ROUND, BATCH))
        rows = self._layout.places(self._rows[drawn])
        carry, loss = self._round(carry, rows, jax.random.fold_in(self._keys[1], number))
        return carry, float(loss)

    def score(self, carry: Carry) -> float:
        """Minus the mean total variation between pairs of columns, drawn and held back."""
        rng = np.random.default_rng(self._scored)
        made = self.latent(carry).sample(MOST_HELD_OUT, rng, {}).codes
        if not np.isfinite(np.asarray(carry[2]["score"]["bias"])).all():
            return float("nan")
        distances = [0.0]
        parts = [self._parts(codes) for codes in (made, self._held)]
        for first, second in self._pairs:
            both = [each[:, first] * MOST_PARTS + each[:, second] for each in parts]
            sides = [np.bincount(each, minlength=MOST_PARTS**2) for each in both]
            made_counts, held_counts = (side / side.sum() for side in sides)
            distances.append(0.5 * float(np.abs(made_counts - held_counts).sum()))
        return -sum(distances) / max(1, len(self._pairs))

    def _parts(self, codes: Codes) -> NDArray[np.int64]:
        sizes = np.array(self._layout.sizes)
        return np.asarray(codes * np.minimum(sizes, MOST_PARTS) // sizes, np.int64)

    def latent(self, carry: Carry) -> Latent:
        """The averaged generator for numpy."""
        layers = tuple(arrays(carry[2][name]) for name in ("widen", "mix", "score"))
        offset = np.zeros(self._layout.width)
        return Latent(
            self._layout, Gaussians.standard(NOISE), layers, offset, Pairs.none(self._columns)
        )

    def _generated(self, generator: dict[str, Params], key: jax.Array) -> jax.Array:
        """Rows as one-hot cells that slopes pass through; shape (batch, cells)."""
        noise, gumbel = jax.random.split(key)
        values = jax.random.normal(noise, (BATCH, NOISE))
        values = jax.nn.silu(through(generator["widen"], values))
        values = jax.nn.silu(through(generator["mix"], values))
        scores = BOUND * jnp.tanh(through(generator["score"], values) / BOUND)
        scores += jax.random.gumbel(gumbel, scores.shape)
        padded = jnp.where(self._padded >= 0, scores[:, self._padded], -jnp.inf)
        soft = jax.nn.softmax(padded / TEMPERATURE, axis=2)
        hard = jax.nn.one_hot(padded.argmax(axis=2), padded.shape[2])
        through_both = hard + soft - jax.lax.stop_gradient(soft)
        return jnp.asarray(through_both.reshape(BATCH, -1)[:, self._unpadded])

    def _judged(self, critic: dict[str, Params], rows: jax.Array) -> jax.Array:
        values = jax.nn.leaky_relu(through(critic["embed"], rows), 0.2)
        values += jax.nn.leaky_relu(through(critic["mix"], values), 0.2)
        return through(critic["judge"], values)[:, 0]

    def _critic_loss(
        self, critic: dict[str, Params], real: jax.Array, fake: jax.Array
    ) -> jax.Array:
        def judged(rows: jax.Array) -> jax.Array:
            return self._judged(critic, rows)

        penalty = jnp.float32(0)
        judgements = []
        for rows in (real, fake):
            judgement, slopes = jax.vjp(judged, rows)
            penalty += (slopes(jnp.ones_like(judgement))[0] ** 2).sum(axis=1).mean()
            judgements.append(judgement)
        lost = jax.nn.softplus(judgements[1] - judgements[0]).mean()
        return jnp.asarray(lost + PENALTY / 2 * penalty)

    def _generator_loss(
        self,
        generator: dict[str, Params],
        critic: dict[str, Params],
        real: jax.Array,
        key: jax.Array,
    ) -> jax.Array:
        fake = self._judged(critic, self._generated(generator, key))
        return jax.nn.softplus(self._judged(critic, real) - fake).mean()

    def _steps(self, carry: Carry, batches: jax.Array, key: jax.Array) -> tuple[Carry, jax.Array]:
        rates = optax.cosine_decay_schedule(RATE, self._total, 0.05)

        def step(carry: Carry, places: jax.Array) -> tuple[Carry, jax.Array]:
            generator, critic, average, (moments, critic_moments), factor, count = carry
            rate = rates(count) * factor
            keys = jax.random.split(jax.random.fold_in(key, count))
            real = jax.nn.one_hot(places, self._layout.width).sum(axis=1)
            fake = self._generated(generator, keys[0])
            loss, slopes = jax.value_and_grad(self._critic_loss)(critic, real, fake)
            critic, critic_moments = self._moved(critic, slopes, critic_moments, rate)
            other, slopes = jax.value_and_grad(self._generator_loss)(
                generator, critic, real, keys[1]
            )
            generator, moments = self._moved(generator, slopes, moments, rate)
            average = jax.tree.map(
                lambda old, new: AVERAGED * old + (1 - AVERAGED) * new, average, generator
            )
            state = (generator, critic, average, (moments, critic_moments), factor, count + 1)
            return state, loss + other

        carry, losses = jax.lax.scan(step, carry, batches)
        return carry, losses.mean()

    def _moved(
        self, params: dict[str, Params], slopes: dict[str, Params], moments: Carry, rate: jax.Array
    ) -> tuple[dict[str, Params], Carry]:
        updates, moments = self._optimizer.update(slopes, moments)
        moved = jax.tree.map(lambda old, update: old - rate * update, params, updates)
        return moved, moments
