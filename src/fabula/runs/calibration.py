"""Calibration: the parameters under which a model's totals are what they are in the world.

Levenberg and Marquardt's method (Marquardt 1963) on the logarithms of the parameters, with central
differences. All runs have the same seeds, so a difference comes from a parameter and not from luck.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabula.errors import UsageError, did_you_mean
from fabula.render import amounts, grid
from fabula.render.results import Result
from fabula.runs.replicate_tasks import Task, made_by
from fabula.simulation.model_files import fixed_parameters, load_world
from fabula.simulation.world import World
from fabula.types import Path, Progress, Size

NUDGE = 0.1
"""How far a parameter is moved to see what it does, in logarithms."""
MOST_ROUNDS = 12
MOST_TRIALS = 6
LONGEST_STEP = 1.0
"""A round changes a parameter at most by this in logarithms: 2.7 times."""
SEEN = 0.02
"""A direction that moves the totals less than this share of the strongest one is not identified."""
_PART_OF = 0.4
"""A parameter belongs to a direction of which it has this share or more."""

Floats = NDArray[np.float64]
Free = Sequence[str] | Mapping[str, tuple[float, float] | None]


@dataclass(frozen=True)
class Fitted:
    """A target and what the fitted model gives: the mean of all seeds.

    Attributes:
        target: What was asked.
        total: What came out.
        noise: The standard error of `total`: what other seeds change about it.
        is_met: Whether they differ by no more than the tolerance, or than noise.
    """

    target: float
    total: float
    noise: float
    is_met: bool


@dataclass(frozen=True, repr=False)
class Calibrated(Result):
    """The fitted parameters of a model.

    Attributes:
        parameters: Each free parameter's value.
        errors: Its relative standard error, from the noise of the totals; NaN if the targets
            don't tell what it is.
        targets: Each target and what came out.
        start: The parameters before.
        runs: Runs that were made.
    """

    parameters: Mapping[str, float]
    errors: Mapping[str, float]
    targets: Mapping[str, Fitted]
    start: Mapping[str, float]
    runs: int

    @property
    def missed(self) -> list[str]:
        """The targets that are not met."""
        return [name for name, fitted in self.targets.items() if not fitted.is_met]

    @property
    def unidentified(self) -> list[str]:
        """The parameters that the targets don't determine."""
        return [name for name, error in self.errors.items() if math.isnan(error)]

    def report(self) -> str:
        """The parameters with their errors, the fit of each target, and what was not met."""
        lines = [f"{amounts.count(len(self.parameters), 'parameter')} fitted by {self.runs} runs"]
        parameters = [
            (
                name,
                f"{self.start[name]:.6g}",
                f"{value:.6g}",
                "not identified"
                if name in self.unidentified
                else f"± {self.errors[name] * abs(value):.2g}",
            )
            for name, value in self.parameters.items()
        ]
        lines += grid.lines(
            [("parameter", "before", "fitted", ""), *parameters], right=(False, True, True)
        )
        totals = [
            (
                name,
                f"{each.target:,.6g}",
                f"{each.total:,.6g}",
                _change(each),
                "" if each.is_met else "not met",
            )
            for name, each in self.targets.items()
        ]
        lines += [
            "",
            *grid.lines(
                [("total", "target", "fitted", "off", ""), *totals], right=(False, True, True, True)
            ),
        ]
        if self.unidentified:
            names = ", ".join(self.unidentified)
            lines.append(
                f"The targets do not determine {names}: add one that depends on it, or start it"
                " from another value, since totals that are at a limit don't move."
            )
        return "\n".join(lines)


def _change(each: Fitted) -> str:
    off = each.total - each.target
    return f"{100 * off / abs(each.target):+.1f} %" if each.target else f"{off:+.3g}"


