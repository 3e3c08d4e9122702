"""The normal distribution's functions on arrays, to double precision, without SciPy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Wichura (1988), "Algorithm AS 241: The Percentage Points of the Normal Distribution", PPND16;
# numerators and denominators of the central, middle and tail region, highest power first.
_CENTRE = (
    (2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
     13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608),
    (5226.495278852545925, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867,
     5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1.0),
)  # fmt: skip
_MIDDLE = (
    (7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177,
     1.27045825245236838258, 3.64784832476320460504, 5.7694972214606914055,
     4.6303378461565452959, 1.42343711074968357734),
    (1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966,
     0.14810397642748007459, 0.68976733498510000455, 1.6763848301838038494,
     2.05319162663775882187, 1.0),
)  # fmt: skip
_TAIL = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386,
     0.026532189526576123093, 0.29656057182850489123, 1.7848265399172913358,
     5.4637849111641143699, 6.6579046435011037772),
    (2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5,
     7.868691311456132591e-4, 0.0148753612908506148525, 0.13692988092273580531,
     0.59983220655588793769, 1.0),
)  # fmt: skip

# Hart (1968) in the form of West (2005), "Better approximations to cumulative normal functions".
_HART = (
    (0.0352624965998911, 0.700383064443688, 6.37396220353165, 33.912866078383,
     112.079291497871, 221.213596169931, 220.206867912376),
    (0.0883883476483184, 1.75566716318264, 16.064177579207, 86.7807322029461,
     296.564248779674, 637.333633378831, 793.826512519948, 440.413735824752),
)  # fmt: skip


def normal_quantile(p: Floats) -> Floats:
    """The standard normal quantile of each probability in (0, 1)."""
    q = p - 0.5
    out = np.empty_like(q)
    central = np.abs(q) <= 0.425
    r = 0.180625 - q[central] ** 2
    out[central] = q[central] * _ratio(_CENTRE, r)
    outer = ~central
    tail = np.minimum(p[outer], 1.0 - p[outer])
    r = np.sqrt(-np.log(np.maximum(tail, 1e-300)))
    value = np.where(r <= 5.0, _ratio(_MIDDLE, r - 1.6), _ratio(_TAIL, r - 5.0))
    out[outer] = np.copysign(value, q[outer])
    return out


def normal_cdf(x: Floats) -> Floats:
    """The standard normal distribution function of each value."""
    a = np.minimum(np.abs(x), 37.0)
    e = np.exp(-0.5 * a * a)
    near = e * _ratio(_HART, np.minimum(a, 7.07106781186547))
    far = a + 0.65
    for k in (4.0, 3.0, 2.0, 1.0):
        far = a + k / far
    lower = np.where(a < 7.07106781186547, near, e / (far * 2.506628274631))
    return np.where(x > 0, 1.0 - lower, lower)


def _ratio(polynomials: tuple[tuple[float, ...], tuple[float, ...]], r: Floats) -> Floats:
    above, below = polynomials
    return np.polyval(above, r) / np.polyval(below, r)
