"""Noise and its price: OpenDP's mechanisms in zero-concentrated differential privacy (zCDP).

Prices are ρ and add up (Bun and Steinke 2016); OpenDP turns their sum into (ε, δ). Two data sets
are neighbours when one has a row more than the other, which changes one count of a table by one.
Noise comes from the operating system's randomness, never from a seed: noise that can be made
again can be taken off again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from opendp import combinators, domains, measurements, measures, metrics
from opendp.mod import enable_features

enable_features("contrib")

_HALVINGS = 60


@dataclass
class Account:
    """What was spent.

    Attributes:
        rho: The sum of all prices.
        delta: The chance that a threshold shows the label of a single row.
    """

    rho: float = 0.0
    delta: float = 0.0

    def noisy(self, counts: NDArray[np.int64], rho: float) -> NDArray[np.float64]:
        """Counts of disjoint groups of rows with discrete Gaussian noise of `scale(rho)`."""
        mechanism = measurements.make_gaussian(
            domains.vector_domain(domains.atom_domain(T="i64")),
            metrics.l2_distance(T="f64"),
            scale=scale(rho),
        )
        self.rho += _price(mechanism)
        noisy = mechanism([int(count) for count in counts.ravel()])
        return np.array(noisy, float).reshape(counts.shape)

    def largest(self, scores: NDArray[np.float64], rho: float) -> int:
        """The position of about the largest score; a row changes each score by at most one."""
        mechanism = measurements.make_noisy_max(
            domains.vector_domain(domains.atom_domain(T="f64", nan=False)),
            metrics.linf_distance(T="f64"),
            measures.zero_concentrated_divergence(),
            scale=scale(rho),
        )
        self.rho += _price(mechanism)
        return int(mechanism([float(score) for score in scores]))

    def epsilon(self, delta: float) -> float:
        """The ε of all that was spent, at a δ that includes the thresholds'."""
        return epsilon_of(self.rho, delta - self.delta)


def scale(rho: float) -> float:
    """The noise's standard deviation at which a count costs ρ: ρ = 1 / (2 σ²)."""
    return math.sqrt(1 / (2 * rho))


def epsilon_of(rho: float, delta: float) -> float:
    """The ε for which mechanisms that cost ρ are (ε, δ)-differentially private."""
    space = domains.atom_domain(T="f64", nan=False), metrics.absolute_distance(T="f64")
    mechanism = measurements.make_gaussian(*space, scale=scale(rho))
    profile: Any = _price(combinators.make_zCDP_to_approxDP(mechanism))
    return float(profile.epsilon(delta))


def _price(mechanism: Any) -> Any:
    """What OpenDP says that a mechanism costs where neighbours differ by one row."""
    return mechanism.map(1.0)


def affordable(epsilon: float, delta: float) -> float:
    """The largest ρ, but for rounding, whose ε is at most `epsilon`."""
    low, high = 1e-12, epsilon + 10.0
    for _ in range(_HALVINGS):
        middle = math.sqrt(low * high)
        if epsilon_of(middle, delta) <= epsilon:
            low = middle
        else:
            high = middle
    return low * (1 - 1e-6)