def calibrate(
    model: Path | World,
    targets: Mapping[str, float],
    free: Free,
    n: Size = None,
    *,
    steps: int | None = None,
    days: float | None = None,
    seed: int | None = None,
    seeds: int = 4,
    parameters: Mapping[str, float] | None = None,
    tolerance: float = 0.05,
    workers: int = 1,
    progress: Progress | None = None,
) -> Calibrated:
    """Fit parameters of a model to totals that are known.

    Runs have the requested size: a fit at another size is biased where stock or capacity is
    scarce. Every target weighs the same.

    Args:
        model: The Python file that makes a `World`; not a world, whose parameters are fixed.
        targets: Totals by name, as `replicate` lists them: `orders`, `orders.total`, a measure.
        free: The parameters to fit, each above 0; a mapping gives the least and the largest value.
        n: Agents, for the only population or by population.
        steps: Steps of each run.
        days: Days of each run, instead of steps.
        seed: The first seed; by default the model's.
        seeds: Runs of which each total is the mean.
        parameters: Starting values of free parameters, and values of others.
        tolerance: How far a total may be from its target, as a share of it.
        workers: Processes on this machine.
        progress: Called with the model's name, runs done and the most that there can be.

    Raises:
        UsageError: A parameter or a total does not exist, or can't be fitted.
        FabulaError: A run fails.
    """
    if isinstance(model, World):
        raise fixed_parameters()
    world = load_world(model, parameters)
    bounds = dict(free) if isinstance(free, Mapping) else dict.fromkeys(free)
    _check(world.parameters, targets, bounds)
    if seeds < 1 or not tolerance > 0:
        raise UsageError("a seed and a tolerance above 0 are needed", code="usage.number")
    names, first = [*bounds], world.seed if seed is None else seed
    low, high = (
        np.log([bound[side] if bound else fallback for bound in bounds.values()])
        for side, fallback in ((0, 1e-300), (1, 1e300))
    )
    asked = np.array([*targets.values()], dtype=np.float64)
    scale = np.where(asked == 0, 1.0, np.abs(asked))
    most = seeds * (1 + MOST_ROUNDS * (2 * len(names) + MOST_TRIALS))
    runs = 0

    def residuals(points: Sequence[Floats]) -> list[tuple[Floats, Floats]]:
        """How far each point is from the targets, and the noise of that; shape (targets,) each."""
        nonlocal runs
        options: dict[str, Any] = {"n": n, "steps": steps, "days": days}
        tasks = [
            Task(
                str(model),
                "",
                k,
                first + k,
                {**(parameters or {}), **_named(names, x)},
                None,
                options,
            )
            for x in points
            for k in range(seeds)
        ]
        rows = []
        for made in made_by(tasks, workers):
            if unknown := [name for name in targets if name not in made]:
                raise UsageError(
                    f"the model has no total `{unknown[0]}`",
                    code="usage.target",
                    hint=did_you_mean(unknown[0], made) or f"it has {', '.join(made)}",
                )
            rows.append([made[name] for name in targets])
            runs += 1
            if progress:
                progress(world.name, runs, most)
        found = (np.array(rows).reshape(len(points), seeds, -1) - asked) / scale
        spread = found.std(axis=1, ddof=1) / np.sqrt(seeds) if seeds > 1 else found[:, 0] * 0
        return list(zip(found.mean(axis=1), spread, strict=True))

    start = np.clip(np.log([world.parameters[name] for name in names]), low, high)
    x, slopes, (off, noise) = _fit(residuals, start, low, high)
    total = asked + off * scale
    within = np.abs(off) <= np.maximum(tolerance, 2 * noise)
    each = zip(targets, asked, total, noise * scale, within, strict=True)
    return Calibrated(
        _named(names, x),
        dict(zip(names, _errors(slopes, noise), strict=True)),
        {name: Fitted(float(a), float(t), float(s), bool(ok)) for name, a, t, s, ok in each},
        {name: world.parameters[name] for name in names},
        runs,
    )


def _fit(
    residuals: Callable[[Sequence[Floats]], list[tuple[Floats, Floats]]],
    x: Floats,
    low: Floats,
    high: Floats,
) -> tuple[Floats, Floats, tuple[Floats, Floats]]:
    """The best point, the slopes there, and how far it is from the targets."""
    (best,) = residuals([x])
    damping, slopes = 1e-2, np.zeros((len(best[0]), len(x)))
    for _ in range(MOST_ROUNDS):
        nudges = np.eye(len(x)) * NUDGE
        ends = residuals([x + nudge for nudge in (*nudges, *-nudges)])
        slopes = np.array(
            [
                (up[0] - down[0]) / (2 * NUDGE)
                for up, down in zip(ends[: len(x)], ends[len(x) :], strict=True)
            ]
        ).T
        before = float(best[0] @ best[0])
        if before <= float(best[1] @ best[1]):
            break  # as near as other seeds would be
        normal = slopes.T @ slopes
        for _ in range(MOST_TRIALS):
            weight = normal + damping * np.diag(np.diag(normal) + 1e-9)
            step = -np.linalg.solve(weight, slopes.T @ best[0])
            there = np.clip(x + np.clip(step, -LONGEST_STEP, LONGEST_STEP), low, high)
            (found,) = residuals([there])
            if float(found[0] @ found[0]) < before:
                x, best, damping = there, found, damping / 5
                break
            damping *= 5
        if float(best[0] @ best[0]) > before * 0.98:
            break
    return x, slopes, best


def _errors(slopes: Floats, noise: Floats) -> list[float]:
    """The relative standard error of each parameter; NaN if no target depends on it."""
    _, sizes, directions = np.linalg.svd(slopes, full_matrices=True)
    sizes = np.concatenate([sizes, np.zeros(slopes.shape[1] - len(sizes))])
    blind = directions[sizes <= SEEN * max(float(sizes.max(initial=0)), 1e-9)]
    inverse = np.linalg.pinv(slopes, rcond=SEEN)
    errors = np.sqrt(((inverse * noise) ** 2).sum(axis=1))
    errors[(np.abs(blind) >= _PART_OF).any(axis=0)] = np.nan
    return [float(error) for error in errors]


def _named(names: Sequence[str], x: Floats) -> dict[str, float]:
    return {name: float(value) for name, value in zip(names, np.exp(x), strict=True)}


def _check(
    known: Mapping[str, float],
    targets: Mapping[str, float],
    free: Mapping[str, tuple[float, float] | None],
) -> None:
    """Make sure that there is something to fit, and something to fit it to.

    Raises:
        UsageError: A parameter or target is unknown or can't be fitted.
    """
    if not targets or not free:
        raise UsageError(
            "a target and a free parameter are needed",
            code="usage.target",
            hint=f"the model's parameters: {', '.join(known) or 'none; add `World.parameter`'}",
        )
    for name, bound in free.items():
        if name not in known:
            hint = did_you_mean(name, known) or f"it has {', '.join(known) or 'none'}"
            raise UsageError(
                f"the model has no parameter `{name}`", code="usage.parameter", hint=hint
            )
        if not known[name] > 0 or (bound and not 0 < bound[0] < bound[1]):
            raise UsageError(
                f"`{name}` starts at {known[name]:g}, and only numbers above 0 are fitted",
                code="usage.parameter",
                hint=f"give it a start and bounds above 0, such as `{name}:0.1..10`",
            )
    for name, target in targets.items():
        if not math.isfinite(target):
            raise UsageError(f"the target `{name}` is {target}", code="usage.target")
