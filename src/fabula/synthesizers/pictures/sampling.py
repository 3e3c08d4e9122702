"""Sampling of learned pictures, in numpy: components from noise, block by block."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

LATENTS = 32
"""Dimensions of the noise of the autoencoder's decoder and of the generator."""
WAVES = 8
TIMES = 40
"""Steps of the flow, by Heun's method."""

SPREAD = "spread"
"""The layer whose biases say how far each component spreads."""

SEEN = "latents"
"""The layer of the autoencoder that has mean and root of the covariance of each label's latents."""

Layers = Mapping[str, NDArray[Any]]
Floats = NDArray[np.float32]


def time_waves(t: Any, xp: Any) -> Any:
    """Sines and cosines of a time from 0 to 1, as the flow's network sees it."""
    angles = t * (np.pi * 2.0 ** np.arange(WAVES, dtype=np.float32) / 4)
    return xp.concatenate([xp.sin(angles), xp.cos(angles)], axis=1)


def on_path(point: Any, t: Any, spread: Any, xp: Any) -> tuple[Any, Any, Any]:
    """What the flow's network sees of a point at a time, and what it adds to.

    Returns:
        The point in its own units; the velocity there, were components Gaussians of their spread;
        and how far velocities are from that one, which the network's outputs are multiplied by.
    """
    variance = (1 - t) ** 2 + (t * spread) ** 2
    deviation = xp.sqrt(variance)
    return point / deviation, (t * spread**2 - (1 - t)) / variance * point, spread / deviation


def drawn(model: str, layers: Layers, conditions: Floats, rng: np.random.Generator) -> Floats:
    """Components of new pictures, a row for each condition."""
    count = len(conditions)
    if model != "flow":
        noise = rng.standard_normal((count, LATENTS), dtype=np.float32)
        if model == "vae":
            label = conditions.argmax(axis=1) if conditions.shape[1] else np.zeros(count, int)
            turned = np.matmul(layers[f"{SEEN}.weights"][label], noise[:, :, None])[:, :, 0]
            noise = np.asarray(layers[f"{SEEN}.bias"][label] + turned, np.float32)
        shown = _run(layers, np.concatenate([noise, conditions], axis=1))
        if model == "vae":  # what the decoder leaves open varies as it does in real pictures
            spread = np.exp(np.clip(layers[f"{SPREAD}.bias"], -4.0, 2.0))
            shown = shown + spread * rng.standard_normal(shown.shape, dtype=np.float32)
        return np.asarray(shown, np.float32)
    point = rng.standard_normal((count, layers["last.bias"].size), dtype=np.float32)

    def velocity(where: Floats, time: np.float32) -> Floats:
        seen, known, left = on_path(where, time, layers[f"{SPREAD}.bias"], np)
        waves = time_waves(np.full((count, 1), time, np.float32), np)
        given = np.concatenate([seen, waves, conditions], axis=1)
        return np.asarray(known + left * _run(layers, given), np.float32)

    step = np.float32(1 / TIMES)
    for number in range(TIMES):
        first = velocity(point, number * step)
        second = velocity(point + step * first, (number + 1) * step)
        point = point + step / 2 * (first + second)
    return point


def _run(layers: Layers, values: Floats) -> Floats:
    inner = _silu(_through(layers, "first", values))
    inner = inner + _silu(_through(layers, "second", inner))
    inner = inner + _silu(_through(layers, "third", inner))
    return _through(layers, "last", inner)


def _through(layers: Layers, name: str, values: Floats) -> Floats:
    made: Floats = values @ layers[f"{name}.weights"] + layers[f"{name}.bias"]
    return made


def _silu(values: Floats) -> Floats:
    return np.asarray(values / (1 + np.exp(-np.clip(values, -60, 60))), np.float32)
