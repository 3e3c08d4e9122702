"""The models by name; each is imported when it is first used."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Literal, TypeAlias, get_args

from fabula.errors import PrerequisiteError, UsageError, did_you_mean
from fabula.synthesizers.model import CodeModel

SynthesizerName: TypeAlias = Literal["auto", "boosted", "copula", "mixture", "vae", "gan", "neural"]

DEFAULT = "boosted"
"""What `auto` means."""

_HOMES: Mapping[str, tuple[str, str, str | None]] = {
    "boosted": ("fabula.synthesizers.boosted.model", "Boosted", "learned"),
}
"""Module, class and extra of each model."""

_CALLED = ("codes", "columns", "seed", "progress")
"""What `fit` of every model takes; its other parameters are options."""


def model_class(name: str) -> type[CodeModel]:
    """The class of a model.

    Raises:
        UsageError: There is no such model.
        PrerequisiteError: The extra that it needs is not installed.
    """
    if name not in _HOMES:
        raise UsageError(
            f"there is no synthesizer `{name}`",
            code="usage.unknown-synthesizer",
            hint=did_you_mean(name, _HOMES) or f"choose one of {', '.join(sorted(_HOMES))}",
        )
    module, found, extra = _HOMES[name]
    try:
        home = import_module(module)
    except ImportError as exc:
        if extra is None:
            raise
        raise PrerequisiteError.for_extra(extra, needed_by=f"synthesizer `{name}`") from exc
    kind: type[CodeModel] = getattr(home, found)
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
