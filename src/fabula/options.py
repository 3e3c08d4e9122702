"""Named options of verbs: shown by `help()`; a wrong name is an error that suggests the nearest.

A misspelt `unique` or `max_cost` must never silently disable a check or a limit. Options that
several verbs share are a `TypedDict`, which a verb unpacks: type checkers read it from `Unpack`,
people from the signature that is set here.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, get_args

from fabula.errors import UsageError, did_you_mean

Params = ParamSpec("Params")
Made = TypeVar("Made")


class _InDocstring:
    """Placeholder for a default that the docstring states."""

    def __repr__(self) -> str:
        return "..."


def known_options(verb: Callable[Params, Made]) -> Callable[Params, Made]:
    """Show each option of the verb in its signature, and reject all others.

    A verb whose further options are a `TypedDict` knows those; one that takes any option checks
    them itself.

    Raises:
        UsageError: From the verb, for an option that it does not have, or one that it needs.
        PrerequisiteError: From the verb, where a package of an extra is not installed.
    """
    signature = _named(verb)
    parameters = signature.parameters
    known = parameters.keys() - {"self"}
    called = verb.__qualname__.removesuffix(".__init__")
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    needed = [
        p.name for p in parameters.values() if p.kind is p.KEYWORD_ONLY and p.default is p.empty
    ]

    @functools.wraps(verb)
    def checked(*args: Params.args, **options: Params.kwargs) -> Made:
        for name in () if takes_any else options.keys() - parameters.keys():
            raise UsageError(
                f"`{called}` takes no `{name}`",
                code="usage.option",
                hint=did_you_mean(name, known) or f"it takes {', '.join(sorted(known))}",
            )
        for name in needed:
            if name not in options:
                raise UsageError(
                    f"`{called}` needs `{name}`",
                    code="usage.option",
                    hint=f"give it by name: `{name}=`",
                )
        try:
            return verb(*args, **options)
        except ImportError as error:
            from fabula.extras import missing_extra

            if missing := missing_extra(error, needed_by=f"`{called}`"):
                raise missing from error
            raise

    checked.__signature__ = signature  # type: ignore[attr-defined]
    return checked


def known_arguments(cls: type[Made]) -> type[Made]:
    """Make the class reject unknown keyword arguments by name."""
    cls.__init__ = known_options(cls.__init__)  # type: ignore[method-assign]
    return cls


def _named(verb: Callable[..., object]) -> inspect.Signature:
    """The signature, with a parameter for each option of a `TypedDict`; those needed come first."""
    signature = inspect.signature(verb)
    own = list(signature.parameters.values())
    further = _further(own[-1], verb) if own else None
    if further is None:
        return signature
    named = [_parameter(name, kind) for name, kind in further.__annotations__.items()]
    named.sort(key=lambda parameter: parameter.default is not parameter.empty)
    return signature.replace(parameters=[*own[:-1], *named])


def _further(parameter: inspect.Parameter, verb: Callable[..., object]) -> type | None:
    """The `TypedDict` that `**options` are unpacked from."""
    if parameter.kind is not parameter.VAR_KEYWORD:
        return None
    kind = parameter.annotation
    if isinstance(kind, str):
        kind = eval(kind, inspect.unwrap(verb).__globals__)
    (further,) = get_args(kind) or (None,)
    return further if hasattr(further, "__annotations__") else None


def _parameter(name: str, kind: Any) -> inspect.Parameter:
    source = str(getattr(kind, "__forward_arg__", kind))
    needed = source.startswith("Required[")
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if needed else _InDocstring(),
        annotation=source[len("Required[") : -1] if needed else source,
    )
