"""Options that verbs take by name, declared once as a `TypedDict`.

Type checkers read them from `Unpack`, `help()` and the reference from the signature that
`named_options` sets, and what a caller gives is checked against them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from fabula.errors import UsageError, did_you_mean

Verb = TypeVar("Verb", bound=Callable[..., Any])


class _Told:
    """Stands for a default that the docstring tells."""

    def __repr__(self) -> str:
        return "..."


def named_options(options: type) -> Callable[[Verb], Verb]:
    """A decorator that shows each option as a parameter with its name and type.

    Args:
        options: The `TypedDict` that the verb's `**options` are unpacked from.
    """

    def shown(verb: Verb) -> Verb:
        signature = inspect.signature(verb)
        own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
        needed = _required(options)
        named = [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=inspect.Parameter.empty if name in needed else _Told(),
                annotation=_source(options, name)
                .removeprefix("Required[")
                .removesuffix("]" if name in needed else ""),
            )
            for name in (*needed, *(n for n in options.__annotations__ if n not in needed))
        ]
        signature = signature.replace(parameters=[*own, *named])
        verb.__signature__ = signature  # type: ignore[attr-defined]
        return verb

    return shown


def check_options(verb: str, options: Mapping[str, Any], known: type) -> None:
    """Refuse options that a verb does not know, and miss those that it needs.

    Args:
        verb: The verb's name, for the message.
        options: What the caller gave by name.
        known: The `TypedDict` of the verb's options.

    Raises:
        UsageError: An option is unknown or missing.
    """
    for name in options:
        if name not in known.__annotations__:
            hint = did_you_mean(name, known.__annotations__)
            hint = hint or f"it takes {', '.join(sorted(known.__annotations__))}"
            raise UsageError(f"`{verb}` takes no `{name}`", code="usage.option", hint=hint)
    for name in _required(known):
        if name not in options:
            raise UsageError(
                f"`{verb}` needs `{name}`", code="usage.option", hint=f"give it by name: `{name}=`"
            )


def _required(options: type) -> list[str]:
    """The options that have no default."""
    names = options.__annotations__
    return [name for name in names if _source(options, name).startswith("Required[")]


def _source(options: type, name: str) -> str:
    """The type of an option as its source has it."""
    kind = options.__annotations__[name]
    return str(getattr(kind, "__forward_arg__", kind))
