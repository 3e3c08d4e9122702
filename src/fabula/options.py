"""Options of verbs by name: one that a verb does not have is an error that names the nearest.

A misspelt `unique` or `max_cost` must never mean that nothing is checked, or nothing limited.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import ParamSpec, TypeVar, get_args

from fabula.errors import UsageError, did_you_mean

Wanted = ParamSpec("Wanted")
Made = TypeVar("Made")


def known_options(verb: Callable[Wanted, Made]) -> Callable[Wanted, Made]:
    """The verb, which refuses options that it does not have.

    A verb whose further options are a `TypedDict` knows those; one that takes any option checks
    them itself.

    Raises:
        UsageError: From the verb, for an option that it does not have.
    """

    @functools.wraps(verb)
    def checked(*args: Wanted.args, **options: Wanted.kwargs) -> Made:
        unknown = options.keys() - known if known is not None else ()
        for name in unknown:
            listed = ", ".join(sorted(known or ()))
            raise UsageError(
                f"`{verb.__name__}` takes no `{name}`",
                code="usage.option",
                hint=did_you_mean(name, known or ()) or f"it takes {listed}",
            )
        return verb(*args, **options)

    known = _options(verb)
    return checked


def _options(verb: Callable[..., object]) -> frozenset[str] | None:
    """The names that a verb takes; None where it takes any."""
    names: set[str] = set()
    for parameter in inspect.signature(verb).parameters.values():
        if parameter.kind is not parameter.VAR_KEYWORD:
            names.add(parameter.name)
            continue
        kind = parameter.annotation
        if isinstance(kind, str):
            kind = eval(kind, inspect.unwrap(verb).__globals__)
        (further,) = get_args(kind) or (None,)
        if not hasattr(further, "__annotations__"):
            return None
        names |= further.__annotations__.keys()
    return frozenset(names)
