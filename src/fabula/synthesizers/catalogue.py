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
    "boosted": ("fabula.synthesizers.boosted.model", "Boosted"),
    "copula": ("fabula.synthesizers.copula", "Copula"),
    "mixture": ("fabula.synthesizers.mixture", "Mixture"),
    "gan": ("fabula.synthesizers.gan", "Gan"),
    "vae": ("fabula.synthesizers.vae", "Vae"),
    "private": ("fabula.synthesizers.private.tree", "PrivateTree"),
}
"""Module and class of each model; importing it needs the extra `learned`."""

_LEARNERS: Mapping[str, tuple[str, str]] = {
    "gan": ("fabula.synthesizers.deep.adversaries", "deep"),
    "vae": ("fabula.synthesizers.deep.autoencoder", "deep"),
    "private": ("fabula.synthesizers.private.accounting", "privacy"),
}
"""For models whose fit needs more than their samples: the module of the fit, and its extra."""

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
            hint=did_you_mean(name, _HOMES) or f"choose one of {', '.join(sorted(_HOMES))}",
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
    """Refuse options that a model does not have.

    Raises:
        UsageError: An option is unknown.
    """
    known = [
        parameter
        for parameter in inspect.signature(model_class(name).fit).parameters
        if parameter not in _CALLED
    ]
    for option in options:
        if option not in known:
            raise UsageError(
                f"synthesizer `{name}` has no option `{option}`",
                code="usage.unknown-option",
                hint=did_you_mean(option, known)
                or (f"its options: {', '.join(known)}" if known else "it has no options"),
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
