"""The models by name; each is imported when it is first used."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import Any, Literal, TypeAlias, get_args

from fabula.errors import PrerequisiteError, UsageError, did_you_mean
from fabula.synthesizers.model import CodeModel

SynthesizerName: TypeAlias = Literal[
    "auto", "boosted", "copula", "mixture", "vae", "gan", "private"
]

DEFAULT = "boosted"
"""What `auto` means."""

_HOMES: Mapping[str, tuple[str, str]] = {
    "boosted": ("fabula.synthesizers.models.boosted.model", "Boosted"),
    "copula": ("fabula.synthesizers.models.copula", "Copula"),
    "mixture": ("fabula.synthesizers.models.mixture", "Mixture"),
    "gan": ("fabula.synthesizers.models.gan", "Gan"),
    "vae": ("fabula.synthesizers.models.vae", "Vae"),
    "private": ("fabula.synthesizers.models.private.tree", "PrivateTree"),
}
"""Module and class of each model; importing it needs the extra `learned`."""

_LEARNERS: Mapping[str, tuple[str, str]] = {
    "gan": ("fabula.synthesizers.models.deep.adversaries", "deep"),
    "vae": ("fabula.synthesizers.models.deep.autoencoder", "deep"),
    "private": ("fabula.synthesizers.models.private.accounting", "privacy"),
}
"""For models whose fit needs more than their samples: the module of the fit, and its extra."""

_BOUNDS: Mapping[str, tuple[float, float]] = {
    "rounds": (1, 1e5),
    "rate": (1e-3, 1),
    "leaves": (2, 1_024),
    "workers": (0, 1_024),
    "components": (0, 1e5),
    "passes": (1, 1e4),
    "beta": (0, 1e3),
    "hidden": (1, 1e4),
    "steps": (1, 1e7),
    "max_seconds": (0, 1e7),
}
"""The least and the largest value of the options that are numbers."""

_CALLED = ("codes", "columns", "seed", "progress")
"""What `fit` of every model takes; its other parameters are options."""


def model_class(name: str) -> type[CodeModel]:
    """The class of a model, to sample from a fitted one.

    Raises:
        UsageError: There is no such model.
        PrerequisiteError: The extra `learned` is not installed.
    """
    if name not in _HOMES:
        raise UsageError(
            f"there is no synthesizer `{name}`",
            code="usage.unknown-synthesizer",
            hint=did_you_mean(str(name), _HOMES) or f"choose one of {', '.join(sorted(_HOMES))}",
        )
    module, found = _HOMES[name]
    kind: type[CodeModel] = getattr(_imported(name, module, "learned"), found)
    return kind


def learning_class(name: str) -> type[CodeModel]:
    """The class of a model that is about to be fitted.

    Raises:
        UsageError: There is no such model.
        PrerequisiteError: An extra that its fit needs is not installed.
    """
    kind = model_class(name)
    if name in _LEARNERS:
        module, extra = _LEARNERS[name]
        _imported(name, module, extra)
    return kind


def check_options(name: str, options: Mapping[str, Any]) -> None:
    """Refuse options that a model does not have, and values that they can't have.

    Raises:
        UsageError: An option is unknown, of another type, or out of range.
    """
    parameters = inspect.signature(model_class(name).fit).parameters
    known = [parameter for parameter in parameters if parameter not in _CALLED]
    for option, value in options.items():
        if option not in known:
            raise UsageError(
                f"synthesizer `{name}` has no option `{option}`",
                code="usage.unknown-option",
                hint=did_you_mean(option, known)
                or (f"its options: {', '.join(known)}" if known else "it has no options"),
            )
        if option in _BOUNDS:
            whole = isinstance(parameters[option].default, int)
            _check_value(option, value, *_BOUNDS[option], whole=whole)


def check_seed(seed: Any) -> None:
    """Refuse what is not a seed.

    Raises:
        UsageError: It is not a whole number.
    """
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise UsageError(
            f"`seed` must be a whole number, not {seed!r}", code="usage.seed", hint="seed=1"
        )


def _check_value(option: str, value: Any, low: float, high: float, *, whole: bool) -> None:
    number = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    if not number or not low <= value <= high:
        raise UsageError(
            f"option `{option}` must be a {'whole ' * whole}number from {low:g} to {high:g}, not"
            f" {value!r}",
            code="usage.bad-option",
            hint=f"leave `{option}` out for its usual value",
        )


def known_models() -> tuple[str, ...]:
    """Names of all models, the default one first."""
    names = [name for name in get_args(SynthesizerName) if name in _HOMES]
    return tuple(sorted(names, key=lambda name: name != DEFAULT))


def _imported(name: str, module: str, extra: str) -> ModuleType:
    try:
        return import_module(module)
    except ImportError as exc:
        raise PrerequisiteError.for_extra(extra, needed_by=f"synthesizer `{name}`") from exc
